"""Recognises keys that a spreadsheet changed on saving: 00001 became 1 or 1.0, 3-4 a date.

Each method returns possible readings of a key. A changed key is recognised if it shares a reading
with exactly one key of the data.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

Readings = Callable[[str], Iterator[Hashable]]
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_MAX_DIGITS = 15  # a spreadsheet keeps 15 digits of a number
_MAX_EXPONENT = 300  # near the largest float
_TIME = re.compile(r"[ T]0?0:00(:00(\.0+)?)?$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = {name: n for n, name in enumerate(_MONTHS, 1)} | {"sept": 9}
_DATE = re.compile(r"(\w+)[-/. ]+(\w+)(?:[-/. ]+(\d+))?|([A-Za-z]{3,4})(\d{1,2})", re.ASCII)


def recognise_keys(changed: Sequence[str], keys: Sequence[str]) -> dict[str, str]:
    """Return the original key of each changed key, without ambiguous ones."""
    originals: dict[str, str] = {}

    def add_matches(of_changed: Readings, of_keys: Readings) -> None:
        unmatched = [key for key in changed if key not in originals]
        originals.update(_matched(unmatched, keys, of_changed, of_keys))

    add_matches(_text, _text)
    add_matches(_value, _value)
    digits = {len(n.as_tuple().digits) for n in map(_cut_number, changed) if n is not None}
    add_matches(_first_digits, lambda key: _shortened(key, digits))
    unmatched = [key for key in changed if key not in originals]
    return originals | _dates_matched(unmatched, keys)


def _matched(
    changed: Sequence[str], keys: Sequence[str], of_changed: Readings, of_keys: Readings
) -> dict[str, str]:
    readings_by_key = {key: set(of_changed(key)) for key in dict.fromkeys(changed)}
    every = set().union(*readings_by_key.values())
    by_reading: dict[Hashable, set[str]] = defaultdict(set)
    if every:
        for key in keys:
            for reading in of_keys(key):
                if reading in every:
                    by_reading[reading].add(key)
    candidates = {
        key: set().union(*(by_reading[reading] for reading in own))
        for key, own in readings_by_key.items()
    }
    return {key: matches.pop() for key, matches in candidates.items() if len(matches) == 1}


# -- texts and numbers -----------------------------------------------------------------------------


def _stripped(key: str) -> str:
    """Return a key without spaces around it and without the apostrophe of a text cell."""
    return unicodedata.normalize("NFC", key).strip().lstrip("'")


def _text(key: str) -> Iterator[Hashable]:
    text = _stripped(key)
    yield text.casefold() if text.casefold() in ("true", "false") else text


def _number(key: str) -> Decimal | None:
    text = _stripped(key)
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text.replace(",", ".")).normalize()
    return number if abs(number.adjusted()) < _MAX_EXPONENT else None


def _has_exponent(key: str) -> bool:
    return "e" in key.lower()


def _cut_number(key: str) -> Decimal | None:
    """Return the number of a cell that may be rounded: 1.23E+06, or 15 digits; else None."""
    number = _number(key)
    if number is None or len(number.as_tuple().digits) > _MAX_DIGITS:
        return None
    return number if _has_exponent(key) or len(_stripped(key)) > _MAX_DIGITS else None


def _value(key: str) -> Iterator[Hashable]:
    # 1E+05 may be any number that begins with these digits; a key typed as 1e5 fits best.
    number = _number(key)
    if number is not None:
        yield float(number), _has_exponent(key)
        if not _has_exponent(key):
            yield float(number), "in full"


def _first_digits(key: str) -> Iterator[Hashable]:
    number = _cut_number(key)
    if number is not None:
        yield number


def _shortened(key: str, digits: set[int]) -> Iterator[Hashable]:
    """Yield the number of a key, rounded to each of these numbers of digits."""
    number = _number(key) if digits else None
    if number is None:
        return
    for count in digits:
        unit = Decimal(1).scaleb(number.adjusted() - count + 1)
        if len(number.as_tuple().digits) <= count:
            yield number
            continue
        yield number.quantize(unit, ROUND_HALF_UP).normalize()
        if count == _MAX_DIGITS:
            yield number.quantize(unit, ROUND_DOWN).normalize()


# -- dates -----------------------------------------------------------------------------------------


def _dates_matched(changed: Sequence[str], keys: Sequence[str]) -> dict[str, str]:
    """Return the matches of dates; day and month are read in the order that matches more keys."""
    by_month = _matched(changed, keys, lambda key: _original_dates(key, False), _month_first)
    by_day = _matched(changed, keys, lambda key: _original_dates(key, True), _day_first)
    if len(by_month) != len(by_day):
        return max(by_month, by_day, key=len)
    return {key: match for key, match in by_month.items() if by_day.get(key) == match}


def _month_first(key: str) -> Iterator[Hashable]:
    return _dates(key, day_first=False)


def _day_first(key: str) -> Iterator[Hashable]:
    return _dates(key, day_first=True)


def _original_dates(key: str, day_first: bool) -> Iterator[Hashable]:
    """Yield possible originals of a changed key: a spreadsheet adds the year, or the first day."""
    for reading in _dates(key, day_first):
        yield reading
        if len(reading) == len(("date", "year", "month", "day")):
            _, year, month, day = reading
            yield "day", month, day
            if day == 1:
                yield "month", year, month


def _dates(key: str, day_first: bool) -> Iterator[tuple[str | int, ...]]:
    """Yield the readings of a key as a date, as a day of a month, or as a month of a year."""
    parts = _DATE.fullmatch(_TIME.sub("", _stripped(key)))
    if parts is None:
        return
    words = [word for word in parts.groups() if word]
    is_month_name = [word.lower() in _MONTH_NAMES for word in words]
    if not all(name or word.isdecimal() for name, word in zip(is_month_name, words, strict=True)):
        return
    numbers = [_MONTH_NAMES.get(word.lower()) or int(word) for word in words]
    day_first = is_month_name[1] or (day_first and not is_month_name[0])
    if len(words) == 3:
        year_first = len(words[0]) == 4 and not is_month_name[0]
        year = numbers.pop(0 if year_first else 2)
        month, day = numbers[::-1] if day_first and not year_first else numbers
        if _is_day(month, day):
            yield "date", year + 2000 * (year < 100), month, day
        return
    month, other = numbers[::-1] if day_first else numbers
    if _is_day(month, other):
        yield "day", month, other
    for index, word in enumerate(words):
        is_year = word.isdecimal() and (len(word) == 4 or (len(word) == 2 and any(is_month_name)))
        if is_year and _is_day(numbers[1 - index], 1):
            yield "month", int(word) + 2000 * (len(word) == 2), numbers[1 - index]


def _is_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31
