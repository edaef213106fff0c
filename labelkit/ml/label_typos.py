"""Labels that are another label misspelt."""

import re
from collections.abc import Mapping

RARE = 20  # a misspelling is at least so many times rarer than what was meant


def find(counts: Mapping[str, int], rare: int = RARE) -> dict[str, str]:
    """Return label -> the label that was meant, from how often each label occurs.

    Labels that differ in case, inner spaces and dashes alone are one label, spelt as most rows
    have it (single letters only where one is rare: `a` and `A` may be two classes). Others must be
    so many times rarer than what was meant, begin alike, hold the same numbers and single letters
    and be one edit apart (two from eight letters on).
    """
    names = sorted(counts, key=lambda name: (-counts[name], name))
    found: dict[str, str] = {}
    by_fold: dict[str, str] = {}
    for name in names:
        meant = by_fold.setdefault(fold(name), name)
        if len(name) == 1 and counts[name] * rare > counts[meant]:
            meant = name
        if meant == name:
            meant = _misspelt(name, [n for n in names if n not in found], counts, rare) or name
        if meant != name:
            found[name] = found.get(meant, meant)
    return found


def _misspelt(name: str, names: list[str], counts: Mapping[str, int], rare: int) -> str | None:
    for other in names:
        if counts[name] * rare > counts[other]:
            return None
        if _close(name, other):
            return other
    return None


def _close(name: str, other: str) -> bool:
    a, b = fold(name), fold(other)
    shortest = min(len(a), len(b))
    most = 2 if shortest >= 8 else 1
    if shortest < 4 or a[0] != b[0] or abs(len(a) - len(b)) > most:
        return False
    if _telling(a) != _telling(b):
        return False
    return _edits(a, b) <= most


def _telling(folded: str) -> list[str]:
    # "hepatitis a" and "hepatitis b" are one letter apart and yet two classes.
    return re.findall(r"\d+|\b[^\W\d_]\b", folded)


def fold(name: str) -> str:
    """Return a label without what spelling alone changes: case, inner spaces and dashes."""
    # A dash at an end tells labels apart: -1 from 1, A- from A.
    return re.sub(r"(?<=[^\W_])[\s_-]+(?=[^\W_])", " ", name.casefold().strip())


def _edits(a: str, b: str) -> int:
    """Return insertions, deletions, replacements and swaps of neighbours (Damerau 1964)."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
