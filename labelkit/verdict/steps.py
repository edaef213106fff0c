"""The one step that gains most: what it costs, and what it is expected to gain."""

from collections.abc import Sequence
from typing import NamedTuple

from labelkit.config import costs
from labelkit.config.costs import Prices
from labelkit.console import clean, count
from labelkit.errors import listing
from labelkit.stats import metrics
from labelkit.verdict.alarms import Alarm
from labelkit.verdict.evidence import AUDIT, Evidence, Figure
from labelkit.verdict.judge import GOOD, Target, Verdict
from labelkit.verdict.summary import ASK_AUDIT, ASK_DOUBTFUL, ASK_MORE, LEAVE_OUT

FIRST_AUDIT = 100
_MOST_AUDIT = 1000
_MOST_DOUBTFUL, _FEWEST_DOUBTFUL = 200, 20
_WIDE = 0.1  # an interval that is wider each way says nothing about what to do
_LIKELY = 0.8  # the accuracy that is expected where nothing is known


class Step(NamedTuple):
    """What to do: `rows` that people label, or the `sources` that are left out.

    `gain` is the accuracy that it is expected to add (None: not known), `width` the half width of
    the interval after it; dollars and hours are None where [cost] does not price them.
    """

    kind: str
    text: str
    rows: int = 0
    sources: tuple[str, ...] = ()
    dollars: float | None = 0.0
    hours: float | None = 0.0
    gain: float | None = None
    width: float | None = None


def best(
    evidence: Evidence, alarms: Sequence[Alarm], verdict: Verdict, target: Target, prices: Prices
) -> Step | None:
    """Return the step that gains most; None where labels are good enough or none is known."""
    if verdict.word == GOOD or not evidence.labelled:
        return None
    broken = _broken(evidence, alarms)
    if broken is not None:
        return broken
    figure, left = evidence.figure, evidence.askable
    if not left:
        return None
    if figure is None:
        return _audit(None, min(FIRST_AUDIT, left), prices)
    doubtful = _asked(evidence, figure, target, prices)
    more = _rows_that_decide(figure, target.share, min(left, _MOST_AUDIT))
    if figure.basis != AUDIT or figure.high < target.share:
        return doubtful
    is_wide = _half(figure.value, figure.rows) > _WIDE
    if more is None and is_wide:
        more = min(3 * figure.rows, left)
    # Rows at random only tell; doubtful rows also make the labels better.
    if more is not None and (is_wide or figure.value >= target.share):
        return _audit(figure, more, prices)
    return doubtful


def _broken(evidence: Evidence, alarms: Sequence[Alarm]) -> Step | None:
    here = {source.name for source in evidence.sources}
    doubted = [alarm for alarm in alarms if alarm.source in here]
    unsure = sum(not alarm.is_sure for alarm in doubted)
    # Of two sources that contradict each other either may be the broken one.
    names = tuple(a.source for a in doubted if a.is_sure or unsure == 1)
    rest = [source for source in evidence.sources if source.name not in names]
    if not names or not rest:
        return None
    best_left = max((s.right / s.judged for s in rest if s.judged), default=None)
    gain = None
    if best_left is not None and evidence.figure is not None:
        gain = max(0.0, best_left - evidence.figure.value) or None
    shown = listing([clean(name) for name in names])
    return Step(LEAVE_OUT, f"leave out {shown}: free{_gain_words(gain)}", 0, names, gain=gain)


def _gain_words(gain: float | None) -> str:
    return "" if gain is None else f", {100 * gain:+.1f} points expected"


def _audit(figure: Figure | None, more: int, prices: Prices) -> Step:
    """Return the step to draw rows at random, with the interval that it leaves."""
    price = costs.people(prices, more, "")
    value, rows = (_LIKELY, 0) if figure is None else (figure.value, figure.rows)
    half = _half(value, rows + more)
    if figure is None:
        asked = f"let people label {count(more, 'rows')} drawn at random"
        text = f"{asked}: that gives ±{100 * half:.0f} points"
    else:
        text = (
            f"{count(rows, 'audit rows', 'give')} ±{100 * _half(value, rows):.0f} points, {more:,} "
            "more give "
            f"±{100 * half:.0f}"
        )
    text += f"; {cost_words(price)}"
    return Step(ASK_AUDIT, text, more, (), price.dollars, price.hours, 0.0, half)


def _asked(evidence: Evidence, figure: Figure, target: Target, prices: Prices) -> Step:
    """Return the step to ask people, about doubtful rows where it is known which are."""
    if len(evidence.doubt):
        return _doubtful(evidence, figure, target, prices)
    rows = min(FIRST_AUDIT, evidence.askable)
    price = costs.people(prices, rows, "")
    text = f"let people label {count(rows, 'more rows')} that teach most; {cost_words(price)}"
    return Step(ASK_MORE, text, rows, (), price.dollars, price.hours)


def _doubtful(evidence: Evidence, figure: Figure, target: Target, prices: Prices) -> Step:
    """Return the step to ask people about the least sure rows, until the target is expected."""
    gains = evidence.doubt.cumsum() / max(figure.labels, 1)
    at_least = figure.value if figure.value < target.share else figure.low
    enough = int((gains < target.share - at_least).sum()) + 1
    rows = min(max(-(-enough // 10) * 10, _FEWEST_DOUBTFUL), _MOST_DOUBTFUL, len(gains))
    gain, price = float(gains[rows - 1]), costs.people(prices, rows, "")
    text = (
        f"let people label the {count(rows, 'least sure rows')}: {100 * gain:+.1f} points expected"
    )
    if enough > rows and enough <= len(gains):
        text += f" (the target takes about {enough:,})"
    text += f"; {cost_words(price)}"
    return Step(ASK_DOUBTFUL, text, rows, (), price.dollars, price.hours, gain)


def cost_words(price: costs.Line) -> str:
    """Return what a step costs, as far as it is known."""
    if price.dollars is None and price.hours is None:
        return "cost not known ([cost] human_label, human_seconds)"
    dollars = [] if price.dollars is None else [f"${price.dollars:,.2f}"]
    hours = [] if price.hours is None else [f"{price.hours:,.1f} hours"]
    return ", ".join([*dollars, *hours])


def _half(share: float, rows: int) -> float:
    low, high = metrics.wilson(share * rows, rows)
    return (high - low) / 2


def _rows_that_decide(figure: Figure, target: float, most: int) -> int | None:
    """Return how many more rows put the interval on one side of the target, at the same share."""
    for more in range(10, most + 10, 10):
        rows = figure.rows + min(more, most)
        low, high = metrics.wilson(figure.value * rows, rows)
        if low >= target or high < target:
            return min(more, most)
    return None
