"""How often a labeling function is right, estimated from the other functions, with an interval.

Among the rows on which a function votes for a class, the share truly of that class is what makes
the others' evidence on these rows likeliest (as Saerens et al., 2002, estimate a class share from
a classifier's probabilities). The mean probability that the others give to the vote, which stands
for the same in many tools, is too low: it leaves out that the function voted. The others' evidence
comes from a label model that knows neither the function's votes nor a text model that learned from
them.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

GRID = np.linspace(0.005, 0.995, 199)
FARTHEST = 6.0  # log-odds: no other function's word counts for more
STEP = 0.05
# Half the chi-square quantile, times 3: the others err together more than a likelihood supposes.
DROP = 3 * 1.92
FEWEST = 5  # rows with another vote


class Estimated(NamedTuple):
    """The estimate, the ends of its 95 % interval, and the accuracy of a guess."""

    accuracy: float
    low: float
    high: float
    chance: float


def estimated(votes: Array, others: Floats, rows: Array, shares: Floats) -> Estimated | None:
    """Return how often these votes are right; None where too few rows have another vote.

    `votes` codes of one function (-1 abstains), `others` patterns x classes (the label model
    without the function, zeros where nobody else voted), `rows` of each pattern, `shares` of the
    classes.
    """
    judged = (votes >= 0) & others.any(axis=1) & (rows > 0)
    total = int(rows[judged].sum())
    if total < FEWEST:
        return None
    parts = []
    for code in np.unique(votes[judged]):
        mine = judged & (votes == code)
        number = float(rows[mine].sum())
        ends = _of_one_class(others[mine, code], rows[mine], float(shares[code]))
        parts.append((number / total, *ends, float(shares[code])))
    weight, *figures = np.array(parts).T
    return Estimated(*(float(weight @ figure) for figure in figures))


def _of_one_class(probabilities: Floats, rows: Array, share: float) -> tuple[float, float, float]:
    inside = probabilities.clip(1e-4, 1 - 1e-4)
    usual = float(np.clip(share, 1e-3, 1 - 1e-3))
    evidence = np.log(inside / (1 - inside)) - np.log(usual / (1 - usual))
    steps = (evidence.clip(-FARTHEST, FARTHEST) / STEP).round()
    values, place = np.unique(steps, return_inverse=True)
    counts = np.bincount(place.ravel(), weights=rows)
    odds = np.exp(values * STEP)
    likelihood = np.log(GRID[:, None] * odds + (1 - GRID[:, None])) @ counts
    weighed = likelihood + np.log(GRID) + 0.5 * np.log(1 - GRID)  # functions are mostly right
    posterior = np.exp(weighed - weighed.max())
    inside_ends = GRID[likelihood >= likelihood.max() - DROP]
    mean = float(posterior @ GRID / posterior.sum())
    return mean, min(mean, float(inside_ends[0])), max(mean, float(inside_ends[-1]))
