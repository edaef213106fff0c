"""Comparisons of number columns without rounding, with a fixed number or another column.

Columns are those of the exact typed view (`column_types.apply_exact`): float64, int64, uint64, or
`LONG_INTEGER`. A comparison is null where a cell is empty.
"""

import math
import operator
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from labelkit.io.column_types import LONG_INTEGER

Number = int | float
Comparison = Literal["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]

EXACT_FLOATS = 2**53  # whole numbers up to here are floats too
MAX_DIGITS = 1_000
SWAPPED: dict[Comparison, Comparison] = {
    "equal": "equal",
    "not_equal": "not_equal",
    "less": "greater",
    "less_equal": "greater_equal",
    "greater": "less",
    "greater_equal": "less_equal",
}
_PYTHON: dict[Comparison, Callable[[Any, Any], bool]] = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}
# The comparison with the nearest representable number, if that is lower (higher) than the value.
_FROM_BELOW: dict[Comparison, Comparison] = {"less": "less_equal", "greater_equal": "greater"}
_FROM_ABOVE: dict[Comparison, Comparison] = {"less_equal": "less", "greater": "greater_equal"}


def is_number(kind: pa.DataType) -> bool:
    """Return whether a column of the exact typed view holds numbers."""
    return bool(kind == LONG_INTEGER or pa.types.is_integer(kind) or pa.types.is_floating(kind))


def read_number(text: str) -> Number:
    """Return the number that a text represents, as an integer if it is a whole number."""
    number = Decimal(text)
    if number == 0 or number.adjusted() > MAX_DIGITS or number != number.to_integral_value():
        return float(text) if number else 0
    return int(number)


def compare(column: Any, comparison: Comparison, value: Number) -> Any:
    """Return an Arrow mask: the comparison of the column with a fixed number."""
    if column.type == LONG_INTEGER:
        test = _PYTHON[comparison]
        results = [None if n is None else test(n, value) for n in _numbers(column)]
        return pa.array(results, pa.bool_())
    nearest_number = _nearest(column.type, value)
    if nearest_number != value:
        if comparison in ("equal", "not_equal"):
            differs = pa.scalar(comparison == "not_equal")
            return pc.if_else(pc.is_valid(column), differs, pa.scalar(None, pa.bool_()))
        comparison = (_FROM_BELOW if nearest_number < value else _FROM_ABOVE).get(
            comparison, comparison
        )
    return getattr(pc, comparison)(column, pa.scalar(nearest_number, column.type))


def compare_columns(left: Any, comparison: Comparison, right: Any) -> Any:
    """Return an Arrow mask: the comparison of two columns, row by row."""
    if left.type != right.type and _is_small(left) and _is_small(right):
        left, right = left.cast(pa.float64()), right.cast(pa.float64())
    if left.type == right.type and left.type != LONG_INTEGER:
        return getattr(pc, comparison)(left, right)
    test = _PYTHON[comparison]
    pairs = zip(_numbers(left), _numbers(right), strict=True)
    return pa.array([None if None in (a, b) else test(a, b) for a, b in pairs], pa.bool_())


def is_in(column: Any, values: Sequence[Number]) -> Any:
    """Return an Arrow mask: whether the cell is one of the numbers; false for empty cells."""
    if column.type == LONG_INTEGER:
        return pa.array([n in values for n in _numbers(column)], pa.bool_())
    representable = [
        nearest_number
        for value in values
        if (nearest_number := _nearest(column.type, value)) == value
    ]
    return pc.is_in(column, pa.array(representable, column.type))


def _nearest(kind: pa.DataType, value: Number) -> Number:
    """Return a number of the column's type that is equal or adjacent to `value`."""
    if pa.types.is_floating(kind):
        try:
            return float(value)
        except OverflowError:
            return math.copysign(math.inf, value)
    low, high = (0, 2**64 - 1) if pa.types.is_uint64(kind) else (-(2**63), 2**63 - 1)
    if math.isinf(value):
        return high if value > 0 else low
    return min(max(math.floor(value), low), high)


def _is_small(column: Any) -> bool:
    if pa.types.is_floating(column.type):
        return True
    if column.type == LONG_INTEGER:
        return False
    ends = pc.min_max(column).as_py()
    return bool(max(abs(ends["min"] or 0), abs(ends["max"] or 0)) <= EXACT_FLOATS)


def _numbers(column: Any) -> list[Any]:
    values: list[Any] = column.to_pylist()
    if column.type != LONG_INTEGER:
        return values
    return [None if digits is None else int(digits) for digits in values]
