import operator

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.data.exact_numbers import compare, compare_columns, is_in, read_number
from labelkit.io.column_types import LONG_INTEGER

OPERATORS = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}
NEAR = [0, 1, -1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
short = st.sampled_from(NEAR) | st.integers(-(2**63), 2**63 - 1)
unsigned = st.sampled_from([0, 1, 2**53 + 1, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1)
long = short | st.integers(-(10**40), 10**40)
floats = st.sampled_from([float(n) for n in NEAR] + [0.5, -0.5]) | st.floats(allow_nan=False)
values = long | unsigned | floats | st.sampled_from([0.5, 1e300, float("inf")])


def column(kind, cells):
    if kind == LONG_INTEGER:
        cells = [None if cell is None else str(cell) for cell in cells]
    return pa.array(cells, kind)


columns = st.one_of(
    *(
        st.tuples(st.just(kind), st.lists(st.none() | cells, min_size=3, max_size=3))
        for kind, cells in (
            (pa.int64(), short),
            (pa.uint64(), unsigned),
            (pa.float64(), floats),
            (LONG_INTEGER, long),
        )
    )
)


@given(columns, st.sampled_from(sorted(OPERATORS)), values)
def test_a_column_and_a_number_compare_as_numbers_do(typed, comparison, value):
    kind, cells = typed
    expected = [None if cell is None else OPERATORS[comparison](cell, value) for cell in cells]
    assert compare(column(kind, cells), comparison, value).to_pylist() == expected


@given(columns, columns, st.sampled_from(sorted(OPERATORS)))
def test_two_columns_compare_as_numbers_do(left, right, comparison):
    expected = [
        None if None in (a, b) else OPERATORS[comparison](a, b)
        for a, b in zip(left[1], right[1], strict=True)
    ]
    assert compare_columns(column(*left), comparison, column(*right)).to_pylist() == expected


@given(columns, st.lists(values, max_size=3))
def test_membership_is_equality_with_one_of_the_numbers(typed, numbers):
    kind, cells = typed
    found = is_in(column(kind, cells), numbers)
    assert [bool(cell) for cell in found.to_pylist()] == [cell in numbers for cell in cells]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("9007199254740993", 9007199254740993),
        ("1e3", 1000),
        ("-2.50", -2.5),
        ("9007199254740993.0", 9007199254740993),
        ("0e999999999", 0),
        ("1e999999999", float("inf")),
        ("1e-999999999", 0.0),
    ],
)
def test_a_whole_number_is_read_as_an_integer(text, number):
    assert read_number(text) == number
    assert type(read_number(text)) is type(number) or number == 0
