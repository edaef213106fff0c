"""What the file says of one row that a person is asked about, as plain values."""

import math
from collections.abc import Callable, Collection
from typing import NamedTuple

from labelkit.data.suggestions import SUGGESTING, blind_origin, confidence_beside

Cell = Callable[[str], str]  # a column of the row as text, '' where the file does not have it


class Suggestion(NamedTuple):
    """A label that a machine supposes, its probability (None: not known), and who says so."""

    label: str
    confidence: float | None
    source: str


class About(NamedTuple):
    """What is known of a row before a person sees it."""

    origin: str
    reason: str
    suggestion: Suggestion | None


class Field(NamedTuple):
    """A column's name and value, and where the value stands among the rows of each class."""

    name: str
    value: str
    beside: str


def about(cell: Cell, classes: Collection[str]) -> About:
    """Return why the row was picked and what it probably is; of a blind row only its origin."""
    blind = blind_origin(cell("label_origin"), cell("query_reason"))
    if blind:
        return About(blind, "", None)
    reason = cell("query_reason") or cell("noise_reason")
    origin = cell("label_origin") or "people"
    return About(origin, reason, _suggestion(cell, classes))


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
