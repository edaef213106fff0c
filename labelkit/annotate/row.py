"""What the file contains about one row shown to a person, as plain values."""

import math
from collections.abc import Callable, Collection
from typing import NamedTuple

from labelkit.data.suggestions import SUGGESTING, blind_origin, confidence_beside

Cell = Callable[[str], str]  # a column of the row as text, '' if the file does not have it


class Suggestion(NamedTuple):
    """A suggested machine label, its probability (None: unknown), and its source for messages."""

    label: str
    confidence: float | None
    source: str


class RowInfo(NamedTuple):
    """The origin of a row, why it was selected, and a suggested label."""

    origin: str
    reason: str
    suggestion: Suggestion | None


class Field(NamedTuple):
    """A column's name and value, and the value's percentile in each class."""

    name: str
    value: str
    beside: str


def row_info(cell: Cell, classes: Collection[str]) -> RowInfo:
    """Return why the row was selected and a suggestion; for a blind row only its origin."""
    blind = blind_origin(cell("label_origin"), cell("query_reason"))
    if blind:
        return RowInfo(blind, "", None)
    reason = cell("query_reason") or cell("noise_reason")
    origin = cell("label_origin") or "people"
    return RowInfo(origin, reason, _suggestion(cell, classes))


def _suggestion(cell: Cell, classes: Collection[str]) -> Suggestion | None:
    for name, source in SUGGESTING.items():
        label = cell(name)
        if label in classes:
            return Suggestion(label, _number(cell(confidence_beside(name))), source)
    return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
