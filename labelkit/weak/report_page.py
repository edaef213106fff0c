"""The LF report as one HTML file: nothing is loaded, nothing runs, every cell is escaped."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from typing import Any, NamedTuple

import numpy as np

from labelkit import console
from labelkit.weak.pairs import Pairs
from labelkit.weak.report import header, plain

MOST_IN_MAP = 40
CELL = 18
LETTERS = 24

STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --faint: #6b7078;
  --line: #d9dce1; --hot: #b3261e; --bar: #3b6ea5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e7ea; --paper: #16181c; --faint: #9aa0a9;
  --line: #343840; --hot: #ff8a7a; --bar: #7fb2e5; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
p, dd { color: var(--faint); } dt { font-weight: 600; } dd { margin: 0 0 .4rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: left; }
th.number, td.number { text-align: right; }
svg text { font: 11px system-ui, sans-serif; fill: var(--ink); }
svg .cell { fill: var(--hot); } svg .frame { fill: none; stroke: var(--line); }
svg .bar { fill: var(--bar); }
"""

MEANINGS = {
    "polarity": "the classes that the function votes for",
    "coverage": "share of the rows on which it votes",
    "overlaps": "share of the rows on which it and another vote",
    "conflicts": "share of the rows on which it votes and another votes differently",
    "estimated": "how probable its votes are, on average, to a label model that does not know "
    "them; no truth is needed for it, and functions that err alike flatter each other",
    "accuracy": "share of its votes that are right where the truth is known; low and high are the "
    "95 % interval; biased: the known rows are not all rows",
    "gain": "share of the known rows that get the right label, less the same without the function",
    "errors": "calls that failed and were taken for abstentions",
}


class Facts(NamedTuple):
    """What the page says beside the functions' figures."""

    file: str
    model: str
    rows: int
    labelled: int
    shares: Mapping[str, int]  # rows of each class


def page(
    facts: Facts, found: Sequence[Mapping[str, Any]], gold: str | None, together: Pairs
) -> bytes:
    """Return the whole page."""
    names = [str(record["name"]) for record in found]
    title = f"Labeling functions on {console.clean(facts.file)}"
    digest = b64encode(sha256(STYLE.encode()).digest()).decode()
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        f"style-src 'sha256-{digest}'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{facts.rows:,} rows, {facts.labelled:,} labelled, "
        f"{facts.rows - facts.labelled:,} without a vote; label model "
        f"{escape(console.clean(facts.model))}.</p>",
        "<h2>Functions</h2>",
        _table(header(found, gold), found),
        _legend(header(found, gold)),
        "<h2>Labels</h2>",
        _bars(facts.shares),
        "<h2>Conflicts</h2>",
        _heat_map(names, together),
        "</body></html>",
    ]
    return ("\n".join(parts) + "\n").encode()


def _table(names: Sequence[str], found: Sequence[Mapping[str, Any]]) -> str:
    lines = ['<div class="wide"><table><thead><tr>']
    lines += [f'<th class="{_kind(i)}">{_cell(name)}</th>' for i, name in enumerate(names)]
    lines.append("</tr></thead><tbody>")
    for record in found:
        lines.append("<tr>")
        for i, value in enumerate(record.values()):
            shown = ", ".join(value) if isinstance(value, list) else value
            lines.append(f'<td class="{_kind(i)}">{_cell(plain(shown))}</td>')
        lines.append("</tr>")
    lines.append("</tbody></table></div>")
    return "".join(lines)


def _kind(column: int) -> str:
    return "text" if column < 2 else "number"  # name and polarity, then figures


def _legend(names: Sequence[str]) -> str:
    shown = [name.removesuffix(" (biased)") for name in names]
    terms = [f"<dt>{name}</dt><dd>{MEANINGS[name]}</dd>" for name in shown if name in MEANINGS]
    return f"<dl>{''.join(terms)}</dl>"


def _bars(shares: Mapping[str, int]) -> str:
    most = max([*shares.values(), 1])
    lines = []
    for place, (name, rows) in enumerate(shares.items()):
        y = place * 22
        lines.append(
            f'<text x="0" y="{y + 14}">{_cell(name, LETTERS)}</text>'
            f'<rect class="bar" x="170" y="{y + 3}" width="{400 * rows / most:.1f}" height="14">'
            f'</rect><text x="{176 + 400 * rows / most:.1f}" y="{y + 14}">{rows:,}</text>'
        )
    height = 22 * len(shares) + 4
    return (
        f'<svg role="img" aria-label="Rows of each class" width="660" height="{height}">'
        f"{''.join(lines)}</svg>"
    )


def _heat_map(names: Sequence[str], together: Pairs) -> str:
    """Draw for each pair the share of their common rows on which they vote differently."""
    if not together.differ.any():
        return "<p>No two functions vote differently on any row.</p>"
    order = np.argsort(-together.differ.sum(axis=1), kind="stable")[:MOST_IN_MAP]
    shown = np.sort(order)
    left, top = 170, 150
    lines = []
    for i, one in enumerate(shown):
        y, name = top + i * CELL, _cell(names[one], LETTERS)
        lines.append(f'<text x="{left - 6}" y="{y + 13}" text-anchor="end">{name}</text>')
        x = left + i * CELL + 13
        lines.append(f'<text transform="translate({x},{top - 6}) rotate(-90)">{name}</text>')
        for j, other in enumerate(shown):
            if i != j:
                lines.append(_square(names, together, int(one), int(other), left + j * CELL, y))
    size = (left + CELL * len(shown) + 4, top + CELL * len(shown) + 4)
    fewer = f" The {len(shown)} with most conflicts are shown." * (len(shown) < len(names))
    return (
        "<p>Share of the rows on which both vote that get different votes: the fuller the "
        f'colour, the larger.{fewer}</p><div class="wide"><svg role="img" '
        f'aria-label="Conflicts between functions" width="{size[0]}" height="{size[1]}">'
        f"{''.join(lines)}</svg></div>"
    )


def _square(names: Sequence[str], together: Pairs, i: int, j: int, x: int, y: int) -> str:
    both, differ = int(together.both[i, j]), int(together.differ[i, j])
    share = differ / both if both else 0.0
    about = f"{console.clean(names[i])} and {console.clean(names[j])}: {differ:,} of {both:,} rows"
    return (
        f'<g><title>{escape(about)}</title><rect class="cell" x="{x}" y="{y}" width="{CELL}" '
        f'height="{CELL}" fill-opacity="{share:.3f}"></rect><rect class="frame" x="{x}" '
        f'y="{y}" width="{CELL}" height="{CELL}"></rect></g>'
    )


def _cell(text: object, width: int = 200) -> str:
    return escape(console.clean(text, width))
