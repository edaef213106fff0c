"""Least confidence: the likeliest class is not likely (Lewis and Gale 1994)."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from labelkit.active.pool import Pool


def score(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return 1 - the probability of the likeliest class, between 0 and 1 - 1/classes."""
    assert pool.probabilities is not None
    return np.asarray(1.0 - pool.probabilities.max(axis=1), dtype=np.float64)
