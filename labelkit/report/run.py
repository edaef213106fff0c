"""report: the evidence read, the sections made, the page written."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labelkit.html import page as pages
from labelkit.html.page import Html
from labelkit.io.files import need_writable, whole
from labelkit.report import accuracy, advice, inputs, overview, rows, techniques
from labelkit.report.accuracy import Judged
from labelkit.report.data import FINAL, Evidence

if TYPE_CHECKING:
    from labelkit.job.job import Job


class Section(NamedTuple):
    """A heading with what stands under it."""

    anchor: str
    title: str
    html: str


def report(job: "Job", output: Path) -> int:
    """Write the page; return how many rows it shows."""
    need_writable(output)
    files = inputs.told_apart(job.options["input"])
    # Models and curves are no rows: the table is made of the rest.
    job.options["input"] = files.data
    found = Evidence(job, files)
    every = accuracy.judged(found)
    worst, unsure = rows.worst(found), rows.least_sure(found)
    sections = [
        Section("next", "What to do next", advice.section(found, every)),
        Section("sources", "Labels by source", overview.by_source(found)),
        Section("cost", "Cost", overview.cost(found)),
        Section("accuracy", "Accuracy", overview.quality(found, every)),
        Section("functions", "Labeling functions", techniques.functions(found)),
        Section("llm", "Language model", techniques.language_model(found)),
        Section("learning", "Learning", techniques.learning(found)),
        Section("noise", "Wrong labels", techniques.noise(found) + worst.html),
        Section("unsure", "Least sure rows", unsure.html),
        Section("steps", "How the file was made", _steps(found)),
    ]
    title = f"Labels of {Path(job.source.name).name}"
    body = _body(_tiles(found, every), [section for section in sections if section.html])
    with whole(output) as stream:
        stream.write(pages.page(title, body, script=pages.SCRIPT))
    return worst.rows + unsure.rows


def _body(tiles: str, sections: list[Section]) -> list[str]:
    links = [f'<li><a href="#{one.anchor}">{one.title}</a></li>' for one in sections]
    body = [tiles, f'<nav aria-label="Sections"><ul>{"".join(links)}</ul></nav>']
    for one in sections:
        body.append(f'<section><h2 id="{one.anchor}">{one.title}</h2>{one.html}</section>')
    return body


def _tiles(found: Evidence, every: list[Judged]) -> str:
    labelled = sum(n for _, n in overview.sources(found))
    lines, by_hand = overview.costs(found)
    whole_cost = lines[-1]
    tiles = [
        ("rows", f"{found.rows:,}", f"{labelled:,} labelled"),
        ("labels by people", f"{int(found.by_people.sum()):,}", _share_by_people(found)),
        _accuracy_tile(every),
    ]
    if whole_cost.dollars is not None and by_hand.dollars is not None:
        shown = f"${whole_cost.dollars:,.2f}"
        tiles.append(("cost", shown, f"${by_hand.dollars:,.2f} all by hand"))
    if whole_cost.hours is not None and by_hand.hours is not None:
        shown = f"{whole_cost.hours:,.1f}"
        tiles.append(("hours of people", shown, f"{by_hand.hours:,.1f} all by hand"))
    parts = [
        f"<div><dt>{pages.cell(name)}</dt><dd>{pages.cell(value)}</dd><dd>{pages.cell(more)}</dd>"
        "</div>"
        for name, value, more in tiles
    ]
    return f'<dl class="tiles">{"".join(parts)}</dl>'


def _share_by_people(found: Evidence) -> str:
    share = float(found.by_people.mean()) if found.rows else 0.0
    return f"{share:.1%} of the rows"


def _accuracy_tile(every: list[Judged]) -> tuple[str, str, str]:
    claimed = accuracy.claim(every)
    if claimed is None:
        return "accuracy", "not known", "no audit rows with labels"
    whose = "all labels" if claimed.column == FINAL else claimed.column
    value, low, high = claimed.figure
    told = f"{low:.3f} to {high:.3f}, {claimed.rows:,} {claimed.measured_on}"
    return f"accuracy, {whose}", f"{value:.3f}", told


def _steps(found: Evidence) -> str:
    rows_: list[list[Any]] = []
    for place, step in enumerate(found.steps, 1):
        typed = shlex.join(["labelkit", *map(str, step.get("arguments") or [])])
        counts = step.get("counts") or {}
        told = " · ".join(f"{pages.plain(value)} {name}" for name, value in counts.items())
        shown = Html(f"<code>{pages.cell(typed, 400)}</code>")
        rows_.append([place, step.get("command"), shown, told])
    header = ["step", "command", "typed", "what"]
    return pages.table("Steps", header, rows_, sorted_=False) if rows_ else ""
