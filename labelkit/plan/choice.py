"""Which mix is named, and by how much target, budget or limit of labels are missed where none does.

A limit is on what people and machines cost in dollars, or on how many labels people give.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from labelkit.plan import mixes
from labelkit.plan.mixes import NO_LIMITS, Limits, Line


class Choice(NamedTuple):
    """The mix to name, in words, and what is out of reach.

    `short_accuracy` is what the best affordable mix lacks of the target, `short_dollars` and
    `short_labels` what the limits lack for a mix that reaches it; None where nothing is missed or
    it is not known.
    """

    best: Line | None
    words: str
    short: list[str]
    short_accuracy: float | None = None
    short_dollars: float | None = None
    short_labels: int | None = None

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


def choose(every: Sequence[Line], target: float | None, limits: Limits = NO_LIMITS) -> Choice:
    """Return the mix to name: the cheapest that does what is wanted within the limits.

    Where none does, what can be had within them is told with what it lacks.
    """
    known = mixes.measured(every)
    if not known:
        return Choice(None, "", [])
    affordable = mixes.measured(every, limits)
    best = mixes.best(every, target, limits)
    enough = mixes.best(every, target)
    hand = next(line for line in every if line.made_of is None)
    cheap = best is not None and hand.dollars is not None and hand.dollars <= (best.dollars or -1.0)
    if best is not None and cheap and limits.allow(hand):
        return Choice(hand, f"all by hand costs no more than {best.mix}{_cost(hand)}", [])
    if best is not None:
        short = [] if best == enough or enough is None else _dearer(enough, best, limits)
        return Choice(best, f"{_how(best, target)}{_cost(best)}", short)
    if not affordable:
        return _nothing_affordable(known, limits)
    top = mixes.most_accurate(affordable)
    lacking = (target or 0.0) - mixes.worth(top)
    found = f"{top.mix}, {mixes.worth(top):.3f}{_cost(top)}, {100 * lacking:.1f} points short"
    if enough is None:
        words = f"no mix reaches {target}: the best is {found}{_by_hand(hand)}"
        return Choice(None, words, [], lacking)
    words = f"no mix reaches {target} {limits.words()}: the best is {found}"
    dollars, labels = limits.exceeded(enough)
    short = [f"{limit}: {enough.mix} reaches {target} {what}" for limit, what in
             _excess(enough, limits)]  # fmt: skip
    return Choice(None, words, short, lacking, dollars, labels)


def _how(line: Line, target: float | None) -> str:
    value = f"{mixes.worth(line):.3f}"
    if line.made_of is not None and line.made_of.target:
        return f"{line.mix} goes on until {target} is expected, for least: {value} in the trial"
    how = "within a point of the best" if target is None else f"reaches {target}"
    return f"{line.mix} {how} for least: {value}"


def _cost(line: Line) -> str:
    return "" if line.dollars is None else f" · ${line.dollars:,.2f}"


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
