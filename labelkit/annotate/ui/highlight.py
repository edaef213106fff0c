"""Highlighting of words that rules look for, and cleaning of cells for a screen."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from labelkit import console
from labelkit.errors import UsageError

MAX_CHARACTERS = 20_000  # characters of one cell

Span = tuple[int, int]


# Direction marks for right-to-left text. Browsers support them, terminals do not.
_MARKS = re.compile("([\u200e\u200f])")


def shown(text: str, marks: bool = False) -> str:
    """Return a cell's text without control characters except line ends.

    With `marks` the direction marks are kept.
    """
    rest = len(text) - MAX_CHARACTERS
    lines = re.split("\r\n|\r|\n", text[:MAX_CHARACTERS])
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
    """Finds whole words and parts of words, ignoring case."""

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
        """Return the highlighter for a row: a blind row has only the words of --highlight."""
        return self._without_rules if blind else self

    @cached_property
    def _without_rules(self) -> "Highlighter":
        return Highlighter(chosen=self._chosen)

    def spans(self, text: str) -> list[Span]:
        """Return the start and end of each match, in order and without overlaps."""
        if self._pattern is None:
            return []
        return [match.span() for match in self._pattern.finditer(text)]


def of_rules(table: Mapping[str, Any], more: Sequence[str]) -> Highlighter:
    """Return a highlighter for the words of the task's rules ([weak-label]) and `more` words.

    Raises UsageError for an empty word.
    """
    chosen = [word.strip() for word in more]
    words, pieces = list[str](), list[str]()
    if not all(chosen):
        raise UsageError("--highlight needs a word or phrase, not ''")
    for rule in table.get("rule", []):
        rule_words = [str(w) for key in ("any_of", "all_of") for w in _listed(rule.get(key))]
        (pieces if rule.get("match") == "substring" else words).extend(rule_words)
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
