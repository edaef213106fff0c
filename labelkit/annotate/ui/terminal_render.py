"""Plain content, never markup, for the terminal screen: the row, its classes and the help."""

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content

from labelkit import console
from labelkit.annotate.row import Field, RowInfo
from labelkit.annotate.ui import text as words
from labelkit.annotate.ui.highlight import Highlighter, shown

MAX_LISTED = 20  # classes; the others are found with /
MAX_FOUND = 7
GAP = 3  # cells between two columns of classes
NARROWEST_CLASS = 16  # cells to which a column of classes may shrink
NARROWEST, LOWEST, ROOMY = 40, 12, 20  # of a terminal: columns, lines, lines with room to spare
HELP = """\
1 … 9 0    give the label with this digit
Enter      accept the suggestion (also a)
Space      skip (also s)
Backspace  undo, also answers of earlier sessions (also u)
f          flag for review; n  add a note
=          apply to identical rows: on/off
/          find a class: type a part of its name, select with up and down,
           Enter
up down PgUp PgDn j k   scroll the text
q          leave; all answers are saved, the same command continues
?          guidelines, classes and keys; up and down scroll, any other key
           closes
Percentages beside a value: where it ranks among the rows already labelled
           with that class; for words, the share of rows with the same value"""

Texts = Sequence[tuple[str, str]]


def row(texts: Texts, fields: Sequence[Field], near: str, marks: Highlighter) -> Content:
    """Return a row: its texts, the other columns, the most similar labelled rows."""
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


def row_info(info: RowInfo, more: Sequence[str] = ()) -> Content:
    """Return the lines below a row: suggestion, reason, and the lines in `more` if not empty."""
    suggestion = words.suggestion_line(info)
    taken = f"{suggestion} (Enter accepts)" if suggestion else ""
    rest = "\n".join(line for line in (words.reason_line(info), *more) if line)
    return Content.assemble((taken, "bold"), ("\n" if taken and rest else "") + rest)


class ClassList(NamedTuple):
    """The list of classes, and which of them are on the screen."""

    content: Content
    labels: frozenset[str]


def classes(names: Sequence[str], width: int, lines: int) -> ClassList:
    """Return as many classes as fit, in columns, each with its digit.

    If not all fit, the last line is a hint how to find the others.
    """
    digits = {label: f"[{key}] " for key, label in words.keys_of(names).items()}
    listed = [(digits.get(name, ""), console.clean(name, 200)) for name in names[:MAX_LISTED]]
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
        parts.append((f"\nand {rest:,} more: find them with /", "dim"))
    elif needs_hint:
        parts.append(("\nclasses without a digit: find them with /", "dim"))
    return ClassList(Content.assemble(*parts), frozenset(names[: len(cut)]))


def _columns(listed: Sequence[tuple[str, str]], with_digit: int, width: int, rows: int) -> int:
    """Return the fewest columns that fit all classes, else all with a digit, else the most.

    Fewer if shortened names would otherwise look the same.
    """
    longest = max((console.cells_of(key + name) for key, name in listed), default=1)
    first = max(1, (width + GAP) // (min(longest, width) + GAP))
    last = max(first, _most_columns(width))
    targets = (len(listed), min(len(listed), with_digit))
    fewest = next((n for most in targets for n in range(first, last + 1) if n * rows >= most), last)
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
    """Return the text, with its middle cut out if it is too long."""
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


def found_classes(names: Sequence[str], chosen: int, width: int, lines: int) -> Content:
    """Return the matching classes that fit, with a mark at the selected one."""
    most = min(MAX_FOUND, lines)
    first = max(0, min(chosen - most // 2, len(names) - most))
    shown_lines: list[tuple[str, str]] = []
    for index, label in enumerate(names[first : first + most], first):
        mark, style = ("› ", "bold reverse") if index == chosen else ("  ", "")
        named = shortened(console.clean(label, 200), width - 2)
        shown_lines += [("\n", ""), (f"{mark}{named}", style)]
    return Content.assemble(*(shown_lines[1:] or [("No matching class.", "dim")]))


def guide(task_guide: words.Guide, names: Sequence[str]) -> Content:
    """Return the help: the guidelines, all classes, the keys."""
    lines = words.guide_lines(task_guide, names, every_class=True)
    return Content("\n".join([*lines, "", "Keys", HELP]))


def matching(names: Sequence[str], typed: str) -> list[str]:
    """Return the classes whose name contains the typed text, those that begin with it first."""
    prefix = typed.strip().casefold()
    holding = [name for name in names if prefix in name.casefold()]
    return sorted(holding, key=lambda name: not name.casefold().startswith(prefix))
