"""How much of the time that rows were on the screen was work, and not a break."""

import math
from collections.abc import Sequence
from statistics import median

FEWEST = 5  # rows from which a person's own pace is known
MOST_BEFORE = 120.0  # seconds of a row until then
SHORTEST = 0.05  # seconds, below which all rows are equally fast
TIMES, DEVIATIONS = 5.0, 3.0
_NORMAL = 1.4826  # median absolute deviation of a normal distribution, to its standard deviation


def longest_work(seconds: Sequence[float]) -> float:
    """Return the seconds after which a row counts no more: the person was away.

    Five times the median, or three robust standard deviations of the logarithm above it, whichever
    is longer: times of reading are about log-normal, and breaks move neither figure.
    """
    if len(seconds) < FEWEST:
        return MOST_BEFORE
    logs = [math.log(max(one, SHORTEST)) for one in seconds]
    centre = median(logs)
    spread = _NORMAL * median(abs(one - centre) for one in logs)
    return math.exp(centre + max(DEVIATIONS * spread, math.log(TIMES)))


def worked(seconds: Sequence[float], longest: float) -> float:
    """Return the seconds of work in the times that a row was on the screen."""
    return round(sum(min(one, longest) for one in seconds), 2)
