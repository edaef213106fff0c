"""Tokens of a `--where` expression, and the checks before it is parsed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from labelkit.data import exact_numbers
from labelkit.errors import UsageError

MAX_LENGTH = 100_000
MAX_DEPTH = 30

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


@dataclass(frozen=True)
class Token:
    """A word, value or operator; `kind` is the group of the pattern above."""

    kind: str
    value: Any
    start: int


def split_tokens(expression: str) -> Iterator[Token]:
    """Yield the tokens; raises UsageError for characters that are not part of the language."""
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            refuse(expression, position, _why_not(expression[position:]))
        kind = str(match.lastgroup)
        value: Any = match.group(kind)
        if kind == "text":
            value = re.sub(
                r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), value[1:-1], flags=re.DOTALL
            )
        elif kind == "number":
            value = exact_numbers.read_number(value)
        if kind != "space":
            yield Token(kind, value, position)
        position = match.end()


def _why_not(rest: str) -> str:
    if rest[0] == "=":
        return "is not a comparison operator; use =="
    if rest[0] in "'\"":
        return "starts a text in quotes that is not closed"
    if rest[0] == "`":
        return "starts a column name that is not closed by a second back-quote"
    if rest[0] in "&|!~":
        return "is not an operator; use and, or, not"
    if rest[0] == ".":
        return "is not supported; write a name with a dot in back-quotes: `a.b`"
    if rest[0].isdigit() or rest[0] in "+-":
        return "is neither a number nor a name; write such a name in back-quotes"
    return "is not supported"


def mark_keywords(tokens: list[Token]) -> list[Token]:
    """Mark words as keywords or columns; `is empty` and `contains` become Python's `is`."""
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


def check_is(expression: str, tokens: list[Token]) -> None:
    """Raise UsageError for a misplaced `is`, `is empty`, `contains` or last operator."""
    for number, token in enumerate(tokens):
        if token.kind != "keyword" or not token.value.startswith("is"):
            continue
        previous = tokens[number - 1] if number else None
        following = tokens[number + 1] if number + 1 < len(tokens) else None
        if previous is None or previous.kind != "column":
            refuse(expression, token.start, "needs a column before it")
        source = expression[token.start :].lower()
        is_keyword = source.startswith("is")
        required_kind = "empty" if is_keyword else "text"
        if following is None or following.kind != required_kind:
            remedy = "is only used in `is empty` and `is not empty`; for a value use =="
            contains = "needs a text in quotes after `contains`"
            refuse(expression, token.start, remedy if is_keyword else contains)
    if tokens[-1].kind in ("keyword", "operator"):
        refuse(expression, tokens[-1].start, "needs something after it")


def check_brackets(expression: str, tokens: list[Token]) -> None:
    """Raise UsageError for unmatched brackets and for too deep nesting."""
    opened: list[Token] = []
    nots = 0
    for token in tokens:
        nots = nots + 1 if (token.kind, token.value) == ("keyword", "not") else 0
        if token.kind == "bracket" and token.value in "([":
            opened.append(token)
        elif token.kind == "bracket" and token.value in ")]":
            if not opened or opened[-1].value + token.value not in ("()", "[]"):
                refuse(expression, token.start, "is an unmatched closing bracket")
            opened.pop()
        if len(opened) > MAX_DEPTH or nots > MAX_DEPTH:
            refuse(expression, token.start, f"is nested more than {MAX_DEPTH} deep")
    if opened:
        refuse(expression, opened[-1].start, "is a bracket that is not closed")


def refuse(expression: str, position: int, reason: str) -> NoReturn:
    """Raise UsageError that shows the position of the mistake."""
    match = _TOKEN.match(expression, position)
    part = match.group() if match else expression[position : position + 1]
    part = part if len(part) <= 30 else part[:27] + "..."
    start, end = max(position - 40, 0), position + 40
    shown = "".join(c if c.isprintable() else "�" for c in expression[start:end])
    part = "".join(c if c.isprintable() else "�" for c in part)
    marker = " " * (position - start) + "^"
    raise UsageError(f"--where: {part} {reason} (character {position + 1})\n  {shown}\n  {marker}")
