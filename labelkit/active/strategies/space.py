"""A few dense dimensions in which rows that say alike things are close to each other."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

DIMENSIONS = 100
FIT_ROWS = 20_000
CHUNK = 65_536

Points = npt.NDArray[np.float32]


def fit_space(matrix: Any, rng: np.random.Generator) -> Callable[[Any], Points]:
    """Return a function from rows of features to float32 points; learned on at most 20,000 rows.

    A dense matrix stays as it is; a sparse one goes through truncated SVD (latent semantic
    analysis) to 100 dimensions, learned on the rows in hand.
    """
    from scipy import sparse

    if not sparse.issparse(matrix):
        return lambda rows: np.asarray(rows, dtype=np.float32)
    if matrix.shape[1] <= DIMENSIONS:
        return lambda rows: np.asarray(rows.toarray(), dtype=np.float32)
    if matrix.shape[0] <= DIMENSIONS:
        used = np.unique(matrix.indices) if matrix.nnz else np.arange(1)
        return lambda rows: np.asarray(rows[:, used].toarray(), dtype=np.float32)
    from sklearn.decomposition import TruncatedSVD

    rows = matrix
    if matrix.shape[0] > FIT_ROWS:
        rows = matrix[np.sort(rng.choice(matrix.shape[0], FIT_ROWS, replace=False))]
    svd = TruncatedSVD(min(DIMENSIONS, *matrix.shape), random_state=int(rng.integers(2**31)))
    svd.fit(rows)

    def project(rows: Any) -> Points:
        if not rows.shape[0]:  # scikit-learn refuses empty input
            return np.zeros((0, svd.n_components), dtype=np.float32)
        return np.asarray(svd.transform(rows), dtype=np.float32)

    return project


def closest_to(points: Points, centres: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Points]:
    """Return the nearest centre of each point and the squared distance to it."""
    squares = (centres**2).sum(axis=1)
    nearest = np.empty(len(points), dtype=np.int64)
    distance = np.empty(len(points), dtype=np.float32)
    for start in range(0, len(points), 4096):
        some = points[start : start + 4096]
        gaps = squares - 2.0 * some @ centres.T
        best = gaps.argmin(axis=1)
        nearest[start : start + 4096] = best
        found = gaps[np.arange(len(some)), best] + (some**2).sum(axis=1)
        distance[start : start + 4096] = np.maximum(found, 0.0)
    return nearest, distance
