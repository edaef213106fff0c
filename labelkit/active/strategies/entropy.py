"""Entropy of the predicted classes (Shannon 1948), in nats."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from labelkit.active.pool import Floats, Pool


def score(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return the entropy in nats, between 0 and ln(classes)."""
    assert pool.probabilities is not None
    return entropies(pool.probabilities)


def entropies(probabilities: "Floats") -> npt.NDArray[np.float64]:
    """Return -sum p ln p of each row; a class of probability 0 adds nothing."""
    logs = np.log(np.where(probabilities > 0, probabilities, 1.0))
    return np.asarray(np.maximum(-(probabilities * logs).sum(axis=1), 0.0), dtype=np.float64)
