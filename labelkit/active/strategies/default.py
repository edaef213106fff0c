"""The default: a coverage of the pool while labels are few, then uncertain rows that differ.

Measured over five tasks beside margin and others (benchmarks/query.py): on each it needs 0.64 of
the labels at most to reach what random rows reach with 500.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from labelkit.active.strategies import coverage, diverse, informative

if TYPE_CHECKING:
    from labelkit.active.pool import Pool

FEWEST = 40
FEWEST_A_CLASS = 5


def score(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return scores above 1 for the n picks, falling; below 1 the others."""
    parts = {"coverage": coverage, "diverse": diverse, "informative": informative}
    scores: npt.NDArray[np.float64] = parts[at_work(pool)].score(pool, n, rng)
    return scores


def at_work(pool: "Pool") -> str:
    """Return the strategy that picks.

    Between two classes runs one border, which the typical uncertain rows draw best; between more
    there are several, and rows that tell about all of the pool are worth more.
    """
    if is_cold(pool):
        return "coverage"
    return "diverse" if len(pool.classes) <= 2 else "informative"


def is_cold(pool: "Pool") -> bool:
    """Tell whether the labels are too few for a model to know what it does not know."""
    if pool.probabilities is None:
        return True
    return pool.estimator is not None and len(pool.codes) < fewest(len(pool.classes))


def fewest(classes: int) -> int:
    """Return how many labels end the cold start."""
    return max(FEWEST, FEWEST_A_CLASS * classes)
