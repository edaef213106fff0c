"""BALD: rows on which the members of a bagged ensemble are sure and contradict each other.

Houlsby et al. 2011, Bayesian Active Learning by Disagreement: the information that a label gives
on which member is right, here over models of labels drawn anew instead of drawn weights.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from labelkit.active.strategies import ensemble
from labelkit.active.strategies.entropy import entropies

if TYPE_CHECKING:
    from labelkit.active.pool import Pool


def score(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return the entropy of the mean minus the mean entropy, in nats.

    Where probabilities were made elsewhere there is no ensemble; then the entropy alone.
    """
    assert pool.probabilities is not None
    if pool.estimator is None:
        return entropies(pool.probabilities)
    mean = np.zeros_like(pool.probabilities)
    own = np.zeros(len(mean))
    for said in ensemble.each_says(pool, rng):
        mean += said / ensemble.MEMBERS
        own += entropies(said) / ensemble.MEMBERS
    return np.asarray(np.maximum(entropies(mean) - own, 0.0), dtype=np.float64)
