"""update: find the new rows, run the stages on them, write the file, compare both files."""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit import console
from labelkit.command.introspect import parsed
from labelkit.command.invoke import later_job
from labelkit.config import costs
from labelkit.config.label_text import split_classes
from labelkit.errors import UsageError
from labelkit.io import history, output_checks
from labelkit.io.table import Table
from labelkit.pipeline import output_checks as targets
from labelkit.pipeline import people, runner
from labelkit.pipeline.stages import Stage
from labelkit.pipeline.target import with_option
from labelkit.update import audit, content, drift, earlier_run, rows, stages

if TYPE_CHECKING:
    from labelkit.update.earlier_run import EarlierRun


def update(new: Path, earlier: Path, output: Path, options: dict[str, Any], again: str) -> None:
    """Write the new file with labels, and tell how it differs from the old one.

    `again` is the command line to go on with. Raises PeopleNeeded where audit rows wait for people.
    """
    started = time.perf_counter()
    run = earlier_run.read(earlier, options["task"])
    _check_output(output, new, run)
    if options["work_dir"].resolve() == run.folder.resolve():
        raise UsageError(f"--work-dir {run.folder} is the old run's; name another")
    source, old = _opened(new, run, options), run.open()
    earlier_run.need_final_labels(run, old)
    columns = rows.columns_of(run, old, source)
    rows.check_columns(source, columns, run.own["oracle"])
    earlier_run.warn_of_changes(run)
    key = rows.key_of(old, options["id"] or run.options.get("id"))
    match = rows.matched(source, old, rows.compared(columns, old, run, key), key)
    rows.say(match, source)
    figures = rows.figures(match)
    labelled = more = None
    if len(match.new):
        every = options["work_dir"] / f"rows{rows.format_for(source, old)}"
        done = every.with_name(f"labelled{every.suffix}")
        planned = stages.make(run, every, done, options, drifted=False)
        _prepare(planned, every, run, options, source.name)
        found = content.compare(_job(planned, run), old, source, match)
        if found is not None and found.differs:
            console.note(content.line_of(found))
            match = match.with_drift(found.unlike)
            planned = stages.make(run, every, done, options, drifted=True)
        rows.write_all(every, run, source, old, columns, match)
        _run_stages(run, planned, every, options, again)
        labelled = Table([done])
        figures |= _compared(run, planned, labelled, found, options)
        more = figures.pop("more_audit")
    written = rows.write_output(output, source, old, labelled, columns, match)
    _record(run, new, output, labelled, written, figures, options, started)
    spent = f" · ${figures['dollars']:,.2f}" if figures.get("dollars") else ""
    counts = f"{console.count(source.count(), 'rows')} · {rows.note_of(match)}{spent}"
    console.note(f"update: {counts} -> {output}")
    if more is not None:
        console.next_step(shlex.join(with_option(shlex.split(again), "--audit", str(more))))


def _check_output(output: Path, new: Path, run: "EarlierRun") -> None:
    """Refuse an output that cannot be written, or would replace what is read."""
    output_checks.check("update", str(output), False, [], None)
    for path, what in ((new, "the input"), (run.labelled, "what the old run labelled")):
        if output.exists() and output.samefile(path):
            raise UsageError(f"-o {output} is {what}; give another name")


def _opened(new: Path, run: "EarlierRun", options: dict[str, Any]) -> Table:
    given = {name: options[name] or run.options.get(name) for name in ("delimiter", "format")}
    encoding = options["encoding"]
    encoding = run.options["encoding"] if encoding == "utf-8" else encoding
    return Table(
        [new], given_format=given["format"], delimiter=given["delimiter"], encoding=encoding
    )


def _prepare(
    planned: list[Stage], every: Path, run: "EarlierRun", options: dict[str, Any], name: str
) -> None:
    """Make the work directory; refuse what would lose something before anything is spent."""
    folder = options["work_dir"]
    targets.check(planned, folder, [str(every)], run.task, options["summary"])
    targets.make_folder(folder, Path(options["output"]), options["summary"])
    _refuse_other_file(folder, name)
    runner.take(folder)


def _run_stages(
    run: "EarlierRun", planned: list[Stage], every: Path, options: dict[str, Any], again: str
) -> None:
    folder = options["work_dir"]
    shared, own = stages.options_of(run, options)
    kept = runner.run_of(
        folder, Path(planned[-1].reads[0]), {**shared, "input": str(options["input"])}, run.own
    )
    kept["audits"] = stages.audit_rounds(run, options)
    about = runner.About(
        [str(every)], run.task.name, split_classes(run.options.get("classes")), kept
    )
    oracle = None
    if own["oracle"] is not None:
        oracle = people.Oracle(own["oracle"], [str(every)], shared["id"], None, "utf-8")
    asking = people.Asking(again, oracle, options["annotate"])
    runner.run(planned, folder, run.task, asking, about)


def _refuse_other_file(folder: Path, name: str) -> None:
    """Refuse the work directory of another file: its answers are about other rows."""
    before = runner.last_run(folder) if runner.is_work_dir(folder) else {}
    other = before.get("options", {}).get("input", name)
    if other != name:
        raise UsageError(f"{folder} belongs to {other}, not to {name}; name another --work-dir")


def _compared(
    run: "EarlierRun",
    planned: list[Stage],
    labelled: Table,
    found: content.Content | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    """Say and return whether the old accuracy holds, how rows have drifted, and what they cost."""
    figures = runner.summaries(planned, options["work_dir"])
    decided = [figures[stage.id] for stage in planned if stage.name == "decide"][-1]
    verdict = audit.compare(audit.of(earlier_run.audited(run.steps())), audit.of(decided))
    is_new = labelled.texts(rows.STATUS) != rows.KNOWN
    moved = drift.measure(found, labelled, np.asarray(is_new, dtype=bool))
    for line in [verdict.line(), *moved.lines()]:
        console.note(line)
    asked = [figures[stage.id] for stage in planned if stage.name == "llm-label"]
    dollars = costs.add_up(each.get("dollars", 0.0) for each in asked)
    return {
        "audit": verdict.plain(),
        "drift": moved.plain(),
        "dollars": dollars,
        "stages": figures,
        "more_audit": audit.more_rows(verdict, int(is_new.sum())),
    }


def _job(planned: list[Stage], run: "EarlierRun") -> Any:
    """Return the job of the last decide as it would read the old file: it knows the features."""
    name, *args = [stage.args for stage in planned if stage.name == "decide"][-1]
    given = parsed(name, args) | {key: run.options.get(key) for key in ("delimiter", "encoding")}
    return later_job(name, given, [str(run.labelled)])


def _record(
    run: "EarlierRun",
    new: Path,
    output: Path,
    labelled: Table | None,
    written: list[str],
    figures: dict[str, Any],
    options: dict[str, Any],
    started: float,
) -> None:
    made_from = run.labelled if labelled is None else labelled.paths[0]
    step = history.step(
        "update",
        options,
        [path for path in (new, made_from) if path.is_file()],
        columns=written,
        counts={name: figures[name] for name in ("rows", rows.KNOWN, rows.CHANGED, rows.NEW)},
        cost={},
        figures={name: figures[name] for name in ("audit", "drift") if name in figures},
        seconds=time.perf_counter() - started,
    )
    history.write(output, [*history.read(made_from), step], written)
    if options["summary"]:
        output_checks.write_summary(options["summary"], {"command": "update"}, figures)
