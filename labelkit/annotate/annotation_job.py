"""An annotation job: opens file, journal and session; writes the answers and final files."""

import shlex
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit import console
from labelkit.annotate import answers_output
from labelkit.annotate.active import live
from labelkit.annotate.active.stopping_monitor import StoppingMonitor
from labelkit.annotate.comparison import RowComparison
from labelkit.annotate.journal import Journal, set_aside, unused
from labelkit.annotate.options import AnnotateOptions, answers_path
from labelkit.annotate.row_order import FileOrder, Limits, Order
from labelkit.annotate.rows import RowTable
from labelkit.annotate.session import Session
from labelkit.annotate.ui import highlight
from labelkit.annotate.ui.text import NO_GUIDE, Guide, guide_of
from labelkit.command.next_steps import bringing, same
from labelkit.data.answers_journal import journal_path
from labelkit.errors import (
    EndedBySignal,
    LabelkitError,
    StoppingRuleReached,
    UsageError,
    listing,
)
from labelkit.io import history, output_checks
from labelkit.io.files import need_writable
from labelkit.io.streams import is_stream
from labelkit.ml import stopping

if TYPE_CHECKING:
    from labelkit.annotate.active.learner import Learner
    from labelkit.job.job import Job

DECISIONS_PER_WRITE, WRITE_SHARE = (
    10,
    100,
)  # write after 10 decisions, or 1/100 of the answers


@dataclass
class AnnotationJob:
    """All that a user interface needs; `write_answers` and `report` are called at the end."""

    job: "Job"
    path: Path  # the answers file
    journal: Journal
    session: Session
    marks: highlight.Highlighter
    comparison: RowComparison
    learner: "Learner | None" = None
    guide: Guide = NO_GUIDE
    labels: int = 0  # number written
    decisions: int = 0  # since the last write

    def write_periodically(self) -> None:
        """Write the answers every few decisions, to keep the file nearly up to date."""
        self.decisions += 1
        if self.decisions >= max(DECISIONS_PER_WRITE, len(self.session.answers) // WRITE_SHARE):
            self.decisions = 0
            with suppress(
                LabelkitError
            ):  # the journal has all answers, and write_answers tries again
                self.labels = answers_output.write(self.path, self.session, self.journal)

    def write_answers(self) -> None:
        """Write the answers, stop the learner and close the journal."""
        try:
            self.labels = answers_output.write(self.path, self.session, self.journal)
        except LabelkitError as error:
            raise LabelkitError(
                f"{error}; all answers are saved in {self.journal.path}; run the same command to "
                f"continue"
            ) from error
        finally:
            if self.learner is not None:
                self.learner.stop()
            self.journal.close()

    def ended_by_signal(self, number: int) -> EndedBySignal:
        """Print the summary, and return the error that ends the command."""
        _print_summary(self, self.session.remaining())
        return EndedBySignal(
            f"ended by {signal.Signals(number).name}; all answers are in {self.path}; run the same "
            f"command to continue",
            number,
        )

    def report(self) -> None:
        """Print the summary and next steps; after the live loop write the final files.

        Raises StoppingRuleReached if a rule of --stop-when is reached.
        """
        n_left = self.session.remaining()
        _print_summary(self, n_left)
        if self.learner is None:
            _print_next_step(self, n_left)
            return
        if self.learner.failure is not None:
            error = self.learner.failure
            console.warn(f"the model could not learn along, rows came at random: {error}")
        monitor = self.learner.monitor
        model = live.write_final_files(self.job, self.session, self.path)
        # train has printed the accuracy of the final model, which has more labels than this one.
        signs = monitor.signs if model is None else monitor.signs._replace(accuracy=None)
        for line in stopping.told(signs, stopping.price_of_label(None, self.job.task.cost)):
            console.note(line)
        _print_live_next_steps(self.session, model)
        if monitor.reached():
            raise StoppingRuleReached(f"stop: {monitor.reached()}")


def open_job(job: "Job", options: AnnotateOptions) -> AnnotationJob:
    """Open the file, the journal and the session, with the answers of earlier sessions."""
    stopping.price_of_label(None, job.task.cost)
    path = _checked_answers(job)
    marks = highlight.of_rules(job.task.table("weak-label"), options.highlight)
    classes = classes_of(job)
    table = RowTable(job, options.show, classes)
    _check_labels(job, table)
    in_order = table.is_batch or options.in_order or options.redo is not None
    if not in_order:
        _check_final_files(job)
        live.check_features(job, table)
        live.check_columns(job, Path(str(job.options["output"])))
    journal = open_journal(job, table, classes, path, options.start_over)
    try:
        if in_order:
            _refuse_stopping_rules(options, table)
            session, learner = _in_order(options, table, journal), None
        else:
            session, learner = _live(job, options, table, journal)
    except BaseException:
        journal.close()
        raise
    comparison = RowComparison(table)
    comparison.attach(session)
    _print_start_notes(session, options.redo)
    guide = guide_of(job.task)
    annotation_job = AnnotationJob(job, path, journal, session, marks, comparison, learner, guide)
    session.after_decision = annotation_job.write_periodically
    return annotation_job


def _in_order(options: AnnotateOptions, table: RowTable, journal: Journal) -> Session:
    rows = np.flatnonzero(~table.labelled()).tolist()
    limits = options.limits if options.redo is None else Limits(minutes=options.limits.minutes)
    order = FileOrder(table, rows, limits)
    return _session(options, table, order, journal, total=order.total)


def _live(
    job: "Job", options: AnnotateOptions, table: RowTable, journal: Journal
) -> "tuple[Session, Learner]":
    monitor = StoppingMonitor(stopping.rules(options.stop_when), job.seed)
    order, learner = live.make_order(
        job, table, options.strategy, options.audit, options.limits, monitor
    )
    limit = options.limits.labels
    session = _session(options, table, order, journal, total=limit, counts_labels=True)
    order.attach(session)
    return session, learner


def _check_final_files(job: "Job") -> None:
    """Raise UsageError or LabelkitError if a final file would replace an output or user's file."""
    answers = Path(str(job.options["output"]))
    named = {"-o": answers, "--summary": job.options.get("summary")}
    for path in live.final_file_paths(str(job.options["input"]), answers):
        for option, other in named.items():
            if other is not None and Path(other).resolve() == path.resolve():
                raise UsageError(
                    f"{option} {other} is also the name of a file that annotate writes beside the "
                    f"answers; choose another"
                )
        live.refuse_foreign(path, answers)


def _refuse_stopping_rules(options: AnnotateOptions, table: RowTable) -> None:
    if options.stop_when:
        why = (
            f"{table.name} is a batch"
            if table.is_batch
            else "with --in-order and --redo no model is trained"
        )
        raise UsageError(
            f"--stop-when needs a model that is trained during the session, but {why}; for "
            f"batches use query --stop-when"
        )


def _session(
    options: AnnotateOptions,
    table: RowTable,
    order: Order,
    journal: Journal,
    **progress_options: Any,
) -> Session:
    return Session(
        *(table, order, table.classes, journal),
        who=options.annotator_name(),
        blind=options.blind,
        redo=options.redo,
        **progress_options,
    )


def _checked_answers(job: "Job") -> Path:
    """Return the path of the answers, and make it the output of the job.

    Raises UsageError if the answers cannot be written there.
    """
    from labelkit.io.table_formats import format_of

    input_name = str(job.options["input"])
    if is_stream(input_name):
        raise UsageError("annotate reads answers from stdin; pass the batch as a file")
    if Path(input_name).is_dir():
        raise UsageError(f"{input_name} is a folder; annotate takes a file")
    if job.options.get("output") == "-":
        raise UsageError("annotate needs a file for the answers, to continue a session; not -o -")
    path = answers_path(job.options)
    format_of(path, job.options["format"])
    need_writable(path)
    history.refuse_foreign(path)
    if path.resolve() == Path(input_name).resolve():
        raise UsageError(f"the answers file {path} is the input; choose another name")
    job.options["output"] = str(path)
    output_checks.check_others(job.options, {}, [Path(input_name)], job.task_path)
    return path


def classes_of(job: "Job") -> list[str]:
    """Return the declared classes, else those of the file's history and its labels.

    Raises UsageError if there are fewer than two.
    """
    classes = job.known_classes()
    if len(classes) < 2:
        classes_note = f" (the file has only labels of {listing(classes)})" if classes else ""
        raise UsageError(f"no classes given; pass --classes A,B{classes_note}")
    if job.classes is None:
        console.note(
            f"classes taken from the file's labels: {listing(classes)} (set them with --classes)"
        )
    return classes


def _check_labels(job: "Job", table: RowTable) -> None:
    """Raise LabelkitError for labels in the file that are not declared classes."""
    if table.has("label"):
        job.labels(["label"])
    job.gold()


def open_journal(
    job: "Job", table: RowTable, classes: list[str], path: Path, start_over: bool
) -> Journal:
    """Return the journal of the answers at `path`; with `start_over` rename earlier files first."""
    journal_file = journal_path(path)
    if start_over:
        with unused(journal_file):
            moved = set_aside([journal_file, path, history.path_for(path)])
        if moved:
            console.note(f"set aside: {listing(str(name) for name in moved)}")
    source = Path(str(job.options["input"]))
    journal = Journal(
        journal_file,
        {
            "file": str(source),
            "content": history.digest(source),
            "key": table.key_name,
            "classes": classes,
        },
    )
    try:
        answers_output.refuse_others(path, journal)
    except LabelkitError:
        journal.close()
        raise
    return journal


def _print_start_notes(session: Session, redo: str | None) -> None:
    if redo is not None and not session.progress().total:
        console.note(f"annotate: no row is {redo}; nothing to redo")
    n_answers = session.labels_given()
    if n_answers:
        console.note(f"annotate: continues after {console.count(n_answers, 'answers')}")
    n_labelled = int(session.table.labelled().sum())
    if n_labelled:
        console.note(f"{console.count(n_labelled, 'rows')} already labelled in the file, not shown")


def _print_summary(annotation: AnnotationJob, n_left: int) -> None:
    job, session = annotation.job, annotation.session
    progress = session.progress()
    seconds = round(sum(session.worked().values()), 1)
    job.count(
        rows=session.table.rows, labels=annotation.labels, skipped=progress.skipped,
        flagged=progress.flagged, suggestions=session.offered,
        suggestions_accepted=session.accepted,
    )  # fmt: skip
    job.cost(people_seconds=seconds)
    job.record(annotation.path, ["label", "label_origin", "label_annotator", "label_seconds"])
    parts = [
        console.count(annotation.labels, "labels"),
        *([f"{console.count(n_left, 'rows')} left"] if n_left else []),
    ]
    parts += [
        f"{n:,} {what}"
        for n, what in ((progress.skipped, "skipped"), (progress.flagged, "flagged"))
        if n
    ]
    if session.offered:
        parts.append(f"{session.accepted / session.offered:.0%} of suggestions accepted")
    if progress.pace is not None:
        parts.append(f"{progress.pace:.1f} s a row")
    # A rule of --stop-when is printed at the very end, with its exit code.
    if session.stop_reason and not (annotation.learner and annotation.learner.monitor.reached()):
        parts.append(session.stop_reason)
    job.print_summary(" · ".join(parts))


def _print_next_step(annotation: AnnotationJob, n_left: int) -> None:
    job, answers = annotation.job, str(annotation.path)
    if n_left:
        _print_how_to_continue(is_limited="--labels" in annotation.session.stop_reason)
        return
    input_name = str(job.options["input"])
    if not annotation.session.table.is_batch:
        console.next_step(bringing(job.options, job.task, input_name, answers, corrects=True))
        return
    producer = history.find_step_for_batch(Path(input_name))
    if producer is None:
        key = ["--id", str(job.options["id"])] if job.options.get("id") else []
        words = [
            "labelkit",
            "merge",
            "DATA",
            answers,
            "--batch",
            input_name,
            *key,
            "-o",
            "LABELLED",
        ]
        console.note(f"merge the answers into the file of these rows: {shlex.join(words)}")
        return
    data, step = producer
    is_flagged = step["command"] == "find-noise" or step["options"].get("strategy") == "relabel"
    console.next_step(bringing(step["options"], job.task, str(data), answers, corrects=is_flagged))


def _print_how_to_continue(is_limited: bool) -> None:
    if is_limited:
        console.note("to continue, run the same command with more --labels")
    else:
        console.next_step(same())


def _print_live_next_steps(session: Session, model: Path | None) -> None:
    """Print the next commands after the live loop: predict with the model, or continue."""
    if model is not None:
        words = ["labelkit", "predict", str(model), "FILE", "-o", "LABELLED"]
        console.note(f"to label other files with the model: {shlex.join(words)}")
    if session.current is not None or session.stop_reason:
        is_over = session.progress().total is not None and not session.remaining()
        _print_how_to_continue(is_limited=is_over)
