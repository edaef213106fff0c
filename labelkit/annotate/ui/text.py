"""Texts shared by all user interfaces: keys, guidelines, progress, suggestions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from labelkit import console
from labelkit.annotate.row import RowInfo
from labelkit.annotate.session import Progress, Session
from labelkit.annotate.ui.highlight import shown

if TYPE_CHECKING:
    from labelkit.config.task_file import Task

DIGITS = "1234567890"
TIMED = 5  # rows after which the pace is shown
EMPTY = "(empty)"  # shown for a text without characters


class Guide(NamedTuple):
    """The task file's guidelines for people."""

    guidelines: str = ""
    descriptions: Mapping[str, str] = {}
    edge_cases: Sequence[str] = ()
    examples: Sequence[tuple[str, str]] = ()  # text, label


NO_GUIDE = Guide()


def guide_of(task: "Task") -> Guide:
    """Return the guidelines of a task file, without blank entries."""
    described = {name: text.strip() for name, text in task.descriptions.items()}
    return Guide(
        task.guidelines.strip(),
        {name: text for name, text in described.items() if text},
        [case.strip() for case in task.edge_cases if case.strip()],
        [(one["text"].strip(), one["label"]) for one in task.examples],
    )


def guide_lines(guide: Guide, classes: Sequence[str], every_class: bool = False) -> list[str]:
    """Return guidelines, descriptions of the classes, hard cases and examples, line by line.

    With `every_class` classes without a description are listed too.
    """
    lines = shown(guide.guidelines).split("\n") if guide.guidelines else []
    keys = {label: f"[{key}] " for key, label in keys_of(classes).items()}
    listed = [name for name in classes if every_class or name in guide.descriptions]
    lines += [""] if lines and listed else []
    for name in listed:
        description = shown(guide.descriptions.get(name, ""))
        named = f"{keys.get(name, '')}{console.clean(name, 200)}"
        lines.append(f"{named}: {description}" if description else named)
    for title, entries in (
        ("Hard cases", [f"- {shown(case)}" for case in guide.edge_cases]),
        (
            "Examples",
            [f"- {shown(text)} → {console.clean(label)}" for text, label in guide.examples],
        ),
    ):
        if entries:
            lines += [*([""] if lines else []), title, *entries]
    return lines


def keys_of(classes: Sequence[str]) -> dict[str, str]:
    """Return the class of each digit, up to ten; a class named like a digit gets that digit."""
    own = {name: name for name in classes if len(name) == 1 and name in DIGITS}
    free = iter(digit for digit in DIGITS if digit not in own)
    class_by_key: dict[str, str] = {}
    for name in classes:
        key = own.get(name) or next(free, None)
        if key is not None:
            class_by_key[key] = name
    return class_by_key


def progress_line(progress: Progress, asked: str = "") -> str:
    """Return `12 of 50 · id r7 · 3.2 s a row · 2 min left · 1 skipped`."""
    of = f" of {progress.total:,}" if progress.total is not None else ""
    parts = [f"{progress.done:,}{of}", *([asked] if asked else [])]
    if progress.pace is not None and progress.done >= TIMED:
        parts.append(f"{progress.pace:.1f} s a row")
    if progress.left is not None and progress.left > 0 and progress.done >= TIMED:
        parts.append(f"{_duration(progress.left)} left")
    parts += [
        f"{n:,} {what}"
        for n, what in ((progress.skipped, "skipped"), (progress.flagged, "flagged"))
        if n
    ]
    return " · ".join(parts)


def suggestion_line(info: RowInfo) -> str:
    """Return `guess: refund 0.83`, '' if there is no suggestion."""
    if info.suggestion is None:
        return ""
    label, confidence, source = info.suggestion
    number = f" {confidence:.2f}" if confidence is not None else ""
    return f"{source}: {console.clean(label, 200)}{number}"


def reason_line(info: RowInfo) -> str:
    """Return why the row is shown, '' if unknown."""
    return f"why: {console.clean(info.reason, 300)}" if info.reason else ""


def marks_line(session: Session) -> str:
    """Return the answer to the row so far: its label, flag and note."""
    answer = session.current_answer()
    parts = [f"label so far: {console.clean(answer.label, 200)}"] if answer.label else []
    parts += ["skipped"] if answer.skipped else []
    parts += ["flagged"] if answer.flag else []
    parts += [f"note: {console.clean(answer.note, 300)}"] if answer.note else []
    return " · ".join(parts)


def copies_line(session: Session) -> str:
    """Return whether identical rows get the same answer, '' if there are none."""
    others = len(session.copies())
    if not others:
        return ""
    rows = console.count(others, "identical rows")
    if session.with_copies:
        return f"{rows} get{'s' if others == 1 else ''} the same answer (=: this row only)"
    return f"{rows} not included (=: same answer for all)"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
