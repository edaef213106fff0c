"""annotate: a person labels rows, on a screen, in a page or by lines; every answer is kept."""

import getpass
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from labelkit import console, history, stopping
from labelkit.errors import LabelkitError, StoppingRuleReached, UsageError, listing
from labelkit.files import next_to
from labelkit.people import answers_file, highlight, live, prompts
from labelkit.people.context import Context
from labelkit.people.deck import Deck, find_classes
from labelkit.people.journal import Journal, set_aside
from labelkit.people.session import FileOrder, Limits, Order, Session
from labelkit.people.watch import Watch

if TYPE_CHECKING:
    from labelkit.job import Job


class Wanted(NamedTuple):
    """The options of annotate."""

    show: tuple[str, ...] = ()
    highlight: tuple[str, ...] = ()
    blind: bool = False
    redo: str | None = None
    annotator: str | None = None
    limits: Limits = Limits()
    audit: int | None = None
    strategy: str = "default"
    in_order: bool = False
    plain: bool = False
    start_over: bool = False
    stop_when: tuple[str, ...] = ()
    web: bool = False
    port: int | None = None


Highlighter = highlight.Highlighter
Ask = Callable[[Session, Highlighter, Context], None]


def annotate(job: "Job", wanted: Wanted) -> None:
    """Ask a person for the labels of the rows, and write the answers on the way out."""
    _check(job, wanted)
    path = answers_path(job)
    highlighter = highlight.of_rules(job.task.table("weak-label"), wanted.highlight)
    classes = classes_of(job)
    deck = Deck(job, wanted.show, classes)
    journal = open_journal(job, deck, classes, path, wanted.start_over)
    try:
        if deck.is_batch or wanted.in_order or wanted.redo:
            _refuse_rules(wanted, deck)
            _in_order(job, wanted, deck, journal, path, highlighter)
        else:
            _live(job, wanted, deck, journal, path, highlighter)
    finally:
        journal.close()


def _check(job: "Job", wanted: Wanted) -> None:
    """Raise UsageError for options that cannot be or do not go together."""
    stopping.rules(wanted.stop_when)
    stopping.price_of_label(None, job.task.cost)
    if wanted.web and wanted.plain:
        raise UsageError("--web and --plain are two ways of asking; give one of them")
    if wanted.port is not None and not wanted.web:
        raise UsageError(f"--port {wanted.port} is that of --web, which is not given")


def _in_order(
    job: "Job", wanted: Wanted, deck: Deck, journal: Journal, path: Path, marks: Highlighter
) -> None:
    rows = np.flatnonzero(~deck.labelled()).tolist()
    limits = wanted.limits if wanted.redo is None else Limits(minutes=wanted.limits.minutes)
    order = FileOrder(deck, rows, limits)
    session = _session(wanted, deck, order, journal, total=order.total)
    work(job, session, journal, path, marks, ask_by(wanted))


def _refuse_rules(wanted: Wanted, deck: Deck) -> None:
    if wanted.stop_when:
        why = f"{deck.name} is a batch" if deck.is_batch else "rows are asked in order or again"
        raise UsageError(
            f"--stop-when watches a model that learns along, and {why}; query --stop-when judges "
            f"the rounds of batches"
        )


def _live(
    job: "Job", wanted: Wanted, deck: Deck, journal: Journal, path: Path, marks: Highlighter
) -> None:
    watch = Watch(stopping.rules(wanted.stop_when), job.seed)
    order, learner = live.make_order(job, deck, wanted.strategy, wanted.audit, wanted.limits, watch)
    limit = wanted.limits.labels
    session = _session(wanted, deck, order, journal, total=limit, counts_labels=True)
    order.attach(session)
    try:
        work(job, session, journal, path, marks, ask_by(wanted))
    finally:
        learner.stop()
    if learner.failure is not None:
        console.warn(f"the model could not learn along, rows came at random: {learner.failure}")
    for line in stopping.told(watch.signs, stopping.price_of_label(None, job.task.cost)):
        console.note(line)
    live.leave_behind(job, session, path)
    if watch.reached():
        raise StoppingRuleReached(f"stop: {watch.reached()}")


def _session(wanted: Wanted, deck: Deck, order: Order, journal: Journal, **how: Any) -> Session:
    return Session(
        *(deck, order, deck.classes, journal),
        who=annotator(wanted),
        blind=wanted.blind,
        redo=wanted.redo,
        **how,
    )


def work(
    job: "Job",
    session: Session,
    journal: Journal,
    path: Path,
    highlighter: Highlighter,
    ask: Ask,
) -> None:
    """Let the person work; whatever ends it, the answers are written."""
    _say_before(session)
    context = Context(session.deck)
    context.attach(session)
    try:
        ask(session, highlighter, context)
    except KeyboardInterrupt:  # a way to quit: everything is kept
        pass
    finally:
        labels = answers_file.write(path, session, journal)
    _close(job, session, path, labels)


def ask_by(wanted: Wanted) -> Ask:
    """Return the way of asking: the page, the screen of a terminal, or else line prompts."""
    if wanted.web:
        from labelkit.people import web

        return partial(web.run, port=wanted.port or 0)
    if wanted.plain or not (console.can_ask() and console.is_terminal()):
        return prompts.run
    from labelkit.people import screen

    return screen.run


def answers_path(job: "Job") -> Path:
    """Return where the answers go, and make it the output of the job.

    Raises UsageError for a place where they cannot go.
    """
    from labelkit.table import format_of

    given = str(job.options["input"])
    if given == "-":
        raise UsageError("annotate reads answers on stdin; give the batch as a file")
    if Path(given).is_dir():
        raise UsageError(f"{given} is a folder; annotate takes a file")
    output = job.options.get("output")
    if output == "-":
        raise UsageError("annotate keeps the answers in a file, so that work can go on; not -o -")
    path = Path(output) if output else next_to(given, "answers")
    format_of(path, job.options["format"])
    if not path.parent.is_dir():
        raise LabelkitError(f"{path} cannot be written: there is no folder {path.parent}")
    if path.resolve() == Path(given).resolve():
        raise UsageError(f"the answers {path} are the input; give another name")
    job.options["output"] = str(path)
    return path


def classes_of(job: "Job") -> list[str]:
    """Return the declared classes, else the labels that the file holds.

    Raises UsageError where that are fewer than two.
    """
    classes = job.classes or find_classes(job)
    if len(classes) < 2:
        found = f" (its columns hold only {listing(classes)})" if classes else ""
        raise UsageError(f"which classes are there? Name them: --classes A,B{found}")
    if job.classes is None:
        console.note(f"classes, as the file's labels have them: {listing(classes)} (--classes)")
    return classes


def open_journal(
    job: "Job", deck: Deck, classes: list[str], path: Path, start_over: bool
) -> Journal:
    """Return the journal of the answers at `path`, earlier ones set aside if that is wanted."""
    place = job.cache_dir / f"{path.name}.journal.jsonl"
    if start_over:
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
        answers_file.refuse_others(path, journal)
    except LabelkitError:
        journal.close()
        raise
    return journal


def annotator(wanted: Wanted) -> str:
    """Return who is at work: --annotator, else the name of the account."""
    if wanted.annotator is not None:
        return wanted.annotator
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _say_before(session: Session) -> None:
    given = session.labels_given()
    if given:
        console.note(f"annotate: goes on after {given:,} answers")
    labelled = int(session.deck.labelled().sum())
    if labelled:
        console.note(f"{labelled:,} rows have a label in the file already and are not asked")


def _close(job: "Job", session: Session, path: Path, labels: int) -> None:
    progress = session.progress()
    seconds = round(sum(said.seconds for said in session.said.values() if said.label), 1)
    job.count(
        rows=session.deck.rows, labels=labels, skipped=progress.skipped, flagged=progress.flagged,
        suggestions=session.offered, suggestions_accepted=session.accepted,
    )  # fmt: skip
    job.cost(people_seconds=seconds)
    job.record(path, ["label", "label_origin", "label_annotator", "label_seconds"])
    left = session.remaining()
    parts = [f"{labels:,} labels", *([f"{left:,} rows left"] if left else [])]
    parts += [
        f"{n:,} {what}"
        for n, what in ((progress.skipped, "skipped"), (progress.flagged, "flagged"))
        if n
    ]
    if session.offered:
        parts.append(f"{session.accepted / session.offered:.0%} of the guesses taken")
    if progress.pace is not None:
        parts.append(f"{progress.pace:.1f} s a row")
    job.closing(" · ".join(parts), then=_next(job, session, path, left))


def _next(job: "Job", session: Session, path: Path, left: int) -> str:
    given = str(job.options["input"])
    if left:
        return "the same command goes on"
    key = ["--id", str(job.options["id"])] if job.options.get("id") else []
    if session.deck.is_batch:
        answers = [str(path), "--batch", given, *key]
        return f"labelkit merge INPUT {shlex.join(answers)} -o OUTPUT"
    merged = ["-o", str(next_to(given, "merged")), *key]
    return shlex.join(["labelkit", "merge", given, str(path), *merged])
