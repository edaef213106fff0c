"""Line prompts: for a person without a full terminal, and for a script that types on stdin."""

import sys
from collections.abc import Callable

from labelkit import console
from labelkit.annotate.comparison import Context
from labelkit.annotate.session import Session
from labelkit.annotate.ui import text as words
from labelkit.annotate.ui.highlight import Highlighter, shown
from labelkit.annotate.ui.text import NO_GUIDE, Guide
from labelkit.errors import LabelkitError, nearest

HELP = (
    "a number or a class: label it · Enter: take the guess · s: skip · u: undo · f: flag · "
    "n TEXT: note · =: with or without the rows that look the same · ?: guidelines and keys · "
    "q: quit (:s, :u … where a class is called s, u …)"
)


class Unreadable(LabelkitError):
    """A line that says nothing that can be done."""


def run(
    session: Session, highlighter: Highlighter, context: Context, guide: Guide = NO_GUIDE
) -> None:
    """Tell the guidelines, then ask until there are no more rows, the input ends, or the person
    quits.

    A person who mistypes is asked again. A script that does is stopped, since its next line
    would label the wrong row. Raises LabelkitError then, and where an answer cannot be saved.
    """
    typed = sys.stdin.isatty()
    number = 0
    asked: int | None = None
    if session.current is not None:
        _tell(guide, session)
    while session.current is not None:
        if session.current != asked:
            asked = session.current
            _show(session, highlighter, context)
        if typed:
            console.prompt("> ")
        line = sys.stdin.readline()
        number += 1
        if not line:
            return
        try:
            if line.strip().removeprefix(":") == "?" and "?" not in session.classes:
                _tell(guide, session)
                console.note(HELP)
            elif not _do(session, line.rstrip("\r\n")):
                return
        except Unreadable as error:
            if not typed:
                raise LabelkitError(
                    f"stdin, line {number} (row {console.clean(session.deck.keys[asked])}): "
                    f"{error}; the answers before it are kept"
                ) from None
            console.say(str(error))


def _tell(guide: Guide, session: Session) -> None:
    for line in words.guide_lines(guide, session.classes):
        console.note(line)


def _show(session: Session, highlighter: Highlighter, context: Context) -> None:
    assert session.current is not None
    row, about = session.current, session.about()
    key = console.clean(session.deck.keys[row])
    lines = [f"── {words.progress_line(session.progress())} · {session.deck.key_name} {key}"]
    texts, highlighter = session.deck.texts(row), highlighter.for_row(session.asks_blind(row))
    for name, text in texts:
        title = f"{console.clean(name)}: " if len(texts) > 1 else ""
        said = _marked(shown(text), highlighter) if text.strip() else words.EMPTY
        lines.append(title + said)
    lines += context.lines(row)
    lines += [words.reason_line(about), words.marks_line(session), words.copies_line(session)]
    suggestion = words.suggestion_line(about)
    lines.append(f"{suggestion} (Enter takes it)" if suggestion else "")
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
    found, at = "", 0
    for start, end in highlighter.spans(text):
        found += f"{text[at:start]}*{text[start:end]}*"
        at = end
    return found + text[at:]


def _do(session: Session, line: str) -> bool:
    """Do what a line says; False: quit. Raises Unreadable where it says nothing."""
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
            raise Unreadable("there is no guess to take; give a number or a class")
    elif word in _PLAIN and not rest:
        _PLAIN[word](session)
    else:
        text = line.strip()
        raise Unreadable(
            f"{console.clean(text)!r} is none of the classes and none of the commands "
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
        console.say("there is nothing to undo")


def _copies(session: Session) -> None:
    session.with_copies = not session.with_copies
    console.note(words.copies_line(session))


_PLAIN: dict[str, Callable[[Session], object]] = {
    "s": Session.skip,
    "u": _undo,
    "f": Session.flag,
    "=": _copies,
}
