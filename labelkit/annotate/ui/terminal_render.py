"""What the terminal screen shows of a row and its classes: plain content, never markup."""

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content

from labelkit import console
from labelkit.annotate.row import About, Field
from labelkit.annotate.ui import text as words
from labelkit.annotate.ui.highlight import Highlighter, shown

MOST_LISTED = 20  # classes; the others are found with /
MOST_FOUND = 7
GAP = 3  # cells between two columns of classes
NARROWEST_CLASS = 16  # cells to which a column of classes may shrink
NARROWEST, LOWEST, ROOMY = 40, 12, 20  # of a terminal: columns, lines, lines with room to spare
HELP = """\
1 … 9 0    give the label beside the digit, and go on
Enter      take the guess (a, too)
Space      skip (s, too)
Backspace  undo, also what an earlier session did (u, too)
f          flag for a second look; n  write a note
=          with or without the rows that look the same
/          find a class by its name: type, choose with up and down, Enter
up down PgUp PgDn j k   scroll the text
a value's percents: its percentile among the rows labelled so far in each
           class; of words, the share of those rows that have the same
q          leave; everything is kept, the same command goes on
?          guidelines, classes and keys; up and down scroll, any other key
           goes back"""

Texts = Sequence[tuple[str, str]]


def row(texts: Texts, fields: Sequence[Field], near: str, marks: Highlighter) -> Content:
    """Return a row: its texts, the columns beside them, the labelled rows that are most alike."""
    parts: list[Content | tuple[str, str]] = []
    for name, text in texts:
        if len(texts) > 1:
            parts.append((f"{console.clean(name)}\n", "bold dim"))
        parts.append(_marked(shown(text), marks) if text.strip() else (words.EMPTY, "dim"))
        parts.append(Content("\n"))
    if texts and fields:
        parts.append(Content("\n"))
    names = [console.clean(field.name, 30) for field in fields]
    width = max(map(console.cells_of, names), default=0)
    for field, name in zip(fields, names, strict=True):
        parts.append((f"{console.padded(name, width)}  ", "dim"))
        parts.append(_marked(shown(field.value), marks))
        parts.append((f"   {field.beside}\n" if field.beside else "\n", "dim"))
    if near:
        parts.append((f"\nnearest labelled: {near}", "dim"))
    return Content.assemble(*parts)


def _marked(text: str, marks: Highlighter) -> Content:
    content = Content(text)
    for start, end in marks.spans(text):
        content = content.stylize("bold underline", start, end)
    return content


def about(known: About, more: Sequence[str] = ()) -> Content:
    """Return what is known of a row, the suggestion first; empty ones of `more` are left out."""
    suggestion = words.suggestion_line(known)
    taken = f"{suggestion} (Enter takes it)" if suggestion else ""
    rest = "\n".join(line for line in (words.reason_line(known), *more) if line)
    return Content.assemble((taken, "bold"), ("\n" if taken and rest else "") + rest)


class ClassList(NamedTuple):
    """The classes as they are shown, and which of them are."""

    content: Content
    labels: frozenset[str]


def classes(names: Sequence[str], width: int, lines: int) -> ClassList:
    """Return the classes in columns, each with its digit, as many as there is room for.

    Where not all fit, the last line tells how the others are found.
    """
    digits = {label: f"[{key}] " for key, label in words.keys_of(names).items()}
    listed = [(digits.get(name, ""), console.clean(name, 200)) for name in names[:MOST_LISTED]]
    needs_hint = len(names) > len(digits) or _most_columns(width) * lines < len(listed)
    rows = max(1, lines - needs_hint)
    columns = _columns(listed, len(digits), width, rows)
    cut, room = listed[: columns * rows], _room(width, columns)
    parts: list[tuple[str, str]] = []
    for place, (key, name) in enumerate(cut, 1):
        fitting = shortened(name, room - len(key))
        is_last_of_line = place % columns == 0 or place == len(cut)
        cells = 0 if is_last_of_line else room + GAP - len(key)
        parts += [(key, "bold"), (console.padded(fitting, cells), "")]
        parts += [("\n", "")] if is_last_of_line and place < len(cut) else []
    rest = len(names) - len(cut)
    if rest:
        parts.append((f"\nand {rest:,} more: / finds them", "dim"))
    elif needs_hint:
        parts.append(("\n/ finds those without a digit", "dim"))
    return ClassList(Content.assemble(*parts), frozenset(names[: len(cut)]))


def _columns(listed: Sequence[tuple[str, str]], with_digit: int, width: int, rows: int) -> int:
    """Return the fewest columns that hold all classes, else those with a digit, else the most.

    Fewer again where names that are shortened would look the same.
    """
    longest = max((console.cells_of(key + name) for key, name in listed), default=1)
    first = max(1, (width + GAP) // (min(longest, width) + GAP))
    last = max(first, _most_columns(width))
    wanted = (len(listed), min(len(listed), with_digit))
    fewest = next((n for most in wanted for n in range(first, last + 1) if n * rows >= most), last)
    for columns in range(fewest, 1, -1):
        room = _room(width, columns)
        if len({shortened(name, room - len(key)) for key, name in listed}) == len(listed):
            return columns
    return 1


def _most_columns(width: int) -> int:
    return max(1, (width + GAP) // (NARROWEST_CLASS + GAP))


def _room(width: int, columns: int) -> int:
    return (width + GAP) // columns - GAP


def shortened(text: str, room: int) -> str:
    """Return a text that fits, its middle left out where it is too long."""
    if console.cells_of(text) <= room:
        return text
    kept = min(len(text), room) - 1
    while kept > 0:
        tail = kept // 2
        short = f"{text[: kept - tail]}…{text[len(text) - tail :]}"
        if console.cells_of(short) <= room:
            return short
        kept -= 1
    return "…"


def found(names: Sequence[str], chosen: int, width: int, lines: int) -> Content:
    """Return the classes that were found, the chosen one marked, as far as there is room."""
    most = min(MOST_FOUND, lines)
    first = max(0, min(chosen - most // 2, len(names) - most))
    shown_lines: list[tuple[str, str]] = []
    for place, label in enumerate(names[first : first + most], first):
        mark, style = ("› ", "bold reverse") if place == chosen else ("  ", "")
        named = shortened(console.clean(label, 200), width - 2)
        shown_lines += [("\n", ""), (f"{mark}{named}", style)]
    return Content.assemble(*(shown_lines[1:] or [("no class is called so", "dim")]))


def guide(known: words.Guide, names: Sequence[str]) -> Content:
    """Return what ? shows: the guidelines, all classes, the keys."""
    lines = words.guide_lines(known, names, every_class=True)
    return Content("\n".join([*lines, "", "Keys", HELP]))


def matching(names: Sequence[str], typed: str) -> list[str]:
    """Return the classes whose name holds what is typed, those that begin with it first."""
    wanted = typed.strip().casefold()
    holding = [name for name in names if wanted in name.casefold()]
    return sorted(holding, key=lambda name: not name.casefold().startswith(wanted))
