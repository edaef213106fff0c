"""Each mix of techniques as one line: what it costs, how long it takes, how good it is."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple

from labelkit.config import costs as bill
from labelkit.config.costs import Prices
from labelkit.plan.forecast import Curve, curves, with_chance
from labelkit.plan.language_models import Model
from labelkit.plan.routed_trial import Sent
from labelkit.plan.trials import LLM, TRIALS, WEAK, Count, Measured, Mix
from labelkit.stats.metrics import Figure

_A_POINT = 0.01
_STEPS = (10, 12, 15, 20, 25, 30, 40, 50, 60, 80)  # and ten times as many, and so on
_MOST_ROWS = (0.7, 0.8, 0.9, 0.95)  # shares of the rows: between them steps would be wide
_FIRST = 30  # labels by people beside audit rows, at least
_COSTED = (0, 100, 400)  # labels by people of the mixes that could not be tried
_GAIN = 0.005  # what find-noise has to add in a trial, so that it is kept


class Facts(NamedTuple):
    """What the costs are made of: rows, audit rows, prices, what language models would cost.

    A model goes by its name in a mix, by an empty one if there is one model only.
    """

    rows: int
    audit: int
    price: Prices
    models: Mapping[str, Model]
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
    extrapolated: bool = False  # more labels than any trial had


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


def lines(facts: Facts, found: Measured, limits: Limits = NO_LIMITS) -> list[Line]:
    """Return a line for all by hand and one for each mix, tried, drawn on from trials, or not."""
    known = curves(found.counts)
    hand = bill.people(facts.price, facts.rows, "by hand")
    right = Figure(1.0, 1.0, 1.0) if known else None
    every = [Line("all by hand", None, facts.rows, 0.0, hand.dollars, hand.hours, right)]
    for kind, curve in known.items():
        sizes = _sizes(facts, found, kind, curve.sizes, limits)
        every += [_line(facts, found, kind._replace(people=n), curve) for n in sizes]
    return every + [_line(facts, found, mix) for mix in _unmeasured(facts, found, limits)]


def _line(facts: Facts, found: Measured, mix: Mix, curve: Curve | None = None) -> Line:
    labels = min(mix.people + facts.audit, facts.rows)
    set_up, whole = _cost(facts, found, mix, labels)
    costs = set_up.dollars, whole.dollars, whole.hours
    if curve is None:
        return Line(name_of(mix), mix, labels, *costs, None)
    figure = curve.accuracy(mix.people, facts.audit, facts.rows)
    return Line(name_of(mix), mix, labels, *costs, figure, curve.is_extrapolated(mix.people))


def _sizes(
    facts: Facts, found: Measured, kind: Mix, tried: Sequence[int], limits: Limits
) -> list[int]:
    """Return how many labels by people are looked at: up to all rows, and what a budget buys."""
    rest = max(facts.rows - facts.audit, 0)
    least = max(tried[0], 0 if kind.voters else _FIRST)
    most = [round(share * rest) for share in _MOST_ROWS]
    sizes = {*tried, *_round_numbers(rest), *most, *_affordable(facts, found, kind, limits)}
    return sorted(n for n in sizes if n >= least and n < rest and (n >= _FIRST or not n))


def _round_numbers(most: int) -> Iterable[int]:
    scale = 1
    while scale * _STEPS[0] < most:
        yield from (n * scale for n in _STEPS)
        scale *= 10


def _affordable(facts: Facts, found: Measured, kind: Mix, limits: Limits) -> list[int]:
    """Return the most labels by people beside audit rows that the limits allow, if they bind."""
    most = []
    if limits.labels is not None:
        most.append(limits.labels - facts.audit)
    price = facts.price.label
    others = _cost(facts, found, kind, 0)[1].dollars
    if limits.dollars is not None and price and others is not None:
        most.append(int((limits.dollars - others) / price + 1e-9) - facts.audit)
    return [min(most)] if most else []


def steered_lines(facts: Facts, found: Mapping[Mix, Sent]) -> list[Line]:
    """Return a line for each pipeline that sends doubtful rows to people or the language model."""
    every = []
    for mix, sent in found.items():
        first = mix.people + facts.audit
        rest = facts.rows - first
        labels = first + round(rest * sent.to_people / sent.rows)
        read = mix.people + (facts.rows - mix.people) * sent.to_llm / sent.rows
        set_up, whole = _bill(facts, mix, labels, read / facts.rows)
        figure = with_chance(sent.right / sent.rows, sent.rows, sent.variance * (1 + 1 / TRIALS))
        gain = first / facts.rows * (1 - figure.value)
        shown = Figure(*(min(1.0, value + gain) for value in figure))
        every.append(
            Line(name_of(mix), mix, labels, set_up.dollars, whole.dollars, whole.hours, shown)
        )
    return every


def name_of(mix: Mix) -> str:
    """Return what a mix is called."""
    words = {WEAK: "rules", LLM: f"LLM {mix.model}".strip()}
    # On the way to a target the model reads doubtful rows only, which is told at the end.
    parts = [words[voter] for voter in mix.voters if not (mix.target and voter == LLM)]
    if mix.doubtful:
        parts[-1] += " on doubtful rows"
    if mix.people:
        parts.append(f"{mix.people:,} by people + model")
    if mix.noise:
        parts.append("find-noise")
    if mix.target:
        parts[-1] += f", doubtful rows to {f'{words[LLM]} or ' * (LLM in mix.voters)}people"
    return " + ".join(parts)


def commands_of(mix: Mix) -> list[str]:
    """Return the stages of a pipeline that does the mix, but for a model trained at the end."""
    if mix.target:
        rules = ["weak-label"] * (WEAK in mix.voters)
        model = ["llm-label", "decide", "llm-label"] * (LLM in mix.voters)
        return [*rules, "query", "people", *model, "decide", "people", "decide"]
    named = {WEAK: "weak-label", LLM: "llm-label"}
    asked = ["query", "people"]
    cleaning = ["find-noise", "decide"] * mix.noise
    return [*(named[v] for v in mix.voters), *asked, "decide", *cleaning]


def to_try_with_noise(
    every: Sequence[Line], counts: Mapping[Mix, Count], target: float | None, limits: Limits
) -> list[Mix]:
    """Return the mixes for which find-noise is worth a trial: the best value and the best.

    Of those that were not tried themselves, the nearest with fewer labels.
    """
    known = [line for line in measured(every, limits) if line.made_of is not None]
    if not known:
        return []
    likely = (best(every, target, limits), most_accurate(known))
    found = []
    for mix in [line.made_of for line in likely if line is not None]:
        if mix is not None and mix.voters:
            alike = [m for m in counts if m._replace(people=0) == mix._replace(people=0)]
            found.append(max(alike, key=lambda m: (m.people <= mix.people, m.people)))
    return list(dict.fromkeys(found))


def that_gain(counts: Mapping[Mix, Count]) -> dict[Mix, Count]:
    """Return the counts without those of find-noise where it gained nothing in its trial."""
    return {
        mix: count
        for mix, count in counts.items()
        if not mix.noise or _share(count) >= _share(counts[mix._replace(noise=False)]) + _GAIN
    }


def _share(count: Count) -> float:
    return count.right / max(count.rows, 1)


def _unmeasured(facts: Facts, found: Measured, limits: Limits) -> list[Mix]:
    """Return the mixes that could not be tried, so that their cost is told nevertheless."""
    kinds = [Mix((), 0)]
    kinds += [Mix((WEAK,), 0)] if WEAK in facts.voters else []
    for model in facts.models:
        kinds.append(Mix((LLM,), 0, model=model))
        if WEAK in facts.voters:
            kinds.append(Mix((WEAK, LLM), 0, doubtful=True, model=model))
    tried = {mix._replace(people=0) for mix in found.counts}
    every = []
    for kind in kinds:
        most = min(_affordable(facts, found, kind, limits), default=facts.rows) + 1
        most = max(min(most, facts.rows - facts.audit), 1)
        sizes = {*(n for n in _COSTED if n < most), *([most - 1] if most < facts.rows else [])}
        known = kind in tried
        every += [
            kind._replace(people=n) for n in sorted(sizes) if (kind.voters or n) and not known
        ]
    return every


def _cost(facts: Facts, found: Measured, mix: Mix, labels: int) -> tuple[bill.Line, bill.Line]:
    """Return what setting up costs, and all of it."""
    return _bill(facts, mix, labels, found.doubtful if mix.doubtful else 1.0)


def _bill(facts: Facts, mix: Mix, labels: int, share: float | None) -> tuple[bill.Line, bill.Line]:
    """Return it where the language model reads a share of the rows."""
    llm: float | None = 0.0
    if LLM in mix.voters:
        dollars = facts.models[mix.model].dollars
        llm = None if dollars is None or share is None else dollars * share
    set_up = bill.setting_up(facts.price, commands_of(mix))
    people = bill.people(facts.price, labels, "people")
    return set_up, bill.total([people, bill.Line("language model", llm, 0.0), set_up])


def best(
    every: Sequence[Line],
    target: float | None,
    limits: Limits = NO_LIMITS,
    floor: float = 0.0,
) -> Line | None:
    """Return the cheapest line that reaches the target, or is within a point of the best.

    Lines beyond the limits or below the floor are left out. Without prices it is the one with
    fewest labels of people; None where nothing was measured or the target is out of reach. A line
    that goes on until the target is expected reaches it unless its trial speaks against that.
    Without target and limits only what was tried is compared: with all the money in the world
    people would label every row.
    """
    known = [line for line in measured(every, limits) if worth(line) >= floor]
    if target is None and limits == NO_LIMITS:
        tried = [line for line in known if line.made_of is not None and not line.extrapolated]
        known = tried or known
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
