"""modAL's own strategies by name (Danka and Horvath 2018, arXiv:1805.00979).

modAL imports torch where it is installed, so it is imported only when one of these is asked for.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from labelkit.stats.threads import one_thread

if TYPE_CHECKING:
    from labelkit.active.pool import Pool

MOST_RANKED = 5_000
MOST_LABELLED = 500


class _Known:
    """The classifier that modAL asks: it answers with the probabilities that are known.

    They are those of the fitted estimator, out of fold for rows that it learned from.
    """

    on_transformed = False

    def __init__(self, probabilities: Any, labelled: Any = None) -> None:
        self._probabilities = probabilities
        self.X_training = labelled

    def predict_proba(self, rows: Any) -> Any:
        return self._probabilities


def uncertainty(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return modAL's classifier_uncertainty: 1 - the likeliest class's probability."""
    from modAL.uncertainty import classifier_uncertainty

    return np.asarray(classifier_uncertainty(_Known(pool.probabilities), pool.features), float)


def margin(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return 1 - modAL's classifier_margin."""
    from modAL.uncertainty import classifier_margin

    return 1.0 - np.asarray(classifier_margin(_Known(pool.probabilities), pool.features), float)


def entropy(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return modAL's classifier_entropy, in nats."""
    from modAL.uncertainty import classifier_entropy

    return np.asarray(classifier_entropy(_Known(pool.probabilities), pool.features), float)


def ranked_batch(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return modAL's ranked batch (Cardoso et al. 2017): picks above 1, falling; else uncertainty.

    It computes all distances anew for each pick, so it ranks at most 5,000 rows of the pool
    against at most 500 labelled ones, both drawn at random.
    """
    from modAL.batch import ranked_batch as rank

    assert pool.probabilities is not None
    scores = 1.0 - pool.probabilities.max(axis=1)
    some = _some(len(scores), MOST_RANKED, rng)
    against = _some(len(pool.codes), MOST_LABELLED, rng)
    labelled = pool.labelled[against].astype(np.float64) if len(against) else None
    known = _Known(None, labelled)
    features = pool.features[some].astype(np.float64)
    with one_thread():
        picks, _ = rank(
            known, features, scores[some], min(n, len(some)), metric="euclidean", n_jobs=None
        )
    scores[some[picks]] = 1.0 + np.arange(len(picks), 0, -1) / len(picks)
    return np.asarray(scores, dtype=np.float64)


def _some(rows: int, most: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    if rows <= most:
        return np.arange(rows)
    return np.sort(rng.choice(rows, most, replace=False))
