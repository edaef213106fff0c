"""Vector columns: lists of numbers of equal length, such as embeddings.

In Parquet it is a list column; in text formats each cell is a list in JSON. Internally a vector is
the bytes of its float64 values, NaN for missing numbers, so that Arrow can compare and count them.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelkit import console
from labelkit.errors import LabelkitError, WrongCell
from labelkit.io.native_text import is_list, is_text, plain

_NUMBER = r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?"
_LIST = rf"^\s*\[\s*{_NUMBER}(?:\s*,\s*{_NUMBER})*\s*\]\s*$"


class VectorScan:
    """Detects whether a column has vectors of one length, from its batches in order."""

    def __init__(self) -> None:
        self._lengths: set[int] = set()
        self._is_one = True

    def update(self, column: pa.Array) -> None:
        """Take the cells of the next rows into account."""
        if self._is_one:
            lengths = _lengths(column)
            self._is_one = lengths is not None
            self._lengths |= lengths or set()

    @property
    def is_vector(self) -> bool:
        """Whether all cells that are not empty are vectors of one length."""
        return self._is_one and len(self._lengths) == 1 and 0 not in self._lengths


def _lengths(column: pa.Array) -> set[int] | None:
    """Return the lengths of a column's vectors, or None if a cell is not a vector."""
    if is_text(column.type):
        cells = column.filter(pc.not_equal(column, ""))
        if not pc.all(pc.match_substring_regex(cells, _LIST), min_count=0).as_py():
            return None
        return {n + 1 for n in pc.unique(pc.count_substring(cells, ",")).to_pylist()}
    if not _is_list_of_numbers(column.type):
        return None
    return set(pc.unique(pc.list_value_length(column.drop_null())).to_pylist())


def _is_list_of_numbers(kind: pa.DataType) -> bool:
    if not is_list(kind):
        return False
    value_type = plain(pa.array([], kind.value_type)).type
    return bool(
        pa.types.is_integer(value_type)
        or pa.types.is_floating(value_type)
        or pa.types.is_decimal(value_type)
    )


def as_bytes(name: str, column: pa.Array) -> pa.Array:
    """Return each vector as the bytes of its float64 values, null for empty cells.

    Raises LabelkitError, with the column, for a cell that is not a list of numbers.
    """
    column = plain(column)
    if is_text(column.type):
        column = _parsed(name, column)
    elif not (_is_list_of_numbers(column.type) or pa.types.is_null(column.type)):
        raise LabelkitError(
            f"column {name!r} has type {column.type}, which is not a list of numbers"
        )
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.binary())
    lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0), dtype=np.int64)
    flat = pc.fill_null(pc.list_flatten(column).cast(pa.float64(), safe=False), np.nan)
    offsets = np.concatenate([[0], np.cumsum(8 * lengths)]).astype(np.int32)
    whole = pa.Array.from_buffers(
        pa.binary(),
        len(column),
        [None, pa.py_buffer(offsets), pa.py_buffer(np.asarray(flat, dtype="<f8").tobytes())],
    )
    return pc.if_else(column.is_valid(), whole, pa.scalar(None, pa.binary()))


def _parsed(name: str, column: pa.Array) -> pa.Array:
    cells = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    is_vector = pc.match_substring_regex(cells, _LIST)
    if not pc.all(is_vector, min_count=0).as_py():
        row = pc.index(is_vector, False).as_py()
        raise WrongCell(
            f"column {name!r} has lists of numbers, but {cells[row].as_py()[:40]!r} is not such "
            f"a list",
            row,
        )
    parts = pc.split_pattern(pc.utf8_trim(cells, " \t\r\n[]"), ",")
    numbers = pc.cast(pc.utf8_trim_whitespace(pc.list_flatten(parts)), pa.float64())
    lengths = np.asarray(pc.fill_null(pc.list_value_length(parts), 0), dtype=np.int64)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, numbers, mask=cells.is_null())


def matrix(name: str, column: pa.Array, width: int | None) -> np.ndarray:
    """Return a float64 matrix rows x width, NaN for empty cells.

    Raises LabelkitError for vectors of another width (None: the width of the first).
    """
    cells = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    lengths = pc.unique(pc.binary_length(cells.drop_null())).to_pylist()
    expected_width = width if width is not None else (lengths[0] // 8 if lengths else 0)
    if lengths not in ([], [8 * expected_width]):
        other = next(n for n in lengths if n != 8 * expected_width)
        raise LabelkitError(
            f"column {name!r} has lists of {console.count(other // 8, 'numbers')} beside lists "
            f"of {expected_width:,}"
        )
    vectors = np.full((len(cells), expected_width), np.nan)
    is_valid = np.asarray(cells.is_valid())
    vectors[is_valid] = np.frombuffer(b"".join(cells.drop_null().to_pylist())).reshape(
        -1, expected_width
    )
    return np.where(np.isfinite(vectors), vectors, np.nan)
