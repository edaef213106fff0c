"""Softer labels for learning: label smoothing and mixup."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

SMALLEST_SHARE = 0.01  # of the largest share of a row
MOST_ROWS = 2_000_000  # after smoothing


class Lesson(NamedTuple):
    """What a classifier is fitted on: features, a class code a row, weights or None."""

    matrix: Any
    codes: Codes
    weights: Floats | None


def smoothed(lesson: Lesson, share: float) -> Lesson:
    """Return the lesson with `share` of each label spread evenly over all classes that occur.

    Label smoothing (Szegedy et al. 2016): a row stands once for each class, weighted.
    """
    if share == 0:
        return lesson
    seen, place = np.unique(lesson.codes, return_inverse=True)
    n, k = len(place), len(seen)
    # Each row counts for its own class and for the others, in turn or, where all are too many rows,
    # for some of them drawn at random with as much weight together.
    most = k - 1 if n * k <= MOST_ROWS else max(1, MOST_ROWS // n - 1)
    others = np.tile(np.arange(1, k), (n, 1)) if most == k - 1 else _drawn(n, k, most)
    codes = np.column_stack([place, (place[:, None] + others) % max(k, 1)])
    shares = np.full(codes.shape, share * (k - 1) / k / max(most, 1))
    shares[:, 0] = 1 - share + share / k
    weights = shares * _weights(lesson)[:, None]
    rows = np.repeat(np.arange(n), codes.shape[1])
    counts = weights.ravel() > 0
    return Lesson(lesson.matrix[rows[counts]], seen[codes.ravel()[counts]], weights.ravel()[counts])


def _drawn(n: int, k: int, most: int) -> Codes:
    """Return for each of n rows `most` different steps from its own class to others."""
    starts = np.random.default_rng([n, k]).integers(0, k - 1, (n, 1))
    return np.asarray((starts + np.arange(most)) % (k - 1) + 1)


def mixed(lesson: Lesson, alpha: float, n_classes: int, seed: int) -> Lesson:
    """Return as many rows, each a mixture of two rows and of their labels.

    Mixup (Zhang et al. 2018): the share of the first row is drawn from Beta(alpha, alpha).
    """
    if alpha == 0:
        return lesson
    n = len(lesson.codes)
    rng = np.random.default_rng([seed, 7])
    partner, share = rng.permutation(n), rng.beta(alpha, alpha, n)
    matrix = _scaled(lesson.matrix, share) + _scaled(lesson.matrix[partner], 1 - share)
    truth = np.eye(n_classes)[lesson.codes] * _weights(lesson)[:, None]
    return _spread(matrix, share[:, None] * truth + (1 - share)[:, None] * truth[partner])


def _weights(lesson: Lesson) -> Floats:
    return np.ones(len(lesson.codes)) if lesson.weights is None else lesson.weights


def _scaled(matrix: Any, by: Floats) -> Any:
    from scipy import sparse

    return sparse.diags(by) @ matrix if sparse.issparse(matrix) else matrix * by[:, None]


def _spread(matrix: Any, shares: Floats) -> Lesson:
    """Return each row once for each class of a share that counts."""
    most = shares.max(axis=1, keepdims=True)
    rows, codes = np.nonzero((shares >= SMALLEST_SHARE * most) & (shares > 0))
    return Lesson(matrix[rows], codes, shares[rows, codes])
