"""Small charts as inline SVG, coloured by the style sheet of the page."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.html.page import Markup, cell

Counts = npt.NDArray[np.int64]

MAX_IN_MAP = 40
_CELL = 18
_LETTERS = 24
_SQUARE = 220  # the side of a calibration plot
_LEFT, _TOP, _BELOW = 44, 10, 40


class DataPoint(NamedTuple):
    """A value `y` at `x` with its interval, the number of rows, and whether it is unbiased."""

    x: float
    y: float
    low: float
    high: float
    rows: int
    unbiased: bool = True


def bar(share: float) -> Markup:
    """Return a share as a number and a bar, for a table cell."""
    return Markup(
        f'{share:.3f} <svg aria-hidden="true" width="160" height="12">'
        f'<rect class="bar" y="1" width="{160 * min(max(share, 0.0), 1.0):.1f}" height="10">'
        "</rect></svg>"
    )


def interval(value: float, low: float, high: float, biased: bool) -> Markup:
    """Return a share from 0 to 1 with its interval as a dot on a line, for a table cell."""
    x, left, right = (160 * min(max(share, 0.0), 1.0) + 5 for share in (value, low, high))
    dot, spread = ("open", "open-spread") if biased else ("dot", "spread")
    return Markup(
        f'<svg aria-hidden="true" width="170" height="12"><path class="axis" d="M5 6H165"/>'
        f'<path class="{spread}" d="M{left:.1f} 6H{right:.1f}"/>'
        f'<circle class="{dot}" cx="{x:.1f}" cy="6" r="3.5"/></svg>'
    )


def heat_map(title: str, names: Sequence[str], both: Counts, differ: Counts) -> str:
    """Return a heat map with the share of common rows on which each pair differs."""
    order = np.argsort(-differ.sum(axis=1), kind="stable")[:MAX_IN_MAP]
    shown = np.sort(order)
    left, top = 170, 150
    lines = []
    for i, row in enumerate(shown):
        y, name = top + i * _CELL, cell(names[row], _LETTERS)
        lines.append(f'<text x="{left - 6}" y="{y + 13}" text-anchor="end">{name}</text>')
        x = left + i * _CELL + 13
        lines.append(f'<text transform="translate({x},{top - 6}) rotate(-90)">{name}</text>')
        for j, column in enumerate(shown):
            if i != j:
                pair = (names[row], names[column])
                numbers = (int(both[row, column]), int(differ[row, column]))
                lines.append(_square(pair, numbers, left + j * _CELL, y))
    size = (left + _CELL * len(shown) + 4, top + _CELL * len(shown) + 4)
    fewer = f" The {len(shown)} with most conflicts are shown." * (len(shown) < len(names))
    return (
        "<p>Share of different votes among the rows on which both vote (darker = larger)."
        f"{fewer}</p>{_wide(title, *size, lines)}"
    )


def _square(names: tuple[str, str], numbers: tuple[int, int], x: int, y: int) -> str:
    both, differ = numbers
    share = differ / both if both else 0.0
    tooltip = f"{cell(names[0], 80)} and {cell(names[1], 80)}: {differ:,} of {both:,} rows"
    position = f'x="{x}" y="{y}" width="{_CELL}" height="{_CELL}"'
    return (
        f"<g><title>{tooltip}</title>"
        f'<rect class="cell" {position} fill-opacity="{share:.3f}"></rect>'
        f'<rect class="frame" {position}></rect></g>'
    )


def calibration(title: str, points: Sequence[DataPoint]) -> str:
    """Return a reliability diagram: share of correct labels by confidence, with the diagonal."""
    lines = [
        f'<rect class="axis" x="{_LEFT}" y="{_TOP}" width="{_SQUARE}" height="{_SQUARE}"></rect>',
        f'<line class="even" x1="{_LEFT}" y1="{_TOP + _SQUARE}" x2="{_LEFT + _SQUARE}" '
        f'y2="{_TOP}"></line>',
    ]
    x, y = _Scale(0, 1, _LEFT, _LEFT + _SQUARE), _Scale(0, 1, _TOP + _SQUARE, _TOP)
    for tick in (0, 0.5, 1):
        lines.append(_text(x(tick), _TOP + _SQUARE + 15, f"{tick:g}", "middle"))
        lines.append(_text(_LEFT - 6, y(tick) + 4, f"{tick:g}", "end"))
    lines.append(_text(_LEFT + _SQUARE / 2, _TOP + _SQUARE + 32, "confidence", "middle"))
    lines.append(_text(_LEFT + 6, _TOP + 14, "share correct", "start"))
    max_rows = max([point.rows for point in points], default=1)
    # Unbiased points are drawn last, over the others.
    for point in sorted(points, key=lambda point: point.unbiased):
        lines.append(_point(point, x(point.x), y, 3 + 4 * (point.rows / max_rows) ** 0.5))
    size = (_LEFT + _SQUARE + 12, _TOP + _SQUARE + _BELOW)
    return f"<figure>{_svg(title, *size, lines)}<figcaption>{cell(title)}</figcaption></figure>"


def curves(title: str, named_curves: Sequence[tuple[str, Sequence[DataPoint]]], across: str) -> str:
    """Return named curves of shares over a number on the x axis, the second curve dashed.

    Intervals are vertical lines; biased points are hollow.
    """
    points = [spot for _, curve in named_curves for spot in curve]
    low, high = _ends([s.low for s in points], [s.high for s in points])
    most = max(max(s.x for s in points), 1.0)
    width, height = 520, 240
    x = _Scale(0, most, _LEFT, _LEFT + width)
    y = _Scale(low, high, _TOP + height, _TOP)
    lines = []
    for value in np.linspace(low, high, 6):
        lines.append(
            f'<line class="axis" x1="{_LEFT}" y1="{y(value):.1f}" x2="{_LEFT + width}" '
            f'y2="{y(value):.1f}"></line>'
        )
        lines.append(_text(_LEFT - 6, y(value) + 4, f"{value:.2f}", "end"))
    for tick in sorted({s.x for s in points})[:: max(1, len({s.x for s in points}) // 8)]:
        lines.append(_text(x(tick), _TOP + height + 15, f"{tick:,.0f}", "middle"))
    lines.append(_text(_LEFT + width / 2, _TOP + height + 32, across, "middle"))
    for number, (name, curve) in enumerate(named_curves):
        polyline = " ".join(f"{x(s.x):.1f},{y(s.y):.1f}" for s in curve)
        lines.append(f'<polyline class="{"other" if number else "curve"}" points="{polyline}"/>')
        lines += [_point(s, x(s.x), y, 3.5) for s in curve]
        last = curve[-1]
        lines.append(_text(x(last.x) + 8, y(last.y) + 4, name[:_LETTERS], "start"))
    return _wide(title, _LEFT + width + 170, _TOP + height + _BELOW, lines)


class Step(NamedTuple):
    """A step, its cost (None: unknown), and two (value, low, high) figures for each basis.

    `after` is the share of correct labels after it, `gain` the share lost without it.
    """

    name: str
    dollars: float | None
    after: Sequence[Sequence[float] | None]
    gain: Sequence[Sequence[float] | None]


_ROW, _HEAD, _NAME = 34, 46, 150
_PANELS = ((160, 420), (470, 730), (770, 870))  # the ends of each on the page
_MARKS = ("dot", "square")  # of each basis
_GAINS = (0.02, 0.04, 0.1, 0.2, 0.4, 0.6, 1.0)  # ends of its axis: halves have two digits


def steps(title: str, bases: Sequence[str], all_steps: Sequence[Step]) -> str:
    """Return a row for each step with both figures, their intervals and the cost.

    A gain whose interval lies below zero is drawn in the colour of errors.
    """
    after = [interval for step in all_steps for interval in step.after if interval is not None]
    low, high = _ends([f[1] for f in after], [f[2] for f in after])
    gains = [abs(end) for step in all_steps for f in step.gain if f is not None for end in f[1:]]
    gain_limit = next(end for end in _GAINS if end >= min(max(gains, default=0.0), 1.0))
    bottom = _HEAD + _ROW * len(all_steps)
    ticks = np.arange(round(low * 10), round(high * 10) + 1, 1 + (high - low > 0.6)) / 10
    share_panel = _Panel(ticks.tolist(), (low, high), 0, bottom)
    gain_panel = _Panel(
        np.linspace(-gain_limit, gain_limit, 5).tolist(), (-gain_limit, gain_limit), 1, bottom
    )
    max_dollars = max([step.dollars or 0.0 for step in all_steps], default=0.0)
    lines = [*share_panel.frame("right up to it"), *gain_panel.frame("lost without it")]
    lines.append(_text(_PANELS[2][0], 14, "dollars", "start"))
    for basis, name in enumerate(bases):
        x = _PANELS[0][0] + 190 * basis
        lines += [_mark(_MARKS[basis], x, bottom + 26), _text(x + 10, bottom + 30, name, "start")]
    for number, step in enumerate(all_steps):
        y = _HEAD + _ROW * (number + 0.5)
        lines.append(_text(_NAME, y + 4, step.name, "end"))
        for basis, (mark, offset) in enumerate(zip(_MARKS, _offsets(len(bases)), strict=False)):
            lines += share_panel.figure(mark, step.after[basis], y + offset)
            lines += gain_panel.figure(mark, step.gain[basis], y + offset, is_gain=True)
        lines += _dollars(step.dollars, max_dollars, y)
    return _wide(title, _PANELS[2][1] + 90, bottom + 40, lines)


def _offsets(bases: int) -> Sequence[float]:
    return (0.0,) if bases < 2 else (-6.0, 6.0)


def _dollars(dollars: float | None, max_dollars: float, y: float) -> list[str]:
    start, end = _PANELS[2]
    if dollars is None:
        return [_text(start, y + 4, "unknown", "start")]
    width = (end - start) * dollars / max_dollars if max_dollars else 0.0
    return [
        f'<rect class="bar" x="{start}" y="{y - 5:.1f}" width="{width:.1f}" height="10"></rect>',
        _text(start + width + 6, y + 4, f"{dollars:,.2f}", "start"),
    ]


class _Panel:
    """A part of the chart with its own axis."""

    def __init__(
        self, values: Sequence[float], ends: tuple[float, float], panel: int, bottom: float
    ) -> None:
        """`values` are the ticks of the axis."""
        self._ends, self._bottom = _PANELS[panel], bottom
        self._values = values
        self._x = _Scale(*ends, *self._ends)

    def frame(self, name: str) -> list[str]:
        """Return the heading and the vertical grid lines; the line at zero is dotted."""
        lines = [_text(self._ends[0], 14, name, "start")]
        for value in self._values:
            x, kind = self._x(value), "even" if value == 0 else "axis"
            lines.append(
                f'<line class="{kind}" x1="{x:.1f}" y1="{_HEAD}" x2="{x:.1f}" y2="{self._bottom}">'
                f"</line>"
            )
            lines.append(_text(x, _HEAD - 8, f"{value:.2f}", "middle"))
        return lines

    def figure(
        self, mark: str, interval: Sequence[float] | None, y: float, is_gain: bool = False
    ) -> list[str]:
        """Return a figure with its interval, nothing if it is unknown."""
        if interval is None:
            return []
        value, low, high = interval
        wrong = " wrong" if is_gain and high < 0 else ""
        tooltip = f"{value:.3f} ({low:.3f} to {high:.3f})"
        return [
            f'<g class="figure{wrong}"><title>{tooltip}</title><line class="spread" '
            f'x1="{self._x(low):.1f}" y1="{y:.1f}" x2="{self._x(high):.1f}" y2="{y:.1f}"></line>'
            f"{_mark(mark, self._x(value), y)}</g>"
        ]


def _mark(kind: str, x: float, y: float) -> str:
    if kind == "dot":
        return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"></circle>'
    return f'<rect class="square" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"></rect>'


def _ends(lows: Sequence[float], highs: Sequence[float]) -> tuple[float, float]:
    low = np.floor(max(min(lows), 0.0) * 10) / 10
    return float(low), float(max(np.ceil(min(max(highs), 1.0) * 10) / 10, low + 0.1))


def _point(point: DataPoint, x: float, y: "_Scale", radius: float) -> str:
    kind = "dot" if point.unbiased else "open"
    tooltip = f"{point.y:.3f} ({point.low:.3f} to {point.high:.3f}), {point.rows:,} rows"
    tooltip += "" if point.unbiased else ", biased"
    spread = "spread" if point.unbiased else "open-spread"
    return (
        f'<g><title>{tooltip}</title><line class="{spread}" x1="{x:.1f}" y1="{y(point.low):.1f}" '
        f'x2="{x:.1f}" y2="{y(point.high):.1f}"></line>'
        f'<circle class="{kind}" cx="{x:.1f}" cy="{y(point.y):.1f}" r="{radius:.1f}"></circle></g>'
    )


class _Scale:
    """Maps a value to a position between two ends."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.width = low, (high - low) or 1.0
        self.start, self.length = start, end - start

    def __call__(self, value: float) -> float:
        share = min(max((value - self.low) / self.width, 0.0), 1.0)
        return self.start + self.length * share


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{cell(text, 40)}</text>'


def _wide(title: str, width: int, height: int, lines: Sequence[str]) -> str:
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{cell(title)}, picture">'
        f"{_svg(title, width, height, lines)}</div>"
    )


def _svg(title: str, width: int, height: int, lines: Sequence[str]) -> str:
    return (
        f'<svg role="img" aria-label="{cell(title)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{"".join(lines)}</svg>'
    )
