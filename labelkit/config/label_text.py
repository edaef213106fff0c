"""Reading of labels: one spelling for each value, used wherever labels or classes are read."""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from labelkit.errors import UsageError

# 1.0 is 1 and 2.50 is 2.5; leading zeros stay, because 007 is a name.
_FRACTION = re.compile(r"([+-]?[0-9]+)\.0*|([+-]?[0-9]*\.[0-9]*[1-9])0+")
_WHOLE = re.compile(r"[+-]?[0-9]+")
# Text that pandas writes for a missing label.
_MISSING = frozenset({"nan", "NaN", "<NA>", "NaT"})
_MIN_LETTERS = 3  # of an abbreviation
_MAX_EXACT = 2.0**53  # above it floats do not represent all whole numbers


def spelled(value: object) -> str:
    """Return a value as labels are spelled: text without blanks around it, in Unicode NFC.

    `1.0` is `1`, a boolean is `true` or `false`; None and NaN are ''.
    """
    if isinstance(value, str):
        text = str.__str__(value).strip()
        if not text.isascii():
            return unicodedata.normalize("NFC", text)
        number = _FRACTION.fullmatch(text) if "." in text else None
        text = (number[1] or number[2]) if number else text
        return "0" if number and text == "-0" else text
    return "" if value is None else _spelled_value(value)


def _spelled_value(value: Any) -> str:
    plain = value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, float):
        if math.isnan(plain):
            return ""
        whole = plain.is_integer() and abs(plain) < _MAX_EXACT
        return str(int(plain)) if whole else str(value)
    text = str(plain)
    # NaT and pandas.NA are compared as text, since their libraries are not imported here.
    return "" if text in _MISSING else spelled(text)


def label_text(value: object) -> str:
    """Return a label as every command reads it, '' if the value is not a label.

    Blank cells, None, NaN and the text that pandas writes for a missing value are not labels.
    """
    text = spelled(value)
    return "" if text in _MISSING else text


def is_missing_text(value: object) -> bool:
    """Return whether a value is the text that pandas writes for a missing label."""
    return spelled(value) in _MISSING


def is_number(name: str) -> bool:
    """Return whether a class name is a number: integers are then names, not class indices."""
    try:
        return math.isfinite(float(name)) and "_" not in name
    except ValueError:
        return False


def whole_number(text: str) -> int | None:
    """Return the integer that a text represents (`1`, `1.0`), None if it is not an integer."""
    text = spelled(text)
    return int(text) if _WHOLE.fullmatch(text) else None


def split_classes(text: str | None) -> list[str] | None:
    """Return the classes of `--classes a,b`; raises UsageError for empty or duplicate ones."""
    if text is None:
        return None
    import csv

    classes = [spelled(name) for name in next(csv.reader([text], skipinitialspace=True), [])]
    if not all(classes) or len(set(classes)) < len(classes) or not classes:
        raise UsageError(f"--classes {text!r}: empty or duplicate class")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"--classes {text!r}: not valid UTF-8")
    return classes


class ClassReader:
    """Reads labels of known classes; ignores differences in spelling and case."""

    def __init__(self, classes: Iterable[str]) -> None:
        self.classes = tuple(classes)
        self._by_text = {spelled(name): name for name in self.classes}
        folds: dict[str, list[str]] = {}
        for name in self.classes:
            folds.setdefault(_folded(name), []).append(name)
        self._by_fold = {fold: names[0] for fold, names in folds.items() if len(names) == 1}

    def class_of(self, value: object) -> str | None:
        """Return the class of a value, None if it is not a class."""
        text = spelled(value)
        if text in self._by_text:
            return self._by_text[text]
        return self._by_fold.get(_folded(text)) if text else None

    def read(self, value: object) -> str:
        """Return the class of a value, else the label as it is read, '' for no label."""
        name = self.class_of(value)
        return label_text(value) if name is None else name


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", spelled(text).casefold())


def abbreviations(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return pairs of names where one is the beginning of the other: POS and POSITIVE."""
    pairs = []
    for short in sorted(names):
        prefix = _folded(short)
        if len(prefix) < _MIN_LETTERS or not prefix.isalpha():
            continue
        for name in sorted(names):
            rest = _folded(name).removeprefix(prefix)
            if rest[:1].isalpha() and rest != _folded(name):
                pairs.append((short, name))
    return pairs


def case_variants(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the groups of names that differ only in case, each group sorted."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_folded(name), []).append(name)
    return [tuple(sorted(group)) for group in groups.values() if len(set(group)) > 1]
