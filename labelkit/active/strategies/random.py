"""Rows at random, each equally likely: what every other strategy must beat."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from labelkit.active.pool import Pool


def score(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return numbers drawn evenly from 0 to 1."""
    drawn = rng.random(pool.features.shape[0])
    for row in np.argsort(-drawn, kind="stable")[:n].tolist():
        pool.reasons[row] = "drawn at random"
    return np.asarray(drawn, dtype=np.float64)
