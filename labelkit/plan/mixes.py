"""Each mix of techniques as one line: what it costs, how long it takes, how good it is."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple

import numpy as np

from labelkit.config import costs as bill
from labelkit.config.costs import Prices
from labelkit.plan.routed_trial import Sent
from labelkit.plan.trials import LLM, SIZES, TRIALS, WEAK, Count, Measured, Mix
from labelkit.stats import metrics
from labelkit.stats.metrics import Figure

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


class Limits(NamedTuple):
    """The most that may be spent; None is no limit."""

    dollars: float | None = None
    labels: int | None = None  # by people, audit rows included

    def exceeded(self, line: Line) -> tuple[float | None, int | None]:
        """Return by how many dollars and labels a line exceeds the limits; None where it keeps."""
        dollars = (line.dollars or 0.0) - (inf if self.dollars is None else self.dollars)
        labels = line.labels - (line.labels if self.labels is None else self.labels)
        return dollars if dollars > 0 else None, labels if labels > 0 else None

    def allow(self, line: Line) -> bool:
        """Tell whether a line is not known to exceed them."""
        return self.exceeded(line) == (None, None)

    def words(self) -> str:
        """Return them as a part of a sentence."""
        told = [] if self.dollars is None else [f"for the budget of ${self.dollars:,.2f}"]
        told += [] if self.labels is None else [f"with {self.labels:,} labels by people"]
        return " and ".join(told)


NO_LIMITS = Limits()


def lines(facts: Facts, found: Measured) -> list[Line]:
    """Return a line for all by hand and one for each mix, measured or not."""
    hand = bill.people(facts.price, facts.rows, "by hand")
    every = [Line("all by hand", None, facts.rows, 0.0, hand.dollars, hand.hours, None)]
    figures = levelled(found.counts)
    for mix in [*found.counts, *_unmeasured(facts, found)]:
        labels = min(mix.people + facts.audit, facts.rows)
        set_up, whole = _cost(facts, found, mix, labels)
        figure = figures.get(mix)
        mended = _mended(mix, found.counts, facts)
        shown = None if figure is None else _of_all(figure, mended)
        costs = set_up.dollars, whole.dollars, whole.hours
        every.append(Line(name_of(mix), mix, labels, *costs, shown))
    return every


def steered_lines(facts: Facts, found: Mapping[Mix, Sent]) -> list[Line]:
    """Return a line for each pipeline that sends doubtful rows to people or the language model."""
    every = []
    for mix, sent in found.items():
        first = mix.people + facts.audit
        rest = facts.rows - first
        labels = first + round(rest * sent.to_people / sent.rows)
        read = mix.people + (facts.rows - mix.people) * sent.to_llm / sent.rows
        set_up, whole = _bill(facts, mix, labels, read / facts.rows)
        figure = _with_chance(sent.right / sent.rows, sent.rows, sent.variance * (1 + 1 / TRIALS))
        shown = _of_all(figure, first / facts.rows)
        every.append(
            Line(name_of(mix), mix, labels, set_up.dollars, whole.dollars, whole.hours, shown)
        )
    return every


def levelled(counts: Mapping[Mix, Count]) -> dict[Mix, Figure]:
    """Return the share right of each mix, with its interval.

    Of the same voters more labels by people never count as worse: where a trial says so, chance
    does, and neighbours share their mean (isotonic regression). The interval holds both chances:
    that of the rows measured on, and that of the rows which people happen to get, in the trials
    and in the run to come. So few trials tell the latter only for all numbers of labels together:
    it is taken to fall as labels grow.
    """
    from sklearn.isotonic import isotonic_regression

    figures: dict[Mix, Figure] = {}
    for kind in dict.fromkeys(mix._replace(people=0) for mix in counts):
        alike = sorted(mix for mix in counts if mix._replace(people=0) == kind)
        rows = [max(counts[mix].rows, 1) for mix in alike]
        shares = [counts[mix].right / n for mix, n in zip(alike, rows, strict=True)]
        level = isotonic_regression(shares, sample_weight=rows)
        spread = [counts[mix].variance * mix.people for mix in alike if mix.people]
        of_label = float(np.mean(spread)) * (1 + 1 / TRIALS) if spread else 0.0
        for mix, share, n in zip(alike, map(float, level), rows, strict=True):
            figures[mix] = _with_chance(share, n, of_label / mix.people if mix.people else 0.0)
    return figures


def _with_chance(share: float, rows: int, variance: float) -> Figure:
    """Return a share with the interval of as many rows as leave it as unsure as both chances do."""
    of_rows = max(share * (1 - share), 1 / rows) / rows
    worth = rows * of_rows / (of_rows + variance)
    return Figure(share, *metrics.wilson(share * worth, worth))


def name_of(mix: Mix) -> str:
    """Return what a mix is called."""
    words = {WEAK: "rules", LLM: "LLM"}
    # On the way to a target the model reads doubtful rows only, which is told at the end.
    parts = [words[voter] for voter in mix.voters if not (mix.target and voter == LLM)]
    if mix.doubtful:
        parts[-1] += " on doubtful rows"
    if mix.people:
        parts.append(f"{mix.people:,} by people + model")
    if mix.noise:
        parts.append("find-noise")
    if mix.target:
        parts[-1] += f", doubtful rows to {'LLM or people' if LLM in mix.voters else 'people'}"
    return " + ".join(parts)


def commands_of(mix: Mix) -> list[str]:
    """Return the stages of a pipeline that does the mix, but for a model trained at the end."""
    if mix.target:
        rules = ["weak-label"] * (WEAK in mix.voters)
        model = ["llm-label", "decide", "llm-label"] * (LLM in mix.voters)
        return [*rules, "query", "people", *model, "decide", "people", "decide"]
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
    return _bill(facts, mix, labels, found.doubtful if mix.doubtful else 1.0)


def _bill(facts: Facts, mix: Mix, labels: int, share: float | None) -> tuple[bill.Line, bill.Line]:
    """Return it where the language model reads a share of the rows."""
    llm: float | None = 0.0
    if LLM in mix.voters:
        llm = None if facts.llm is None or share is None else facts.llm * share
    set_up = bill.setting_up(facts.price, commands_of(mix))
    people = bill.people(facts.price, labels, "people")
    return set_up, bill.total([people, bill.Line("language model", llm, 0.0), set_up])


def _mended(mix: Mix, counts: Mapping[Mix, Count], facts: Facts) -> float:
    """Return the share of errors that people take away where they label, audit rows included."""
    rows = max(facts.rows, 1)
    drawn = min(facts.audit, facts.rows) / rows
    picked = min(mix.people, facts.rows) / rows
    if not picked:
        return drawn
    share = mix.people / max(facts.rows - facts.audit, 1)
    return min(1.0, drawn + picked * _density(mix, counts, share))


def _density(mix: Mix, counts: Mapping[Mix, Count], share: float) -> float:
    """Return how many times as many errors are among rows picked for people as among all.

    It hangs on the share that is picked: of a few rows those that are picked are the most doubtful
    ones, and a trial has fewer rows to pick from than the file.
    """
    kind = mix._replace(people=0, noise=False)
    alike = [n for m, n in sorted(counts.items()) if m.people and m._replace(people=0) == kind]
    known = [n for n in alike if n.picked and n.right < n.rows]
    if not known:
        return 1.0
    found = [(1 - n.right_picked / n.picked) / (1 - n.right / n.rows) for n in known]
    return float(np.interp(share, [n.share for n in known], found))


def _of_all(figure: Figure, mended: float) -> Figure:
    """Return the accuracy over all rows: where people label, what was wrong there becomes right.

    The interval stays as wide as it was: how many of the errors lie there is not sure either.
    """
    gain = mended * (1 - figure.value)
    return Figure(*(min(1.0, value + gain) for value in figure))


def best(every: Sequence[Line], target: float | None, limits: Limits = NO_LIMITS) -> Line | None:
    """Return the cheapest line that reaches the target, or is within a point of the best.

    Lines beyond the limits are left out. Without prices it is the one with fewest labels of people;
    None where nothing was measured or the target is out of reach. A line that goes on until the
    target is expected reaches it unless its trial speaks against that.
    """
    known = measured(every, limits)
    if not known:
        return None
    wanted = worth(most_accurate(known)) - _A_POINT if target is None else target
    enough = [line for line in known if _reach(line) >= wanted]
    if not enough:
        return None
    if any(line.dollars is None for line in enough):
        return min(enough, key=lambda line: (line.labels, line.mix))
    return min(enough, key=lambda line: (line.dollars or 0.0, line.labels, line.mix))


def measured(every: Sequence[Line], limits: Limits = NO_LIMITS) -> list[Line]:
    """Return the lines whose accuracy was measured and that are not known to exceed the limits."""
    return [line for line in every if line.accuracy is not None and limits.allow(line)]


def _reach(line: Line) -> float:
    assert line.accuracy is not None
    goes_on = line.made_of is not None and line.made_of.target
    return line.accuracy.high if goes_on else line.accuracy.value


def worth(line: Line) -> float:
    """Return the accuracy of a measured line."""
    assert line.accuracy is not None
    return line.accuracy.value


def most_accurate(known: Sequence[Line]) -> Line:
    """Return the measured line of highest accuracy, the cheapest of equals."""
    return max(known, key=lambda line: (worth(line), -(line.dollars or 0.0), -line.labels))
