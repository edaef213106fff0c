"""What the next labels are expected to buy: a learning curve of the labels so far, drawn on.

Models of fewer and fewer of the labels are judged on labels that they did not see; an inverse
power law through these points (Cortes et al. 1994, Learning Curves) tells what more would add.
Labels that were picked because they are hard count by how many rows of the pool are as hard.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.ml import classifier

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

FEWEST = 40
FEWEST_A_CLASS = 4  # in two classes at least: fewer are not spread over the folds
FOLDS = 4
SHARES = (0.75, 0.5, 0.33, 0.22)  # of all labels; the first is all that a fold leaves
POWERS = (0.25, 0.5, 0.75, 1.0)
STRATA, HEAVIEST = 5, 10.0
RESAMPLES = 400


class Gain(NamedTuple):
    """Points of accuracy that so many labels more are expected to add, with a 95 % interval."""

    labels: int
    points: float
    low: float
    high: float


class Known(NamedTuple):
    """The labels so far as a model sees them, and how it learns from them."""

    matrix: Any
    codes: Codes
    groups: Codes | None
    n_classes: int
    recipe: classifier.Recipe
    seed: int = 0


def expected_gain(known: Known, pool: Any, more: int) -> Gain | None:
    """Return what `more` labels are expected to add; None where there are too few to tell.

    `pool` is the features of rows without a label. The judges are the labels themselves, no
    random sample if they were picked, so the figure is biased, weighed as they are. The interval
    tells how much it depends on them (bootstrap over the labels) and on the law.
    """
    counts = np.bincount(known.codes, minlength=known.n_classes)
    n = len(known.codes)
    if n < FEWEST or (counts >= FEWEST_A_CLASS).sum() < 2 or more < 1 or not pool.shape[0]:
        return None
    judged = _judged(known, pool)
    if judged is None:
        return None
    right, weights = judged
    rng = np.random.default_rng([known.seed, 8])
    times = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    drawn = np.vstack([np.ones(n), times]) * weights
    curves = drawn @ right / drawn.sum(axis=1, keepdims=True)
    gains, misfits = _gains(np.array(SHARES) * n, curves, n, more)
    best = gains[misfits[:, 0].argmin(), 0]
    # The points are few and the laws fit them nearly alike, so all of them span the interval.
    low, high = np.percentile(gains[:, 1:], [2.5, 97.5])
    return Gain(more, *(100 * float(value) for value in (best, min(low, best), max(high, best))))


def _judged(known: Known, pool: Any) -> tuple[Floats, Floats] | None:
    """Return labels x sizes (1 where a model of so many others is right), and a weight a label.

    None where the models give all labels one class: they have learned nothing yet, and a curve
    that is flat for that reason would say that there is nothing to learn.
    """
    codes = known.codes
    fold = classifier.assign_folds(codes, known.groups, FOLDS, known.seed)
    order = np.random.default_rng([known.seed, 9]).permutation(len(codes))
    right, sure = np.zeros((len(codes), len(SHARES))), np.zeros(len(codes))
    given = np.zeros(len(codes), dtype=np.int64)
    of_pool: Floats | None = None
    for number in np.unique(fold):
        held = fold == number
        others = order[~held[order]]
        for place, share in enumerate(SHARES):
            some = others[: max(1, round(len(others) * share / SHARES[0]))]
            model = classifier.fit(known.matrix[some], codes[some], known.recipe, known.seed)
            found = classifier.probabilities(model, known.matrix[held], known.n_classes)
            right[held, place] = found.argmax(axis=1) == codes[held]
            if place == 0:
                given[held], sure[held] = found.argmax(axis=1), found.max(axis=1)
                if of_pool is None:
                    of_pool = classifier.probabilities(model, pool, known.n_classes).max(axis=1)
    if of_pool is None or len(np.unique(given)) < 2:
        return None
    return right, _weights(sure, of_pool)


def _weights(labels: Floats, pool: Floats) -> Floats:
    """Return a weight for each label, by which they are as sure as the pool (post-stratified)."""
    edges = np.quantile(pool, np.arange(1, STRATA) / STRATA)
    place = np.searchsorted(edges, labels)
    own = np.bincount(place, minlength=STRATA) / len(labels)
    wanted = np.bincount(np.searchsorted(edges, pool), minlength=STRATA) / len(pool)
    ratio = np.divide(wanted, own, out=np.zeros(STRATA), where=own > 0)
    weights = np.minimum(ratio, HEAVIEST)[place]
    return weights if weights.any() else np.ones(len(labels))


def _gains(sizes: Floats, curves: Floats, n: int, more: int) -> tuple[Floats, Floats]:
    """Return by how much each curve rises from n to n + more labels, and how ill each law fits.

    Both are powers x curves. A law is `a - b * size ** -power`, b at least 0 and a at most 1.
    """
    gains, misfits = np.zeros((2, len(POWERS), len(curves)))
    mean = curves.mean(axis=1)
    for place, power in enumerate(POWERS):
        x = -(sizes**-power)
        slope = np.maximum((curves - mean[:, None]) @ (x - x.mean()) / x.var() / len(x), 0.0)
        level = mean - slope * x.mean()
        over = level > 1.0
        slope[over] = (curves[over] - 1.0) @ x / (x @ x)
        level = np.minimum(level, 1.0)
        misfits[place] = ((curves - level[:, None] - slope[:, None] * x) ** 2).sum(axis=1)
        gains[place] = slope * (n**-power - (n + more) ** -power)
    return gains, misfits
