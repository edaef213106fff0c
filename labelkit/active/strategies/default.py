"""The default: a coverage of the pool while labels are few, then the informative uncertain rows.

Of the ways measured over five tasks this pair gained most over random (benchmarks/query.py).
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from labelkit.active.strategies import coverage, informative

if TYPE_CHECKING:
    from labelkit.active.pool import Pool

FEWEST = 40
FEWEST_A_CLASS = 5


def score(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return scores above 1 for the n picks, falling; below 1 the others."""
    if is_cold(pool):
        return coverage.score(pool, n, rng)
    return informative.score(pool, n, rng)


def is_cold(pool: "Pool") -> bool:
    """Tell whether the labels are too few for a model to know what it does not know."""
    if pool.probabilities is None:
        return True
    return pool.estimator is not None and len(pool.codes) < fewest(len(pool.classes))


def fewest(classes: int) -> int:
    """Return how many labels end the cold start."""
    return max(FEWEST, FEWEST_A_CLASS * classes)
