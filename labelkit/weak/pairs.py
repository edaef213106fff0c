"""How often two labeling functions vote on the same row, and how often differently."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.weak.codebook import ABSTAIN
from labelkit.weak.patterns import Counted


class Pairs(NamedTuple):
    """Functions × functions: rows on which both voted, and on which they voted differently."""

    both: npt.NDArray[np.int64]
    differ: npt.NDArray[np.int64]


def pairs(counted: Counted) -> Pairs:
    """Return the counts over all rows that were voted on."""
    weights = counted.counts.astype(np.float64)
    voted = counted.votes != ABSTAIN
    both = _together(voted, weights)
    same = np.zeros_like(both)
    for code in np.unique(counted.votes[voted]):
        same += _together(counted.votes == code, weights)
    return Pairs(both.astype(np.int64), (both - same).astype(np.int64))


def _together(
    marks: npt.NDArray[np.bool_], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    ones = marks.astype(np.float64)
    return np.asarray(np.rint(ones.T @ (ones * weights[:, None])))
