"""Few-shot examples from rows that people labelled: never the row itself, nor its duplicate."""

from collections.abc import Sequence

import numpy as np

Example = tuple[str, str]


class Examples:
    """The same examples for every row, except where one of them is that row."""

    def __init__(self, fixed: Sequence[Example], drawn: Sequence[Example], n: int) -> None:
        """`fixed` come from the task and are always shown; `n` more are taken from `drawn`."""
        self._fixed, self._drawn, self._n = fixed, drawn, n

    def beside(self, text: str) -> tuple[Example, ...]:
        """Return the examples to show with a row: another one stands in for its own text."""
        own = plain(text)
        kept = [example for example in self._fixed if plain(example[0]) != own]
        drawn = [example for example in self._drawn if plain(example[0]) != own]
        return (*kept, *drawn[: self._n])


def plain(text: str) -> str:
    """Return what makes two texts the same: words, not blanks nor case."""
    return " ".join(text.casefold().split())


def draw(
    labelled: Sequence[Example], classes: Sequence[str], n: int, rng: np.random.Generator
) -> list[Example]:
    """Return `n` examples and a few to stand in, the classes in turn, no text twice."""
    seen: set[str] = set()
    by_class: dict[str, list[Example]] = {name: [] for name in classes}
    for place in rng.permutation(len(labelled)):
        text, label = labelled[place]
        if label in by_class and plain(text) and plain(text) not in seen:
            seen.add(plain(text))
            by_class[label].append((text, label))
    drawn: list[Example] = []
    while len(drawn) < n + len(classes) and any(by_class.values()):
        drawn += [by_class[name].pop() for name in classes if by_class[name]]
    return drawn
