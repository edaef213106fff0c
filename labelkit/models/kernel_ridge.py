"""A judge of the labels of few rows: ridge regression on how alike rows are.

Rows are alike by the words that they share and by how near they lie (meaning, numbers). What a row
would be labelled is computed as if neither it nor its group had been learned from: exactly, from
one decomposition, so that unlike with folds all other rows speak.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.stats.threads import one_thread

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

MOST_ROWS = 2_500  # seconds and 150 MB; time grows with their third power
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
LEAST = 1e-3  # of a probability


def alike(parts: Sequence[Any]) -> Floats:
    """Return how alike rows are, rows x rows: the sum over parts of a matrix of the same rows.

    Sparse parts (words) by their cosine, dense ones by distance, 1 for equal rows.
    """
    total = np.zeros((parts[0].shape[0],) * 2)
    for part in parts:
        total += _by_words(part) if hasattr(part, "tocsr") else _by_distance(np.asarray(part))
    return total


def _by_words(part: Any) -> Floats:
    return np.asarray((part @ part.T).todense())


def _by_distance(part: Floats) -> Floats:
    squares = (part**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2 * (part @ part.T), 0.0)
    return np.asarray(np.exp(-apart / max(float(apart.mean()), 1e-12)))


def judge(likeness: Floats, given: Codes, groups: Codes, n_classes: int, weights: Floats) -> Floats:
    """Return how each row would be labelled by all rows of other groups, rows x classes.

    `weights` say how much each row teaches, above 0. The penalty is the one that foretells the
    labels of left-out rows best.
    """
    root = np.sqrt(weights)
    shares = np.bincount(given, weights, minlength=n_classes) / weights.sum()
    aim = np.eye(n_classes)[given] - shares
    with one_thread():
        values, vectors = np.linalg.eigh(root[:, None] * likeness * root)
        values = np.maximum(values, 0.0)
        turned = vectors.T @ (root[:, None] * aim)
        members = _groups_of_several(groups)
        best, least = aim, np.inf
        for penalty in PENALTIES:
            missed = _left_out(values / (values + penalty), vectors, turned, members)
            loss = float((missed**2).sum())  # of row i: weight times its squared error
            if loss < least:
                best, least = aim - missed / root[:, None], loss
    found = np.maximum(best + shares, LEAST)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _left_out(shrunk: Floats, vectors: Floats, turned: Floats, members: list[Codes]) -> Floats:
    """Return the weighted errors on rows whose group was left out, from the fit with all."""
    error = vectors @ ((1 - shrunk)[:, None] * turned)
    own = 1 - (vectors**2) @ shrunk
    missed = error / np.maximum(own, 1e-12)[:, None]
    for rows in members:
        block = np.eye(len(rows)) - (vectors[rows] * shrunk) @ vectors[rows].T
        missed[rows] = np.linalg.solve(block, error[rows])
    return missed


def _groups_of_several(groups: Codes) -> list[Codes]:
    _, place, counts = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    parts = np.split(order, np.cumsum(counts)[:-1])
    return [rows for rows in parts if len(rows) > 1]
