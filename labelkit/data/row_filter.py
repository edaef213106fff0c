"""The safe language of `--where`: comparisons of columns, evaluated by Arrow.

    rating > 8 and country in ('US', 'UK')
    text contains 'refund' or `box office` is empty
    not (2000 <= year < 2010)
    released >= '2024-05-01'

Only comparisons, `and or not`, `in (...)`, `is empty`, `contains` (any case) and back-quoted
names exist. An empty cell compares false, with `!=` and `not in` too. Every word and value is
replaced by a numbered name before `ast` reads the structure, so nothing of the user's text is
ever parsed as Python, and nothing is evaluated but the nodes listed here.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.data import exact_numbers
from labelkit.data.exact_numbers import TURNED, Comparison
from labelkit.errors import UsageError, listing, nearest
from labelkit.io.column_types import LONG_INTEGER, native_kind, read_date

Mask = npt.NDArray[np.bool_]

LONGEST = 100_000
DEEPEST = 30

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?!\w))
      | `(?P<quoted>[^`]+)`
      | (?P<word>[^\W\d]\w*)
      | (?P<operator>==|!=|<=|>=|<|>)
      | (?P<bracket>[()\[\],])""",
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS = {"and", "or", "not", "in", "is"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_COMPARE: dict[type[ast.cmpop], Comparison] = {
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
}
_AN = {"text": "text", "number": "a number", "date": "a date", "boolean": "true/false"}


@dataclass(frozen=True)
class Token:
    """A word, value or sign of the expression; `kind` is the group of the pattern above."""

    kind: str
    value: Any
    start: int


def parse(expression: str) -> "Where":
    """Return the expression, checked. Raises UsageError that shows the place of a mistake."""
    if len(expression) > LONGEST:
        raise UsageError(f"--where is longer than {LONGEST:,} characters")
    broken = re.search("[\ud800-\udfff]", expression)
    if broken:
        _refuse(expression, broken.start(), "is not UTF-8 text")
    tokens = _keywords(list(_tokens(expression)))
    if not tokens:
        raise UsageError("--where is empty; write a comparison such as rating > 8")
    _check_is(expression, tokens)
    _check_brackets(expression, tokens)
    starts, code = [], ""
    for number, token in enumerate(tokens):
        starts.append(len(code))
        is_sign = token.kind in ("operator", "bracket", "keyword")
        code += (token.value if is_sign else f"t{number}") + " "
    try:
        tree = ast.parse(code, mode="eval").body
    except SyntaxError as error:
        at = sum(start < (error.offset or 1) for start in starts) - 1
        _refuse(expression, tokens[max(at, 0)].start, "is not expected here")
    except (RecursionError, MemoryError):
        raise UsageError("--where is nested too deeply") from None
    where = Where(expression, tokens, tree)
    where.check()
    return where


class Where:
    """A checked expression: the columns that it names, and the mask for a typed table."""

    def __init__(self, expression: str, tokens: list[Token], tree: ast.expr) -> None:
        self.expression = expression
        self._tokens = tokens
        self._tree = tree
        named = [token.value for token in tokens if token.kind == "column"]
        self.columns: list[str] = list(dict.fromkeys(named))

    def mask(self, data: pa.Table | pa.RecordBatch) -> Mask:
        """Return one bool a row of `data`, typed by `column_types.apply_exact`.

        Raises UsageError where a column is compared with a value of another kind.
        """
        return self._evaluate(self._tree, data)

    def check(self) -> None:
        """Raise UsageError for a structure outside the language."""
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
                self._refuse(node, "calls a function, and there are none")
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
        comparison = comparison if named is first else TURNED[comparison]
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
            _refuse(
                self.expression,
                named.start,
                f"is {_AN[kind]}; `contains` works on text columns: compare it instead",
            )
        found = pc.match_substring(column, needle.value, ignore_case=True)
        return _numpy(pc.and_(_filled(column, kind), pc.invert(found) if negated else found))

    def _column(self, token: Token, data: Any) -> tuple[Any, str]:
        if token.value not in data.column_names:
            hint = nearest(token.value, data.column_names)
            listed = listing(data.column_names)
            _refuse(self.expression, token.start, f"is not a column{hint} (columns: {listed})")
        column = data.column(token.value)
        kind = "number" if column.type == LONG_INTEGER else native_kind(column.type)
        return column, kind

    def _value(self, named: Token, kind: str, fixed: Token) -> Any:
        """Return the fixed value, a number or else a scalar of the column's kind, or refuse it."""
        if kind == "text" and fixed.kind == "text":
            if fixed.value == "":
                reason = "never compares true with a cell; write `is empty` or `is not empty`"
                _refuse(self.expression, fixed.start, reason)
            return pa.scalar(fixed.value, pa.string())
        if kind == "number" and fixed.kind == "number":
            return fixed.value
        if kind == "boolean" and fixed.kind == "boolean":
            return pa.scalar(fixed.value, pa.bool_())
        if kind == "date" and fixed.kind == "text":
            date = read_date(fixed.value)
            if date is None:
                _refuse(self.expression, fixed.start, "is not a date such as '2024-05-31'")
            return pa.scalar(date, pa.timestamp("us"))
        remedy = {
            "text": "write the value in quotes",
            "number": "write a number without quotes",
            "boolean": "write true or false without quotes",
            "date": "write the date in quotes, as in '2024-05-31'",
        }
        self._mismatch(named, kind, fixed, remedy[kind])

    def _mismatch(self, named: Token, kind: str, other: Token, reason: str) -> NoReturn:
        _refuse(
            self.expression,
            other.start,
            f"does not fit column {named.value!r}, which is {_AN[kind]}: {reason}",
        )

    def _refuse(self, node: ast.expr, reason: str) -> NoReturn:
        names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
        at = min((self._token(each).start for each in names), default=0)
        _refuse(self.expression, at, reason)


def _pairs(node: ast.Compare) -> Iterator[tuple[ast.expr, ast.cmpop, ast.expr]]:
    operands = [node.left, *node.comparators]
    return zip(operands[:-1], node.ops, operands[1:], strict=True)


def _filled(column: Any, kind: str) -> Any:
    """Return true where the cell is not empty."""
    filled = pc.is_valid(column)
    if kind != "text":
        return filled
    return pc.and_(filled, pc.fill_null(pc.not_equal(column, ""), False))


def _numpy(mask: Any) -> Mask:
    if isinstance(mask, pa.ChunkedArray):
        mask = mask.combine_chunks()
    filled: Mask = np.asarray(pc.fill_null(mask, False).to_numpy(zero_copy_only=False), dtype=bool)
    return filled


def _tokens(expression: str) -> Iterator[Token]:
    at = 0
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if found is None:
            _refuse(expression, at, _why_not(expression[at:]))
        kind = str(found.lastgroup)
        value: Any = found.group(kind)
        if kind == "text":
            value = re.sub(
                r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), value[1:-1], flags=re.DOTALL
            )
        elif kind == "number":
            value = exact_numbers.read_number(value)
        if kind != "space":
            yield Token(kind, value, at)
        at = found.end()


def _why_not(rest: str) -> str:
    if rest[0] == "=":
        return "is no comparison; write == for equal"
    if rest[0] in "'\"":
        return "opens a text in quotes that is not closed"
    if rest[0] == "`":
        return "opens a column name that is not closed by a second back-quote"
    if rest[0] in "&|!~":
        return "is not understood; write and, or, not"
    if rest[0] == ".":
        return "is not understood; a name with a dot goes in back-quotes: `a.b`"
    if rest[0].isdigit() or rest[0] in "+-":
        return "is neither a number nor a name; a name that begins so goes in back-quotes"
    return "is not understood"


def _keywords(tokens: list[Token]) -> list[Token]:
    """Tell keywords from columns, and turn `is empty` and `contains` into Python's `is`."""
    done: list[Token] = []
    for token in tokens:
        before = [f"{each.kind} {each.value}" for each in done[-2:]]
        word = token.value.lower() if token.kind == "word" else ""
        after_column = done[-1:] and done[-1].kind == "column"
        after_column_not = len(done) > 1 and done[-2].kind == "column"
        is_not = word == "not" and before[-1:] == ["keyword is"]
        not_contains = word == "contains" and before[-1:] == ["keyword not"] and after_column_not
        if is_not or not_contains:
            done[-1] = Token("keyword", "is not", done[-1].start)
        elif word == "contains" and after_column:
            done.append(Token("keyword", "is", token.start))
        elif word == "empty" and before[-1:] in (["keyword is"], ["keyword is not"]):
            done.append(Token("empty", "", token.start))
        elif word in _KEYWORDS:
            done.append(Token("keyword", word, token.start))
        elif word in ("true", "false"):
            done.append(Token("boolean", word == "true", token.start))
        else:
            kind = "column" if token.kind in ("word", "quoted") else token.kind
            done.append(Token(kind, token.value, token.start))
    return done


def _check_is(expression: str, tokens: list[Token]) -> None:
    for number, token in enumerate(tokens):
        if token.kind != "keyword" or not token.value.startswith("is"):
            continue
        before = tokens[number - 1] if number else None
        after = tokens[number + 1] if number + 1 < len(tokens) else None
        if before is None or before.kind != "column":
            _refuse(expression, token.start, "needs a column before it")
        source = expression[token.start :].lower()
        by_is = source.startswith("is")
        wanted = "empty" if by_is else "text"
        if after is None or after.kind != wanted:
            remedy = "goes with `is empty` or `is not empty`; for a value write =="
            contains = "needs a text in quotes after `contains`"
            _refuse(expression, token.start, remedy if by_is else contains)
    if tokens[-1].kind in ("keyword", "operator"):
        _refuse(expression, tokens[-1].start, "needs something after it")


def _check_brackets(expression: str, tokens: list[Token]) -> None:
    opened: list[Token] = []
    nots = 0
    for token in tokens:
        nots = nots + 1 if (token.kind, token.value) == ("keyword", "not") else 0
        if token.kind == "bracket" and token.value in "([":
            opened.append(token)
        elif token.kind == "bracket" and token.value in ")]":
            if not opened or opened[-1].value + token.value not in ("()", "[]"):
                _refuse(expression, token.start, "closes a bracket that was not opened")
            opened.pop()
        if len(opened) > DEEPEST or nots > DEEPEST:
            _refuse(expression, token.start, f"is nested more than {DEEPEST} deep")
    if opened:
        _refuse(expression, opened[-1].start, "opens a bracket that is not closed")


def _refuse(expression: str, at: int, reason: str) -> NoReturn:
    found = _TOKEN.match(expression, at)
    part = found.group() if found else expression[at : at + 1]
    part = part if len(part) <= 30 else part[:27] + "..."
    start, end = max(at - 40, 0), at + 40
    shown = "".join(c if c.isprintable() else "�" for c in expression[start:end])
    part = "".join(c if c.isprintable() else "�" for c in part)
    raise UsageError(
        f"--where: {part} {reason} (character {at + 1})\n  {shown}\n  {' ' * (at - start)}^"
    )
