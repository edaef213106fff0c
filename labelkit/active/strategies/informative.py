"""Uncertain rows that together tell the model most about the whole pool.

Ten times as many rows as are wanted, by margin; among them, one after the other, the row whose
label would lower most the variance of what a linear model says of the pool, given the rows that
are labelled and those picked before it. This is V-optimal design (Fedorov 1972; Schein and Ungar
2007, Active Learning for Logistic Regression), a row's label being worth the same everywhere: the
margin has chosen the rows already, and probabilities learned from few labels would mislead.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from labelkit.active.strategies.margin import margins
from labelkit.active.strategies.space import Points, fit_space
from labelkit.stats.threads import one_thread

if TYPE_CHECKING:
    from labelkit.active.pool import Floats, Pool

CANDIDATES = 10  # a row wanted
MOST_CANDIDATES = 20_000
MOST_MEANT = 3_000  # rows that stand for the pool
MOST_LABELLED = 5_000
DIMENSIONS = 64
WORTH = 0.25  # of a label: p (1 - p) where both classes are as likely
STRENGTH = 1.0  # of the model's prior where it names none


def score(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return scores above 1 for the n picks, falling; else 1 - margin."""
    assert pool.probabilities is not None
    scores = 1.0 - margins(pool.probabilities)
    candidates = _highest(scores, max(n, min(CANDIDATES * n, MOST_CANDIDATES)), rng)
    with one_thread():
        points, meant, labelled = _points(pool, candidates, rng)
        picks = candidates[_telling(points, meant, labelled, _prior(pool.estimator), n)]
    scores[picks] = 1.0 + np.arange(len(picks), 0, -1) / max(len(picks), 1)
    return scores


def _highest(scores: "Floats", wanted: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return the rows of the highest scores, ties broken at random."""
    shuffled = rng.permutation(len(scores))
    if wanted >= len(scores):
        return np.sort(shuffled)
    return np.sort(shuffled[np.argpartition(-scores[shuffled], wanted)[:wanted]])


def _prior(estimator: Any) -> float:
    """Return what the model adds to its information: 1 / C of a logistic regression."""
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    return 1.0 / float(getattr(last, "C", STRENGTH))


def _points(
    pool: "Pool", candidates: npt.NDArray[np.int64], rng: np.random.Generator
) -> tuple[Points, Points, Points]:
    """Return candidates, rows that stand for the pool, and labelled rows on the pool's main axes.

    The last coordinate of each is 1, for the intercept.
    """
    some = _some(pool.features.shape[0], MOST_MEANT, rng)
    known = _some(pool.labelled.shape[0], MOST_LABELLED, rng)
    sample = pool.features[some]
    project = fit_space(sample, rng)
    meant = project(sample)
    centre = meant.mean(axis=0)
    spread = (meant - centre).T @ (meant - centre)
    axes = np.linalg.eigh(spread.astype(np.float64))[1][:, ::-1][:, :DIMENSIONS]

    def on_axes(points: Points) -> Points:
        moved = (points - centre) @ axes.astype(np.float32)
        return np.hstack([moved, np.ones((len(moved), 1), np.float32)])

    others = project(pool.features[candidates]), project(pool.labelled[known])
    return on_axes(others[0]), on_axes(meant), on_axes(others[1])


def _some(rows: int, most: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    if rows <= most:
        return np.arange(rows)
    return np.sort(rng.choice(rows, most, replace=False))


def _telling(
    points: Points, meant: Points, labelled: Points, prior: float, n: int
) -> npt.NDArray[np.int64]:
    """Return n of the points, each lowering most the mean variance over the rows meant."""
    known = WORTH * labelled.T.astype(np.float64) @ labelled
    covariance = np.linalg.inv(known + prior * np.eye(points.shape[1]))
    pool = meant.T.astype(np.float64) @ meant / len(meant)
    moved = points @ covariance
    own = (moved * points).sum(axis=1)  # the variance at each point
    shared = ((moved @ pool) * moved).sum(axis=1)  # its covariances with the pool, squared
    free = np.ones(len(points), dtype=bool)
    picks = []
    for _ in range(min(n, len(points))):
        gain = np.where(free, shared / (1.0 / WORTH + own), -1.0)
        pick = int(gain.argmax())
        picks.append(pick)
        free[pick] = False
        # What the label of the pick would leave, at every point (Sherman and Morrison).
        step = moved[pick].copy()
        scale = 1.0 / (1.0 / WORTH + own[pick])
        along = points @ step
        toward = pool @ step
        shared -= scale * along * (2.0 * (moved @ toward) - scale * along * (step @ toward))
        own -= scale * along**2
        moved -= np.outer(scale * along, step)
    return np.array(picks, dtype=np.int64)
