"""Small charts as inline SVG, coloured by the page's style."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.html.page import Html, cell

Counts = npt.NDArray[np.int64]

MOST_IN_MAP = 40
_CELL = 18
_LETTERS = 24
_SQUARE = 220  # the side of a calibration plot
_LEFT, _TOP, _BELOW = 44, 10, 40


class Spot(NamedTuple):
    """A figure at `x` with its interval; `rows` it is from, `sure` unless it is biased."""

    x: float
    y: float
    low: float
    high: float
    rows: int
    sure: bool = True


def bar(share: float) -> Html:
    """Return a share as a number and a bar, for a table's cell."""
    return Html(
        f'{share:.3f} <svg aria-hidden="true" width="160" height="12">'
        f'<rect class="bar" y="1" width="{160 * min(max(share, 0.0), 1.0):.1f}" height="10">'
        "</rect></svg>"
    )


def interval(value: float, low: float, high: float, biased: bool) -> Html:
    """Return a share from 0 to 1 with its interval as a dot on a line, for a table's cell."""
    x, left, right = (160 * min(max(share, 0.0), 1.0) + 5 for share in (value, low, high))
    dot, spread = ("open", "open-spread") if biased else ("dot", "spread")
    return Html(
        f'<svg aria-hidden="true" width="170" height="12"><path class="axis" d="M5 6H165"/>'
        f'<path class="{spread}" d="M{left:.1f} 6H{right:.1f}"/>'
        f'<circle class="{dot}" cx="{x:.1f}" cy="6" r="3.5"/></svg>'
    )


def heat_map(title: str, names: Sequence[str], both: Counts, differ: Counts) -> str:
    """Return for each pair the share of their common rows on which they differ, as squares."""
    order = np.argsort(-differ.sum(axis=1), kind="stable")[:MOST_IN_MAP]
    shown = np.sort(order)
    left, top = 170, 150
    lines = []
    for i, one in enumerate(shown):
        y, name = top + i * _CELL, cell(names[one], _LETTERS)
        lines.append(f'<text x="{left - 6}" y="{y + 13}" text-anchor="end">{name}</text>')
        x = left + i * _CELL + 13
        lines.append(f'<text transform="translate({x},{top - 6}) rotate(-90)">{name}</text>')
        for j, other in enumerate(shown):
            if i != j:
                pair = (names[one], names[other])
                numbers = (int(both[one, other]), int(differ[one, other]))
                lines.append(_square(pair, numbers, left + j * _CELL, y))
    size = (left + _CELL * len(shown) + 4, top + _CELL * len(shown) + 4)
    fewer = f" The {len(shown)} with most conflicts are shown." * (len(shown) < len(names))
    return (
        "<p>Share of the rows on which both vote that get different votes: the fuller the "
        f"colour, the larger.{fewer}</p>{_wide(title, *size, lines)}"
    )


def _square(names: tuple[str, str], numbers: tuple[int, int], x: int, y: int) -> str:
    both, differ = numbers
    share = differ / both if both else 0.0
    about = f"{cell(names[0], 80)} and {cell(names[1], 80)}: {differ:,} of {both:,} rows"
    place = f'x="{x}" y="{y}" width="{_CELL}" height="{_CELL}"'
    return (
        f'<g><title>{about}</title><rect class="cell" {place} fill-opacity="{share:.3f}"></rect>'
        f'<rect class="frame" {place}></rect></g>'
    )


def calibration(title: str, spots: Sequence[Spot]) -> str:
    """Return a plot of the share that is right by what was said; on the line both are equal."""
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
    lines.append(_text(_LEFT + 6, _TOP + 14, "share right", "start"))
    most = max([spot.rows for spot in spots], default=1)
    # The surer ones are drawn last, over the others.
    for spot in sorted(spots, key=lambda spot: spot.sure):
        lines.append(_spot(spot, x(spot.x), y, 3 + 4 * (spot.rows / most) ** 0.5))
    size = (_LEFT + _SQUARE + 12, _TOP + _SQUARE + _BELOW)
    return f"<figure>{_svg(title, *size, lines)}<figcaption>{cell(title)}</figcaption></figure>"


def curves(title: str, found: Sequence[tuple[str, Sequence[Spot]]], across: str) -> str:
    """Return curves of shares by a number that grows to the right, the second dashed, each named.

    Intervals are upright lines; a spot that is not sure is hollow.
    """
    spots = [spot for _, each in found for spot in each]
    low, high = _ends([s.low for s in spots], [s.high for s in spots])
    most = max(max(s.x for s in spots), 1.0)
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
    for at in sorted({s.x for s in spots})[:: max(1, len({s.x for s in spots}) // 8)]:
        lines.append(_text(x(at), _TOP + height + 15, f"{at:,.0f}", "middle"))
    lines.append(_text(_LEFT + width / 2, _TOP + height + 32, across, "middle"))
    for number, (name, each) in enumerate(found):
        points = " ".join(f"{x(s.x):.1f},{y(s.y):.1f}" for s in each)
        lines.append(f'<polyline class="{"other" if number else "curve"}" points="{points}"/>')
        lines += [_spot(s, x(s.x), y, 3.5) for s in each]
        last = each[-1]
        lines.append(_text(x(last.x) + 8, y(last.y) + 4, name[:_LETTERS], "start"))
    return _wide(title, _LEFT + width + 170, _TOP + height + _BELOW, lines)


class Step(NamedTuple):
    """A step: what it cost (None: not known), and two figures with low and high by each basis.

    `after` is the share of right labels up to it, `gain` what that of all is less without it.
    """

    name: str
    dollars: float | None
    after: Sequence[Sequence[float] | None]
    gain: Sequence[Sequence[float] | None]


_ROW, _HEAD, _NAME = 34, 46, 150
_PANELS = ((160, 420), (470, 730), (770, 870))  # the ends of each on the page
_MARKS = ("dot", "square")  # of each basis
_GAINS = (0.02, 0.04, 0.1, 0.2, 0.4, 0.6, 1.0)  # ends of its axis: halves have two digits


def steps(title: str, bases: Sequence[str], found: Sequence[Step]) -> str:
    """Return for each step, one below the other, both figures with their intervals and the cost.

    A gain whose interval lies below zero is drawn in the colour of what is wrong.
    """
    after = [figure for step in found for figure in step.after if figure is not None]
    low, high = _ends([f[1] for f in after], [f[2] for f in after])
    gains = [abs(end) for step in found for f in step.gain if f is not None for end in f[1:]]
    most = next(end for end in _GAINS if end >= min(max(gains, default=0.0), 1.0))
    bottom = _HEAD + _ROW * len(found)
    every = np.arange(round(low * 10), round(high * 10) + 1, 1 + (high - low > 0.6)) / 10
    shares = _Panel(every.tolist(), (low, high), 0, bottom)
    lost = _Panel(np.linspace(-most, most, 5).tolist(), (-most, most), 1, bottom)
    dearest = max([step.dollars or 0.0 for step in found], default=0.0)
    lines = [*shares.frame("right up to it"), *lost.frame("lost without it")]
    lines.append(_text(_PANELS[2][0], 14, "dollars", "start"))
    for place, name in enumerate(bases):
        x = _PANELS[0][0] + 190 * place
        lines += [_mark(_MARKS[place], x, bottom + 26), _text(x + 10, bottom + 30, name, "start")]
    for number, step in enumerate(found):
        y = _HEAD + _ROW * (number + 0.5)
        lines.append(_text(_NAME, y + 4, step.name, "end"))
        for place, (mark, at) in enumerate(zip(_MARKS, _offsets(len(bases)), strict=False)):
            lines += shares.figure(mark, step.after[place], y + at)
            lines += lost.figure(mark, step.gain[place], y + at, is_gain=True)
        lines += _dollars(step.dollars, dearest, y)
    return _wide(title, _PANELS[2][1] + 90, bottom + 40, lines)


def _offsets(bases: int) -> Sequence[float]:
    return (0.0,) if bases < 2 else (-6.0, 6.0)


def _dollars(dollars: float | None, dearest: float, y: float) -> list[str]:
    start, end = _PANELS[2]
    if dollars is None:
        return [_text(start, y + 4, "unknown", "start")]
    width = (end - start) * dollars / dearest if dearest else 0.0
    return [
        f'<rect class="bar" x="{start}" y="{y - 5:.1f}" width="{width:.1f}" height="10"></rect>',
        _text(start + width + 6, y + 4, f"{dollars:,.2f}", "start"),
    ]


class _Panel:
    """A part of the picture with an axis of its own."""

    def __init__(
        self, values: Sequence[float], ends: tuple[float, float], place: int, bottom: float
    ) -> None:
        """`values` are marked on the axis."""
        self._ends, self._bottom = _PANELS[place], bottom
        self._values = values
        self._x = _Scale(*ends, *self._ends)

    def frame(self, name: str) -> list[str]:
        """Return its heading and the upright lines of its axis; that of zero is dotted."""
        found = [_text(self._ends[0], 14, name, "start")]
        for value in self._values:
            x, kind = self._x(value), "even" if value == 0 else "axis"
            found.append(
                f'<line class="{kind}" x1="{x:.1f}" y1="{_HEAD}" x2="{x:.1f}" y2="{self._bottom}">'
                f"</line>"
            )
            found.append(_text(x, _HEAD - 8, f"{value:.2f}", "middle"))
        return found

    def figure(
        self, mark: str, figure: Sequence[float] | None, y: float, is_gain: bool = False
    ) -> list[str]:
        """Return a figure with its interval, nothing where it is not known."""
        if figure is None:
            return []
        value, low, high = figure
        wrong = " wrong" if is_gain and high < 0 else ""
        about = f"{value:.3f} ({low:.3f} to {high:.3f})"
        return [
            f'<g class="figure{wrong}"><title>{about}</title><line class="spread" '
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


def _spot(spot: Spot, x: float, y: "_Scale", radius: float) -> str:
    kind = "dot" if spot.sure else "open"
    about = f"{spot.y:.3f} ({spot.low:.3f} to {spot.high:.3f}), {spot.rows:,} rows"
    about += "" if spot.sure else ", biased"
    spread = "spread" if spot.sure else "open-spread"
    return (
        f'<g><title>{about}</title><line class="{spread}" x1="{x:.1f}" y1="{y(spot.low):.1f}" '
        f'x2="{x:.1f}" y2="{y(spot.high):.1f}"></line>'
        f'<circle class="{kind}" cx="{x:.1f}" cy="{y(spot.y):.1f}" r="{radius:.1f}"></circle></g>'
    )


class _Scale:
    """A value as a place between two ends."""

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
