"""Which mix is named, and by how much the target or the budget is missed where none will do."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from labelkit.pipeline import mixes
from labelkit.pipeline.mixes import Line


class Choice(NamedTuple):
    """The mix to name, in words, and what is out of reach.

    `short_accuracy` is what the best affordable mix lacks of the target, `short_dollars` what the
    budget lacks for a mix that reaches it; None where nothing is missed or it is not known.
    """

    best: Line | None
    words: str
    short: list[str]
    short_accuracy: float | None = None
    short_dollars: float | None = None

    def plain(self) -> dict[str, Any]:
        """Return it for programs."""
        shorts = (self.short_accuracy, self.short_dollars)
        accuracy, dollars = (None if one is None else round(one, 6) for one in shorts)
        return {
            "best": None if self.best is None else self.best.mix,
            "short_of_target": accuracy,
            "short_of_budget": dollars,
        }


def choose(every: Sequence[Line], target: float | None, budget: float | None) -> Choice:
    """Return the mix to name: the cheapest that does what is wanted for the budget.

    Where none does, what can be had for the budget is told with what it lacks.
    """
    known = mixes.measured(every)
    if not known:
        return Choice(None, "", [])
    affordable = mixes.measured(every, budget)
    best = mixes.best(every, target, budget)
    enough = mixes.best(every, target)
    hand = next(line for line in every if line.made_of is None)
    if best is not None and hand.dollars is not None and hand.dollars <= (best.dollars or -1.0):
        return Choice(hand, f"all by hand costs no more than {best.mix}{_cost(hand)}", [])
    if best is not None:
        short = [] if best == enough or enough is None else [_dearer(enough, best, budget or 0.0)]
        return Choice(best, f"{_how(best, target)}{_cost(best)}", short)
    if not affordable:
        return _nothing_affordable(known, budget or 0.0)
    top = mixes.most_accurate(affordable)
    lacking = (target or 0.0) - mixes.worth(top)
    found = f"{top.mix}, {mixes.worth(top):.3f}{_cost(top)}, {100 * lacking:.1f} points short"
    if enough is None:
        words = f"no mix reaches {target}: the best is {found}{_by_hand(hand)}"
        return Choice(None, words, [], lacking)
    more = (enough.dollars or 0.0) - (budget or 0.0)
    words = f"no mix reaches {target} for the budget of ${budget:,.2f}: the best is {found}"
    need = f"{enough.mix} reaches {target} for ${enough.dollars:,.2f}, ${more:,.2f} more"
    return Choice(None, words, [f"[cost] budget = {budget:g}: {need}"], lacking, more)


def _how(line: Line, target: float | None) -> str:
    how = "within a point of the best" if target is None else f"reaches {target}"
    return f"{line.mix} {how} for least: {mixes.worth(line):.3f}"


def _cost(line: Line) -> str:
    return "" if line.dollars is None else f" · ${line.dollars:,.2f}"


def _dearer(line: Line, best: Line, budget: float) -> str:
    gain = 100 * (mixes.worth(line) - mixes.worth(best))
    return (
        f"[cost] budget = {budget:g}: {line.mix} costs ${line.dollars or 0.0:,.2f}, "
        f"${(line.dollars or 0.0) - budget:,.2f} more, for {gain:.1f} points"
    )


def _nothing_affordable(known: Sequence[Line], budget: float) -> Choice:
    least = min(known, key=lambda line: line.dollars or 0.0)
    more = (least.dollars or 0.0) - budget
    words = (
        f"no mix can be had for the budget of ${budget:,.2f}: the cheapest is {least.mix}, "
        f"{mixes.worth(least):.3f}{_cost(least)}, ${more:,.2f} more"
    )
    return Choice(None, words, [], None, more)


def _by_hand(hand: Line) -> str:
    return "" if hand.dollars is None else f"; all by hand costs ${hand.dollars:,.2f}"
