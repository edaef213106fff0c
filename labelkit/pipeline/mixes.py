"""Each mix of techniques as one line: what it costs, how long it takes, how good it is."""

from collections.abc import Sequence
from typing import NamedTuple

from labelkit import bill
from labelkit.bill import Prices
from labelkit.measure import Figure
from labelkit.pipeline.pilot import LLM, SIZES, WEAK, Measured, Mix

_A_POINT = 0.01


class Facts(NamedTuple):
    """What the costs are made of: rows, audit rows, prices, what the language model would cost."""

    rows: int
    audit: int
    price: Prices
    llm: float | None  # dollars for all rows; None is not known
    voters: tuple[str, ...]


class Line(NamedTuple):
    """One mix; None is not known."""

    mix: str
    labels: int  # of people, audit rows included
    dollars: float | None
    hours: float | None
    accuracy: Figure | None  # of all rows, people's own counted as right


def lines(facts: Facts, found: Measured) -> list[Line]:
    """Return a line for all by hand and one for each mix, measured or not."""
    hand = bill.people(facts.price, facts.rows, "by hand")
    every = [Line("all by hand", facts.rows, hand.dollars, hand.hours, None)]
    for mix in [*found.figures, *_unmeasured(facts, found)]:
        labels = min(mix.people + facts.audit, facts.rows)
        dollars, hours = _cost(facts, found, mix, labels)
        figure = found.figures.get(mix)
        shown = None if figure is None else _of_all(figure, labels, facts.rows)
        every.append(Line(name_of(mix), labels, dollars, hours, shown))
    return every


def name_of(mix: Mix) -> str:
    """Return what a mix is called."""
    words = {WEAK: "rules", LLM: "LLM"}
    parts = [words[voter] for voter in mix.voters]
    if mix.doubtful:
        parts[-1] += " on doubtful rows"
    if mix.people:
        parts.append(f"{mix.people:,} by people + model")
    return " + ".join(parts)


def _unmeasured(facts: Facts, found: Measured) -> list[Mix]:
    """Return the mixes that could not be tried, so that their cost is told nevertheless."""
    sets: list[tuple[tuple[str, ...], bool]] = [((), False)]
    sets += [((voter,), False) for voter in facts.voters]
    sets += [((WEAK, LLM), True)] if {WEAK, LLM} <= set(facts.voters) else []
    tried = {(mix.voters, mix.doubtful) for mix in found.figures}
    return [
        Mix(who, n, part)
        for who, part in sets
        for n in SIZES[:: 2 if who else 1]
        if (who, part) not in tried and (who or n) and n < facts.rows
    ]


def _cost(
    facts: Facts, found: Measured, mix: Mix, labels: int
) -> tuple[float | None, float | None]:
    commands = {WEAK: "weak-label", LLM: "llm-label"}
    share = found.doubtful if mix.doubtful else 1.0
    llm: float | None = 0.0
    if LLM in mix.voters:
        llm = None if facts.llm is None or share is None else facts.llm * share
    parts = [
        bill.people(facts.price, labels, "people"),
        bill.Line("language model", llm, 0.0),
        bill.setting_up(facts.price, [commands[voter] for voter in mix.voters]),
    ]
    whole = bill.total(parts)
    return whole.dollars, whole.hours


def _of_all(figure: Figure, labels: int, rows: int) -> Figure:
    """Return the accuracy over all rows, of which people labelled some."""
    theirs = labels / max(rows, 1)
    return Figure(*(theirs + (1 - theirs) * value for value in figure))


def best(every: Sequence[Line], target: float | None) -> Line | None:
    """Return the cheapest line that reaches the target, or is within a point of the best.

    Without prices the one with fewest labels of people; None where nothing was measured or the
    target is out of reach.
    """
    known = [line for line in every if line.accuracy is not None]
    if not known:
        return None
    top = max(line.accuracy.value for line in known if line.accuracy is not None)
    wanted = top - _A_POINT if target is None else target
    enough = [line for line in known if line.accuracy and line.accuracy.value >= wanted]
    if not enough:
        return None
    if any(line.dollars is None for line in enough):
        return min(enough, key=lambda line: (line.labels, line.mix))
    return min(enough, key=lambda line: (line.dollars or 0.0, line.labels, line.mix))
