"""Rows unlike all others, by their distance to the nearest rows of a sample."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.noise.checks.neighbours import smallest

Floats = npt.NDArray[np.float64]

NEIGHBOURS = 10
SAMPLE = 2_000
FEWEST = 50
_CHUNK = 2_000


def find(matrix: Any, seed: int = 0) -> npt.NDArray[np.bool_] | None:
    """Return which rows are outliers; None for fewer than 50 rows, which say too little.

    A row is one where its mean distance to its 10 nearest rows (of a seeded sample of 2,000) lies
    more than three quartile ranges above the upper quartile (Tukey's far-out fence), or where it
    has no term in common with any. Cosine distance for sparse matrices, else Euclidean.
    """
    if matrix.shape[0] < FEWEST:
        return None
    distances = mean_distances(matrix, seed)
    low, high = np.quantile(distances, [0.25, 0.75])
    # Equal distances differ in their last bits; without a floor some would lie above the fence.
    fence = high + 3 * max(high - low, 1e-6)
    if _is_sparse(matrix):
        fence = min(fence, 1 - 1e-9)
    return distances > fence  # type: ignore[no-any-return]


def mean_distances(matrix: Any, seed: int = 0) -> Floats:
    """Return each row's mean distance to its nearest rows in the sample, itself left out."""
    n = matrix.shape[0]
    rng = np.random.default_rng([seed, 7])
    sample = np.sort(rng.choice(n, min(SAMPLE, n), replace=False))
    place = np.full(n, -1)
    place[sample] = np.arange(len(sample))
    wanted = min(NEIGHBOURS, len(sample) - 1)
    found = np.empty(n)
    if _is_sparse(matrix):
        from sklearn.preprocessing import normalize

        matrix = normalize(matrix)
    others = matrix[sample].T.tocsr() if _is_sparse(matrix) else matrix[sample]
    for start in range(0, n, _CHUNK):
        distances = _distances(matrix[start : start + _CHUNK], others)
        own = place[start : start + _CHUNK]
        inside = np.flatnonzero(own >= 0)
        distances[inside, own[inside]] = np.inf
        found[start : start + _CHUNK] = smallest(distances, wanted)[1].mean(axis=1)
    return found


def _distances(rows: Any, others: Any) -> Floats:
    if _is_sparse(rows):
        alike: Floats = (rows @ others).toarray()
        return np.subtract(1.0, alike, out=alike)
    from sklearn.metrics import pairwise_distances

    found: Floats = pairwise_distances(rows, others)
    return found


def _is_sparse(matrix: Any) -> bool:
    from scipy import sparse

    return bool(sparse.issparse(matrix))
