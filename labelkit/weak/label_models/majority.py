"""Majority vote: the share of the votes that each class got."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.stats.blocks import number_type

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
    found = np.zeros((len(votes), n_classes), number_type(len(votes), n_classes))
    shares = tally(votes, n_classes).tocoo()
    found[shares.row, shares.col] = shares.data
    return found


def tally(votes: Array, n_classes: int) -> Any:
    """Return the same as a sparse matrix."""
    from scipy import sparse

    rows, functions = np.nonzero(votes >= 0)
    each = np.maximum((votes >= 0).sum(axis=1), 1)
    share = (np.ones(len(rows)), (rows, votes[rows, functions]))
    found = sparse.csr_matrix(share, (len(votes), n_classes))  # adds up what is on one place
    found.data /= np.repeat(each, np.diff(found.indptr))
    return found
