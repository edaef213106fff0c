"""Learning curves as a picture: SVG by hand, PNG by matplotlib, letters on a terminal."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.active.simulate.curves import RANDOM, Summary, bands
from labelkit.errors import LabelkitError, UsageError
from labelkit.io.files import whole

# Okabe and Ito's colours, told apart by colour-blind people; random is grey.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_GREY = "#777777"
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_WIDTH, _HEIGHT = 760, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 190, 40, 52
METRIC_NAMES = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
_LEGEND_LINE = 20
_LETTER_WIDTH, _LETTER_HEIGHT = 64, 14

Floats = npt.NDArray[np.float64]


def check(path: Path) -> None:
    """Raise UsageError for a suffix that is no picture, LabelkitError where PNG cannot be made."""
    kind = path.suffix.lower()
    if kind not in (".svg", ".png"):
        raise UsageError(f"--plot {path}: give a name that ends with .svg or .png")
    if kind == ".png" and importlib.util.find_spec("matplotlib") is None:
        raise LabelkitError(
            f"--plot {path}: PNG needs matplotlib (pip install 'labelkit[plot]'); "
            f"{path.with_suffix('.svg')} needs nothing"
        )


def save(path: Path, found: Sequence[Summary], metric: str, title: str) -> None:
    """Write the curves with their bands, in the format of the path's suffix."""
    if path.suffix.lower() == ".png":
        _save_png(path, found, metric, title)
        return
    with whole(path) as stream:
        stream.write(svg(found, metric, title).encode())


def svg(found: Sequence[Summary], metric: str, title: str) -> str:
    """Return the curves as an SVG that stands alone."""
    curves = [(names, each.labels, bands(each.values[metric])) for names, each in _different(found)]
    low = min(float(ends[1].min()) for _, _, ends in curves)
    high = max(float(ends[2].max()) for _, _, ends in curves)
    ticks = _ticks(max(0.0, low), min(1.0, high))
    most = max(labels[-1] for _, labels, _ in curves)
    x = _scale(0, most, _LEFT, _WIDTH - _RIGHT)
    y = _scale(ticks[0], ticks[-1], _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 22, f"{METRIC_NAMES[metric]} by labels: {_shown(title)}", size=14),
        *_axes(ticks, most, x, y),
    ]
    top = _TOP + 8
    for number, (names, labels, ends) in enumerate(curves):
        parts += _curve(number, names, labels, ends, x, y, top)
        top += _LEGEND_LINE * len(names)
    return "\n".join([*parts, "</svg>", ""])


def _different(found: Sequence[Summary]) -> list[tuple[list[str], Summary]]:
    """Return the curves with their names; curves that are equal are one with several names."""
    different: list[tuple[list[str], Summary]] = []
    for name, each in _named(found):
        own = each.values["accuracy"]
        for names, other in different:
            if np.array_equal(own, other.values["accuracy"]):
                names.append(f"= {name}")
                break
        else:
            different.append(([name], each))
    return different


def _named(found: Sequence[Summary]) -> list[tuple[str, Summary]]:
    features = len({each.setting.features for each in found}) > 1
    rounds = len({each.setting.per_round for each in found}) > 1
    names = []
    for each in found:
        own = each.setting
        parts = [own.strategy, own.features if features else ""]
        parts += [f"{own.per_round} a round" if rounds and own.strategy != RANDOM else ""]
        names.append((", ".join(part for part in parts if part), each))
    return names


def _axes(ticks: Sequence[float], most: int, x: Any, y: Any) -> list[str]:
    right = _WIDTH - _RIGHT
    parts = []
    for value in ticks:
        parts.append(_line(_LEFT, y(value), right, y(value), "#e4e4e4"))
        parts.append(_text(_LEFT - 8, y(value) + 4, f"{value:.2f}", anchor="end"))
    for value in _ticks(0, most):
        if value <= most:
            parts.append(_text(x(value), _HEIGHT - _BOTTOM + 18, f"{value:,.0f}", anchor="middle"))
    parts.append(_line(_LEFT, y(ticks[0]), right, y(ticks[0]), "#444444"))
    middle = (_LEFT + right) / 2
    parts.append(_text(middle, _HEIGHT - 12, "labels", anchor="middle"))
    return parts


def _curve(
    number: int,
    names: Sequence[str],
    labels: Sequence[int],
    ends: tuple[Floats, Floats, Floats],
    x: Any,
    y: Any,
    top: int,
) -> list[str]:
    colour = _colour(number, names[0])
    mean, low, high = ends
    path = " ".join(f"{x(at):.1f},{y(v):.1f}" for at, v in zip(labels, mean, strict=True))
    above = [f"{x(at):.1f},{y(v):.1f}" for at, v in zip(labels, high, strict=True)]
    below = [f"{x(at):.1f},{y(v):.1f}" for at, v in zip(labels, low, strict=True)]
    band = " ".join([*above, *reversed(below)])
    start = _WIDTH - _RIGHT + 14
    return [
        f'<polygon points="{band}" fill="{colour}" opacity="0.12"/>',
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        f'<line x1="{start}" y1="{top}" x2="{start + 18}" y2="{top}" stroke="{colour}" '
        f'stroke-width="3"/>',
        *(
            _text(start + 24, top + 4 + _LEGEND_LINE * line, _shown(name))
            for line, name in enumerate(names)
        ),
    ]


def _colour(number: int, name: str) -> str:
    return _GREY if name.split(",")[0] == RANDOM else _COLOURS[(number - 1) % len(_COLOURS)]


def _scale(low: float, high: float, start: float, end: float) -> Any:
    width = (high - low) or 1.0
    return lambda value: start + (end - start) * (min(max(value, low), high) - low) / width


def _ticks(low: float, high: float) -> list[float]:
    """Return some five round numbers that reach over low to high."""
    rough = max(high - low, 1e-3) / 5
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough - 1e-12)
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return [float(step * i) for i in range(int(first), int(last) + 1)]


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="#222222">{escape(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="1"/>'
    )


def _shown(text: str) -> str:
    return console.clean(text, 40)


def _save_png(path: Path, found: Sequence[Summary], metric: str, title: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # A file's name may hold what matplotlib reads as a formula.
    figure = Figure(figsize=(9.5, 5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for number, (names, each) in enumerate(_different(found)):
        mean, low, high = bands(each.values[metric])
        colour, mark = _colour(number, names[0]), _MARKS[number % len(_MARKS)]
        label = "\n".join(_shown(name).replace("$", r"\$") for name in names)
        axes.plot(each.labels, mean, color=colour, marker=mark, markersize=4, label=label)
        axes.fill_between(each.labels, low, high, color=colour, alpha=0.12, linewidth=0)
    axes.set_title(f"{METRIC_NAMES[metric]} by labels: {_shown(title)}".replace("$", r"\$"))
    axes.set_xlabel("labels")
    axes.set_ylabel(METRIC_NAMES[metric])
    axes.grid(axis="y", color="#e4e4e4")
    figure.legend(loc="outside right upper")
    FigureCanvasAgg(figure)
    with whole(path) as stream:
        figure.savefig(stream, format="png", metadata={"Software": None})


def in_letters(found: Sequence[Summary], metric: str) -> list[str]:
    """Return the mean curves drawn in letters, one a curve, for a terminal."""
    curves = [(" ".join(names), each.labels) for names, each in _different(found)]
    means = [each.values[metric].mean(axis=0) for _, each in _different(found)]
    low, high = min(m.min() for m in means), max(m.max() for m in means)
    last = max(labels[-1] for _, labels in curves)
    canvas = [[" "] * _LETTER_WIDTH for _ in range(_LETTER_HEIGHT)]
    letters = "·" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" * 4
    for number, ((_, labels), mean) in enumerate(zip(curves, means, strict=True)):
        for column in range(_LETTER_WIDTH):
            at = (column + 1) / _LETTER_WIDTH * last
            if at < labels[0]:
                continue
            value = float(np.interp(at, labels, mean))
            row = round((high - value) / ((high - low) or 1.0) * (_LETTER_HEIGHT - 1))
            canvas[row][column] = letters[number]
    named = [f"{letters[i]} {console.clean(name, 80)}" for i, (name, _) in enumerate(curves)]
    lines = [f"{METRIC_NAMES[metric]} by labels ({', '.join(named)})"]
    for number, row in enumerate(canvas):
        value = high - (high - low) * number / (_LETTER_HEIGHT - 1)
        label = f"{value:.3f}" if number % 4 == 0 or number == _LETTER_HEIGHT - 1 else ""
        lines.append(f"{label:>6} │{''.join(row).rstrip()}")
    lines.append(" " * 7 + "└" + "─" * _LETTER_WIDTH)
    return [*lines, f"{'0':>8}{last:>{_LETTER_WIDTH},}"]
