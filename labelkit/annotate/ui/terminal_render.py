"""What the terminal screen shows of a row and its classes: plain content, never markup."""

from collections.abc import Sequence

from textual.content import Content

from labelkit import console
from labelkit.annotate.row import About, Field
from labelkit.annotate.ui import text as words
from labelkit.annotate.ui.highlight import Highlighter, shown

MOST_LISTED = 20  # classes; the others are found with /
MOST_FOUND = 7

Texts = Sequence[tuple[str, str]]


def row(texts: Texts, fields: Sequence[Field], near: str, marks: Highlighter) -> Content:
    """Return a row: its texts, the columns beside them, the labelled rows that are most alike."""
    parts: list[Content | tuple[str, str]] = []
    for name, text in texts:
        if len(texts) > 1:
            parts.append((f"{console.clean(name)}\n", "bold dim"))
        parts += [_marked(shown(text), marks), Content("\n")]
    if texts and fields:
        parts.append(Content("\n"))
    width = max((len(console.clean(field.name, 30)) for field in fields), default=0)
    for field in fields:
        parts.append((f"{console.clean(field.name, 30):<{width}}  ", "dim"))
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


def classes(names: Sequence[str]) -> Content:
    """Return the classes, each with its digit."""
    keys = {label: key for key, label in words.keys_of(names).items()}
    parts: list[tuple[str, str]] = []
    for label in names[:MOST_LISTED]:
        key = keys.get(label)
        parts.append((f"[{key}] " if key else "", "bold"))
        parts.append((f"{console.clean(label, 60)}   ", ""))
    rest = len(names) - MOST_LISTED
    if rest > 0:
        parts.append((f"and {rest:,} more: / finds them", "dim"))
    elif len(names) > len(keys):
        parts.append(("/ finds those without a digit", "dim"))
    return Content.assemble(*parts)


def found(names: Sequence[str], chosen: int) -> Content:
    """Return the classes that were found, the chosen one marked, as far as there is room."""
    first = max(0, min(chosen - MOST_FOUND // 2, len(names) - MOST_FOUND))
    lines: list[tuple[str, str]] = []
    for place, label in enumerate(names[first : first + MOST_FOUND], first):
        mark, style = ("› ", "bold reverse") if place == chosen else ("  ", "")
        lines.append((f"{mark}{console.clean(label, 60)}\n", style))
    return Content.assemble(*(lines or [("no class is called so", "dim")]))


def matching(names: Sequence[str], typed: str) -> list[str]:
    """Return the classes whose name holds what is typed, those that begin with it first."""
    wanted = typed.strip().casefold()
    holding = [name for name in names if wanted in name.casefold()]
    return sorted(holding, key=lambda name: not name.casefold().startswith(wanted))
