"""Parquet files of every type that pyarrow writes, for tests: columns, and files drawn of them."""

import datetime
import decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

_DAY = datetime.date(2024, 1, 31)
_ONE = decimal.Decimal(1)
_WORDS = ["the film was warm and kind", "a stale film without any heart"]


def _of_integers(kind: pa.DataType, numbers: list[int]) -> pa.Array:
    width = pa.int32() if kind.bit_width == 32 else pa.int64()
    return pa.array([*numbers, None], width).cast(kind)


def _extension(kind: pa.DataType, cells: list[Any]) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, pa.array([*cells, None], kind.storage_type))


def _every_column() -> dict[str, pa.Array]:
    simple: list[tuple[pa.DataType, list[Any]]] = [
        (pa.null(), [None]),
        (pa.bool_(), [True, False]),
        *((kind, [1, 2]) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())),
        *((kind, [1, 2]) for kind in (pa.uint8(), pa.uint16(), pa.uint32())),
        (pa.uint64(), [2**64 - 1, 0]),
        *((k, [0.1, float("nan"), float("inf")]) for k in (pa.float16(), pa.float32())),
        (pa.float64(), [47.123456789, -0.0, float("nan")]),
        (pa.decimal32(5, 2), [_ONE]),
        (pa.decimal64(12, 0), [_ONE, -_ONE]),
        (pa.decimal128(20, 3), [_ONE, -_ONE]),
        (pa.decimal256(76, 0), [_ONE, decimal.Decimal(10) ** 70]),
        *((kind, _WORDS) for kind in (pa.string(), pa.large_string(), pa.string_view())),
        *((k, [b"\xff\x00", b""]) for k in (pa.binary(), pa.large_binary(), pa.binary_view())),
        (pa.binary(4), [b"abcd"]),
        (pa.date64(), [_DAY]),
        (pa.list_(pa.int32()), [[1, None], []]),
        (pa.list_(pa.float32()), [[0.1, 0.2], [0.3, 0.4]]),
        (pa.large_list(pa.string()), [["a", None], []]),
        (pa.list_(pa.float64(), 2), [[1.5, 2.5], [0.0, 1.0]]),
        (pa.list_view(pa.int8()), [[1], []]),
        (pa.list_(pa.list_(pa.decimal128(5, 1))), [[[_ONE], None]]),
        (pa.list_(pa.binary()), [[b"\xff"]]),
        (pa.list_(pa.dictionary(pa.int32(), pa.string())), [["a", "b"], ["b"]]),
        (pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))]), [{"a": 1, "b": ["x"]}]),
        (pa.struct([("metadata", pa.binary()), ("value", pa.binary())]),
         [{"metadata": b"\x01", "value": b"\x0c"}]),
        (pa.map_(pa.string(), pa.int32()), [[("k", 1)], []]),
        (pa.map_(pa.int32(), pa.list_(pa.date32())), [[(1, [_DAY])]]),
    ]  # fmt: skip
    found = {str(kind): pa.array([*cells, None], kind) for kind, cells in simple}
    far = [2**62, -(2**62)]
    for kind in (pa.date32(), pa.time32("s"), pa.time64("ns"), pa.duration("ns"), pa.duration("s")):
        found[str(kind)] = _of_integers(kind, [1, 86_399])
    for zone in (None, "UTC", "Europe/Berlin", "+05:30", "No/Where"):
        for unit in ("ms", "us", "ns"):
            found[f"{unit} {zone}"] = _of_integers(pa.timestamp(unit, zone), [1, 10**9])
    found["far dates"] = _of_integers(pa.date32(), [2**31 - 1, -(2**31)])
    found["far times"] = _of_integers(pa.timestamp("us"), far)
    for name, cells in (("dictionary", _WORDS), ("binary dictionary", [b"\xff", b"a"])):
        found[name] = pa.array([*cells, None]).dictionary_encode()
    found["uuid"] = _extension(pa.uuid(), [b"0123456789abcdef"])
    found["json"] = _extension(pa.json_(), ['{"a": 1}'])
    found["bool8"] = _extension(pa.bool8(), [1, 0])
    found["opaque"] = _extension(pa.opaque(pa.binary(), "kind", "maker"), [b"\x01"])
    tensor = pa.fixed_shape_tensor(pa.float32(), [2])
    found["tensor"] = pa.FixedShapeTensorArray.from_storage(
        tensor, pa.array([[1, 2], [3, 4], None], tensor.storage_type)
    )
    found["two fields of one name"] = pa.StructArray.from_arrays(
        [pa.array([1, 2]), pa.array(["x", None])], names=["x", "x"]
    )
    return found


EVERY_COLUMN = _every_column()
NAMES = ("text", "label", "", "a.b", "new\nline", "nul\0", "ü😀", "weak_label", "c,\"d'", "=1+1")


def repeated(column: pa.Array, rows: int) -> pa.Array:
    """Return a column of so many rows, its cells repeated."""
    if not rows:
        return column.slice(0, 0)
    return pa.concat_arrays([column] * (rows // len(column) + 1)).slice(0, rows)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Tables of some columns of any type, under odd names."""
    picked = draw(st.lists(st.sampled_from(sorted(EVERY_COLUMN)), min_size=1, max_size=5))
    rows = draw(st.sampled_from([0, 1, 3, 12]))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=len(picked), unique=True, max_size=9))
    columns = [repeated(EVERY_COLUMN[name], rows) for name in picked]
    return pa.Table.from_arrays(columns, names=names[: len(picked)])


def write(table: pa.Table, path: Path, draw: Any) -> None:
    """Write a table with drawn settings of the writer."""
    pq.write_table(
        table,
        path,
        row_group_size=draw(st.sampled_from([1, 5, 100])),
        compression=draw(st.sampled_from(["none", "snappy", "gzip", "zstd", "lz4", "brotli"])),
        data_page_version=draw(st.sampled_from(["1.0", "2.0"])),
        use_dictionary=draw(st.booleans()),
        store_schema=draw(st.booleans()),
        write_statistics=draw(st.booleans()),
        use_deprecated_int96_timestamps=draw(st.booleans()),
    )
