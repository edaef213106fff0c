"""Typed cells as text: exact numbers, missing cells, nested values as JSON, any type at all."""

import json
import math
import uuid
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.io import native_text


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=8))
def test_floats_read_back_equal(numbers: list[float | None]) -> None:
    texts = native_text.texts(pa.array(numbers, pa.float64())).to_pylist()
    for number, text in zip(numbers, texts, strict=True):
        if number is None or math.isnan(number):
            assert text is None
        else:
            assert float(text) == number


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=8))
def test_float32_has_no_more_digits_than_it_needs(numbers: list[float]) -> None:
    texts = native_text.texts(pa.array(numbers, pa.float32())).to_pylist()
    assert [np.float32(text) for text in texts] == [np.float32(n) for n in numbers]
    # Nine significant digits tell any two of them apart.
    assert all(len(Decimal(text).normalize().as_tuple().digits) <= 9 for text in texts)


def test_whole_numbers_have_no_point_or_exponent() -> None:
    numbers = pa.array([1.0, 12345678901.0, 4.7e-08, 47.123456789, 1e300])
    assert native_text.texts(numbers).to_pylist() == [
        "1", "12345678901", "4.7e-8", "47.123456789", "1e+300",
    ]  # fmt: skip


NESTED = [
    (pa.array([[0.1, None, float("nan"), float("inf")], None], pa.list_(pa.float32())),
     [[0.1, None, None, "inf"], None]),
    (pa.array([[[1], []], None], pa.large_list(pa.list_(pa.int8()))), [[[1], []], None]),
    (pa.array([[1, 2], None], pa.list_(pa.int16(), 2)), [[1, 2], None]),
    (pa.array([[1], None], pa.list_view(pa.int8())), [[1], None]),
    (pa.array([{"a": 1, "b": [True]}, None, {"a": None, "b": None}]),
     [{"a": 1, "b": [True]}, None, {"a": None, "b": None}]),
    (pa.array([[("k", 1), ("l", None)], None, []], pa.map_(pa.string(), pa.int32())),
     [[["k", 1], ["l", None]], None, []]),
    (pa.array([["a", None]], pa.list_(pa.dictionary(pa.int8(), pa.string()))), [["a", None]]),
    (pa.array([[b"\x00\xff"]]), [["00ff"]]),
    (pa.array([[2**62]]).cast(pa.list_(pa.timestamp("us"))),
     [["<value out of range: 4611686018427387904>"]]),
]  # fmt: skip


@pytest.mark.parametrize(("column", "values"), NESTED, ids=lambda v: str(getattr(v, "type", "")))
def test_nested_values_are_json(column: pa.Array, values: list[object]) -> None:
    assert native_text.values(column) == values
    texts = native_text.texts(column).to_pylist()
    assert [text and json.loads(text) for text in texts] == values
    if len(column) > 1:  # a slice is not its whole buffer
        assert native_text.values(column.slice(1)) == values[1:]


def test_extension_types_are_what_they_store() -> None:
    number = uuid.uuid4()
    of = pa.ExtensionArray.from_storage
    assert native_text.texts(
        of(pa.uuid(), pa.array([number.bytes, None], pa.binary(16)))
    ).to_pylist() == [str(number), None]
    assert not native_text.holds_bytes(pa.uuid())
    assert native_text.texts(of(pa.json_(), pa.array(["{}"]))).to_pylist() == ["{}"]
    assert native_text.holds_bytes(pa.struct([("value", pa.list_(pa.binary()))]))


def test_text_that_is_not_utf8_is_refused() -> None:
    offsets = pa.array([0, 2], pa.int32()).buffers()[1]
    column = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(b"\xff\xfe"))
    with pytest.raises(pa.ArrowInvalid, match="UTF8"):
        native_text.plain(column)
