"""A table row beside the rows labelled so far: percentiles per class, the nearest rows."""

import math
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.annotate.row import Field
from labelkit.annotate.ui.highlight import shown
from labelkit.data.suggestions import BLIND_ORIGINS

if TYPE_CHECKING:
    from labelkit.annotate.rows import Deck
    from labelkit.annotate.session import Session

SAMPLE = 2_000  # rows that tell which columns are numbers and how values spread
FEWEST = 3  # labelled rows of a class before it is compared with
MOST_CLASSES = 6
NEAR = 3

Floats = npt.NDArray[np.float64]


class Context:
    """What stands beside the text of a row, or makes up a row without one.

    Audit rows are not compared with: nothing may be learned from them, by people neither. Of a row
    that is answered blind no machine column is shown, and it is compared with nothing.
    """

    def __init__(self, deck: "Deck") -> None:
        self._deck = deck
        self._session: Session | None = None
        self._compares = False
        self._places: dict[int, Floats] = {}

    def attach(self, session: "Session") -> None:
        """Compare with what is labelled in this session; a blind one compares with nothing."""
        self._session = session
        self._compares = not session.blind and not self._deck.text

    def fields(self, row: int) -> list[Field]:
        """Return the columns to show."""
        beside = self._beside(row)
        blind = self._asks_blind(row)
        return [
            Field(name, value, beside.get(name, ""))
            for name, value in self._deck.values(row, without_machine_columns=blind)
        ]

    def _asks_blind(self, row: int) -> bool:
        return self._session is not None and self._session.asks_blind(row)

    def nearest(self, row: int) -> str:
        """Return the labelled rows that are most alike, '' where there are none yet."""
        labelled = self._labelled(row)
        if len(labelled) < FEWEST:
            return ""
        here = self._place(row)
        others = np.array([self._place(other) for other in labelled])
        gaps = np.abs(others - here)
        # A word that differs is as far as the two ends of a scale.
        words = ~self._is_number
        gaps[:, words] = gaps[:, words] > 0
        gaps[np.isnan(gaps)] = 1.0
        order = np.argsort(gaps.mean(axis=1), kind="stable")[:NEAR]
        rows = list(labelled)
        return ", ".join(
            f"{console.clean(labelled[rows[i]])} "
            f"({self._deck.key_name} {console.clean(self._deck.keys[rows[i]], 20)})"
            for i in order
        )

    def lines(self, row: int) -> list[str]:
        """Return all of it as lines."""
        found = [
            f"{console.clean(field.name)}: {shown(field.value)}"
            + (f"   [{field.beside}]" if field.beside else "")
            for field in self.fields(row)
        ]
        near = self.nearest(row)
        return [*found, f"nearest labelled: {near}"] if near else found

    def _labelled(self, row: int) -> dict[int, str]:
        """Return the labels to compare with, by row."""
        if self._session is None or not self._compares or self._asks_blind(row):
            return {}
        return {
            other: said.label
            for other, said in self._session.said.items()
            if said.label and said.origin not in BLIND_ORIGINS and other != row and not said.is_copy
        }

    def _beside(self, row: int) -> dict[str, str]:
        labelled = self._labelled(row)
        groups = {
            label: [other for other, given in labelled.items() if given == label]
            for label in self._deck.classes
        }
        groups = {label: rows for label, rows in groups.items() if len(rows) >= FEWEST}
        if not groups:
            return {}
        here = self._place(row)
        found: dict[str, list[str]] = {}
        for label, rows in list(groups.items())[:MOST_CLASSES]:
            places = np.array([self._place(other) for other in rows])
            for at, name in enumerate(self._deck.fields):
                if np.isnan(here[at]):
                    continue
                column = places[:, at]
                same = column == here[at]
                share = (column < here[at]).mean() + same.mean() / 2
                if not self._is_number[at]:
                    share = same.mean()
                found.setdefault(name, []).append(f"{console.clean(label, 20)} {share:.0%}")
        return {name: " · ".join(parts) for name, parts in found.items()}

    def _place(self, row: int) -> Floats:
        """Return where each value stands: numbers as their rank 0..1, words as a code."""
        if row not in self._places:
            self._places[row] = np.array(
                [
                    self._place_of(at, self._deck.cell(name, row))
                    for at, name in enumerate(self._deck.fields)
                ]
            )
        return self._places[row]

    def _place_of(self, at: int, value: str) -> float:
        if not self._is_number[at]:
            return float(hash(value) % 2**40) if value else math.nan
        number = _number(value)
        spread = self._spread[at]
        if math.isnan(number) or not len(spread):
            return math.nan
        low, high = np.searchsorted(spread, number), np.searchsorted(spread, number, "right")
        return float(low + high) / 2 / len(spread)

    @cached_property
    def _spread(self) -> list[Floats]:
        """The sorted numbers of a sample of rows, by column; empty where words stand."""
        step = max(1, self._deck.rows // SAMPLE)
        rows = range(0, self._deck.rows, step)
        found = []
        for name in self._deck.fields:
            cells = [self._deck.cell(name, row) for row in rows]
            numbers = np.array([_number(cell) for cell in cells if cell])
            found.append(np.sort(numbers) if not np.isnan(numbers).any() else np.zeros(0))
        return found

    @cached_property
    def _is_number(self) -> npt.NDArray[np.bool_]:
        return np.array([len(spread) > 0 for spread in self._spread], dtype=bool)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
