"""The cells of typed columns (Parquet) as text, as values for JSON, and in their plain types.

This is the only place that converts numbers, dates and nested values of a typed file to text, for
keys, batches, row checks, prompts and outputs. Floats are written with the fewest digits that read
back equal, float32 as float32. NaN is a missing cell.
"""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_BYTES = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)
_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


def is_text(kind: pa.DataType) -> bool:
    """Return whether a type is a string type."""
    return any(check(kind) for check in _TEXTS)


def is_list(kind: pa.DataType) -> bool:
    """Return whether a type is a list type."""
    return any(check(kind) for check in _LISTS)


def holds_bytes(kind: pa.DataType) -> bool:
    """Return whether a type contains bytes (pictures, sound) at any depth."""
    if isinstance(kind, pa.UuidType):
        return False
    kind = _plain_type(kind)
    if pa.types.is_map(kind):
        return holds_bytes(kind.key_type) or holds_bytes(kind.item_type)
    if is_list(kind):
        return holds_bytes(kind.value_type)
    if pa.types.is_struct(kind):
        return any(holds_bytes(field.type) for field in kind)
    return any(check(kind) for check in _BYTES)


def has_inner_dictionary(kind: pa.DataType) -> bool:
    """Return whether a type has dictionaries inside lists, structs or maps."""
    inner = [kind.field(i).type for i in range(kind.num_fields)]
    return any(pa.types.is_dictionary(each) or has_inner_dictionary(each) for each in inner)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    while isinstance(kind, pa.BaseExtensionType) or pa.types.is_dictionary(kind):
        kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind.value_type
    return kind


def plain(column: pa.Array) -> pa.Array:
    """Return a column without dictionary or extension type; text as string, float16 as float32.

    Raises pa.ArrowInvalid for text that is not UTF-8.
    """
    if isinstance(column.type, pa.UuidType):
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())
    while isinstance(column.type, pa.BaseExtensionType) or pa.types.is_dictionary(column.type):
        is_dictionary = pa.types.is_dictionary(column.type)
        column = column.dictionary_decode() if is_dictionary else column.storage
    if pa.types.is_float16(column.type):
        return column.cast(pa.float32())
    if is_text(column.type):
        column.validate(full=True)
        return column.cast(pa.string())
    return column


def taken(table: pa.Table, rows: pa.Array) -> pa.Table:
    """Return some rows of a table of any types, in the order given."""
    columns = [_taken(column, rows) for column in table.columns]
    return pa.Table.from_arrays(columns, schema=table.schema)


def _taken(column: pa.ChunkedArray, rows: pa.Array) -> pa.ChunkedArray:
    try:
        return column.take(rows)
    except pa.ArrowNotImplementedError:  # views
        parts = [column.slice(row, 1) for row in rows.to_pylist()]
        chunks = [chunk for part in parts for chunk in part.chunks]
        whole = pa.concat_arrays(chunks) if chunks else pa.array([], column.type)
        return pa.chunked_array([whole])


def texts(column: pa.Array) -> pa.Array:
    """Return each cell as text, null if it is missing; bytes are decoded as UTF-8."""
    column = plain(column)
    kind = column.type
    if pa.types.is_null(kind):
        return pa.nulls(len(column), pa.string())
    if any(check(kind) for check in _BYTES):
        decoded = [None if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()]
        return pa.array(decoded, pa.string())
    if pa.types.is_nested(kind):
        as_json = [
            None if value is None else json.dumps(value, ensure_ascii=False)
            for value in values(column)
        ]
        return pa.array(as_json, pa.string())
    if pa.types.is_floating(kind):
        return _float_texts(pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column))
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:  # unknown time zone: use UTC
        return column.cast(pa.timestamp(kind.unit)).cast(pa.string())


def _float_texts(column: pa.Array) -> pa.Array:
    # Arrow writes 12345678901.0 as 1.2345678901e+10.
    numbers = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
    exact = 2.0 ** (np.finfo(numbers.dtype).nmant + 1)
    is_whole = (np.abs(numbers) < exact) & (numbers == np.trunc(numbers))
    integers = pa.array(np.where(is_whole, numbers, 0).astype(np.int64))
    text = pc.if_else(pa.array(is_whole), integers.cast(pa.string()), pc.cast(column, pa.string()))
    return pc.if_else(column.is_valid(), text, pa.scalar(None, pa.string()))


def values(column: pa.Array) -> list[Any]:
    """Return each cell as a JSON value; dates and infinity as text.

    Bytes are hexadecimal digits.
    """
    column = plain(column)
    kind = column.type
    if pa.types.is_map(kind):
        return _lists(pc.list_value_length(_as_list(column)), _pairs(column))
    if is_list(kind):
        return _lists(pc.list_value_length(column), values(pc.list_flatten(column)))
    if pa.types.is_struct(kind):
        return _structs(column)
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return column.to_pylist()  # type: ignore[no-any-return]
    if any(check(kind) for check in _BYTES):
        return [None if cell is None else cell.hex() for cell in column.to_pylist()]
    cells: list[Any] = texts(column).to_pylist()
    if pa.types.is_floating(kind):
        return [c if c is None or c.endswith("inf") else float(c) for c in cells]
    return cells


def _as_list(column: pa.Array) -> pa.Array:
    kind = column.type
    pairs = pa.struct([kind.key_field, kind.item_field])
    return column.cast(pa.list_(pa.field("entries", pairs, nullable=False)))


def _pairs(column: pa.Array) -> list[Any]:
    entries = pc.list_flatten(_as_list(column))
    keys, items = (values(part) for part in entries.flatten())
    return [list(pair) for pair in zip(keys, items, strict=True)]


def _lists(lengths: pa.Array, flat: list[Any]) -> list[Any]:
    lists: list[Any] = []
    position = 0
    for length in lengths.to_pylist():
        lists.append(None if length is None else flat[position : position + length])
        position += length or 0
    return lists


def _structs(column: pa.Array) -> list[Any]:
    names = [field.name for field in column.type]
    parts = [values(part) for part in column.flatten()]
    rows = zip(*parts, strict=True) if parts else ([] for _ in range(len(column)))
    return [
        dict(zip(names, row, strict=True)) if is_there else None
        for row, is_there in zip(rows, column.is_valid().to_pylist(), strict=True)
    ]
