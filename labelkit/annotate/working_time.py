"""Working time: the time that rows were on the screen, without breaks."""

import math
from collections.abc import Sequence
from statistics import median

FEWEST = 5  # rows needed to estimate a person's pace
MOST_BEFORE = 120.0  # maximal working seconds per row before that
SHORTEST = 0.05  # seconds; shorter times are rounded up to this
TIMES, DEVIATIONS = 5.0, 3.0
_NORMAL = 1.4826  # median absolute deviation of a normal distribution, to its standard deviation


def longest_work(seconds: Sequence[float]) -> float:
    """Return the maximal working seconds per row; longer times include a break.

    Five times the median, or three robust standard deviations of the logarithm above it, whichever
    is longer: reading times are about log-normal, and both figures are robust against breaks.
    """
    if len(seconds) < FEWEST:
        return MOST_BEFORE
    logs = [math.log(max(one, SHORTEST)) for one in seconds]
    centre = median(logs)
    spread = _NORMAL * median(abs(one - centre) for one in logs)
    return math.exp(centre + max(DEVIATIONS * spread, math.log(TIMES)))


def worked(seconds: Sequence[float], longest: float) -> float:
    """Return the working seconds in the times that a row was on the screen."""
    return round(sum(min(one, longest) for one in seconds), 2)
