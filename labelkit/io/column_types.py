"""The typed view of columns: number, date, boolean or text, decided on whole columns.

Cells of text formats stay as they are in the file; this view exists only inside, for labeling
functions, features and `--where`. A column of a text format is a number, date or boolean column
when every cell that is not empty reads as one; in such a column the usual words for "missing"
(`NA`, `null`, ...) count as empty. Digits after a leading zero (`00123`) are a code, so their
column is text. Parquet columns keep the kind of their own type.

The view has two forms: plain, in which every number is a float64 (for models), and exact, in which
a column of whole numbers holds integers of any size (for labeling functions and `--where`).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from labelkit.errors import LabelkitError, WrongCell
from labelkit.io import vectors
from labelkit.io.native_text import is_text, texts

# Those of pandas and R, the errors of spreadsheets, and infinities, which no model can read.
MISSING_WORDS = (
    *("NA", "N/A", "n/a", "na", "<NA>", "NaN", "nan", "NAN", "-nan", "null", "NULL", "Null"),
    *("None", "none", "?", "#N/A", "#NA", "#N/A N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!"),
    *("#NAME?", "#NULL!", "inf", "+inf", "-inf", "Inf", "-Inf", "Infinity", "-Infinity"),
)
KINDS = ("text", "number", "date", "boolean")
NUMBERS = ("number", "mostly number")

_YEAR = r"(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d\d\d)"
_PATTERNS = {
    "integer": r"^[+-]?(?:0|[1-9]\d*)$",
    "number": r"^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?$",
    "boolean": r"^(?i:true|false)$",
    "date": rf"^{_YEAR}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{{1,9}})?)?Z?)?$",
}
_HEAD = 256
_MOST_DIGITS = 1_000
_TARGETS = {
    "text": pa.string(),
    "number": pa.float64(),
    "mostly number": pa.float64(),
    "vector": pa.binary(),
    "date": pa.timestamp("us"),
    "boolean": pa.bool_(),
}

_MICROSECONDS = {"day": 86_400_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
_CALENDAR = (-62_135_596_800_000_000, 253_402_300_799_999_999)  # in microseconds from 1970

# The digits of whole numbers, some of which need more than 64 bits: Arrow has no such integer. A
# text column of the typed view is pa.string(), never this.
LONG_INTEGER = pa.large_string()
_SHORT = 18  # digits and sign that always fit in 64 bits

Columns = TypeVar("Columns", pa.RecordBatch, pa.Table)


class Exact(NamedTuple):
    """The exact form of a column: its kind, its size of integers, whether cells are empty.

    `integer` is `short` (64 bits, exact as float64 too), `wide` (64 bits), `long`, or empty for a
    column that does not hold whole numbers only.
    """

    kind: str
    integer: str
    has_empty: bool


class KindScan:
    """Determines the kind of each named column from the batches of a file, in order.

    Native number, boolean and date columns keep their kind, native strings of Parquet are
    `text`; so `update` needs `texts_are_typed=True` (the default) only for text formats, where
    the content of a string column decides.
    """

    def __init__(self, names: Sequence[str], *, texts_are_typed: bool = True) -> None:
        self._names = list(names)
        self._by_content = texts_are_typed
        self._possible_kinds: dict[str, list[str]] = {name: list(_PATTERNS) for name in self._names}
        self._native: dict[str, pa.DataType] = {}
        self._filled: set[str] = set()
        self._with_empty: set[str] = set()
        self._sizes: dict[str, str] = {}

    def update(self, batch: pa.RecordBatch) -> None:
        """Process one batch, which must have all the named columns."""
        for name in self._names:
            column = batch.column(name)
            if not (self._by_content and is_text(column.type)):
                self._native[name] = column.type
                self._with_empty |= {name} if column.null_count else set()
                if _holds_integers(column.type):
                    self._measure(name, column)
            elif self._possible_kinds[name]:
                self._narrow(name, column)

    def kinds(self) -> dict[str, str]:
        """Return the kind of each column, for the batches so far."""
        return {name: exact.kind for name, exact in self.exact().items()}

    def exact(self) -> dict[str, Exact]:
        """Return the exact form of each column, for the batches so far."""
        return {name: self._exact(name) for name in self._names}

    def _exact(self, name: str) -> Exact:
        has_empty = name in self._with_empty
        if name in self._native:
            integer = self._sizes.get(name, "short") if _holds_integers(self._native[name]) else ""
            return Exact(native_kind(self._native[name]), integer, has_empty)
        possible = self._possible_kinds[name]
        kind = possible[0] if possible and name in self._filled else "text"
        if kind == "integer":
            return Exact("number", self._sizes.get(name, "short"), has_empty)
        return Exact(kind, "", has_empty)

    def _narrow(self, name: str, column: pa.Array) -> None:
        for part in (column.slice(0, _HEAD), column.slice(_HEAD)):
            cells = _filled_cells(part)
            if len(cells) < len(part):
                self._with_empty.add(name)
            if len(cells) == 0:
                continue
            self._filled.add(name)
            possible = self._possible_kinds[name]
            if possible[0] == "integer" and _all_read_as(cells, "integer"):
                self._possible_kinds[name] = possible[:2]  # a whole number is a number
                self._measure(name, cells)
                continue
            self._possible_kinds[name] = [
                k for k in possible if k != "integer" and _all_read_as(cells, k)
            ]
            if not self._possible_kinds[name]:
                return

    def _measure(self, name: str, column: pa.Array) -> None:
        """Record the size of the integers of a column."""
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        size = _integer_size(column)
        sizes = ("short", "wide", "long")
        if sizes.index(size) > sizes.index(self._sizes.get(name, "short")):
            self._sizes[name] = size


def native_kind(kind: pa.DataType) -> str:
    """Return the kind of a typed column (Parquet)."""
    if pa.types.is_dictionary(kind):
        return native_kind(kind.value_type)
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "date"
    return "text"


def _holds_integers(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _holds_integers(kind.value_type)
    return bool(pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0))


def _integer_size(column: pa.Array) -> str:
    """Return `short` if float64 is exact for all numbers, `wide` if 64 bits are, else `long`."""
    if pa.types.is_decimal(column.type):
        return "long"
    if pa.types.is_string(column.type):
        longest = pc.max(pc.utf8_length(column)).as_py() or 0
        if longest > _SHORT:
            return "long"
        column = pc.cast(pc.utf8_ltrim(column, "+"), pa.int64())
    if not pa.types.is_integer(column.type) or column.type.bit_width <= 32:
        return "short"
    ends = pc.min_max(column).as_py()
    furthest = max(abs(ends["min"] or 0), abs(ends["max"] or 0))
    return "wide" if furthest > 2**53 else "short"


def apply_exact(data: Columns, columns: dict[str, Exact]) -> Columns:
    """Return `data` typed as `apply_kinds` does, but with whole numbers as integers.

    They are int64 (uint64 if the file has it), or `LONG_INTEGER` if those are not enough: pandas
    has no integers beside NaN, and stores short ones in such a column as floats. A field is
    nullable if the whole column, not only this batch, has an empty cell.
    """
    arrays, fields = [], []
    for name in data.column_names:
        array, exact = data.column(name), columns[name]
        array = _integers(array, exact) if exact.integer else _typed(name, array, exact.kind)
        arrays.append(array)
        nullable = exact.has_empty and exact.kind != "text"
        fields.append(pa.field(name, array.type, nullable=nullable))
    build = pa.table if isinstance(data, pa.Table) else pa.record_batch
    return build(arrays, schema=pa.schema(fields))


def _integers(column: Any, exact: Exact) -> Any:
    if isinstance(column, pa.ChunkedArray):
        chunks = [_integers(chunk, exact) for chunk in column.chunks]
        return pa.chunked_array(chunks, type=None if chunks else pa.int64())
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if is_text(column.type):
        cells = without_missing(column)
        column = pc.utf8_ltrim(cells, "+")
    if exact.integer == "long" or (exact.integer == "wide" and exact.has_empty):
        return column.cast(pa.string()).cast(LONG_INTEGER)
    return column if pa.types.is_uint64(column.type) else column.cast(pa.int64())


def apply_kinds(data: Columns, kinds: dict[str, str]) -> Columns:
    """Return `data` with each column named in `kinds` cast to its typed form.

    text gives string ("" where the cell is empty), number float64, date timestamp[us] in UTC
    without zone (null outside the years 1 to 9999), boolean bool, each null where the cell is
    empty. Kinds of features only are
    `mostly number`, float64 and null where a cell is no number, and `vector`, see `io/vectors.py`.
    Other columns pass unchanged.
    Raises LabelkitError for a cell that does not read as the kind asked for, naming both.
    """
    columns = []
    for name in data.column_names:
        column = data.column(name)
        columns.append(_typed(name, column, kinds[name]) if name in kinds else column)
    build = pa.table if isinstance(data, pa.Table) else pa.record_batch
    return build(columns, names=data.column_names)


def read_date(text: str) -> Any:
    """Return the datetime of an ISO date or date-time, None if it is not valid."""
    cells = pc.utf8_trim_whitespace(pa.array([text], pa.string()))
    return _dates(cells)[0].as_py() if _all_read_as(cells, "date") else None


def _typed(name: str, column: Any, kind: str) -> Any:
    if isinstance(column, pa.ChunkedArray):
        chunks = [_typed(name, chunk, kind) for chunk in column.chunks]
        return pa.chunked_array(chunks, type=_TARGETS[kind])
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if kind == "text":
        return pc.fill_null(texts(column), "")
    if kind == "vector":
        return vectors.as_bytes(name, column)
    if is_text(column.type):
        return _parsed(name, column.cast(pa.string()), kind)
    try:
        if kind == "date":
            column = _in_calendar(column)
        values = column.cast(_TARGETS[kind], safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        noun = kind.removeprefix("mostly ")
        raise LabelkitError(
            f"column {name!r} has type {column.type}, which cannot be read as a {noun}"
        ) from error
    if kind in NUMBERS:
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    return values


def _in_calendar(column: pa.Array) -> pa.Array:
    """Return dates, with null outside the years 1 to 9999, which Python does not support."""
    is_day = pa.types.is_date32(column.type)
    unit = "day" if is_day else getattr(column.type, "unit", "ns")
    if unit not in _MICROSECONDS:
        return column
    numbers = column.cast(pa.int32() if is_day else pa.int64())
    first, last = (end // _MICROSECONDS[unit] for end in _CALENDAR)
    inside = pc.and_(pc.greater_equal(numbers, first), pc.less_equal(numbers, last))
    return pc.if_else(inside, column, pa.scalar(None, column.type))


def _parsed(name: str, column: pa.Array, kind: str) -> pa.Array:
    cells = without_missing(column)
    if kind == "mostly number":
        numbers = pc.if_else(is_number(cells), cells, pa.scalar(None, pa.string()))
        return pc.cast(numbers, pa.float64())
    filled = cells.drop_null()
    if not _all_read_as(filled, kind):
        values = cells.to_pylist()
        row = next(
            row
            for row, text in enumerate(values)
            if text is not None and not _all_read_as(pa.array([text]), kind)
        )
        raise WrongCell(
            f"column {name!r} is a {kind} column, but {values[row][:40]!r} is not a {kind}", row
        )
    if kind == "boolean":
        return pc.equal(pc.utf8_lower(cells), "true")
    return _dates(cells) if kind == "date" else pc.cast(cells, pa.float64())


def without_missing(column: pa.Array) -> pa.Array:
    """Return a text column's cells without outer blanks, null where empty or a missing word."""
    cells = pc.utf8_trim_whitespace(column.cast(pa.string()))
    missing = pc.or_(pc.equal(cells, ""), pc.is_in(cells, pa.array(MISSING_WORDS)))
    return pc.if_else(missing, pa.scalar(None, pa.string()), cells)


def _dates(cells: pa.Array) -> pa.Array:
    # Arrow's parser takes neither a zone for a naive time nor more digits than microseconds.
    plain = pc.replace_substring_regex(cells, r"Z$", "")
    plain = pc.replace_substring_regex(plain, r"(\.\d{6})\d+$", r"\1")
    return pc.cast(plain, pa.timestamp("us"))


def is_number(cells: pa.Array) -> pa.Array:
    """Return a bool for each cell that `without_missing` gave, null where it is null."""
    return pc.match_substring_regex(cells, _PATTERNS["number"])


def _filled_cells(column: pa.Array) -> pa.Array:
    return without_missing(column).drop_null()


def _all_read_as(cells: pa.Array, kind: str) -> bool:
    matches = pc.match_substring_regex(cells, _PATTERNS[kind])
    if not pc.all(matches, min_count=0).as_py():
        return False
    if kind == "integer":
        # Not in the pattern: a bounded repetition takes milliseconds to compile, at each call.
        return (pc.max(pc.utf8_length(cells)).as_py() or 0) <= _MOST_DIGITS
    if kind != "date":
        return True
    try:
        _dates(cells)  # the pattern accepts the 30th of February
    except pa.ArrowInvalid:
        return False
    return True
