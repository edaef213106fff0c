"""Figures that say how good labels are: agreement, kappa, F1, calibration, with intervals.

Truth and given are class codes 0..k-1 of the same length; rows without either are left out by
the caller. An interval is a pair (low, high) that covers the true value in 95 of 100 samples.
"""

from collections.abc import Callable, Iterator, Sequence
from math import exp, lgamma, log
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.stats.blocks import row_blocks

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]

Z95 = 1.959963984540054
MOST_EXACT = 2_000
RESAMPLES, FEWEST_RESAMPLES = 2_000, 200
MOST_CELLS = 20_000_000  # of all confusions that are drawn: fewer are for very many classes


class Figure(NamedTuple):
    """A value with its interval."""

    value: float
    low: float
    high: float


def wilson(successes: float, n: float, z: float = Z95) -> Interval:
    """Return the 95 % score interval of a share (Wilson 1927); (0, 1) for no rows."""
    if n <= 0:
        return 0.0, 1.0
    share, spread = successes / n, z**2 / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * (share * (1 - share) / n + spread / (4 * n)) ** 0.5 / (1 + spread)
    low = 0.0 if successes <= 0 else max(0.0, centre - half)
    return low, 1.0 if successes >= n else min(1.0, centre + half)


def at_most(successes: int, n: int, share: float) -> float:
    """Return how likely so few successes are where each of n rows is one with this probability.

    Exact up to 2,000 rows, beyond by the normal distribution, which is as good there.
    """
    if not 0 < share < 1 or successes >= n:
        return float(successes >= n * share)
    if n > MOST_EXACT:
        spread = (n * share * (1 - share)) ** 0.5
        return NormalDist().cdf((successes + 0.5 - n * share) / spread)
    odds, whole = log(share / (1 - share)), n * log(1 - share) + lgamma(n + 1)
    logs = (whole - lgamma(k + 1) - lgamma(n - k + 1) + k * odds for k in range(successes + 1))
    return min(1.0, sum(map(exp, logs)))


def change(before: tuple[float, float], after: tuple[float, float], among: int = 1) -> Figure:
    """Return how much a share has changed, with the interval of Newcombe (1998, his method 10).

    `before` and `after` are successes and n of independent samples, with at least one row each.
    Where it is the largest of `among` changes, the interval is as much wider (Bonferroni).
    """
    z = NormalDist().inv_cdf(1 - 0.025 / among)
    (old, (old_low, old_high)), (new, (new_low, new_high)) = (
        (successes / n, wilson(successes, n, z)) for successes, n in (before, after)
    )
    down = ((new - new_low) ** 2 + (old_high - old) ** 2) ** 0.5
    up = ((new_high - new) ** 2 + (old - old_low) ** 2) ** 0.5
    return Figure(new - old, new - old - down, new - old + up)


def accuracy(truth: Codes, given: Codes) -> Figure:
    """Return the share of rows where both agree; NaN with (0, 1) for no rows."""
    n, right = len(truth), int((np.asarray(truth) == np.asarray(given)).sum())
    return Figure(right / n if n else float("nan"), *wilson(right, n))


class Confusion(NamedTuple):
    """How often each pair of a true and a given class occurs, or how often in each of many draws.

    `true` and `given` are the codes of the pairs that occur, in order; `counts` has a number for
    each pair, in draws a row of them for each draw.
    """

    true: npt.NDArray[np.int64]
    given: npt.NDArray[np.int64]
    counts: npt.NDArray[Any]
    classes: int

    @classmethod
    def of(cls, table: Any) -> "Confusion":
        """Return the confusion of a table of counts, k x k: a row a true class."""
        table = np.asarray(table)
        true, given = np.nonzero(table)
        return cls(true, given, table[true, given], len(table))

    def table(self) -> npt.NDArray[np.int64]:
        """Return all counts, k x k: a row a true class, a column a given one."""
        found = np.zeros((self.classes, self.classes), dtype=np.int64)
        found[self.true, self.given] = self.counts
        return found

    @property
    def total(self) -> Floats:
        """Return the number of rows."""
        return np.asarray(self.counts.sum(axis=-1), dtype=float)

    def rows(self, side: npt.NDArray[np.int64]) -> Floats:
        """Return the rows of each class on one side, `true` or `given`."""
        return self._of_class(self.counts, side)

    @property
    def right(self) -> Floats:
        """Return the rows of each class on which both sides agree."""
        same = self.true == self.given
        return self._of_class(self.counts[..., same], self.true[same])

    def _of_class(self, counts: npt.NDArray[Any], codes: npt.NDArray[np.int64]) -> Floats:
        many = np.atleast_2d(counts)
        place = np.arange(len(many))[:, None] * self.classes + codes
        sums = np.bincount(place.ravel(), many.ravel(), len(many) * self.classes)
        return np.asarray(sums, dtype=float).reshape(*counts.shape[:-1], self.classes)


def confusion(truth: Codes, given: Codes, n_classes: int) -> Confusion:
    """Return the confusion of two columns of codes."""
    cells = np.asarray(truth, dtype=np.int64) * n_classes + np.asarray(given, dtype=np.int64)
    pairs, counts = np.unique(cells, return_counts=True)
    return Confusion(pairs // n_classes, pairs % n_classes, counts, n_classes)


def kappa(counts: Confusion, weights: str = "") -> Floats:
    """Return Cohen's kappa, of draws one each.

    `weights` is empty (Cohen 1960), `linear` or `quadratic` (Cohen 1968, for ordered classes).
    1 where both sides always give the same single class, NaN without rows.
    """
    codes = np.arange(counts.classes)
    every = _costs(codes[:, None], codes, weights)
    cost = _costs(counts.true, counts.given, weights)
    total = counts.total
    with np.errstate(invalid="ignore", divide="ignore"):
        seen = (counts.counts * cost).sum(axis=-1) / total
        by_chance = (counts.rows(counts.true) @ every * counts.rows(counts.given)).sum(axis=-1)
        by_chance = by_chance / total**2
        found: Floats = np.where(by_chance > 0, 1 - seen / by_chance, 1.0)
    return np.where(total > 0, found, np.nan)


def _costs(true: Codes, given: Codes, weights: str) -> Floats:
    apart = np.abs(true - given).astype(float)
    return np.asarray({"": apart > 0, "linear": apart, "quadratic": apart**2}[weights], float)


def f1_of_classes(counts: Confusion) -> Floats:
    """Return the F1 of each class, 0 for one that does not occur."""
    both = counts.rows(counts.true) + counts.rows(counts.given)
    each = np.divide(2 * counts.right, both, out=np.zeros_like(both), where=both > 0)
    return np.asarray(each)


def macro_f1(counts: Confusion) -> Floats:
    """Return the mean F1 over the classes that occur on either side, of draws one each."""
    occurs = counts.rows(counts.true) + counts.rows(counts.given) > 0
    each = f1_of_classes(counts).sum(axis=-1)
    return np.asarray(each / np.maximum(occurs.sum(axis=-1), 1))


def mean_distance(counts: Confusion) -> Floats:
    """Return the mean absolute distance in classes, for ordered ones, of draws one each."""
    apart = np.abs(counts.true - counts.given)
    return np.asarray((counts.counts * apart).sum(axis=-1) / np.maximum(counts.total, 1))


def resampled(
    counts: Confusion, of: Sequence[Callable[[Confusion], Floats]], seed: int = 0
) -> list[npt.NDArray[np.float64]]:
    """Return the 95 % percentile interval of each function of a confusion (bootstrap, Efron 1979).

    Rows are drawn again with replacement, which on a confusion is one multinomial draw; all
    functions see the same draws. An interval is [low, high], of a function that gives a number a
    class 2 x classes; NaN without rows.
    """
    if not counts.total:
        return [np.full((2, *np.shape(each(counts))), np.nan) for each in of]
    values = [[each(drawn) for each in of] for drawn in _draws(counts, seed)]
    return [
        np.nanpercentile(np.concatenate(each), [2.5, 97.5], axis=0)
        for each in zip(*values, strict=True)
    ]


def _draws(counts: Confusion, seed: int) -> Iterator[Confusion]:
    """Yield draws of a confusion, as many at once as the memory is meant to hold."""
    size = max(len(counts.counts), 1)
    times = int(np.clip(MOST_CELLS // size, FEWEST_RESAMPLES, RESAMPLES))
    rng, share = np.random.default_rng(seed), counts.counts / counts.total
    for part in row_blocks(times, size):
        drawn = rng.multinomial(int(counts.total), share, size=part.stop - part.start)
        yield counts._replace(counts=drawn)


def per_class(counts: Confusion, of_f1: npt.NDArray[np.float64]) -> list[dict[str, Any]]:
    """Return for each class: rows (true), given, precision, recall, F1 and their intervals.

    Wilson's for shares, `of_f1` (2 x classes) for F1. A figure without any row behind it is None.
    """
    found = []
    every = (counts.right, counts.rows(counts.true), counts.rows(counts.given))
    for code, numbers in enumerate(zip(*(each.tolist() for each in every), strict=True)):
        right, rows, given = map(int, numbers)
        low, high = of_f1[:, code].tolist()
        found.append(
            {
                "rows": rows,
                "given": given,
                "precision": right / given if given else None,
                "precision_interval": wilson(right, given) if given else None,
                "recall": right / rows if rows else None,
                "recall_interval": wilson(right, rows) if rows else None,
                "f1": 2 * right / (rows + given) if rows + given else None,
                "f1_interval": (low, high) if rows + given else None,
            }
        )
    return found


def calibration_error(confidence: Floats, right: npt.NDArray[np.bool_], bins: int = 10) -> float:
    """Return the expected calibration error over equal-width bins (Naeini et al. 2015)."""
    return float(sum(row["rows"] * row["gap"] for row in reliability(confidence, right, bins))) / (
        max(len(confidence), 1)
    )


def calibration_interval(
    confidence: Floats, right: npt.NDArray[np.bool_], bins: int = 10, seed: int = 0
) -> Interval:
    """Return the 95 % bootstrap interval of the calibration error; (0, 1) for no rows.

    Chance alone makes the error larger, once more so when rows are drawn again: what it adds on
    average is taken off.
    """
    rows = reliability(confidence, right, bins)
    if not rows:
        return 0.0, 1.0
    said = np.array([row["confidence"] for row in rows])
    hits = np.array([row["accuracy"] * row["rows"] for row in rows]).round().astype(np.int64)
    counts = np.column_stack([hits, [row["rows"] for row in rows] - hits])
    share = counts.ravel() / counts.sum()
    drawn = np.random.default_rng(seed).multinomial(counts.sum(), share, size=RESAMPLES)
    drawn = drawn.reshape(RESAMPLES, *counts.shape)
    inside = drawn.sum(axis=2)
    values = np.abs(said * inside - drawn[:, :, 0]).sum(axis=1) / len(confidence)
    added = float(values.mean()) - calibration_error(confidence, right, bins)
    low, high = np.percentile(values, [2.5, 97.5]) - added
    return max(0.0, float(low)), min(1.0, float(high))


def reliability(
    confidence: Floats, right: npt.NDArray[np.bool_], bins: int = 10
) -> list[dict[str, Any]]:
    """Return for each bin that holds rows: from, to, rows, confidence, accuracy and their gap."""
    place = np.minimum((np.asarray(confidence) * bins).astype(int), bins - 1)
    found = []
    for bin_ in np.unique(place):
        inside = place == bin_
        said, true = float(np.mean(confidence[inside])), float(np.mean(right[inside]))
        found.append(
            {
                "from": bin_ / bins,
                "to": (bin_ + 1) / bins,
                "rows": int(inside.sum()),
                "confidence": said,
                "accuracy": true,
                "gap": abs(said - true),
            }
        )
    return found


def mcnemar(right_first: npt.NDArray[np.bool_], right_second: npt.NDArray[np.bool_]) -> float:
    """Return the exact two-sided p-value that two labellers of the same rows are equally right.

    The binomial test on the rows where just one of them is right (McNemar 1947).
    """
    from scipy.stats import binomtest

    only_first = int((right_first & ~right_second).sum())
    only_second = int((right_second & ~right_first).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)
