"""Line prompts, for people without a full terminal and for scripts that write to stdin."""

import sys
from collections.abc import Callable

from labelkit import console
from labelkit.annotate.comparison import RowComparison
from labelkit.annotate.session import Session
from labelkit.annotate.ui import text as words
from labelkit.annotate.ui.highlight import Highlighter, shown
from labelkit.annotate.ui.text import NO_GUIDE, Guide
from labelkit.errors import LabelkitError, nearest

HELP = (
    "a number or a class: label the row · Enter: accept the suggestion · s: skip · u: undo · "
    "f: flag · n TEXT: note · =: apply to identical rows, on/off · ?: guidelines and keys · "
    "q: quit (:s, :u … if a class is named s, u …)"
)


class Unreadable(LabelkitError):
    """A line that is neither a class nor a command."""


def run(
    session: Session, highlighter: Highlighter, comparison: RowComparison, guide: Guide = NO_GUIDE
) -> None:
    """Print the guidelines, then prompt until there are no more rows, stdin ends, or `q`.

    On a terminal an invalid line is prompted for again. In a script it raises LabelkitError, since
    the next line would label the wrong row. Raises LabelkitError if an answer cannot be saved.
    """
    typed = sys.stdin.isatty()
    number = 0
    asked: int | None = None
    if session.current is not None:
        _print_guide(guide, session)
    while session.current is not None:
        if session.current != asked:
            asked = session.current
            _show(session, highlighter, comparison)
        if typed:
            console.prompt("> ")
        line = sys.stdin.readline()
        number += 1
        if not line:
            return
        try:
            if line.strip().removeprefix(":") == "?" and "?" not in session.classes:
                _print_guide(guide, session)
                console.note(HELP)
            elif not _do(session, line.rstrip("\r\n")):
                return
        except Unreadable as error:
            if not typed:
                raise LabelkitError(
                    f"stdin, line {number} (row {console.clean(session.table.keys[asked])}): "
                    f"{error}; earlier answers are saved"
                ) from None
            console.say(str(error))


def _print_guide(guide: Guide, session: Session) -> None:
    for line in words.guide_lines(guide, session.classes):
        console.note(line)


def _show(session: Session, highlighter: Highlighter, comparison: RowComparison) -> None:
    assert session.current is not None
    row, info = session.current, session.row_info()
    key = console.clean(session.table.keys[row])
    lines = [f"── {words.progress_line(session.progress())} · {session.table.key_name} {key}"]
    texts, highlighter = session.table.texts(row), highlighter.for_row(session.asks_blind(row))
    for name, text in texts:
        title = f"{console.clean(name)}: " if len(texts) > 1 else ""
        shown_text = _marked(shown(text), highlighter) if text.strip() else words.EMPTY
        lines.append(title + shown_text)
    lines += comparison.lines(row)
    lines += [words.reason_line(info), words.marks_line(session), words.copies_line(session)]
    suggestion = words.suggestion_line(info)
    lines.append(f"{suggestion} (Enter accepts)" if suggestion else "")
    keys = {label: key for key, label in words.keys_of(session.classes).items()}
    numbers = [keys.get(label, str(n)) for n, label in enumerate(session.classes, 1)]
    lines.append(
        " ".join(
            f"[{n}] {console.clean(label)}"
            for n, label in zip(numbers, session.classes, strict=True)
        )
    )
    for line in lines:
        if line:
            console.note(line)


def _marked(text: str, highlighter: Highlighter) -> str:
    marked, end_of_last = "", 0
    for start, end in highlighter.spans(text):
        marked += f"{text[end_of_last:start]}*{text[start:end]}*"
        end_of_last = end
    return marked + text[end_of_last:]


def _do(session: Session, line: str) -> bool:
    """Run a line; return False to quit. Raises Unreadable for an invalid line."""
    label = _label(session, line.strip())
    if label is not None:
        session.decide(label)
        return True
    word, _, rest = line.strip().partition(" ")
    word = word.removeprefix(":")
    if word == "q":
        return False
    if word == "n" and rest.strip():
        session.note(rest)
    elif not word and not line.strip():
        if not session.accept():
            raise Unreadable("no suggestion to accept; enter a number or a class")
    elif word in _PLAIN and not rest:
        _PLAIN[word](session)
    else:
        text = line.strip()
        raise Unreadable(
            f"{console.clean(text)!r} is neither a class nor one of the commands "
            f"s u f n = q ?{nearest(text, session.classes)}"
        )
    return True


def _label(session: Session, text: str) -> str | None:
    if text in session.classes:
        return text
    keys = words.keys_of(session.classes)
    if text in keys:
        return keys[text]
    if text.isdecimal() and 10 < int(text) <= len(session.classes):
        return session.classes[int(text) - 1]
    return None


def _undo(session: Session) -> None:
    if session.undo() is None:
        console.say("nothing to undo")


def _copies(session: Session) -> None:
    session.with_copies = not session.with_copies
    console.note(words.copies_line(session))


_PLAIN: dict[str, Callable[[Session], object]] = {
    "s": Session.skip,
    "u": _undo,
    "f": Session.flag,
    "=": _copies,
}
