"""Uncertain rows that differ from each other: margin-weighted k-means of the most uncertain.

Zhdanov 2019, Diverse mini-batch Active Learning: ten times as many rows as are wanted, by margin;
as many clusters as are wanted; the row nearest to each centre.
"""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from labelkit.active.strategies.margin import margins
from labelkit.active.strategies.space import fit_space
from labelkit.stats.threads import one_thread

if TYPE_CHECKING:
    from labelkit.active.pool import Pool

CANDIDATES = 10  # a row wanted
MOST_CANDIDATES = 20_000
MOST_EXACT = 300  # clusters; more of them are found by small batches


def score(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return scores above 1 for the n picks, falling with their margin; else 1 - margin."""
    assert pool.probabilities is not None
    scores = 1.0 - margins(pool.probabilities)
    order = np.lexsort((rng.random(len(scores)), -scores))
    candidates = np.sort(order[: max(n, min(CANDIDATES * n, MOST_CANDIDATES))])
    with one_thread():
        picks = candidates[_spread(pool.features[candidates], scores[candidates], n, rng)]
    picks = picks[np.argsort(-scores[picks], kind="stable")]
    scores[picks] = 1.0 + np.arange(len(picks), 0, -1) / max(len(picks), 1)
    return scores


def _spread(matrix: Any, weight: Any, n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return n different rows, each nearest to the centre of its cluster (fewer if alike)."""
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    rows = matrix.shape[0]
    if rows <= n:
        return np.arange(rows)
    points = fit_space(matrix, rng)(matrix)
    kind = KMeans if n <= MOST_EXACT else MiniBatchKMeans
    model = kind(n, n_init=1, random_state=int(rng.integers(2**31)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than clusters
        model.fit(points, sample_weight=np.maximum(weight, 1e-6))
    distance = ((points - model.cluster_centers_[model.labels_]) ** 2).sum(axis=1)
    order = np.lexsort((distance, model.labels_))
    _, first = np.unique(model.labels_[order], return_index=True)
    return np.asarray(order[first], dtype=np.int64)
