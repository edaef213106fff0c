"""The conditions of a rule, each compiled to Arrow compute: a batch in, one boolean a row out.

Text is matched by Arrow's RE2, whose time grows only with the length of the text.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from labelkit.data import exact_numbers
from labelkit.errors import UsageError, listing, nearest
from labelkit.weak.lf.rows import as_text

Condition = Callable[[pa.Array], pa.Array]

# RE2's \b and \s know ASCII only.
WORD_CHARACTER = r"[\p{L}\p{N}\p{M}_]"
NO_WORD_CHARACTER = r"[^\p{L}\p{N}\p{M}_]"
SPACE = r"[\s\p{Z}]"
NO_SPACE = r"[^\s\p{Z}]"


class RuleOptions:
    """What modifies the conditions of one rule, and where it stands (for messages)."""

    def __init__(self, place: str, table: Mapping[str, Any], folder: Path) -> None:
        self.place = place
        self.folder = folder
        self.substring = self._one_of(table, "match", ("words", "substring")) == "substring"
        self.words = self._one_of(table, "unit", ("words", "characters")) == "words"
        # None: not said. Then words match in any case and patterns in the case they are written.
        self.match_case: bool | None = table.get("match_case")
        if not isinstance(self.match_case, bool | None):
            raise self.error(f"match_case must be true or false, not {self.match_case!r}")

    def _one_of(self, table: Mapping[str, Any], key: str, choices: Sequence[str]) -> str:
        value = table.get(key, choices[0])
        if value not in choices:
            raise self.error(f"{key} must be one of {listing(choices)}, not {value!r}")
        return str(value)

    def error(self, reason: str) -> UsageError:
        """Return the error to raise: the rule's place, then the reason."""
        return UsageError(f"{self.place}: {reason}")


def any_of(value: Any, options: RuleOptions) -> Condition:
    """Return a condition that holds where at least one of the words occurs."""
    return _matches(_words_pattern(_texts("any_of", value, options), options), options)


def all_of(value: Any, options: RuleOptions) -> Condition:
    """Return a condition that holds where every one of the words occurs."""
    each = [
        _matches(_words_pattern([word], options), options)
        for word in _texts("all_of", value, options)
    ]

    def holds(array: pa.Array) -> pa.Array:
        text = as_text(array)
        found = each[0](text)
        for condition in each[1:]:
            found = pc.and_(found, condition(text))
        return found

    return holds


def none_of(value: Any, options: RuleOptions) -> Condition:
    """Return a condition that holds where none of the words occurs."""
    found = _matches(_words_pattern(_texts("none_of", value, options), options), options)
    return lambda array: pc.invert(found(array))


def regex(value: Any, options: RuleOptions) -> Condition:
    """Return a condition that holds where the RE2 pattern is found.

    In the case it is written, unless the rule says `match_case = false`.
    """
    pattern, ignore_case = _pattern("regex", value, options), options.match_case is False
    return lambda array: pc.match_substring_regex(as_text(array), pattern, ignore_case=ignore_case)


def starts_with(value: Any, options: RuleOptions) -> Condition:
    """Return a condition that holds where the text starts with one of the values."""
    quoted = [quote(text) for text in _texts("starts_with", value, options)]
    return _matches(rf"^(?:{'|'.join(quoted)})", options)


def equals(value: Any, options: RuleOptions) -> Condition:
    """Return a condition that holds where the whole cell is one of the values."""
    values = value if isinstance(value, list) else [value]
    if not values:
        raise options.error("equals is an empty list")
    if all(_is_number(item) for item in values):
        texts = pa.array([_number_text(item) for item in values])

        def holds(array: pa.Array) -> pa.Array:
            if exact_numbers.is_number(array.type):
                return exact_numbers.is_in(array, values)
            return pc.is_in(as_text(array), texts)

        return holds
    if all(isinstance(item, bool) for item in values):
        return _is_one_of([str(item).lower() for item in values], options)
    return _is_one_of(_texts("equals", values, options), options)


def in_file(value: Any, options: RuleOptions) -> Condition:
    """Return a condition that holds where the whole cell is a line of the file."""
    if not isinstance(value, str) or not value:
        raise options.error(f"in_file must be the name of a file, not {value!r}")
    path = options.folder / value
    try:
        lines = path.read_bytes().decode("utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise options.error(f"in_file: there is no file {path}") from error
    except OSError as error:
        raise options.error(f"in_file: {path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise options.error(f"in_file: {path} is not UTF-8 (byte {error.start})") from error
    texts = [line.strip() for line in lines if line.strip()]
    if not texts:
        raise options.error(f"in_file: {path} has no lines")
    return _is_one_of(texts, options)


def at_least(value: Any, options: RuleOptions) -> Condition:
    """Return a condition that holds where the number or date is `value` or more (`min`)."""
    return _limited("min", "greater_equal", value, options)


def at_most(value: Any, options: RuleOptions) -> Condition:
    """Return a condition that holds where the number or date is `value` or less (`max`)."""
    return _limited("max", "less_equal", value, options)


def longer_than(value: Any, options: RuleOptions) -> Condition:
    """Return a condition that holds where the text has more words (characters) than `value`."""
    limit = _whole("longer_than", value, options)
    return lambda array: pc.greater(_length(array, options), limit)


def shorter_than(value: Any, options: RuleOptions) -> Condition:
    """Return a condition that holds where the text has fewer words (characters) than `value`."""
    limit = _whole("shorter_than", value, options)
    return lambda array: pc.less(_length(array, options), limit)


def count(value: Any, options: RuleOptions) -> Condition:
    """Return a condition on how often a plain `text` or an RE2 `pattern` occurs.

    `{ text = "!", at_least = 3 }`, `{ pattern = "[!?]", at_most = 1 }`.
    """
    keys = ("text", "pattern", "at_least", "at_most")
    if not isinstance(value, dict):
        raise options.error('count must be a table: count = { text = "!", at_least = 3 }')
    for key in value:
        if key not in keys:
            raise options.error(f"count has no {key!r}{nearest(key, keys)} ({listing(keys)})")
    if ("text" in value) == ("pattern" in value):
        raise options.error("count needs either text (as it is) or pattern (RE2)")
    if "at_least" not in value and "at_most" not in value:
        raise options.error("count needs at_least or at_most")
    low = _whole("count.at_least", value.get("at_least", 0), options)
    high = _whole("count.at_most", value["at_most"], options) if "at_most" in value else None
    if "text" in value:
        (text,) = _texts("count.text", [value["text"]], options)
        pattern, ignore_case = quote(text), not options.match_case
    else:
        pattern = _pattern("count.pattern", value["pattern"], options)
        ignore_case = options.match_case is False

    def holds(array: pa.Array) -> pa.Array:
        found = pc.count_substring_regex(as_text(array), pattern, ignore_case=ignore_case)
        enough = pc.greater_equal(found, low)
        return enough if high is None else pc.and_(enough, pc.less_equal(found, high))

    return holds


def quote(text: str) -> str:
    """Return an RE2 pattern that matches `text` as it is."""
    return "".join(
        rf"\{one}" if one.isascii() and not one.isalnum() and one != "_" else one for one in text
    )


CONDITIONS: dict[str, Callable[[Any, RuleOptions], Condition]] = {
    "any_of": any_of,
    "all_of": all_of,
    "none_of": none_of,
    "regex": regex,
    "starts_with": starts_with,
    "equals": equals,
    "in_file": in_file,
    "min": at_least,
    "max": at_most,
    "longer_than": longer_than,
    "shorter_than": shorter_than,
    "count": count,
}


def _texts(key: str, value: Any, options: RuleOptions) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise options.error(f"{key} is an empty list")
    for item in values:
        if not isinstance(item, str) or not item.strip():
            raise options.error(f"{key} holds {item!r}; it takes text that is not empty")
    return [str(item) for item in values]


def _words_pattern(words: Sequence[str], options: RuleOptions) -> str:
    if options.substring:
        return "|".join(quote(word) for word in words)
    # Words that start (end) with a sign, such as C++, need no boundary on that side.
    groups: dict[tuple[bool, bool], list[str]] = {}
    for word in words:
        word = word.strip()
        edges = (_is_word(word[0]), _is_word(word[-1]))
        groups.setdefault(edges, []).append(rf"{SPACE}+".join(quote(part) for part in word.split()))
    return "|".join(
        rf"{f'(?:^|{NO_WORD_CHARACTER})' * left}(?:{'|'.join(parts)})"
        rf"{f'(?:$|{NO_WORD_CHARACTER})' * right}"
        for (left, right), parts in groups.items()
    )


def _is_word(character: str) -> bool:
    found = pc.match_substring_regex(pa.array([character]), f"^{WORD_CHARACTER}$")
    return bool(found[0].as_py())


def _matches(pattern: str, options: RuleOptions) -> Condition:
    ignore_case = not options.match_case
    return lambda array: pc.match_substring_regex(as_text(array), pattern, ignore_case=ignore_case)


def _is_one_of(texts: Sequence[str], options: RuleOptions) -> Condition:
    wanted = pc.utf8_trim_whitespace(pa.array(texts, pa.string()))
    if not options.match_case:
        wanted = pc.utf8_lower(wanted)

    def holds(array: pa.Array) -> pa.Array:
        cells = pc.utf8_trim_whitespace(as_text(array))
        return pc.is_in(cells if options.match_case else pc.utf8_lower(cells), wanted)

    return holds


def _pattern(key: str, value: Any, options: RuleOptions) -> str:
    if not isinstance(value, str) or not value:
        raise options.error(f"{key} must be a pattern, not {value!r}")
    try:
        pc.match_substring_regex(pa.array([""]), value)
    except pa.ArrowInvalid as error:
        reason = str(error).removeprefix("Invalid regular expression: ")
        caret = " " * _place_of(reason, value) + "^"
        hint = '\nFor a plain text: count = { text = "…" }' if key.startswith("count") else ""
        raise options.error(
            f"{key} is not a valid RE2 pattern: {reason}\n    {value}\n    {caret}{hint}"
        ) from error
    return value


def _place_of(reason: str, pattern: str) -> int:
    """Return where the pattern goes wrong: by the part that RE2 quotes, else by Python's parser."""
    quoted = reason.rpartition(": ")[2]
    if quoted != pattern and quoted in pattern:
        return pattern.index(quoted)
    try:
        re.compile(pattern)
    except re.error as error:
        return min(error.pos or 0, len(pattern))
    return 0


def _limited(
    key: str, comparison: exact_numbers.Comparison, value: Any, options: RuleOptions
) -> Condition:
    """Return a condition on a number column for a number, on a date column for a date."""
    limit = value if _is_number(value) else _date(key, value, options)

    def holds(array: pa.Array) -> pa.Array:
        is_number = exact_numbers.is_number(array.type)
        kind = "number" if is_number else "date" if pa.types.is_timestamp(array.type) else "text"
        wants = "number" if _is_number(limit) else "date"
        if kind != wants:
            raise options.error(f"{key} needs a {wants} column, and this one holds {kind}")
        if is_number:
            return exact_numbers.compare(array, comparison, limit)
        return getattr(pc, comparison)(array, limit)

    return holds


def _date(key: str, value: Any, options: RuleOptions) -> pa.Scalar:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise options.error(f"{key} = {value!r} is neither a number nor a date") from error
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return pa.scalar(value, pa.timestamp("us"))
    if isinstance(value, date):
        return pa.scalar(datetime(value.year, value.month, value.day), pa.timestamp("us"))
    raise options.error(f"{key} = {value!r} is neither a number nor a date")


def _length(array: pa.Array, options: RuleOptions) -> pa.Array:
    text = as_text(array)
    if options.words:
        return pc.count_substring_regex(text, f"{NO_SPACE}+")
    return pc.utf8_length(text)


def _whole(key: str, value: Any, options: RuleOptions) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise options.error(f"{key} must be a whole number from 0, not {value!r}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number_text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
