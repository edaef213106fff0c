"""A batch of a file as labeling functions see it: rows, columns, a frame; `text` where none is."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import repeat
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.io import native_text
from labelkit.io.column_types import LONG_INTEGER

if TYPE_CHECKING:
    import pandas as pd

TEXT = "text"


class Row(SimpleNamespace):
    """One row: `row.rating` and `row["rating"]`; an unknown name raises, so hasattr works.

    A plain namespace, because snorkel's preprocessors pickle it, set attributes on it and hash it
    by its content.
    """

    def __getitem__(self, name: str) -> Any:
        return self.__dict__[name]

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def get(self, name: str, default: Any = None) -> Any:
        """Return the cell called `name`, or `default` where there is no such column."""
        return self.__dict__.get(name, default)

    def keys(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.__dict__)

    def items(self) -> list[tuple[str, Any]]:
        """Return names and cells."""
        return list(self.__dict__.items())

    def to_dict(self) -> dict[str, Any]:
        """Return the cells by name."""
        return dict(self.__dict__)


class View:
    """One record batch with the task's text under the name `text`."""

    def __init__(self, batch: pa.RecordBatch, text: Sequence[str] = ()) -> None:
        self.batch = batch
        self.text = tuple(text)
        self._values: dict[str, list[Any]] = {}

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    def array(self, name: str) -> pa.Array:
        """Return one column; `text` is the task's text where no column has that name."""
        if name == TEXT and TEXT not in self.batch.schema.names:
            return self.task_text()
        return self.batch.column(self.batch.schema.get_field_index(name))

    def task_text(self) -> pa.Array:
        """Return the task's text: its one column, or several joined by line ends."""
        columns = [as_text(self.array(name)) for name in self.text]
        if len(columns) == 1:
            return columns[0]
        filled = [pc.if_else(pc.equal(column, ""), None, column) for column in columns]
        return pc.binary_join_element_wise(*filled, "\n", null_handling="skip")

    def values(self, name: str) -> list[Any]:
        """Return the cells of a column as Python values: "" for an empty text, else None."""
        if name not in self._values:
            self._values[name] = _python_values(self.array(name))
        return self._values[name]

    def rows(self, names: Sequence[str]) -> list[Row]:
        """Return a Row for each row, holding the columns `names`."""
        rows = [Row() for _ in range(len(self))]
        for name in names:
            if name.startswith("__"):  # setattr would change the object: __class__
                for row, value in zip(rows, self.values(name), strict=True):
                    vars(row)[name] = value
            else:
                # Column by column, without a frame a cell: half the time of Row(**cells).
                deque(map(setattr, rows, repeat(name), self.values(name)), maxlen=0)
        return rows

    def frame(self, names: Sequence[str]) -> pd.DataFrame:
        """Return a pandas DataFrame: an empty cell is "" in a text column and NaN in others.

        The type of a column is the same in each batch: that which the whole column needs.
        """
        import pandas as pd

        columns = {name: _pandas_values(self.array(name), self._has_empty(name)) for name in names}
        return pd.DataFrame(columns, index=np.arange(len(self)))

    def _has_empty(self, name: str) -> bool:
        """Return whether the column may have an empty cell, in this batch or another."""
        index = self.batch.schema.get_field_index(name)
        return index < 0 or bool(self.batch.schema.field(index).nullable)


def _python_values(array: pa.Array) -> list[Any]:
    if array.type == LONG_INTEGER:
        return [None if digits is None else int(digits) for digits in array.to_pylist()]
    if pa.types.is_string(array.type) and array.null_count:
        array = array.fill_null("")
    values: list[Any] = array.to_pylist()
    return values


def _pandas_values(array: pa.Array, has_empty: bool) -> Any:
    import pandas as pd

    if array.type == LONG_INTEGER or (has_empty and pa.types.is_boolean(array.type)):
        cells = [np.nan if cell is None else cell for cell in _python_values(array)]
        return pd.Series(cells, dtype=object)
    if pa.types.is_string(array.type) and array.null_count:
        array = array.fill_null("")
    if pa.types.is_integer(array.type) and has_empty:
        array = array.cast(pa.float64())
    return array.to_pandas()


def as_text(array: pa.Array) -> pa.Array:
    """Return any column as text, a whole number without `.0`; an empty cell stays null."""
    return array if pa.types.is_string(array.type) else native_text.texts(array)
