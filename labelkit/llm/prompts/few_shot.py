"""Few-shot examples from rows that people labelled: never the row itself, nor its duplicate."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.data.duplicates import fold_text
from labelkit.errors import UsageError, nearest
from labelkit.llm.prompts.injection_filter import gives_orders

Example = tuple[str, str]
Vectors = Callable[[Sequence[str]], Any]

WAYS = ("balanced", "fixed", "diverse", "nearest")
# Of a larger pool, so many rows are looked at: enough to choose a handful from.
MOST_TO_CHOOSE_FROM = 5_000
AT_A_TIME = 1_000


class Examples:
    """The examples to show beside each row: the task's, and some of the rows people labelled."""

    def __init__(
        self,
        fixed: Sequence[Example],
        drawn: Sequence[Example],
        n: int,
        near: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """`fixed` come from the task and are always shown; `n` more are taken from `drawn`.

        `near` gives for a text the places in `drawn` to take instead of the first ones.
        """
        self._fixed, self._drawn, self._n, self._near = fixed, drawn, n, near or {}

    def beside(self, text: str) -> tuple[Example, ...]:
        """Return the examples to show with a row: another one stands in for its own text."""
        own = fold_text(text)
        kept = [example for example in self._fixed if fold_text(example[0]) != own]
        places = self._near.get(text)
        among = self._drawn if places is None else [self._drawn[place] for place in places]
        chosen = [example for example in among if fold_text(example[0]) != own][: self._n]
        # The likest last, where a model minds it most.
        return (*kept, *(chosen if places is None else reversed(chosen)))


def check_way(way: str) -> None:
    """Refuse a way to choose examples that there is not."""
    if way not in WAYS:
        raise UsageError(
            f"--few-shot-by {way!r} is not known{nearest(way, WAYS)} (choices: {', '.join(WAYS)})"
        )


def pool(labelled: Sequence[Example], rng: np.random.Generator) -> list[Example]:
    """Return what examples may come from, in random order.

    No text twice, and none that gives orders: shown beside every row, it would reach them all.
    """
    seen: set[str] = set()
    found = []
    for place in rng.permutation(len(labelled)):
        text, label = labelled[place]
        own = fold_text(text)
        if own and own not in seen and not gives_orders(text):
            seen.add(own)
            found.append((text, label))
    return found[:MOST_TO_CHOOSE_FROM]


def draw(among: Sequence[Example], classes: Sequence[str], n: int) -> list[Example]:
    """Return `n` examples and a few to stand in, the classes in turn."""
    by_class = {name: [e for e in reversed(among) if e[1] == name] for name in classes}
    drawn: list[Example] = []
    while len(drawn) < n + len(classes) and any(by_class.values()):
        drawn += [by_class[name].pop() for name in classes if by_class[name]]
    return drawn


def spread(among: Sequence[Example], n: int, vectors: Vectors) -> list[Example]:
    """Return `n` examples and one to stand in, each far from those before it (k-center)."""
    if not among:
        return []
    matrix = _unit(vectors([text for text, _ in among]))
    middle = np.asarray(matrix.mean(axis=0)).ravel()
    first = int(np.asarray(matrix @ middle).ravel().argmax())  # the most ordinary one
    chosen = [first]
    likeness = _like(matrix, first)
    while len(chosen) < min(n + 1, len(among)):
        likeness[chosen] = np.inf
        farthest = int(likeness.argmin())
        chosen.append(farthest)
        likeness = np.maximum(likeness, _like(matrix, farthest))
    return [among[place] for place in chosen]


def nearest_to(
    texts: Sequence[str], among: Sequence[Example], n: int, vectors: Vectors
) -> dict[str, list[int]]:
    """Return for each text the places of the `n` likest examples and one to stand in."""
    if not among or not texts:
        return {}
    both = _unit(vectors([*(text for text, _ in among), *texts]))
    pooled, asked = both[: len(among)], both[len(among) :]
    most = min(n + 1, len(among))
    found: dict[str, list[int]] = {}
    for start in range(0, len(texts), AT_A_TIME):
        like = asked[start : start + AT_A_TIME] @ pooled.T
        dense = np.asarray(like.toarray() if hasattr(like, "toarray") else like)
        order = np.argsort(-dense, axis=1, kind="stable")[:, :most]
        found.update(
            zip(texts[start : start + AT_A_TIME], (row.tolist() for row in order), strict=True)
        )
    return found


def _unit(matrix: Any) -> Any:
    from sklearn.preprocessing import normalize

    return normalize(matrix)


def _like(matrix: Any, place: int) -> NDArray[np.float64]:
    found = matrix @ (matrix[place].T if hasattr(matrix, "toarray") else matrix[place])
    return np.asarray(found.toarray() if hasattr(found, "toarray") else found, np.float64).ravel()
