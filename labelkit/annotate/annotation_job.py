"""A person's place at a file: the rows, the journal and the session; what is left behind after."""

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
from labelkit.annotate.active.stopping_monitor import Watch
from labelkit.annotate.comparison import Context
from labelkit.annotate.journal import Journal, set_aside, unused
from labelkit.annotate.options import Wanted, answers_path
from labelkit.annotate.rows import Deck
from labelkit.annotate.session import FileOrder, Limits, Order, Session
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

EVERY, EVERY_SHARE = 10, 100  # decisions after which the answers are written, one in a hundred


@dataclass
class Sitting:
    """All that a way of asking needs; `end` and `close` are called when the person has left."""

    job: "Job"
    path: Path  # of the answers
    journal: Journal
    session: Session
    marks: highlight.Highlighter
    context: Context
    learner: "Learner | None" = None
    guide: Guide = NO_GUIDE
    labels: int = 0  # that were written
    decisions: int = 0  # since the answers were written

    def write_some(self) -> None:
        """Write the answers every few decisions, so that their file is never far behind."""
        self.decisions += 1
        if self.decisions >= max(EVERY, len(self.session.said) // EVERY_SHARE):
            self.decisions = 0
            with suppress(LabelkitError):  # the journal has all, and the end tries again
                self.labels = answers_output.write(self.path, self.session, self.journal)

    def end(self) -> None:
        """Write the answers, whatever ended the work; nothing more is learned or noted."""
        try:
            self.labels = answers_output.write(self.path, self.session, self.journal)
        except LabelkitError as error:
            raise LabelkitError(
                f"{error}; all that was said is kept in {self.journal.path}, and the same command "
                f"goes on"
            ) from error
        finally:
            if self.learner is not None:
                self.learner.stop()
            self.journal.close()

    def closed_by(self, number: int) -> EndedBySignal:
        """Note what was done, and return the error that ends the command."""
        _tell(self, self.session.remaining())
        return EndedBySignal(
            f"ended by {signal.Signals(number).name}; {self.path} holds all answers, and the same "
            f"command goes on",
            number,
        )

    def close(self) -> None:
        """Tell what was done; after the live loop leave the labelled file and the model behind.

        Raises StoppingRuleReached where one is.
        """
        left = self.session.remaining()
        _tell(self, left)
        if self.learner is None:
            _tell_next(self, left)
            return
        if self.learner.failure is not None:
            why = self.learner.failure
            console.warn(f"the model could not learn along, rows came at random: {why}")
        watch = self.learner.watch
        model = live.leave_behind(self.job, self.session, self.path)
        # Of the model that is left behind train has told it; that one learned more labels.
        signs = watch.signs if model is None else watch.signs._replace(accuracy=None)
        for line in stopping.told(signs, stopping.price_of_label(None, self.job.task.cost)):
            console.note(line)
        _tell_next_of_live_loop(self.session, model)
        if watch.reached():
            raise StoppingRuleReached(f"stop: {watch.reached()}")


def sit_down(job: "Job", wanted: Wanted) -> Sitting:
    """Open the file, the journal and the session, with whatever was answered before."""
    stopping.price_of_label(None, job.task.cost)
    path = _checked_answers(job)
    marks = highlight.of_rules(job.task.table("weak-label"), wanted.highlight)
    classes = classes_of(job)
    deck = Deck(job, wanted.show, classes)
    _check_labels(job, deck)
    in_order = deck.is_batch or wanted.in_order or wanted.redo is not None
    if not in_order:
        _keep_apart(job)
        live.check_features(job, deck)
        live.check_columns(job, Path(str(job.options["output"])))
    journal = open_journal(job, deck, classes, path, wanted.start_over)
    try:
        if in_order:
            _refuse_rules(wanted, deck)
            session, learner = _in_order(wanted, deck, journal), None
        else:
            session, learner = _live(job, wanted, deck, journal)
    except BaseException:
        journal.close()
        raise
    context = Context(deck)
    context.attach(session)
    _say_before(session, wanted.redo)
    guide = guide_of(job.task)
    sitting = Sitting(job, path, journal, session, marks, context, learner, guide)
    session.after_decision = sitting.write_some
    return sitting


def _in_order(wanted: Wanted, deck: Deck, journal: Journal) -> Session:
    rows = np.flatnonzero(~deck.labelled()).tolist()
    limits = wanted.limits if wanted.redo is None else Limits(minutes=wanted.limits.minutes)
    order = FileOrder(deck, rows, limits)
    return _session(wanted, deck, order, journal, total=order.total)


def _live(job: "Job", wanted: Wanted, deck: Deck, journal: Journal) -> "tuple[Session, Learner]":
    watch = Watch(stopping.rules(wanted.stop_when), job.seed)
    order, learner = live.make_order(job, deck, wanted.strategy, wanted.audit, wanted.limits, watch)
    limit = wanted.limits.labels
    session = _session(wanted, deck, order, journal, total=limit, counts_labels=True)
    order.attach(session)
    return session, learner


def _keep_apart(job: "Job") -> None:
    """Raise where what is left behind would replace another output, or a file of the user.

    Raises UsageError or LabelkitError.
    """
    answers = Path(str(job.options["output"]))
    named = {"-o": answers, "--summary": job.options.get("summary")}
    for path in live.left_behind(str(job.options["input"]), answers):
        for option, other in named.items():
            if other is not None and Path(other).resolve() == path.resolve():
                raise UsageError(
                    f"{option} {other} is the name of what is left behind beside the answers; "
                    f"give another"
                )
        live.refuse_foreign(path, answers)


def _refuse_rules(wanted: Wanted, deck: Deck) -> None:
    if wanted.stop_when:
        why = f"{deck.name} is a batch" if deck.is_batch else "rows are asked in order or again"
        raise UsageError(
            f"--stop-when watches a model that learns along, and {why}; query --stop-when judges "
            f"the rounds of batches"
        )


def _session(wanted: Wanted, deck: Deck, order: Order, journal: Journal, **how: Any) -> Session:
    return Session(
        *(deck, order, deck.classes, journal),
        who=wanted.who(),
        blind=wanted.blind,
        redo=wanted.redo,
        **how,
    )


def _checked_answers(job: "Job") -> Path:
    """Return where the answers go, and make it the output of the job.

    Raises UsageError for a place where they cannot go.
    """
    from labelkit.io.table import format_of

    given = str(job.options["input"])
    if is_stream(given):
        raise UsageError("annotate reads answers on stdin; give the batch as a file")
    if Path(given).is_dir():
        raise UsageError(f"{given} is a folder; annotate takes a file")
    if job.options.get("output") == "-":
        raise UsageError("annotate keeps the answers in a file, so that work can go on; not -o -")
    path = answers_path(job.options)
    format_of(path, job.options["format"])
    need_writable(path)
    history.refuse_foreign(path)
    if path.resolve() == Path(given).resolve():
        raise UsageError(f"the answers {path} are the input; give another name")
    job.options["output"] = str(path)
    output_checks.check_others(job.options, {}, [Path(given)], job.task_path)
    return path


def classes_of(job: "Job") -> list[str]:
    """Return the declared classes, else those of the file's history and its labels.

    Raises UsageError where that are fewer than two.
    """
    classes = job.known_classes()
    if len(classes) < 2:
        found = f" (its columns hold only {listing(classes)})" if classes else ""
        raise UsageError(f"which classes are there? Name them: --classes A,B{found}")
    if job.classes is None:
        console.note(f"classes, as the file's labels have them: {listing(classes)} (--classes)")
    return classes


def _check_labels(job: "Job", deck: Deck) -> None:
    """Raise LabelkitError for labels of the file that are none of the declared classes."""
    if deck.has("label"):
        job.labels(["label"])
    job.gold()


def open_journal(
    job: "Job", deck: Deck, classes: list[str], path: Path, start_over: bool
) -> Journal:
    """Return the journal of the answers at `path`, earlier ones set aside if that is wanted."""
    place = journal_path(path)
    if start_over:
        with unused(place):
            moved = set_aside([place, path, history.path_for(path)])
        if moved:
            console.note(f"set aside: {listing(str(name) for name in moved)}")
    source = Path(str(job.options["input"]))
    journal = Journal(
        place,
        {
            "file": str(source),
            "content": history.digest(source),
            "key": deck.key_name,
            "classes": classes,
        },
    )
    try:
        answers_output.refuse_others(path, journal)
    except LabelkitError:
        journal.close()
        raise
    return journal


def _say_before(session: Session, redo: str | None) -> None:
    if redo is not None and not session.progress().total:
        console.note(f"annotate: no row is {redo}; nothing is asked again")
    given = session.labels_given()
    if given:
        console.note(f"annotate: goes on after {console.count(given, 'answers')}")
    labelled = int(session.deck.labelled().sum())
    if labelled:
        console.note(
            f"{console.count(labelled, 'rows', 'have')} a label in the file already: not asked"
        )


def _tell(sitting: Sitting, left: int) -> None:
    job, session = sitting.job, sitting.session
    progress = session.progress()
    seconds = round(sum(session.worked().values()), 1)
    job.count(
        rows=session.deck.rows, labels=sitting.labels, skipped=progress.skipped,
        flagged=progress.flagged, suggestions=session.offered,
        suggestions_accepted=session.accepted,
    )  # fmt: skip
    job.cost(people_seconds=seconds)
    job.record(sitting.path, ["label", "label_origin", "label_annotator", "label_seconds"])
    parts = [
        console.count(sitting.labels, "labels"),
        *([f"{console.count(left, 'rows')} left"] if left else []),
    ]
    parts += [
        f"{n:,} {what}"
        for n, what in ((progress.skipped, "skipped"), (progress.flagged, "flagged"))
        if n
    ]
    if session.offered:
        parts.append(f"{session.accepted / session.offered:.0%} of the guesses taken")
    if progress.pace is not None:
        parts.append(f"{progress.pace:.1f} s a row")
    # A rule of --stop-when is told at the very end, with its exit code.
    if session.over and not (sitting.learner and sitting.learner.watch.reached()):
        parts.append(session.over)
    job.closing(" · ".join(parts))


def _tell_next(sitting: Sitting, left: int) -> None:
    job, answers = sitting.job, str(sitting.path)
    if left:
        _tell_to_go_on(is_limited="--labels" in sitting.session.over)
        return
    given = str(job.options["input"])
    if not sitting.session.deck.is_batch:
        console.next_step(bringing(job.options, job.task, given, answers, corrects=True))
        return
    made = history.made_with(Path(given))
    if made is None:
        key = ["--id", str(job.options["id"])] if job.options.get("id") else []
        words = ["labelkit", "merge", "DATA", answers, "--batch", given, *key, "-o", "LABELLED"]
        console.note(f"the answers come into the file of these rows with: {shlex.join(words)}")
        return
    data, step = made
    is_flagged = step["command"] == "find-noise" or step["options"].get("strategy") == "relabel"
    console.next_step(bringing(step["options"], job.task, str(data), answers, corrects=is_flagged))


def _tell_to_go_on(is_limited: bool) -> None:
    if is_limited:
        console.note("the same command with more --labels goes on")
    else:
        console.next_step(same())


def _tell_next_of_live_loop(session: Session, model: Path | None) -> None:
    """Tell what to type after the live loop: the same again, or the model at work."""
    if model is not None:
        words = ["labelkit", "predict", str(model), "FILE", "-o", "LABELLED"]
        console.note(f"the model labels other files: {shlex.join(words)}")
    if session.current is not None or session.over:
        is_over = session.progress().total is not None and not session.remaining()
        _tell_to_go_on(is_limited=is_over)
