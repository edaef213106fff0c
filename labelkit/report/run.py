"""report: the evidence read, the sections made, the page written."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labelkit import __version__
from labelkit.html import page as pages
from labelkit.html.page import Markup
from labelkit.io.files import need_writable, whole
from labelkit.report import accuracy, advice, inputs, judging, overview, rows, stages, techniques
from labelkit.report.accuracy import Judged
from labelkit.report.data import FINAL, ReportData
from labelkit.verdict import messages
from labelkit.verdict.judge import target_of
from labelkit.verdict.messages import Conclusion

if TYPE_CHECKING:
    from labelkit.job.job import Job


class Section(NamedTuple):
    """A heading with what stands under it."""

    anchor: str
    title: str
    html: str


def report(job: "Job", output: Path) -> tuple[int, Conclusion]:
    """Write the page; return how many rows it shows, and the verdict on the labels."""
    need_writable(output)
    target_of(job.options.get("target_accuracy"))
    files = inputs.told_apart(job.options["input"])
    # Models and curves are no rows: the table is made of the rest.
    job.options["input"] = files.data
    found = ReportData(job, files)
    every = accuracy.judged(found)
    conclusion = judging.conclude(found, every)
    job.figures({"verdict": messages.plain(conclusion)})
    worst, unsure = rows.worst(found), rows.least_sure(found)
    sections = [
        Section("next", "What to do next", advice.section(found, conclusion)),
        Section("sources", "Labels by source", overview.by_source(found)),
        Section("stages", "What each stage gave", stages.section(found)),
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
    top = _made(found) + _verdict(conclusion) + _tiles(found, every)
    body = _body(top, [section for section in sections if section.html])
    with whole(output) as stream:
        stream.write(pages.page(title, body, script=pages.SCRIPT))
    return worst.rows + unsure.rows, conclusion


def _body(tiles: str, sections: list[Section]) -> list[str]:
    links = [f'<li><a href="#{one.anchor}">{one.title}</a></li>' for one in sections]
    body = [tiles, f'<nav aria-label="Sections"><ul>{"".join(links)}</ul></nav>']
    for one in sections:
        # A table that is called like its section does not show the name twice.
        html = one.html.replace(
            f"<caption>{one.title}</caption>", f'<caption class="unseen">{one.title}</caption>'
        )
        body.append(f'<section><h2 id="{one.anchor}">{one.title}</h2>{html}</section>')
    return body


def _made(found: ReportData) -> str:
    """Return the line on the file: its name, the version, the day of its last step."""
    when = [str(step["when"])[:10] for step in found.steps if step.get("when")]
    last = [f"last step {when[-1]}"] if when else []
    parts = [str(found.job.source.name), *last, f"labelkit {__version__}"]
    return pages.paragraph(" · ".join(parts))


def _verdict(conclusion: Conclusion) -> str:
    word, because = conclusion.verdict
    lines = [f"<p><strong>{word}</strong>: {pages.cell(because, 400)}</p>"]
    return "".join([*lines, *(pages.paragraph(f"Alarm: {one.text}") for one in conclusion.alarms)])


def _tiles(found: ReportData, every: list[Judged]) -> str:
    labelled = sum(n for _, n in overview.sources(found))
    lines, by_hand = overview.costs(found)
    whole_cost = lines[-1]
    tiles = [
        *_accuracy_tiles(every, labelled),
        ("rows", f"{found.rows:,}", f"{labelled:,} labelled"),
        ("labels by people", f"{int(found.by_people.sum()):,}", _share_by_people(found)),
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


def _share_by_people(found: ReportData) -> str:
    share = float(found.by_people.mean()) if found.rows else 0.0
    return f"{share:.1%} of the rows"


def _accuracy_tiles(every: list[Judged], labelled: int) -> list[tuple[str, str, str]]:
    """Return what the audit claims, and beside it what gold says, each with its interval."""
    audit, gold = accuracy.claim(every), accuracy.claim(every, accuracy.BY_GOLD)
    tiles = []
    if audit is None and gold is None:
        tiles.append(("accuracy", "not known", "no audit rows with labels"))
    if audit is not None:
        tiles.append(_accuracy_tile("accuracy", audit, labelled, f"{audit.rows:,} audit rows"))
    if gold is not None:
        on = f"{gold.rows:,} rows with gold"
        tiles.append(_accuracy_tile("accuracy by gold", gold, labelled, on))
    return tiles


def _accuracy_tile(name: str, claimed: Judged, labelled: int, on: str) -> tuple[str, str, str]:
    whose = "all labels" if claimed.column == FINAL else claimed.column
    if claimed.labels is not None and claimed.labels < labelled:
        whose = f"{claimed.labels:,} of {labelled:,} labels"
    value, low, high = claimed.figure
    return f"{name}, {whose}", f"{value:.3f}", f"95% CI {low:.3f}–{high:.3f}, {on}"


def _steps(found: ReportData) -> str:
    rows_: list[list[Any]] = []
    for place, step in enumerate(found.steps, 1):
        typed = shlex.join(["labelkit", *map(str, step.get("arguments") or [])])
        counts = step.get("counts") or {}
        told = " · ".join(f"{pages.plain(value)} {name}" for name, value in counts.items())
        shown = Markup(f"<code>{pages.cell(typed, 400)}</code>")
        rows_.append([place, step.get("command"), shown, told])
    header = ["step", "command", "typed", "what"]
    return pages.table("Steps", header, rows_, sorted_=False) if rows_ else ""
