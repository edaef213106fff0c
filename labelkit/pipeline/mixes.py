"""Each mix of techniques as one line: what it costs, how long it takes, how good it is."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from labelkit import bill, measure
from labelkit.bill import Prices
from labelkit.measure import Figure
from labelkit.pipeline.pilot import LLM, SIZES, WEAK, Count, Measured, Mix

_A_POINT = 0.01


class Facts(NamedTuple):
    """What the costs are made of: rows, audit rows, prices, what the language model would cost."""

    rows: int
    audit: int
    price: Prices
    llm: float | None  # dollars for all rows; None is not known
    voters: tuple[str, ...]


class Line(NamedTuple):
    """One mix (`made_of` None: all by hand); None is not known."""

    mix: str
    made_of: Mix | None
    labels: int  # of people, audit rows included
    set_up: float | None  # dollars, part of all
    dollars: float | None
    hours: float | None
    accuracy: Figure | None  # of all rows, people's own counted as right


def lines(facts: Facts, found: Measured) -> list[Line]:
    """Return a line for all by hand and one for each mix, measured or not."""
    hand = bill.people(facts.price, facts.rows, "by hand")
    every = [Line("all by hand", None, facts.rows, 0.0, hand.dollars, hand.hours, None)]
    figures = levelled(found.counts)
    for mix in [*found.counts, *_unmeasured(facts, found)]:
        labels = min(mix.people + facts.audit, facts.rows)
        set_up, whole = _cost(facts, found, mix, labels)
        figure = figures.get(mix)
        shown = None if figure is None else _of_all(figure, mix, found.counts[mix], facts)
        costs = set_up.dollars, whole.dollars, whole.hours
        every.append(Line(name_of(mix), mix, labels, *costs, shown))
    return every


def levelled(counts: Mapping[Mix, Count]) -> dict[Mix, Figure]:
    """Return the share right of each mix, with its interval.

    Of the same voters more labels by people never count as worse: where a trial says so, chance
    does, and neighbours share their mean (isotonic regression).
    """
    from sklearn.isotonic import isotonic_regression

    figures: dict[Mix, Figure] = {}
    for kind in dict.fromkeys(mix._replace(people=0) for mix in counts):
        alike = sorted(mix for mix in counts if mix._replace(people=0) == kind)
        rows = [max(counts[mix].rows, 1) for mix in alike]
        shares = [counts[mix].right / n for mix, n in zip(alike, rows, strict=True)]
        level = isotonic_regression(shares, sample_weight=rows)
        for mix, share, n in zip(alike, map(float, level), rows, strict=True):
            figures[mix] = Figure(share, *measure.wilson(share * n, n))
    return figures


def name_of(mix: Mix) -> str:
    """Return what a mix is called."""
    words = {WEAK: "rules", LLM: "LLM"}
    parts = [words[voter] for voter in mix.voters]
    if mix.doubtful:
        parts[-1] += " on doubtful rows"
    if mix.people:
        parts.append(f"{mix.people:,} by people + model")
    if mix.noise:
        parts.append("find-noise")
    return " + ".join(parts)


def commands_of(mix: Mix) -> list[str]:
    """Return the stages of a pipeline that does the mix, but for a model trained at the end."""
    named = {WEAK: "weak-label", LLM: "llm-label"}
    asked = ["query", "people"]
    return [*(named[v] for v in mix.voters), *asked, *(["find-noise"] * mix.noise), "decide"]


def to_try_with_noise(every: Sequence[Line], target: float | None) -> list[Mix]:
    """Return the mixes for which find-noise is worth a trial: the best value and the best."""
    known = measured(every)
    if not known:
        return []
    likely = (best(every, target), most_accurate(known))
    mixes = [line.made_of for line in likely if line is not None]
    return list(dict.fromkeys(mix for mix in mixes if mix is not None and mix.voters))


def _unmeasured(facts: Facts, found: Measured) -> list[Mix]:
    """Return the mixes that could not be tried, so that their cost is told nevertheless."""
    sets: list[tuple[tuple[str, ...], bool]] = [((), False)]
    sets += [((voter,), False) for voter in facts.voters]
    sets += [((WEAK, LLM), True)] if {WEAK, LLM} <= set(facts.voters) else []
    tried = {(mix.voters, mix.doubtful) for mix in found.counts}
    return [
        Mix(who, n, part)
        for who, part in sets
        for n in SIZES[:: 2 if who else 1]
        if (who, part) not in tried and (who or n) and n < facts.rows
    ]


def _cost(facts: Facts, found: Measured, mix: Mix, labels: int) -> tuple[bill.Line, bill.Line]:
    """Return what setting up costs, and all of it."""
    share = found.doubtful if mix.doubtful else 1.0
    llm: float | None = 0.0
    if LLM in mix.voters:
        llm = None if facts.llm is None or share is None else facts.llm * share
    set_up = bill.setting_up(facts.price, commands_of(mix))
    people = bill.people(facts.price, labels, "people")
    return set_up, bill.total([people, bill.Line("language model", llm, 0.0), set_up])


def _of_all(figure: Figure, mix: Mix, count: Count, facts: Facts) -> Figure:
    """Return the accuracy over all rows: where people label, what was wrong there becomes right."""
    rows = max(facts.rows, 1)
    wrong_picked = 1 - count.right_picked / count.picked if count.picked else 0.0
    mended = min(mix.people, facts.rows) * wrong_picked / rows
    drawn = min(facts.audit, facts.rows) / rows
    return Figure(*(min(1.0, value + drawn * (1 - value) + mended) for value in figure))


def best(every: Sequence[Line], target: float | None, budget: float | None = None) -> Line | None:
    """Return the cheapest line that reaches the target, or is within a point of the best.

    Lines that cost more than the budget are left out. Without prices it is the one with fewest
    labels of people; None where nothing was measured or the target is out of reach.
    """
    known = measured(every, budget)
    if not known:
        return None
    wanted = worth(most_accurate(known)) - _A_POINT if target is None else target
    enough = [line for line in known if worth(line) >= wanted]
    if not enough:
        return None
    if any(line.dollars is None for line in enough):
        return min(enough, key=lambda line: (line.labels, line.mix))
    return min(enough, key=lambda line: (line.dollars or 0.0, line.labels, line.mix))


def measured(every: Sequence[Line], budget: float | None = None) -> list[Line]:
    """Return the lines whose accuracy was measured and that are not known to cost too much."""
    known = [line for line in every if line.accuracy is not None]
    if budget is None:
        return known
    return [line for line in known if line.dollars is None or line.dollars <= budget]


def worth(line: Line) -> float:
    """Return the accuracy of a measured line."""
    assert line.accuracy is not None
    return line.accuracy.value


def most_accurate(known: Sequence[Line]) -> Line:
    """Return the measured line of highest accuracy, the cheapest of equals."""
    return max(known, key=lambda line: (worth(line), -(line.dollars or 0.0), -line.labels))
