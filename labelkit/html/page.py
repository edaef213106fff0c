"""One self-contained HTML page: it loads nothing, escapes every cell, has a light and a dark style.

A short script sorts and searches tables. Its hash is in the page's content security policy, so no
other script can run. Without scripts the tables are static.
"""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from typing import Any, NamedTuple

from labelkit import console

MAX_CELL_WIDTH = 200
MIN_ROWS_FOR_SEARCH = 9  # tables with this many rows get a search field
SHADES = 10

_SHADES = "".join(
    f".s{n} {{ background: color-mix(in srgb, var(--hot) {n * 4}%, var(--paper)); }}\n"
    for n in range(1, SHADES + 1)
)
STYLE = f"""
:root {{ color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --faint: #5d626a;
  --line: #d9dce1; --hot: #b3261e; --bar: #3b6ea5; --tile: #f4f6f8; }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #e6e7ea; --paper: #16181c;
  --faint: #a4a9b2; --line: #343840; --hot: #ff8a7a; --bar: #7fb2e5; --tile: #1f2228; }} }}
body {{ font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 2rem auto; max-width: 72rem; padding: 0 1rem; overflow-wrap: break-word; }}
h1 {{ font-size: 1.4rem; }} h2 {{ font-size: 1.15rem; margin-top: 2.5rem; }}
h3 {{ font-size: 1rem; margin: 1.5rem 0 .3rem; }}
a {{ color: var(--bar); }}
p, dd, caption {{ color: var(--faint); }} dt {{ font-weight: 600; }} dd {{ margin: 0 0 .4rem; }}
nav ul {{ list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; }}
code {{ font: .9em ui-monospace, monospace; color: var(--ink); user-select: all; }}
.unseen {{ position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); }}
.tiles {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .8rem; }}
.tiles > div {{ background: var(--tile); border-radius: .4rem; padding: .6rem .9rem; }}
.tiles dt {{ font-weight: 400; color: var(--faint); font-size: .9rem; }}
.tiles dd {{ color: var(--ink); font-size: 1.25rem; margin: 0; }}
.tiles dd + dd {{ color: var(--faint); font-size: .9rem; }}
.tiles > :first-child {{ outline: 2px solid var(--bar); }}
.tiles > :first-child dd:nth-of-type(1) {{ font-size: 1.8rem; line-height: 1.2; }}
.beside {{ display: flex; flex-wrap: wrap; gap: 1rem 2rem; }} figure {{ margin: 0; }}
.wide {{ overflow: auto; position: relative; max-height: 34rem; margin: .6rem 0 1.2rem; }}
.wide thead th {{ position: sticky; top: 0; background: var(--paper); }}
@media print {{ .wide {{ max-height: none; }} }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; padding: .3rem 0; }}
th, td {{ padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }}
th.number, td.number {{ text-align: right; }} td.long {{ min-width: 16rem; }}
th button {{ font: inherit; color: inherit; background: none; border: 0; padding: 0;
  cursor: pointer; text-align: inherit; white-space: nowrap; }}
th button::after {{ content: " ↕"; color: var(--faint); }}
[aria-sort=ascending] button::after {{ content: " ↑"; }}
[aria-sort=descending] button::after {{ content: " ↓"; }}
label.search {{ display: block; margin: .5rem 0; }}
input {{ font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--faint);
  border-radius: .2rem; padding: .1rem .4rem; margin-right: .6rem; }}
svg {{ max-width: 100%; height: auto; }} .wide svg {{ max-width: none; }}
svg text {{ font: 11px system-ui, sans-serif; fill: var(--ink); }}
svg .cell {{ fill: var(--hot); }} svg .frame {{ fill: none; stroke: var(--line); }}
svg .bar {{ fill: var(--bar); }} svg .axis {{ stroke: var(--line); fill: none; }}
svg .even {{ stroke: var(--faint); stroke-dasharray: 2 4; }}
svg .curve {{ stroke: var(--bar); stroke-width: 2; fill: none; }}
svg .other {{ stroke: var(--hot); stroke-width: 2; fill: none; stroke-dasharray: 6 4; }}
svg .spread {{ stroke: var(--bar); stroke-width: 1.5; }} svg .dot {{ fill: var(--bar); }}
svg .square {{ fill: var(--paper); stroke: var(--bar); stroke-width: 2; }}
svg .wrong .dot {{ fill: var(--hot); }} svg .wrong .spread, svg .wrong .square {{
  stroke: var(--hot); }}
svg .open {{ fill: var(--paper); stroke: var(--hot); stroke-width: 1.5; }}
svg .open-spread {{ stroke: var(--hot); stroke-width: 1; stroke-dasharray: 2 2; }}
{_SHADES}"""

SCRIPT = """
"use strict";
const number = (text) => {
  const found = Number(text.replace(/[,%$]/g, ""));
  return text === "" || Number.isNaN(found) ? null : found;
};
const compare = (a, b) => {
  const [x, y] = [number(a), number(b)];
  return x !== null && y !== null ? x - y : a.localeCompare(b);
};
const sortable = (table) => {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const cell = (row) => row.cells[place].textContent;
      const rows = [...body.rows].sort((one, other) => {
        const empty = (cell(one) === "") - (cell(other) === "");
        if (empty !== 0) return empty;
        return (down ? -1 : 1) * compare(cell(one), cell(other));
      });
      body.append(...rows);
    });
  });
};
const searchable = (table) => {
  const rows = [...table.tBodies[0].rows];
  const label = document.createElement("label");
  label.className = "search";
  const field = document.createElement("input");
  field.type = "search";
  const told = document.createElement("span");
  told.setAttribute("role", "status");
  label.append(`Search: ${table.caption.textContent} `, field, told);
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase();
    rows.forEach((row) => { row.hidden = !row.textContent.toLowerCase().includes(wanted); });
    const left = rows.filter((row) => !row.hidden).length;
    told.textContent = wanted === "" ? "" : `${left} of ${rows.length} rows`;
  });
  table.parentElement.before(label);
};
for (const table of document.querySelectorAll("table.sorted")) {
  sortable(table);
  if (table.tBodies[0].rows.length >= SEARCHED) searchable(table);
}
""".replace("SEARCHED", str(MIN_ROWS_FOR_SEARCH))


class Markup(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


class LongText(NamedTuple):
    """A cell of running text, shown with a minimum width."""

    text: object


def page(title: str, body: Sequence[str], *, script: str = "") -> bytes:
    """Return the whole page; `title` is plain text, the body is HTML."""
    policy = f"default-src 'none'; style-src {_hash(STYLE)}"
    policy += f"; script-src {_hash(script)}" if script else ""
    policy += "; base-uri 'none'; form-action 'none'"
    shown = cell(title)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{shown}</title><style>{STYLE}</style></head><body><main>",
        f"<h1>{shown}</h1>",
        *body,
        f"</main>{f'<script>{script}</script>' if script else ''}</body></html>",
    ]
    return ("\n".join(parts) + "\n").encode()


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def cell(value: object, width: int = MAX_CELL_WIDTH) -> str:
    """Return a value as HTML: without control characters, cut to `width`, escaped."""
    if isinstance(value, Markup):
        return value
    return escape(console.clean(plain(value), width))


def plain(value: object) -> str:
    """Return a value as text: three decimals, thousands separators, '' for None."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.3f}" if isinstance(value, float) else console.shown(value)


def paragraph(text: str) -> str:
    """Return plain text as a paragraph."""
    return f"<p>{cell(text, 2_000)}</p>"


def table(
    caption: str,
    header: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    numbers: Sequence[int] | None = None,
    sorted_: bool = True,
) -> str:
    """Return a table; columns of numbers (`numbers`, or detected) are aligned to the right.

    A value is plain text, a number, `LongText`, `HeatCell` or `Markup`; the first cell is the
    header of its row.
    """
    right = set(_numbers(rows, len(header)) if numbers is None else numbers)
    caption_html = cell(caption)
    kind = ' class="sorted"' if sorted_ else ""
    lines = [
        f'<div class="wide" role="region" tabindex="0" aria-label="{caption_html}">'
        f"<table{kind}><caption>{caption_html}</caption><thead><tr>"
    ]
    lines += [f'<th scope="col"{_class(i in right)}>{cell(h)}</th>' for i, h in enumerate(header)]
    lines.append("</tr></thead><tbody>")
    lines += [_row(row, right) for row in rows]
    lines.append("</tbody></table></div>")
    return "".join(lines)


def _row(row: Sequence[Any], right: set[int]) -> str:
    cells = []
    for index, value in enumerate(row):
        if isinstance(value, LongText):
            cells.append(f'<td class="long">{cell(value.text)}</td>')
        elif isinstance(value, HeatCell):
            shade = round(min(max(value.share, 0.0), 1.0) * SHADES)
            cells.append(f'<td class="number s{shade}">{cell(value.value)}</td>')
        elif index == 0 and value not in (None, "") and 0 not in right:
            cells.append(f'<th scope="row">{cell(value)}</th>')
        else:
            cells.append(f"<td{_class(index in right)}>{cell(value)}</td>")
    return f"<tr>{''.join(cells)}</tr>\n"


class HeatCell(NamedTuple):
    """A number in a cell whose background gets darker with the share (0 to 1)."""

    value: float | int | None
    share: float


def _class(right: bool) -> str:
    return ' class="number"' if right else ""


def _numbers(rows: Sequence[Sequence[Any]], width: int) -> list[int]:
    def number(value: Any) -> bool:
        return isinstance(value, int | float | HeatCell) and not isinstance(value, bool)

    columns = []
    for index in range(width):
        values = [row[index] for row in rows if row[index] is not None]
        if values and all(map(number, values)):
            columns.append(index)
    return columns
