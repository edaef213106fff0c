"""Compares a table row with the rows labelled so far: percentiles per class, nearest rows."""

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
    from labelkit.annotate.rows import RowTable
    from labelkit.annotate.session import Session

SAMPLE_ROWS = 2_000  # rows from which number columns and their distributions are estimated
MIN_ROWS_PER_CLASS = 3  # labelled rows that a class needs for a comparison
MAX_CLASSES = 6
MAX_NEAREST = 3

Floats = npt.NDArray[np.float64]


class RowComparison:
    """The columns shown for a row, and their comparison with labelled rows.

    Audit rows are not used for comparisons, so that people do not learn from them either. A row
    that is answered blind is shown without machine columns and comparisons.
    """

    def __init__(self, table: "RowTable") -> None:
        self._table = table
        self._session: Session | None = None
        self._compares = False
        self._positions: dict[int, Floats] = {}

    def attach(self, session: "Session") -> None:
        """Compare with the rows labelled in this session, unless it is blind."""
        self._session = session
        self._compares = not session.blind and not self._table.text

    def fields(self, row: int) -> list[Field]:
        """Return the columns to show."""
        beside = self._beside(row)
        blind = self._asks_blind(row)
        return [
            Field(name, value, beside.get(name, ""))
            for name, value in self._table.values(row, without_machine_columns=blind)
        ]

    def _asks_blind(self, row: int) -> bool:
        return self._session is not None and self._session.asks_blind(row)

    def nearest(self, row: int) -> str:
        """Return the most similar labelled rows, '' if there are too few."""
        labelled = self._labelled(row)
        if len(labelled) < MIN_ROWS_PER_CLASS:
            return ""
        position = self._position(row)
        others = np.array([self._position(other) for other in labelled])
        distances = np.abs(others - position)
        # Two different words have distance 1, as the smallest and the largest number.
        words = ~self._is_number
        distances[:, words] = distances[:, words] > 0
        distances[np.isnan(distances)] = 1.0
        order = np.argsort(distances.mean(axis=1), kind="stable")[:MAX_NEAREST]
        rows = list(labelled)
        return ", ".join(
            f"{console.clean(labelled[rows[i]])} "
            f"({self._table.key_name} {console.clean(self._table.keys[rows[i]], 20)})"
            for i in order
        )

    def lines(self, row: int) -> list[str]:
        """Return the columns, comparisons and nearest rows as lines."""
        lines = [
            f"{console.clean(field.name)}: {shown(field.value)}"
            + (f"   [{field.beside}]" if field.beside else "")
            for field in self.fields(row)
        ]
        near = self.nearest(row)
        return [*lines, f"nearest labelled: {near}"] if near else lines

    def _labelled(self, row: int) -> dict[int, str]:
        """Return the labels of the rows to compare with, by row."""
        if self._session is None or not self._compares or self._asks_blind(row):
            return {}
        return {
            other: answer.label
            for other, answer in self._session.answers.items()
            if answer.label
            and answer.origin not in BLIND_ORIGINS
            and other != row
            and not answer.is_copy
        }

    def _beside(self, row: int) -> dict[str, str]:
        labelled = self._labelled(row)
        groups = {
            label: [other for other, other_label in labelled.items() if other_label == label]
            for label in self._table.classes
        }
        groups = {label: rows for label, rows in groups.items() if len(rows) >= MIN_ROWS_PER_CLASS}
        if not groups:
            return {}
        position = self._position(row)
        comparisons: dict[str, list[str]] = {}
        for label, rows in list(groups.items())[:MAX_CLASSES]:
            positions = np.array([self._position(other) for other in rows])
            for column_index, name in enumerate(self._table.fields):
                if np.isnan(position[column_index]):
                    continue
                column = positions[:, column_index]
                same = column == position[column_index]
                share = (column < position[column_index]).mean() + same.mean() / 2
                if not self._is_number[column_index]:
                    share = same.mean()
                comparisons.setdefault(name, []).append(f"{console.clean(label, 20)} {share:.0%}")
        return {name: " · ".join(parts) for name, parts in comparisons.items()}

    def _position(self, row: int) -> Floats:
        """Return a row's values as floats: numbers by their rank from 0 to 1, words as codes."""
        if row not in self._positions:
            self._positions[row] = np.array(
                [
                    self._scaled_value(column_index, self._table.cell(name, row))
                    for column_index, name in enumerate(self._table.fields)
                ]
            )
        return self._positions[row]

    def _scaled_value(self, column_index: int, value: str) -> float:
        if not self._is_number[column_index]:
            return float(hash(value) % 2**40) if value else math.nan
        number = _number(value)
        spread = self._spread[column_index]
        if math.isnan(number) or not len(spread):
            return math.nan
        low, high = np.searchsorted(spread, number), np.searchsorted(spread, number, "right")
        return float(low + high) / 2 / len(spread)

    @cached_property
    def _spread(self) -> list[Floats]:
        """The sorted numbers of a sample of rows, by column; empty for columns with words."""
        step = max(1, self._table.rows // SAMPLE_ROWS)
        rows = range(0, self._table.rows, step)
        sorted_numbers = []
        for name in self._table.fields:
            cells = [self._table.cell(name, row) for row in rows]
            numbers = np.array([_number(cell) for cell in cells if cell])
            sorted_numbers.append(np.sort(numbers) if not np.isnan(numbers).any() else np.zeros(0))
        return sorted_numbers

    @cached_property
    def _is_number(self) -> npt.NDArray[np.bool_]:
        return np.array([len(spread) > 0 for spread in self._spread], dtype=bool)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
