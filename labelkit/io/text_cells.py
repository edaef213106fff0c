"""Annotations as cells of a text file: formatting, quoting, slicing by record batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.errors import LabelkitError

DECIMALS = 6


class Slices:
    """Hands out the rows of a table in order, in pieces of any length.

    With `rounds` numbers are as files hold ours, made so piece by piece: thousands of columns of
    probabilities are not there twice.
    """

    def __init__(self, table: pa.Table, rounds: bool = False) -> None:
        self._table, self._rounds = table, rounds
        self.schema = _all_rounded(table.slice(0, 0)).schema if rounds else table.schema
        self._next = 0

    def take(self, n: int) -> pa.Table:
        """Return the next `n` rows."""
        piece = self._table.slice(self._next, n)
        assert piece.num_rows == n, "annotations are shorter than the file"
        self._next += n
        return _all_rounded(piece) if self._rounds else piece


def _all_rounded(table: pa.Table) -> pa.Table:
    if not table.num_columns:  # its number of rows would be lost
        return table
    return pa.table([rounded(column) for column in table.columns], table.column_names)


def no_columns(n: int) -> pa.RecordBatch:
    """Return a batch of `n` rows without columns."""
    return pa.RecordBatch.from_struct_array(pa.array([{}] * n, pa.struct([])))


def rounded(array: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Return floats in 64 bits and six decimals, so that the last bits of a sum never show."""
    if not pa.types.is_floating(array.type):
        return array
    return pc.round(array.cast(pa.float64()), DECIMALS)


def as_text(array: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Return cells as text: `true/false`, plain decimals, '' for null."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_null(array.type):
        return pa.array([""] * len(array), pa.string())
    if pa.types.is_floating(array.type):
        return _decimals(array)
    return pc.fill_null(array.cast(pa.string()), "")


def _decimals(array: pa.Array) -> pa.Array:
    # Confidences repeat; each distinct number is spelled once.
    encoded = array.dictionary_encode()
    spelled = [
        "" if value is None or value != value else f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
        for value in encoded.dictionary.to_pylist()
    ]
    spelled = ["0" if text == "-0" else text for text in spelled]
    texts = pa.array(spelled, pa.string())
    return pc.fill_null(pc.take(texts, encoded.indices), "")


def quoted(text: pa.Array, delimiter: str) -> pa.Array:
    """Return cells, quoted as CSV if they contain a delimiter, a quote or a line end."""
    needs = pc.match_substring_regex(text, f'["\r\n{_in_class(delimiter)}]')
    if not pc.any(needs).as_py():
        return text
    with_quotes = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")
    return pc.if_else(needs, with_quotes, text)


def _in_class(delimiter: str) -> str:
    return "\\" + delimiter if delimiter in "\\]^-" else delimiter


def heading(names: Sequence[str], delimiter: str) -> str:
    """Return `,name,name` for the header."""
    return "".join(
        delimiter + cell for cell in quoted(pa.array(names, pa.string()), delimiter).to_pylist()
    )


def suffixes(annotations: pa.Table, delimiter: str) -> list[str]:
    """Return `,cell,cell` for each row."""
    columns = [quoted(as_text(column), delimiter) for column in annotations.columns]
    if not columns:
        return [""] * annotations.num_rows
    lead = pa.array([""] * annotations.num_rows, pa.string())
    joined = pc.binary_join_element_wise(lead, *columns, delimiter)
    return joined.to_pylist()  # type: ignore[no-any-return]


def arrow(values: Any) -> pa.Array:
    """Return a column as an Arrow array; None, NaN and (in text arrays) '' are empty cells."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return pa.array(values, from_pandas=True)
    if isinstance(values, np.ndarray) and values.dtype.kind in "OU":
        return pa.array([None if v is None or v == "" else v for v in values])
    return pa.array(values)


def lines_of(data: bytes) -> pa.Array:
    """Return the lines of some bytes, each without its line feed, without copying them."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
    starts = np.concatenate([[0], ends[:-1] + 1])
    # A view type refers to pieces of a buffer; offsets alone cannot leave the line feeds out.
    offsets = np.concatenate([starts, ends[-1:] + 1]).astype(np.int32)
    whole = pa.Array.from_buffers(
        pa.binary(), len(ends), [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(data)]
    )
    return pc.binary_slice(whole, 0, -1)


def with_cells(lines: pa.Array, annotations: pa.Table, delimiter: str, encoding: str) -> bytes:
    """Return lines with the annotations' cells appended, each line ended as it was."""
    crlf = pc.equal(pc.binary_slice(lines, -1), b"\r")
    some_crlf = pc.any(crlf).as_py()
    if some_crlf:
        lines = pc.if_else(crlf, pc.binary_slice(lines, 0, -1), lines)
    columns = [
        _encoded(quoted(as_text(column), delimiter), encoding) for column in annotations.columns
    ]
    last = pc.if_else(crlf, b"\r\n", b"\n") if some_crlf else pa.scalar(b"\n")
    lead, rest = ([lines], columns) if columns else ([], [lines])
    joined = pc.binary_join_element_wise(*lead, *rest, delimiter.encode())
    ended = pc.binary_join_element_wise(joined, last, b"")
    _, offsets, content = ended.buffers()
    bounds = np.frombuffer(offsets, np.int32)[ended.offset : ended.offset + len(ended) + 1]
    return bytes(memoryview(content)[bounds[0] : bounds[-1]])


def _encoded(text: pa.Array, encoding: str) -> pa.Array:
    if encoding == "utf-8" or pc.all(pc.string_is_ascii(text)).as_py():
        return text.cast(pa.binary())
    try:
        return pa.array([cell.encode(encoding) for cell in text.to_pylist()], pa.binary())
    except UnicodeEncodeError as error:
        raise not_encodable(error, encoding) from None


def not_encodable(error: UnicodeEncodeError, encoding: str) -> LabelkitError:
    """Return the message for a cell of ours that the file's encoding cannot hold."""
    return LabelkitError(
        f"{error.object[error.start]!r} cannot be written in {encoding}; "
        f"convert the input to UTF-8 first"
    )


def lines(table: pa.Table, delimiter: str) -> str:
    """Return whole records for each row of a table of any columns."""
    columns = [quoted(as_text(column), delimiter) for column in table.columns]
    joined = columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, delimiter)
    # A record of one empty cell would read as a blank line.
    rows = [row or '""' for row in joined.to_pylist()] if len(columns) == 1 else joined.to_pylist()
    return "".join([row + "\n" for row in rows])
