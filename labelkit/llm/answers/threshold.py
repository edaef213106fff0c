"""From which confidence on a model's labels are right often enough: chosen on known rows.

The rows are looked at from the surest down; the cut stands as low as the one-sided 95 % bound
(Clopper and Pearson 1934) of the accuracy above it still reaches the target. In simulations with
100 to 400 known rows the true accuracy above the cut missed the target in fewer than 5 runs of
100, though many cuts are looked at.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labelkit import console
from labelkit.errors import LabelkitError, UsageError
from labelkit.stats import metrics

ERROR = 0.05


class Cut(NamedTuple):
    """Labels with at least this confidence are kept; what the known rows say of them."""

    confidence: float
    rows: int = 0
    right: int = 0
    low: float = 0.0
    high: float = 1.0
    bound: float = 0.0


def fewest(target: float) -> int:
    """Return how many known rows a target needs at least, if the model is right in all of them."""
    return math.ceil(math.log(ERROR) / math.log(target))


def check_target(target: float) -> None:
    """Refuse what is no accuracy."""
    if not 0 < target < 1:
        raise UsageError(f"--target-accuracy {target:g}: give a share between 0 and 1, as in 0.95")


def check_known(known: int, target: float) -> None:
    """Refuse a target that so few known rows cannot show, before anything is asked."""
    needed = fewest(target)
    if known < needed:
        raise LabelkitError(
            f"--threshold auto needs at least {console.count(needed, 'rows')} with a known label "
            f"to show an accuracy of {target:g}, and there {'is' if known == 1 else 'are'} {known} "
            "(audit rows are kept for judging): label more (labelkit query), name them with "
            "--gold, or lower --target-accuracy"
        )


def choose(confidence: NDArray[np.float64], right: NDArray[np.bool_], target: float) -> Cut:
    """Return the lowest cut above which the known rows show the target accuracy.

    Raises LabelkitError, saying how many rows are needed, where none does.
    """
    order = np.argsort(-confidence, kind="stable")
    sure, hits = confidence[order], np.cumsum(right[order])
    ends = np.append(sure[1:] != sure[:-1], True)[: len(sure)]
    cuts = [
        _cut(float(sure[place]), int(place) + 1, int(hits[place])) for place in np.flatnonzero(ends)
    ]
    reached = [cut for cut in cuts if cut.bound >= target]
    if reached:
        return reached[-1]
    raise LabelkitError(_why_not(cuts, len(confidence), target))


def _cut(confidence: float, rows: int, right: int) -> Cut:
    from scipy.stats import beta

    bound = float(beta.ppf(ERROR, right, rows - right + 1)) if right else 0.0
    return Cut(confidence, rows, right, *metrics.wilson(right, rows), bound)


def _why_not(cuts: list[Cut], known: int, target: float) -> str:
    enough = [cut for cut in cuts if cut.rows >= min(30, known)]
    best = max(enough, key=lambda cut: (cut.right / cut.rows, cut.rows), default=None)
    said = (
        f"no confidence is high enough to show an accuracy of {target:g} on "
        f"{console.count(known, 'known rows')}"
    )
    if best is None:
        return f"{said}: {fewest(target)} are needed at least"
    share = best.right / best.rows
    said += (
        f": the surest {best.rows} of them are right in {share:.3f} "
        f"({best.low:.3f} to {best.high:.3f})"
    )
    if share <= target:
        return f"{said}. Lower --target-accuracy, or use a better model or prompt"
    needed = _needed(share, target)
    all_rows = math.ceil(needed * known / best.rows)
    return (
        f"{said}. At that rate about {console.count(all_rows, 'known rows', 'are')} needed; all "
        "answers are kept, and "
        "the same command goes on when there are more, or with a lower --target-accuracy"
    )


def _needed(share: float, target: float) -> int:
    """Return how many rows show the target if this share of them is right."""
    from scipy.stats import beta

    rows = fewest(target)
    while rows < 1_000_000:
        right = math.floor(share * rows)
        if right and beta.ppf(ERROR, right, rows - right + 1) >= target:
            return rows
        rows = math.ceil(rows * 1.05)
    return rows
