"""weak-label: two passes over the file, one that votes and one that writes."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelkit import console, registry
from labelkit.weak import report, scoring
from labelkit.weak.analysis import Summary, summarise
from labelkit.weak.apply import OnError
from labelkit.weak.binding import FileColumns
from labelkit.weak.patterns import Counted
from labelkit.weak.scoring import Scores
from labelkit.weak.voting import Panel, gather

if TYPE_CHECKING:
    from labelkit.job import Job


@dataclass(frozen=True)
class Wanted:
    """The options of weak-label."""

    functions: Path | None = None
    from_votes: Sequence[str] = ()
    label_model: str = "majority"
    prior: str | None = None
    proba: bool = False
    votes: bool = False
    lf_report: Path | None = None
    on_lf_error: OnError = "stop"


def weak_label(job: "Job", wanted: Wanted) -> None:
    """Vote on the chosen rows, combine the votes and write the labels."""
    if wanted.lf_report is not None:
        report.check_path(wanted.lf_report)
    combine = registry.load("label-model", wanted.label_model)
    weights = scoring.parse_prior(wanted.prior) if wanted.prior else None
    declared = job.classes or (list(weights) if weights else None)
    panel = _panel(job, wanted, declared)
    counted, classes = _vote(job, panel)
    prior = scoring.prior_of(weights, classes) if weights and classes else None
    summaries, gold = _summarise(job, panel, counted, classes)
    _tell(job, panel, summaries, classes, gold)
    if wanted.lf_report is not None:
        _write_report(wanted.lf_report, panel, summaries, classes, gold)
    scores = scoring.score(counted, len(classes), combine, prior, job.seed, wanted.label_model)
    for note in scores.notes:
        console.warn(note)
    closing = _count(job, panel, counted, summaries, classes)
    job.annotate(_annotations(job, panel, counted, scores, classes, wanted))
    job.closing(closing, then=_next(job))


def _panel(job: "Job", wanted: Wanted, classes: list[str] | None) -> Panel:
    every = tuple(job.source.every_column())
    text = tuple(job.text) if job.has_text() else ()
    panel = gather(
        FileColumns(every, _hidden(job, every), text),
        classes,
        functions=wanted.functions,
        rule_tables=job.task.table("weak-label").get("rule", []),
        rule_folder=job.task.beside("."),
        from_votes=wanted.from_votes,
    )
    for path in (wanted.functions, *(path for rule in panel.rules for path in rule.files)):
        if path is not None:
            job.also_reads(path)
    panel.on_error = wanted.on_lf_error

    def describe(position: int) -> str:
        if job.key_name == "row":
            return f"row {position}"
        return f"row {position} ({job.key_name} {console.clean(job.keys()[position])})"

    panel.describe = describe
    for column, names in panel.named_hidden().items():
        if column in (job.options.get("gold"), *job.label_columns()):
            console.warn(
                f"{', '.join(names)} reads {column!r}, a column of labels: its votes repeat them"
            )
    return panel


def _hidden(job: "Job", every: Sequence[str]) -> frozenset[str]:
    """Return the key, labels, gold and labelkit's own columns: seen only by who names them."""
    return frozenset(every) - (frozenset(job.visible_columns()) - {job.key_name})


def _vote(job: "Job", panel: Panel) -> tuple[Counted, list[str]]:
    batches = job.source.batches(panel.needed, typed=True)
    # The number of rows of a text file would cost a pass of its own.
    total = job.rows if job.source.format == "parquet" else None
    with console.progress("voting", total) as advance:
        return panel.vote(batches, job.chosen, advance)


def _summarise(
    job: "Job", panel: Panel, counted: Counted, classes: list[str]
) -> tuple[list[Summary], str | None]:
    """Return the LF summary and what its accuracy is called (None: there is no gold)."""
    gold = _truth(job)
    if gold is None:
        return summarise(panel.names, counted.votes, counted.counts), None
    codes, names = _gold_codes(gold, classes)
    by_class = counted.by_class(codes, len(names))
    complete = bool((codes[counted.rows >= 0] >= 0).all())
    name = "accuracy" if complete else "accuracy (biased)"
    return summarise(panel.names, counted.votes, counted.counts, by_class), name


def _truth(job: "Job") -> Any:
    """Return the gold column, else the labels that were asked for without their audit rows."""
    gold = job.gold()
    if gold is None and (job.options.get("label") or job.options.get("answers")):
        labels = job.labels()
        gold = np.where(labels.audit, "", labels.values)
    return gold


def _gold_codes(gold: Any, classes: Sequence[str]) -> tuple[Any, list[str]]:
    """Return a code for each row (-1: no gold) and all names; a class that no LF knows counts."""
    cells = pa.array(gold, pa.string())
    known = [name for name in pc.unique(cells).to_pylist() if name]
    names = [*classes, *(name for name in known if name not in classes)]
    codes = pc.fill_null(pc.index_in(cells, pa.array(names, pa.string())), -1)
    return codes.to_numpy(zero_copy_only=False).astype(np.int32), names


def _tell(
    job: "Job", panel: Panel, summaries: list[Summary], classes: list[str], gold: str | None
) -> None:
    found = report.records(summaries, classes, panel.errors, gold is not None)
    console.table(
        f"{len(found)} labeling function{'s' * (len(found) != 1)}, classes {', '.join(classes)}",
        report.header(gold, bool(panel.errors)),
        report.table_rows(found),
    )
    for message in panel.first_error.values():
        console.warn(f"it abstained: {message}")
    if panel.codebook.numbered:
        console.note(
            f"the votes are numbers and the classes are called {', '.join(classes)}: "
            "name them by --classes"
        )
    silent = [summary.name for summary in summaries if not summary.votes]
    if len(silent) == len(summaries):
        console.warn("no labeling function voted on any row")
        return
    if silent:
        console.warn(f"never voted: {', '.join(silent)}")
    returned = {code for summary in summaries for code in summary.polarity}
    if len(returned) == 1:
        console.warn(f"every vote is for {classes[returned.pop()]!r}: nothing votes for another")


def _write_report(
    path: Path, panel: Panel, summaries: list[Summary], classes: list[str], gold: str | None
) -> None:
    from labelkit.files import whole

    found = report.records(summaries, classes, panel.errors, gold is not None)
    with whole(path) as stream:
        stream.write(report.rendered(path, found, gold))


def _annotations(
    job: "Job",
    panel: Panel,
    counted: Counted,
    scores: Scores,
    classes: list[str],
    wanted: Wanted,
) -> dict[str, pa.Array]:
    """Return our columns, one value a row, null where a row was not looked at."""
    rows = pa.array(counted.rows, mask=counted.rows < 0)
    names = pa.array(classes, pa.string())

    def labels(codes: Any) -> pa.Array:
        codes = codes.astype(np.int32)
        return names.take(pa.array(codes, mask=codes < 0)).take(rows)

    found = {
        job.column("label"): labels(scores.codes),
        job.column("confidence"): pa.array(scores.confidence).take(rows),
        job.column("votes"): pa.array(counted.voters.astype(np.int64)).take(rows),
    }
    if wanted.proba:
        for code, name in enumerate(classes):
            found[job.column(f"proba_{name}")] = pa.array(scores.probabilities[:, code]).take(rows)
    if wanted.votes:
        for number, name in enumerate(panel.names):
            found[job.column(f"lf_{name}")] = labels(counted.votes[:, number])
    return found


def _count(
    job: "Job", panel: Panel, counted: Counted, summaries: list[Summary], classes: list[str]
) -> str:
    """Give the figures to the history and the summary; return them as the closing line."""
    rows = int(counted.counts.sum())
    labelled = int(counted.counts[counted.voters > 0].sum())
    failed = sum(panel.errors.values())
    job.count(labelled=labelled, abstained=rows - labelled, lf_errors=failed)
    job.figures(
        {"classes": classes, "functions": report.records(summaries, classes, panel.errors, False)}
    )
    text = f"{rows:,} rows · {labelled:,} labelled · {rows - labelled:,} abstained"
    if failed:
        text += f" · {failed:,} failed calls"
    return text


def _next(job: "Job") -> str | None:
    """Return the command that takes the uncertain rows further."""
    if job.output in ("", "-"):
        return None
    output = Path(job.output)
    suffixes = "".join(output.suffixes)
    further = output.with_name(f"{output.name.removesuffix(suffixes)}.llm{suffixes}")
    return (
        f"labelkit llm-label {shlex.quote(str(output))} -o {shlex.quote(str(further))} "
        f'--where "{job.column("confidence")} < 0.8"'
    )
