"""stderr is for people: notes, progress, tables, the closing line. stdout gets data only."""

import json
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

WARNING = "warning: "
_QUIET = 1
_NORMAL = 2
_VERBOSE = 3
_level = _NORMAL
_thread = threading.local()

# Terminal escapes, other control characters and bidirectional overrides are shown, not obeyed.
# The joiners U+200C and U+200D stay: words of Persian and Hindi need them, and so do emoji.
_HOSTILE = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069]")
_HOSTILE_BUT_LINES = re.compile(_HOSTILE.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))
# Marks that only give the direction of the letters beside them are left out.
_MARKS = dict.fromkeys(map(ord, "\u200e\u200f\u061c"))
_URL = re.compile(r"(?<=://)[^\s'\"<>]+")
_USER = re.compile(r"^[^/?#]*@")
_VALUE = re.compile(r"(?<=[?&;])([^=&;#]*=)?[^&;#]+")
_SECRET = re.compile(
    r"(^|[-_.]|api|access|auth)"
    r"(key|token|secret|password|passwd|pwd|sig|signature|auth|credential|code)$",
    re.IGNORECASE,
)
_LIBRARIES = (os.path.dirname(os.__file__), os.path.dirname(__file__))
_ONE_DOES = {"are": "is", "were": "was", "have": "has", "do": "does"}
_PLAIN_PROGRESS_SECONDS = 30.0
# Between the columns of a table, and the fewest cells to which a text is cut where it is wide.
_GAP, _LEAST_TEXT = "  ", 16


def set_level(quiet: bool, verbose: bool) -> None:
    """Choose how much is said: `quiet` leaves errors and warnings only."""
    global _level
    _level = _QUIET if quiet else _VERBOSE if verbose else _NORMAL


def clean(text: object, width: int = 80) -> str:
    """Return a cell's text fit for a terminal: no control characters, at most `width` wide."""
    shown = str(text).replace("\r\n", "⏎").replace("\n", "⏎").replace("\t", " ")
    shown = _HOSTILE.sub("·", shown).translate(_MARKS)
    if cells_of(shown) <= width:
        return shown
    if shown.isascii():
        return shown[: width - 1] + "…"
    from rich.cells import set_cell_size

    return set_cell_size(shown[:width], width - 1).rstrip() + "…"


def lines_for_terminal(text: str) -> str:
    """Return text of our own, with names and cells in it, that cannot steer a terminal.

    Keys and passwords in URLs are left out.
    """
    cleaned = _HOSTILE_BUT_LINES.sub("·", text.replace("\r\n", "\n")).translate(_MARKS)
    return without_secrets(cleaned, lambda name: _SECRET.search(name) is not None)


MASK = "***"  # in place of a secret


def without_secrets(text: str, is_secret: Callable[[str], bool] = lambda name: True) -> str:
    """Return text whose URLs have no user, no fragment, and no value of a query that is secret."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1) or ""
        return f"{name}{MASK}" if is_secret(name.rstrip("=")) else found.group()

    def masked(found: re.Match[str]) -> str:
        address, mark, query = _USER.sub(f"{MASK}@", found.group()).partition("?")
        return address + _VALUE.sub(value, mark + query)

    return _URL.sub(masked, text) if "://" in text else text


def count(number: int, nouns: str, verb: str = "") -> str:
    """Return a number with its noun and verb: `1 row has`, `2 rows have`.

    `nouns` and `verb` are given as they stand behind several.
    """
    if number == 1:
        nouns, verb = _one_of(nouns), _ONE_DOES.get(verb, verb and f"{verb}s")
    return " ".join([f"{number:,}", nouns, *([verb] if verb else [])])


def _one_of(nouns: str) -> str:
    word = nouns.rpartition(" ")[2]
    if word.endswith("ies") and len(word) > len("ties"):
        return nouns.removesuffix("ies") + "y"
    return nouns.removesuffix("es") if nouns.endswith("sses") else nouns.removesuffix("s")


def cells_of(text: str) -> int:
    """Return how many cells of a terminal a text takes: two for 日, none for a joiner."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def padded(text: str, cells: int, right: bool = False) -> str:
    """Return a text that takes so many cells of a terminal, at the right of them if wanted."""
    blank = " " * (cells - cells_of(text))
    return blank + text if right else text + blank


def say(text: str) -> None:
    """Say something that must be heard, also under --quiet."""
    text = lines_for_terminal(text)
    kept = getattr(_thread, "kept", None)
    if kept is not None:
        kept.append(text)
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:  # nobody reads it any more: the terminal is closed, `2>&1 | head` has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def note(text: str) -> None:
    """Say something that people may want to know."""
    if _level >= _NORMAL:
        say(text)


def detail(text: str) -> None:
    """Say something only under --verbose."""
    if _level >= _VERBOSE:
        say(text)


def warn(text: str) -> None:
    """Say something that may be wrong, also under --quiet."""
    say(f"{WARNING}{text}")


@contextmanager
def own_warnings_only() -> Iterator[None]:
    """Say nothing of what libraries warn of, in their words, to whoever wrote code for them.

    A warning of a user's own file, of labeling functions say, is said; all are under --verbose.
    """
    with warnings.catch_warnings():
        hide_library_warnings()
        yield


def hide_library_warnings() -> None:
    """Do so for the rest of this process, or until the filters of warnings are reset."""
    warnings.showwarning = _show_warning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    is_foreign = filename.startswith((*_LIBRARIES, "<")) or "-packages" + os.sep in filename
    (detail if is_foreign else warn)(f"{filename}, line {lineno}: {clean(message, 1000)}")


def error(text: str) -> None:
    """Say why the command failed."""
    say(f"error: {text}")


def is_terminal() -> bool:
    """Tell whether a person watches stderr."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def can_ask() -> bool:
    """Tell whether a person can answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def unseen() -> Iterator[None]:
    """Show no progress of what this thread does: a person is at work on the same screen."""
    _thread.is_unseen = True
    try:
        yield
    finally:
        _thread.is_unseen = False


def is_within() -> bool:
    """Tell whether this command is a part of another one, which says how all of it ended."""
    return bool(getattr(_thread, "is_inner", False))


def next_step(command: str, otherwise: str = "") -> None:
    """Tell what to type next, unless another command goes on.

    `command` is one line of the shell that runs as it is printed; words that explain are no part
    of it. `otherwise` is another way, on a line of its own.
    """
    if not is_within():
        note(f"next: {command}")
        if otherwise:
            note(f"or {otherwise}")


@contextmanager
def within() -> Iterator[None]:
    """Run commands as parts of another: only that one tells what to type next."""
    before = getattr(_thread, "is_inner", False)
    _thread.is_inner = True
    try:
        yield
    finally:
        _thread.is_inner = before


@contextmanager
def keeping() -> Iterator[list[str]]:
    """Yield a list that takes what this thread says: on the screen it would be lost."""
    _thread.kept = []
    try:
        with unseen():
            yield _thread.kept
    finally:
        _thread.kept = None


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[..., None]]:
    """Yield `advance(n=1, note="")`; a bar on a terminal, else a plain line every 30 seconds."""
    if _level < _NORMAL or getattr(_thread, "is_unseen", False):
        yield lambda n=1, note="": None
    elif is_terminal():
        yield from _bar(what, total)
    else:
        yield _plain_progress(what, total)


def _bar(what: str, total: int | None) -> Iterator[Callable[..., None]]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(clean(what)), total=total, note="")

        def advance(n: int = 1, note: str = "") -> None:
            bar.update(task, advance=n, note=escape(clean(note)))

        yield advance


def _plain_progress(what: str, total: int | None) -> Callable[..., None]:
    done = 0
    said = time.monotonic()

    def advance(n: int = 1, note: str = "") -> None:
        nonlocal done, said
        done += n
        if time.monotonic() - said >= _PLAIN_PROGRESS_SECONDS:
            said = time.monotonic()
            of = f" of {total:,}" if total else ""
            say(f"{what}: {done:,}{of}{' · ' + note if note else ''}")

    return advance


class Uncut(str):
    """A cell that a table never cuts: figures that mean nothing in part."""

    __slots__ = ()


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Show a small table to people, on stderr."""
    if _level >= _NORMAL:
        for line in table_lines(title, header, rows, _room(sys.stderr)):
            say(line)


def data_table(
    header: Sequence[str], rows: Sequence[Sequence[object]], *, as_json: bool = False
) -> None:
    """Write a table to stdout: aligned text for people, one JSON list of objects for programs."""
    if as_json:
        data_json([dict(zip(header, row, strict=True)) for row in rows])
        return
    for line in table_lines("", header, rows, _room(sys.stdout)):
        data_line(line)


def data_line(text: str = "") -> None:
    """Write a line for people to stdout."""
    print(lines_for_terminal(text))


def data_json(value: object) -> None:
    """Write a value to stdout as one line of JSON; what could steer a terminal is escaped."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, ensure_ascii=not is_utf8)
    print(_HOSTILE.sub(lambda found: f"\\u{ord(found.group()):04x}", text))


def _room(stream: Any) -> int:
    """Return how wide a table may be on a stream: as wide as its terminal, if it is one."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or sys.maxsize
    except (OSError, ValueError, AttributeError):
        return sys.maxsize


def table_lines(
    title: str, header: Sequence[str], rows: Sequence[Sequence[object]], room: int
) -> list[str]:
    """Return the lines of a table; one that is too wide stands in parts, below each other."""
    cells = [[clean(name, 60) for name in header]]
    cells += [[clean(shown(value), 60) for value in row] for row in rows]
    number = [all(_is_number(row[i]) for row in rows) for i in range(len(header))]
    widths = _narrowed(
        [max(map(cells_of, column)) for column in zip(*cells, strict=True)], number, room
    )
    lines = [clean(title, 1000)] if title else []
    for part in _parts(widths, room):
        for place, row in enumerate(cells):
            columns = [padded(clean(row[i], widths[i]), widths[i], number[i]) for i in part]
            lines.append(_GAP.join(columns).rstrip())
            if place == 0:
                lines.append(_GAP.join("─" * widths[i] for i in part))
    return lines


def _narrowed(widths: Sequence[int], number: Sequence[bool], room: int) -> list[int]:
    """Return the widths of columns where the widest texts are cut, so that a table fits."""
    found = list(widths)
    texts = [i for i, is_number in enumerate(number) if not is_number]
    while sum(found) + len(_GAP) * (len(found) - 1) > room:
        widest = max(texts, key=found.__getitem__, default=0)
        if not texts or found[widest] <= _LEAST_TEXT:
            break
        found[widest] -= 1
    return found


def _parts(widths: Sequence[int], room: int) -> list[list[int]]:
    """Return the columns that stand side by side; each part begins with the first column."""
    parts, used = [[0]], widths[0]
    for place, width in enumerate(widths[1:], 1):
        used += len(_GAP) + width
        if used > room and len(parts[-1]) > 1:
            parts.append([0])
            used = widths[0] + len(_GAP) + width
        parts[-1].append(place)
    return parts


def shown(value: object) -> str:
    """Return a value as a table shows it: three decimals, thousands apart, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | Uncut) and not isinstance(value, bool))


def ask(question: str) -> bool:
    """Ask a person a yes-or-no question on the terminal; no answer means no."""
    prompt(f"{question} [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def prompt(text: str) -> None:
    """Show what a person is to answer on the same line."""
    sys.stderr.write(lines_for_terminal(text))
    sys.stderr.flush()
