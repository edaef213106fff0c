"""The state of the current row as plain values, sent to the page after each decision."""

from collections.abc import Sequence
from typing import Any

from labelkit import console
from labelkit.annotate.comparison import RowComparison
from labelkit.annotate.session import Progress, Session
from labelkit.annotate.ui import text as words
from labelkit.annotate.ui.highlight import Highlighter, shown
from labelkit.annotate.ui.text import EMPTY, Guide

Pieces = list[tuple[str, bool]]


def row_state(
    session: Session, highlighter: Highlighter, comparison: RowComparison
) -> dict[str, Any]:
    """Return the current row with its suggestion, flag and note, and the progress."""
    table, row = session.table, session.current
    progress = session.progress()
    common = {
        "name": console.clean(table.name, 200),
        "key_name": console.clean(table.key_name, 40),
        "progress": words.progress_line(progress),
        "share": _share(progress),
    }
    if row is None:
        over = session.stop_reason or "every row is answered"
        nothing = {"texts": [], "fields": [], "note": "", "flag": False}
        return {**common, "key": None, "over": over, **nothing}
    info, answer = session.row_info(), session.current_answer()
    highlighter = highlighter.for_row(session.asks_blind(row))
    copies = words.copies_line(session)
    return {
        **common,
        "key": console.clean(table.keys[row], 200),
        "over": "",
        "texts": [
            {
                "name": console.clean(name),
                "pieces": pieces(shown(text, marks=True), highlighter)
                if text.strip()
                else [(EMPTY, False)],
            }
            for name, text in table.texts(row)
        ],
        "fields": [
            {
                "name": console.clean(field.name),
                "pieces": pieces(shown(field.value, marks=True), highlighter),
                "beside": field.beside,
            }
            for field in comparison.fields(row)
        ],
        "near": comparison.nearest(row),
        "reason": words.reason_line(info),
        "marks": words.marks_line(session),
        "guess": words.suggestion_line(info),
        "flag": answer.flag,
        "note": answer.note,
        "copies": {"line": copies, "together": session.with_copies} if copies else None,
    }


def classes(names: Sequence[str]) -> list[dict[str, str]]:
    """Return the classes with their digits, '' for none."""
    digits = {label: digit for digit, label in words.keys_of(names).items()}
    return [{"label": name, "key": digits.get(name, "")} for name in names]


def guide_state(guide: Guide) -> dict[str, Any]:
    """Return the task file's guidelines, cleaned for a page."""
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
    """Return a text split into (piece, whether it is highlighted)."""
    parts: Pieces = []
    at = 0
    for start, end in highlighter.spans(text):
        parts += [(text[at:start], False), (text[start:end], True)]
        at = end
    parts.append((text[at:], False))
    return [(piece, marked) for piece, marked in parts if piece]


def _share(progress: Progress) -> float | None:
    if not progress.total:
        return None
    return round(min(1.0, progress.done / progress.total), 4)
