"""Where a text holds one of the words that rules look for, and what of a cell may be shown."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from labelkit import console
from labelkit.errors import UsageError

MOST_SHOWN = 20_000  # characters of one cell

Span = tuple[int, int]


# They tell which way a comma runs. A browser knows what to do with them, a terminal does not.
_MARKS = re.compile("([\u200e\u200f])")


def shown(text: str, marks: bool = False) -> str:
    """Return a cell's text with its line ends, fit for a screen: no control characters.

    With `marks` the marks of direction are kept.
    """
    rest = len(text) - MOST_SHOWN
    lines = re.split("\r\n|\r|\n", text[:MOST_SHOWN])
    cleaned = "\n".join(_cleaned(line, marks) for line in lines)
    return f"{cleaned}\n… and {rest:,} more characters" if rest > 0 else cleaned


def _cleaned(line: str, marks: bool) -> str:
    parts = _MARKS.split(line) if marks else [line]
    # Every second part is a mark.
    return "".join(
        part if place % 2 else console.clean(part, 2 * len(part) + 1)
        for place, part in enumerate(parts)
    )


class Highlighter:
    """Finds whole words (any case) and pieces of words."""

    def __init__(
        self, words: Sequence[str] = (), pieces: Sequence[str] = (), chosen: Sequence[str] = ()
    ) -> None:
        self._chosen = chosen
        words = [*chosen, *words]
        bounded = [rf"(?<!\w){re.escape(word)}(?!\w)" for word in _longest_first(words)]
        loose = [re.escape(piece) for piece in _longest_first(pieces)]
        alternatives = "|".join([*bounded, *loose])
        self._pattern = re.compile(alternatives, re.IGNORECASE) if alternatives else None

    def for_row(self, blind: bool) -> "Highlighter":
        """Return what to mark: on a row that is answered blind only words that the user chose."""
        return self._without_rules if blind else self

    @cached_property
    def _without_rules(self) -> "Highlighter":
        return Highlighter(chosen=self._chosen)

    def spans(self, text: str) -> list[Span]:
        """Return where words begin and end, in order, never overlapping."""
        if self._pattern is None:
            return []
        return [found.span() for found in self._pattern.finditer(text)]


def of_rules(table: Mapping[str, Any], more: Sequence[str]) -> Highlighter:
    """Return what finds the words of the task's rules ([weak-label]) and `more` words.

    Raises UsageError for an empty word.
    """
    chosen = [word.strip() for word in more]
    words, pieces = list[str](), list[str]()
    if not all(chosen):
        raise UsageError("--highlight '': give a word or phrase")
    for rule in table.get("rule", []):
        found = [str(w) for key in ("any_of", "all_of") for w in _listed(rule.get(key))]
        (pieces if rule.get("match") == "substring" else words).extend(found)
    for keyword in _listed(table.get("keyword")):
        words += str(keyword).partition("=")[2].split(",")
    return Highlighter(_filled(words), _filled(pieces), chosen)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _filled(words: Sequence[str]) -> list[str]:
    return [word.strip() for word in words if word.strip()]


def _longest_first(words: Sequence[str]) -> list[str]:
    return sorted(dict.fromkeys(words), key=lambda word: (-len(word), word))
