"""The typed view of columns: number, date, boolean or text, decided on whole columns.

Cells of text formats stay as they are in the file; this view exists only inside, for labeling
functions, features and `--where`. A column of a text format is a number, date or boolean column
when every cell that is not empty reads as one; in such a column the usual words for "missing"
(`NA`, `null`, ...) count as empty. Parquet columns keep the kind of their own type.
"""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from labelkit.errors import LabelkitError

MISSING_WORDS = ("NA", "N/A", "NaN", "nan", "null", "NULL", "None")
KINDS = ("text", "number", "date", "boolean")

_YEAR = r"(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d\d\d)"
_PATTERNS = {
    "number": r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?$",
    "boolean": r"^(?i:true|false)$",
    "date": rf"^{_YEAR}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{{1,9}})?)?Z?)?$",
}
_HEAD = 256
_TARGETS = {
    "text": pa.string(),
    "number": pa.float64(),
    "date": pa.timestamp("us"),
    "boolean": pa.bool_(),
}

Columns = TypeVar("Columns", pa.RecordBatch, pa.Table)


class KindScan:
    """Decides the kind of each named column from the batches of a file, fed in order.

    Native number, boolean and date columns keep their kind, native strings of Parquet are
    `text`; so `update` needs `texts_are_typed=True` (the default) only for text formats, where
    the content of a string column decides.
    """

    def __init__(self, names: Sequence[str], *, texts_are_typed: bool = True) -> None:
        self._names = list(names)
        self._by_content = texts_are_typed
        self._left: dict[str, list[str]] = {name: list(_PATTERNS) for name in self._names}
        self._native: dict[str, str] = {}
        self._filled: set[str] = set()

    def update(self, batch: pa.RecordBatch) -> None:
        """Take one batch into account; it must hold all the named columns."""
        for name in self._names:
            column = batch.column(name)
            if not (self._by_content and _is_string(column.type)):
                self._native[name] = native_kind(column.type)
            elif self._left[name]:
                self._narrow(name, column)

    def kinds(self) -> dict[str, str]:
        """Return the kind of each column, for the batches seen so far."""
        return {name: self._kind(name) for name in self._names}

    def _kind(self, name: str) -> str:
        if name in self._native:
            return self._native[name]
        left = self._left[name]
        return left[0] if left and name in self._filled else "text"

    def _narrow(self, name: str, column: pa.Array) -> None:
        for part in (column.slice(0, _HEAD), column.slice(_HEAD)):
            cells = _filled_cells(part)
            if len(cells) == 0:
                continue
            self._filled.add(name)
            self._left[name] = [kind for kind in self._left[name] if _all_read_as(cells, kind)]
            if not self._left[name]:
                return


def native_kind(kind: pa.DataType) -> str:
    """Return the kind of a column that has a type of its own (Parquet)."""
    if pa.types.is_dictionary(kind):
        return native_kind(kind.value_type)
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "date"
    return "text"


def apply_kinds(data: Columns, kinds: dict[str, str]) -> Columns:
    """Return `data` with each column named in `kinds` cast to its typed form.

    text gives string ("" where the cell is empty), number float64, date timestamp[us] in UTC
    without zone, boolean bool, each null where the cell is empty. Other columns pass unchanged.
    Raises LabelkitError for a cell that does not read as the kind asked for, naming both.
    """
    columns = []
    for name in data.column_names:
        column = data.column(name)
        columns.append(_typed(name, column, kinds[name]) if name in kinds else column)
    build = pa.table if isinstance(data, pa.Table) else pa.record_batch
    return build(columns, names=data.column_names)


def read_date(text: str) -> Any:
    """Return the datetime that an ISO date or date-time stands for, or None when it is none."""
    cells = pc.utf8_trim_whitespace(pa.array([text], pa.string()))
    return _dates(cells)[0].as_py() if _all_read_as(cells, "date") else None


def _typed(name: str, column: Any, kind: str) -> Any:
    if isinstance(column, pa.ChunkedArray):
        chunks = [_typed(name, chunk, kind) for chunk in column.chunks]
        return pa.chunked_array(chunks, type=_TARGETS[kind])
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if kind == "text":
        return pc.fill_null(_as_text(column), "")
    if _is_string(column.type):
        return _parsed(name, column.cast(pa.string()), kind)
    try:
        values = column.cast(_TARGETS[kind], safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise LabelkitError(
            f"column {name!r} holds {column.type}, which does not read as a {kind}"
        ) from error
    if kind == "number":
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    return values


def _parsed(name: str, column: pa.Array, kind: str) -> pa.Array:
    cells = pc.utf8_trim_whitespace(column)
    missing = pc.or_(pc.equal(cells, ""), pc.is_in(cells, pa.array(MISSING_WORDS)))
    cells = pc.if_else(missing, pa.scalar(None, pa.string()), cells)
    filled = cells.drop_null()
    if not _all_read_as(filled, kind):
        wrong = next(cell for cell in filled if not _all_read_as(pa.array([cell.as_py()]), kind))
        raise LabelkitError(
            f"column {name!r} is a {kind} column, but {wrong.as_py()[:40]!r} is not a {kind}"
        )
    if kind == "boolean":
        return pc.equal(pc.utf8_lower(cells), "true")
    return _dates(cells) if kind == "date" else pc.cast(cells, pa.float64())


def _dates(cells: pa.Array) -> pa.Array:
    # Arrow's parser takes neither a zone for a naive time nor more digits than microseconds.
    plain = pc.replace_substring_regex(cells, r"Z$", "")
    plain = pc.replace_substring_regex(plain, r"(\.\d{6})\d+$", r"\1")
    return pc.cast(plain, pa.timestamp("us"))


def _is_string(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _filled_cells(column: pa.Array) -> pa.Array:
    cells = pc.utf8_trim_whitespace(column.cast(pa.string()))
    missing = pc.or_(pc.equal(cells, ""), pc.is_in(cells, pa.array(MISSING_WORDS)))
    return cells.filter(pc.invert(pc.fill_null(missing, True)))


def _all_read_as(cells: pa.Array, kind: str) -> bool:
    matches = pc.match_substring_regex(cells, _PATTERNS[kind])
    if not pc.all(matches, min_count=0).as_py():
        return False
    if kind != "date":
        return True
    try:
        _dates(cells)  # the pattern lets the 30th of February pass
    except pa.ArrowInvalid:
        return False
    return True


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        cells = [
            None if cell is None else cell.decode("utf-8", "replace") for cell in _list(column)
        ]
        return pa.array(cells, pa.string())
    try:
        return column.cast(pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        cells = [None if cell is None else _json(cell) for cell in _list(column)]
        return pa.array(cells, pa.string())


def _list(column: pa.Array) -> list[Any]:
    return column.to_pylist()  # type: ignore[no-any-return]


def _json(cell: Any) -> str:
    return json.dumps(cell, ensure_ascii=False, default=str)
