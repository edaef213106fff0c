"""Cold start: rows that stand for many others, one from each part of the pool.

The centres of a k-means of the whole pool, the largest clusters that hold no labelled row first
(k-means seeding, as in Kang, Ryu and Kwon 2004; clusters without labels first as in TypiClust,
Hacohen, Dekel and Weinshall 2022). Needs no model.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from labelkit.active.strategies.space import CHUNK, closest_to, fit_space

if TYPE_CHECKING:
    from labelkit.active.pool import Floats, Pool

MOST_CLUSTERED = 20_000
MOST_CLUSTERS = 500
MOST_LABELLED = 2_000


def score(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return scores above 1 for the n picks, falling; below 1 how close a row is to a centre."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        return _score(pool, n, rng)


def _score(pool: "Pool", n: int, rng: np.random.Generator) -> "Floats":
    rows = pool.features.shape[0]
    project = fit_space(pool.features, rng)
    labelled = project(pool.labelled[:MOST_LABELLED])
    some = _some(rows, rng)
    centres = _centres(project(pool.features[some]), n + len(labelled), rng)
    cluster, distance = _assigned(pool.features, project, centres)
    size = np.bincount(cluster, minlength=len(centres))
    covered = np.zeros(len(centres), dtype=bool)
    covered[closest_to(labelled, centres)[0]] = True
    scores = 0.999 / (1.0 + distance.astype(np.float64))
    picks = _nearest_of_each(cluster, distance, len(centres))
    ranking = np.lexsort((-size, covered))
    ranking = ranking[picks[ranking] >= 0][:n]
    for place, number in enumerate(ranking.tolist()):
        row = int(picks[number])
        scores[row] = 1.0 + (n - place) / n
        like = int(size[number])
        pool.reasons[row] = (
            f"cold start: covers {like:,} rows like it" if like > 1 else "cold start: unlike others"
        )
    return np.asarray(scores, dtype=np.float64)


def _some(rows: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    if rows <= MOST_CLUSTERED:
        return np.arange(rows)
    return np.sort(rng.choice(rows, MOST_CLUSTERED, replace=False))


def _centres(points: Any, wanted: int, rng: np.random.Generator) -> Any:
    import warnings

    from sklearn.cluster import MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    clusters = max(1, min(wanted, MOST_CLUSTERS, len(points)))
    model = MiniBatchKMeans(
        clusters, batch_size=2048, n_init=3, random_state=int(rng.integers(2**31))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than clusters
        return model.fit(points).cluster_centers_


def _assigned(features: Any, project: Any, centres: Any) -> tuple[Any, Any]:
    parts = [
        closest_to(project(features[start : start + CHUNK]), centres)
        for start in range(0, features.shape[0], CHUNK)
    ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _nearest_of_each(cluster: Any, distance: Any, clusters: int) -> npt.NDArray[np.int64]:
    """Return the row nearest to each centre, -1 for a cluster without rows."""
    order = np.lexsort((distance, cluster))
    numbers, first = np.unique(cluster[order], return_index=True)
    nearest = np.full(clusters, -1, dtype=np.int64)
    nearest[numbers] = order[first]
    return nearest
