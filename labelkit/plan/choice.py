"""Which mix is named, and by how much target, floor, budget or limit of labels are missed if none.

A limit is on what people and machines cost in dollars, or on how many labels people give.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from labelkit.plan import mixes
from labelkit.plan.mixes import NO_LIMITS, Limits, Line

_FAR = 2.0  # what costs so many times less is told too


class Choice(NamedTuple):
    """The mix to name, in words, and what is out of reach.

    `short_accuracy` is what the best affordable mix lacks of the target or floor, `short_dollars`
    and `short_labels` what the limits lack for a mix that reaches it; None where nothing is missed
    or it is not known.
    """

    best: Line | None
    words: str
    short: list[str]
    short_accuracy: float | None = None
    short_dollars: float | None = None
    short_labels: int | None = None
    cheaper: str = ""

    def plain(self) -> dict[str, Any]:
        """Return it for programs."""
        shorts = (self.short_accuracy, self.short_dollars)
        accuracy, dollars = (None if one is None else round(one, 6) for one in shorts)
        return {
            "best": None if self.best is None else self.best.mix,
            "short_of_target": accuracy,
            "short_of_budget": dollars,
            "short_of_labels": self.short_labels,
        }


class Floor(NamedTuple):
    """The least accuracy that is ever named, and where it comes from."""

    value: float = 0.0
    why: str = ""


def floor_of(largest_class: float) -> Floor:
    """Return the floor where none is typed: more than the largest class alone gives.

    Ten points above its share, or half of what is left above it where that is less.
    """
    value = largest_class + min(0.1, (1 - largest_class) / 2)
    return Floor(value, f"the largest class alone is right on {largest_class:.0%}")


def choose(
    every: Sequence[Line],
    target: float | None,
    limits: Limits = NO_LIMITS,
    floor: Floor = Floor(),  # noqa: B008
) -> Choice:
    """Return the mix to name: the cheapest that does what is wanted within the limits.

    Where none does, what can be had within them is told with what it lacks.
    """
    known = [line for line in mixes.measured(every) if line.made_of is not None]
    if not known:
        return Choice(None, "", [])
    affordable = [line for line in known if limits.allow(line)]
    best = mixes.best(every, target, limits, floor.value)
    hand = next(line for line in every if line.made_of is None)
    cheap = best is not None and hand.dollars is not None and hand.dollars <= (best.dollars or -1.0)
    if best is not None and cheap and best is not hand and limits.allow(hand):
        return Choice(hand, f"all by hand costs no more than {best.mix}{_cost(hand)}", [])
    if best is not None:
        enough = mixes.best(every, target, NO_LIMITS, floor.value)
        short = [] if best == enough or enough is None else _dearer(enough, best, limits)
        cheaper = _cheaper(every, best, floor) if target is None else ""
        return Choice(best, f"{_how(best, target)}{_cost(best)}", short, cheaper=cheaper)
    if not affordable:
        return _nothing_affordable(known, limits)
    return _out_of_reach(every, affordable, target, limits, floor)


def _out_of_reach(
    every: Sequence[Line],
    affordable: Sequence[Line],
    target: float | None,
    limits: Limits,
    floor: Floor,
) -> Choice:
    """Return what can be had where no affordable mix reaches what is wanted."""
    wanted = max(target or 0.0, floor.value)
    goal = f"{wanted:g}" if wanted == target else f"the floor of {wanted:.3f} ({floor.why})"
    enough = mixes.best(every, wanted)
    top = mixes.most_accurate(affordable)
    lacking = wanted - mixes.worth(top)
    found = f"{top.mix}, {mixes.worth(top):.3f}{_cost(top)}, {100 * lacking:.1f} points short"
    if enough is None or (enough.made_of is None and limits == NO_LIMITS):
        hand = next(line for line in every if line.made_of is None)
        words = f"no mix reaches {goal}: the best is {found}{_by_hand(hand)}"
        return Choice(None, words, [], lacking)
    words = f"no mix reaches {goal} {limits.words()}".rstrip() + f": the best is {found}"
    dollars, labels = limits.exceeded(enough)
    short = [f"{limit}: {enough.mix} reaches {wanted:g} {what}" for limit, what in
             _excess(enough, limits)]  # fmt: skip
    return Choice(None, words, short, lacking, dollars, labels)


def _how(line: Line, target: float | None) -> str:
    value = f"{mixes.worth(line):.3f}{' (extrapolated)' if line.extrapolated else ''}"
    if line.made_of is not None and line.made_of.target:
        return f"{line.mix} goes on until {target} is expected, for least: {value} in the trial"
    how = "within a point of the best" if target is None else f"reaches {target}"
    return f"{line.mix} {how} for least: {value}"


def _cost(line: Line) -> str:
    return "" if line.dollars is None else f" · ${line.dollars:,.2f}"


def _cheaper(every: Sequence[Line], best: Line, floor: Floor) -> str:
    """Return the best of what costs half as much at most, where money buys little."""
    if not best.dollars:
        return ""
    limits = Limits(best.dollars / _FAR)
    lines = [line for line in mixes.measured(every, limits) if mixes.worth(line) >= floor.value]
    if not lines:
        return ""
    line = mixes.best(lines, None, limits) or lines[0]
    lost = 100 * (mixes.worth(best) - mixes.worth(line))
    return (
        f"for half of that or less: {line.mix}, {mixes.worth(line):.3f} ({lost:.1f} points less)"
        + _cost(line)
    )


def _excess(line: Line, limits: Limits) -> list[tuple[str, str]]:
    """Return each limit that a line exceeds, and what it takes instead."""
    dollars, labels = limits.exceeded(line)
    found = []
    if dollars is not None:
        cost = f"${line.dollars or 0.0:,.2f}"
        found.append((f"a budget of ${limits.dollars:,.2f}", f"for {cost}, ${dollars:,.2f} more"))
    if labels is not None:
        takes = f"with {line.labels:,} labels by people, {labels:,} more"
        found.append((f"a limit of {limits.labels:,} labels by people", takes))
    return found


def _dearer(line: Line, best: Line, limits: Limits) -> list[str]:
    gain = 100 * (mixes.worth(line) - mixes.worth(best))
    if gain <= 1:  # within a point
        return []
    return [
        f"{limit}: {line.mix} would be {gain:+.1f} points, {what}"
        for limit, what in _excess(line, limits)
    ]


def _nothing_affordable(known: Sequence[Line], limits: Limits) -> Choice:
    def excess(line: Line) -> tuple[int, float, float]:
        dollars, labels = limits.exceeded(line)
        return labels or 0, dollars or 0.0, -mixes.worth(line)

    least = min(known, key=excess)
    needs = " and ".join(what for _, what in _excess(least, limits))
    words = (
        f"no mix can be had {limits.words()}: the least is {least.mix}, "
        f"{mixes.worth(least):.3f}, {needs}"
    )
    return Choice(None, words, [], None, *limits.exceeded(least))


def _by_hand(hand: Line) -> str:
    return "" if hand.dollars is None else f"; all by hand costs ${hand.dollars:,.2f}"
