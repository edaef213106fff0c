"""The rows of a file for labelling: texts, other columns, suggestions, keys and duplicates."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit.annotate.row import RowInfo
from labelkit.annotate.row import row_info as row_info_of
from labelkit.data.columns import ROW_CHECK
from labelkit.data.duplicates import duplicate_groups
from labelkit.data.row_keys import check_unique, numbers
from labelkit.data.suggestions import (
    SUGGESTING,
    confidence_beside,
)
from labelkit.errors import LabelkitError

if TYPE_CHECKING:
    from labelkit.job.job import Job


class RowTable:
    """All rows: keys, checksums, columns to show. `is_batch`: the file is a batch of query."""

    def __init__(self, job: "Job", show: Sequence[str], classes: Sequence[str]) -> None:
        self.name = job.source.name
        self.is_batch = job.source.has(ROW_CHECK)
        self.key_name = job.key_name
        job.require(show)
        self.text = job.text if job.has_text() else []
        self.fields = list(dict.fromkeys(show)) if self.text else _fields(job, show)
        self._machine_fields = set(self.fields) & set(job.machine_columns)
        self.classes = list(classes)
        suggestion_columns = [name for name in SUGGESTING if job.source.has(name)]
        with_confidence = [confidence_beside(name) for name in suggestion_columns]
        columns = ["label", "label_origin", ROW_CHECK, "query_reason", "noise_reason"]
        columns += [*with_confidence, self.key_name]
        present = [name for name in dict.fromkeys(columns) if job.source.has(name)]
        self._data = _as_texts(job, [*self.text, *self.fields, *present, *suggestion_columns])
        gold = job.options.get("gold")
        self._labelled = np.zeros(self._data.num_rows, dtype=bool)
        for name in (
            n for n in ("label", *suggestion_columns) if n in self._data.column_names and n != gold
        ):
            labels = pa.array(job.label_texts([name])[name], pa.string())
            column_index = self._data.column_names.index(name)
            self._data = self._data.set_column(column_index, name, labels)
            if name == "label":
                self._labelled = job.is_labelled(name)
        self.rows: int = self._data.num_rows
        self.keys = self._keys(job)
        self._checks = None if self.is_batch else job.row_checks()
        check_unique(self.keys, self.key_name, self.name)
        self.index_by_key = {key: row for row, key in enumerate(self.keys)}

    def _keys(self, job: "Job") -> list[str]:
        if self.key_name == "row" and not job.source.has("row"):
            if self.is_batch:
                raise LabelkitError(
                    f"{self.name} is a batch without a column 'id' or 'row'; name the key column "
                    f"with --id COLUMN"
                )
            return numbers(self.rows)
        keys: list[str] = self._data.column(self.key_name).to_pylist()
        return keys

    def cell(self, name: str, row: int) -> str:
        """Return a cell as text, '' if the file does not have the column."""
        if name not in self._data.column_names:
            return ""
        return self._data.column(name)[row].as_py() or ""

    def check(self, row: int) -> str:
        """Return the row's checksum, by which merge detects changes."""
        return self._checks[row] if self._checks is not None else self.cell(ROW_CHECK, row)

    def labelled(self) -> npt.NDArray[np.bool_]:
        """Return a mask of the rows that have a label in the file."""
        return self._labelled

    def texts(self, row: int) -> list[tuple[str, str]]:
        """Return the text columns of a row, by name."""
        return [(name, self.cell(name, row)) for name in self.text]

    def values(self, row: int, without_machine_columns: bool = False) -> list[tuple[str, str]]:
        """Return the other columns to show, by name; on request with empty machine columns."""
        hidden = self._machine_fields if without_machine_columns else set[str]()
        return [(name, "" if name in hidden else self.cell(name, row)) for name in self.fields]

    def has(self, name: str) -> bool:
        """Return whether a column was read."""
        return name in self._data.column_names

    def column(self, name: str) -> Any:
        """Return a column that was read, as text."""
        return self._data.column(name)

    def row_info(self, row: int) -> RowInfo:
        """Return what the file contains about a row: its origin, reason and suggestion."""
        return row_info_of(lambda name: self.cell(name, row), self.classes)

    def copies(self, row: int) -> list[int]:
        """Return the unlabelled duplicates of a row."""
        same: list[int] = self._unlabelled_duplicates.get(int(self.duplicate_group[row]), [])
        return [other for other in same if other != row]

    @cached_property
    def duplicate_group(self) -> npt.NDArray[np.int64]:
        """A number for each row, equal for duplicates; machine columns are ignored."""
        names = [name for name in self.fields if name not in self._machine_fields]
        if not [*self.text, *names]:
            return np.arange(self.rows)
        return duplicate_groups(self._data.select([*self.text, *names]))

    @cached_property
    def _unlabelled_duplicates(self) -> dict[int, list[int]]:
        rows_by_group: dict[int, list[int]] = {}
        is_duplicated = np.bincount(self.duplicate_group, minlength=1) > 1
        for row in np.flatnonzero(is_duplicated[self.duplicate_group] & ~self.labelled()).tolist():
            rows_by_group.setdefault(int(self.duplicate_group[row]), []).append(row)
        return rows_by_group


def _fields(job: "Job", show: Sequence[str]) -> list[str]:
    """Return the columns of a table row: those of --show, else all visible ones."""
    not_shown = {job.key_name, *job.source.binary_columns()}
    return list(dict.fromkeys(show)) or [n for n in job.visible_columns() if n not in not_shown]


def _as_texts(job: "Job", names: Sequence[str]) -> pa.Table:
    """Return columns as text, read in one pass."""
    from labelkit.io.parquet import as_text_table

    columns = list(dict.fromkeys(names))
    if not job.source.reader.native:
        return job.source.read(columns)
    parts = [as_text_table(batch, job.source.name) for batch in job.source.batches(columns)]
    empty = pa.table({name: pa.array([], pa.string()) for name in columns})
    return pa.concat_tables(parts) if parts else empty
