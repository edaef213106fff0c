"""A row and what is known of it, as plain values: what the page is told after each decision."""

from collections.abc import Sequence
from typing import Any

from labelkit import console
from labelkit.annotate.comparison import Context
from labelkit.annotate.session import Progress, Session
from labelkit.annotate.ui import text as words
from labelkit.annotate.ui.highlight import Highlighter, shown
from labelkit.annotate.ui.text import EMPTY, Guide

Pieces = list[tuple[str, bool]]


def card(session: Session, highlighter: Highlighter, context: Context) -> dict[str, Any]:
    """Return the row that is asked now, its suggestion and marks, and how far it is."""
    deck, row = session.deck, session.current
    progress = session.progress()
    common = {
        "name": console.clean(deck.name, 200),
        "key_name": console.clean(deck.key_name, 40),
        "progress": words.progress_line(progress),
        "share": _share(progress),
    }
    if row is None:
        over = session.over or "every row is answered"
        nothing = {"texts": [], "fields": [], "note": "", "flag": False}
        return {**common, "key": None, "over": over, **nothing}
    about, said = session.about(), session.of_current()
    highlighter = highlighter.for_row(session.asks_blind(row))
    copies = words.copies_line(session)
    return {
        **common,
        "key": console.clean(deck.keys[row], 200),
        "over": "",
        "texts": [
            {
                "name": console.clean(name),
                "pieces": pieces(shown(text, marks=True), highlighter)
                if text.strip()
                else [(EMPTY, False)],
            }
            for name, text in deck.texts(row)
        ],
        "fields": [
            {
                "name": console.clean(field.name),
                "pieces": pieces(shown(field.value, marks=True), highlighter),
                "beside": field.beside,
            }
            for field in context.fields(row)
        ],
        "near": context.nearest(row),
        "reason": words.reason_line(about),
        "marks": words.marks_line(session),
        "guess": words.suggestion_line(about),
        "flag": said.flag,
        "note": said.note,
        "copies": {"line": copies, "together": session.with_copies} if copies else None,
    }


def classes(names: Sequence[str]) -> list[dict[str, str]]:
    """Return the classes and the digit of each, '' where it has none."""
    digits = {label: digit for digit, label in words.keys_of(names).items()}
    return [{"label": name, "key": digits.get(name, "")} for name in names]


def guide_shown(guide: Guide) -> dict[str, Any]:
    """Return what the task file tells a person, fit for a page."""
    return {
        "guidelines": shown(guide.guidelines, marks=True),
        "descriptions": {
            name: shown(text, marks=True) for name, text in guide.descriptions.items()
        },
        "cases": [shown(case, marks=True) for case in guide.edge_cases],
        "examples": [
            {"text": shown(text, marks=True), "label": console.clean(label, 200)}
            for text, label in guide.examples
        ],
    }


def pieces(text: str, highlighter: Highlighter) -> Pieces:
    """Return a text cut where words are marked: (piece, whether it is marked)."""
    found: Pieces = []
    at = 0
    for start, end in highlighter.spans(text):
        found += [(text[at:start], False), (text[start:end], True)]
        at = end
    found.append((text[at:], False))
    return [(piece, marked) for piece, marked in found if piece]


def _share(progress: Progress) -> float | None:
    if not progress.total:
        return None
    return round(min(1.0, progress.done / progress.total), 4)
