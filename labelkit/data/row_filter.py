"""The expression language of `--where`: comparisons of columns, evaluated by Arrow.

    rating > 8 and country in ('US', 'UK')
    text contains 'refund' or `box office` is empty
    not (2000 <= year < 2010)
    released >= '2024-05-01'

It has comparisons, `and or not`, `in (...)`, `is empty`, `contains` (ignores case) and names in
back-quotes. A comparison with an empty cell is false, also `!=` and `not in`. Every word and value
is replaced by a numbered name before `ast` parses the structure, so the user's text is never
parsed as Python, and only the nodes listed here are evaluated.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.data import exact_numbers
from labelkit.data.exact_numbers import SWAPPED, Comparison
from labelkit.data.filter_syntax import (
    MAX_LENGTH,
    Token,
    check_brackets,
    check_is,
    mark_keywords,
    refuse,
    split_tokens,
)
from labelkit.errors import UsageError, listing, nearest
from labelkit.io.column_types import LONG_INTEGER, native_kind, read_date

Mask = npt.NDArray[np.bool_]

_COMPARE: dict[type[ast.cmpop], Comparison] = {
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
}
_AN = {"text": "text", "number": "a number", "date": "a date", "boolean": "true/false"}


def parse(expression: str) -> "Where":
    """Return the checked expression; raises UsageError, which shows the position of a mistake."""
    if len(expression) > MAX_LENGTH:
        raise UsageError(f"--where is longer than {MAX_LENGTH:,} characters")
    broken = re.search("[\ud800-\udfff]", expression)
    if broken:
        refuse(expression, broken.start(), "is not UTF-8 text")
    tokens = mark_keywords(list(split_tokens(expression)))
    if not tokens:
        raise UsageError("--where is empty; write a comparison such as rating > 8")
    check_is(expression, tokens)
    check_brackets(expression, tokens)
    starts, code = [], ""
    for number, token in enumerate(tokens):
        starts.append(len(code))
        is_sign = token.kind in ("operator", "bracket", "keyword")
        code += (token.value if is_sign else f"t{number}") + " "
    try:
        tree = ast.parse(code, mode="eval").body
    except SyntaxError as error:
        index = sum(start < (error.offset or 1) for start in starts) - 1
        refuse(expression, tokens[max(index, 0)].start, "is not expected here")
    except (RecursionError, MemoryError):
        raise UsageError("--where is nested too deeply") from None
    where = Where(expression, tokens, tree)
    where.check()
    return where


class Where:
    """A checked expression: its columns, and the row mask for a typed table."""

    def __init__(self, expression: str, tokens: list[Token], tree: ast.expr) -> None:
        self.expression = expression
        self._tokens = tokens
        self._tree = tree
        names = [token.value for token in tokens if token.kind == "column"]
        self.columns: list[str] = list(dict.fromkeys(names))

    def mask(self, data: pa.Table | pa.RecordBatch) -> Mask:
        """Return a bool per row of `data`, typed by `column_types.apply_exact`.

        Raises UsageError if a column is compared with a value of another kind.
        """
        return self._evaluate(self._tree, data)

    def check(self) -> None:
        """Raise UsageError for syntax that is not part of the language."""
        self._check(self._tree)

    def _check(self, node: ast.expr) -> None:
        match node:
            case ast.BoolOp(values=values):
                for value in values:
                    self._check(value)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._check(operand)
            case ast.Compare():
                for left, operator, right in _pairs(node):
                    self._check_pair(left, operator, right)
            case ast.Name():
                if self._token(node).kind not in ("column", "boolean"):
                    self._refuse(node, "is a value on its own; compare it with a column")
            case ast.Call():
                self._refuse(node, "is a function call, which is not supported")
            case _:
                self._refuse(node, "is not expected here")

    def _check_pair(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> None:
        first = self._operand(left)
        if isinstance(operator, ast.In | ast.NotIn):
            if not isinstance(right, ast.Tuple | ast.List):
                right = ast.Tuple(elts=[right])
            kinds = {self._operand(item).kind for item in right.elts}
            if first.kind != "column" or "column" in kinds:
                self._refuse(left, "needs the form: column in ('a', 'b')")
            return
        second = self._operand(right)
        if "column" not in (first.kind, second.kind):
            self._refuse(left, "compares two fixed values; name a column")

    def _operand(self, node: ast.expr) -> Token:
        if not isinstance(node, ast.Name):
            self._refuse(node, "must be a column or a value here")
        return self._token(node)

    def _token(self, node: ast.Name) -> Token:
        return self._tokens[int(node.id[1:])]

    def _evaluate(self, node: ast.expr, data: Any) -> Mask:
        match node:
            case ast.BoolOp(op=operator, values=values):
                parts = np.array([self._evaluate(value, data) for value in values])
                every = isinstance(operator, ast.And)
                return np.asarray(parts.all(axis=0) if every else parts.any(axis=0))
            case ast.UnaryOp(operand=operand):
                return ~self._evaluate(operand, data)
            case ast.Compare():
                parts = np.array([self._pair(*pair, data) for pair in _pairs(node)])
                return np.asarray(parts.all(axis=0))
            case ast.Name():
                return self._alone(node, data)
        raise AssertionError(ast.dump(node))

    def _alone(self, node: ast.Name, data: Any) -> Mask:
        token = self._token(node)
        if token.kind == "boolean":
            return np.full(len(data), token.value)
        column, kind = self._column(token, data)
        if kind != "boolean":
            self._refuse(node, f"is {_AN[kind]}, not true/false: compare it with a value")
        return _numpy(column)

    def _pair(self, left: ast.expr, operator: ast.cmpop, right: ast.expr, data: Any) -> Mask:
        first = self._operand(left)
        if isinstance(operator, ast.In | ast.NotIn):
            items = right.elts if isinstance(right, ast.Tuple | ast.List) else [right]
            tokens = [self._operand(item) for item in items]
            return self._member(first, tokens, isinstance(operator, ast.NotIn), data)
        second = self._operand(right)
        if isinstance(operator, ast.Is | ast.IsNot):
            column, kind = self._column(first, data)
            negated = isinstance(operator, ast.IsNot)
            if second.kind == "empty":
                filled = _numpy(_filled(column, kind))
                return filled if negated else ~filled
            return self._contains(first, second, negated, data)
        return self._compare(first, _COMPARE[type(operator)], second, data)

    def _compare(self, first: Token, comparison: Comparison, second: Token, data: Any) -> Mask:
        if first.kind == "column" and second.kind == "column":
            left, kind = self._column(first, data)
            right, other = self._column(second, data)
            if kind != other:
                self._mismatch(first, kind, second, f"column {second.value!r} is {_AN[other]}")
            filled = pc.and_(_filled(left, kind), _filled(right, kind))
            if kind == "number":
                compared = exact_numbers.compare_columns(left, comparison, right)
            else:
                compared = getattr(pc, comparison)(left, right)
            return _numpy(filled) & _numpy(compared)
        named, fixed = (first, second) if first.kind == "column" else (second, first)
        column, kind = self._column(named, data)
        value = self._value(named, kind, fixed)
        comparison = comparison if named is first else SWAPPED[comparison]
        if kind == "number":
            return _numpy(exact_numbers.compare(column, comparison, value))
        compared = getattr(pc, comparison)(column, value)
        return _numpy(_filled(column, kind)) & _numpy(compared)

    def _member(self, named: Token, items: list[Token], negated: bool, data: Any) -> Mask:
        column, kind = self._column(named, data)
        values = [self._value(named, kind, item) for item in items]
        if kind == "number":
            inside = exact_numbers.is_in(column, values)
        else:
            inside = pc.is_in(column, pa.array([value.as_py() for value in values], column.type))
        return _numpy(_filled(column, kind)) & (_numpy(inside) ^ negated)

    def _contains(self, named: Token, needle: Token, negated: bool, data: Any) -> Mask:
        column, kind = self._column(named, data)
        if kind != "text":
            refuse(
                self.expression,
                named.start,
                f"is {_AN[kind]}; `contains` works on text columns: compare it instead",
            )
        contains = pc.match_substring(column, needle.value, ignore_case=True)
        return _numpy(pc.and_(_filled(column, kind), pc.invert(contains) if negated else contains))

    def _column(self, token: Token, data: Any) -> tuple[Any, str]:
        if token.value not in data.column_names:
            hint = nearest(token.value, data.column_names)
            listed = listing(data.column_names)
            refuse(self.expression, token.start, f"is not a column{hint} (columns: {listed})")
        column = data.column(token.value)
        kind = "number" if column.type == LONG_INTEGER else native_kind(column.type)
        return column, kind

    def _value(self, named: Token, kind: str, fixed: Token) -> Any:
        """Return the fixed value, a number or else a scalar of the column's kind, or refuse it."""
        if kind == "text" and fixed.kind == "text":
            if fixed.value == "":
                reason = "never compares true with a cell; write `is empty` or `is not empty`"
                refuse(self.expression, fixed.start, reason)
            return pa.scalar(fixed.value, pa.string())
        if kind == "number" and fixed.kind == "number":
            return fixed.value
        if kind == "boolean" and fixed.kind == "boolean":
            return pa.scalar(fixed.value, pa.bool_())
        if kind == "date" and fixed.kind == "text":
            date = read_date(fixed.value)
            if date is None:
                refuse(self.expression, fixed.start, "is not a date such as '2024-05-31'")
            return pa.scalar(date, pa.timestamp("us"))
        remedy = {
            "text": "write the value in quotes",
            "number": "write a number without quotes",
            "boolean": "write true or false without quotes",
            "date": "write the date in quotes, as in '2024-05-31'",
        }
        self._mismatch(named, kind, fixed, remedy[kind])

    def _mismatch(self, named: Token, kind: str, other: Token, reason: str) -> NoReturn:
        refuse(
            self.expression,
            other.start,
            f"does not fit column {named.value!r}, which is {_AN[kind]}: {reason}",
        )

    def _refuse(self, node: ast.expr, reason: str) -> NoReturn:
        names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
        at = min((self._token(each).start for each in names), default=0)
        refuse(self.expression, at, reason)


def _pairs(node: ast.Compare) -> Iterator[tuple[ast.expr, ast.cmpop, ast.expr]]:
    operands = [node.left, *node.comparators]
    return zip(operands[:-1], node.ops, operands[1:], strict=True)


def _filled(column: Any, kind: str) -> Any:
    """Return an Arrow mask of the cells that are not empty."""
    filled = pc.is_valid(column)
    if kind != "text":
        return filled
    return pc.and_(filled, pc.fill_null(pc.not_equal(column, ""), False))


def _numpy(mask: Any) -> Mask:
    if isinstance(mask, pa.ChunkedArray):
        mask = mask.combine_chunks()
    filled: Mask = np.asarray(pc.fill_null(mask, False).to_numpy(zero_copy_only=False), dtype=bool)
    return filled
