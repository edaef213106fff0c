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
