"""Majority vote: the share of the votes that each class got."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def combine(
    votes: Array,
    n_classes: int,
    prior: Array | None = None,
    gold: Array | None = None,
    seed: int = 0,
    counts: Array | None = None,
) -> Array:
    """Return rows × classes: each class's share of the votes on the row; all zero without a vote.

    `votes` rows × functions (-1 abstains). Tied classes get equal shares. Nothing is learned, so
    `prior`, `gold`, `seed` and `counts` (how many rows each row of `votes` stands for) change
    nothing.
    """
    tally = np.zeros((len(votes), n_classes))
    for column in votes.T:
        voted = np.flatnonzero(column >= 0)
        tally[voted, column[voted]] += 1
    return np.asarray(tally / np.maximum(tally.sum(axis=1, keepdims=True), 1))
