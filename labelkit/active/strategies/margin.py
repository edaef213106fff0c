"""Margin sampling: the two likeliest classes are close to each other.

Scheffer, Decomain and Wrobel 2001, Active Hidden Markov Models for Information Extraction.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from labelkit.stats.blocks import row_blocks

if TYPE_CHECKING:
    from labelkit.active.pool import Floats, Pool


def score(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return 1 - (probability of the likeliest class - of the second), between 0 and 1."""
    assert pool.probabilities is not None
    return 1.0 - margins(pool.probabilities)


def margins(probabilities: "Floats") -> npt.NDArray[np.float64]:
    """Return how far the likeliest class is ahead of the second, for each row."""
    if probabilities.shape[1] < 2:
        return np.ones(len(probabilities))
    found = np.empty(len(probabilities))
    for part in row_blocks(*probabilities.shape):
        top = np.partition(probabilities[part], -2, axis=1)[:, -2:]
        found[part] = top[:, 1] - top[:, 0]
    return found
