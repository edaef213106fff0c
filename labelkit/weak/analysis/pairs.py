"""How often two labeling functions vote on the same row, and how often differently."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.html.charts import MAX_IN_MAP
from labelkit.weak.analysis.lf_statistics import Summary
from labelkit.weak.vote_codes import ABSTAIN, Votes
from labelkit.weak.vote_patterns import Counted


class Pairs(NamedTuple):
    """Functions × functions: rows on which both voted, and on which they voted differently."""

    both: npt.NDArray[np.int64]
    differ: npt.NDArray[np.int64]


def pairs(counted: Counted) -> Pairs:
    """Return the counts over all rows that were voted on."""
    return _pairs(counted.votes, counted.counts.astype(np.float64))


def _pairs(votes: Votes, weights: npt.NDArray[np.float64]) -> Pairs:
    voted = votes != ABSTAIN
    both = _together(voted, weights)
    same = np.zeros_like(both)
    for code in np.unique(votes[voted]):
        same += _together(votes == code, weights)
    return Pairs(both.astype(np.int64), (both - same).astype(np.int64))


def most_conflicts(summaries: Sequence[Summary], counted: Counted) -> dict[str, Any]:
    """Return the counts of those functions that conflict most, as plain values."""
    order = np.argsort([-summary.conflicts for summary in summaries], kind="stable")
    shown = np.sort(order[:MAX_IN_MAP])
    found = _pairs(counted.votes[:, shown], counted.counts.astype(np.float64))
    names = [summaries[place].name for place in shown]
    return {"names": names, "both": found.both.tolist(), "differ": found.differ.tolist()}


def _together(
    marks: npt.NDArray[np.bool_], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    ones = marks.astype(np.float64)
    return np.asarray(np.rint(ones.T @ (ones * weights[:, None])))
