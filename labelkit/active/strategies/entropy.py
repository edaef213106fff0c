"""Entropy of the predicted classes (Shannon 1948), in nats."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from labelkit.stats.blocks import row_blocks

if TYPE_CHECKING:
    from labelkit.active.pool import Floats, Pool


def score(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return the entropy in nats, between 0 and ln(classes)."""
    assert pool.probabilities is not None
    return entropies(pool.probabilities)


def entropies(probabilities: "Floats") -> npt.NDArray[np.float64]:
    """Return -sum p ln p of each row; a class of probability 0 adds nothing."""
    found = np.empty(len(probabilities))
    for part in row_blocks(*probabilities.shape):
        own = probabilities[part]
        found[part] = -(own * np.log(np.where(own > 0, own, 1.0))).sum(axis=1)
    return np.maximum(found, 0.0)
