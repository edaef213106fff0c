"""Figures that say how good labels are: agreement, kappa, F1, calibration, with intervals.

Truth and given are class codes 0..k-1 of the same length; rows without either are left out by
the caller. An interval is a pair (low, high) that covers the true value in 95 of 100 samples.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]

Z95 = 1.959963984540054
RESAMPLES, FEWEST_RESAMPLES = 2_000, 200
MOST_CELLS = 20_000_000  # of all confusions that are drawn: fewer are for very many classes


class Figure(NamedTuple):
    """A value with its interval."""

    value: float
    low: float
    high: float


def wilson(successes: float, n: float) -> Interval:
    """Return the 95 % score interval of a share (Wilson 1927); (0, 1) for no rows."""
    if n <= 0:
        return 0.0, 1.0
    share, spread = successes / n, Z95**2 / n
    centre = (share + spread / 2) / (1 + spread)
    half = Z95 * (share * (1 - share) / n + spread / (4 * n)) ** 0.5 / (1 + spread)
    low = 0.0 if successes <= 0 else max(0.0, centre - half)
    return low, 1.0 if successes >= n else min(1.0, centre + half)


def accuracy(truth: Codes, given: Codes) -> Figure:
    """Return the share of rows where both agree; NaN with (0, 1) for no rows."""
    n, right = len(truth), int((np.asarray(truth) == np.asarray(given)).sum())
    return Figure(right / n if n else float("nan"), *wilson(right, n))


def confusion(truth: Codes, given: Codes, n_classes: int) -> npt.NDArray[np.int64]:
    """Return counts, k x k: a row a true class, a column a given one."""
    cells = np.asarray(truth, dtype=np.int64) * n_classes + np.asarray(given, dtype=np.int64)
    return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)


def kappa(counts: npt.NDArray[Any], weights: str = "") -> Floats:
    """Return Cohen's kappa of one confusion (k x k) or of many (... x k x k).

    `weights` is empty (Cohen 1960), `linear` or `quadratic` (Cohen 1968, for ordered classes).
    1 where both sides always give the same single class, NaN without rows.
    """
    counts = np.asarray(counts, dtype=float)
    k = counts.shape[-1]
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(float)
    cost = {"": (apart > 0).astype(float), "linear": apart, "quadratic": apart**2}[weights]
    total = counts.sum(axis=(-2, -1))
    rows, columns = counts.sum(axis=-1), counts.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        seen = (counts * cost).sum(axis=(-2, -1)) / total
        by_chance = np.einsum("...i,...j,ij->...", rows, columns, cost) / total**2
        found: Floats = np.where(by_chance > 0, 1 - seen / by_chance, 1.0)
    return np.where(total > 0, found, np.nan)


def macro_f1(counts: npt.NDArray[Any]) -> Floats:
    """Return the mean F1 over the classes that occur on either side, of one confusion or many."""
    counts = np.asarray(counts, dtype=float)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    both = counts.sum(axis=-1) + counts.sum(axis=-2)
    occurs = both > 0
    each = np.divide(2 * right, both, out=np.zeros_like(right), where=occurs)
    return each.sum(axis=-1) / np.maximum(occurs.sum(axis=-1), 1)  # type: ignore[no-any-return]


def mean_distance(counts: npt.NDArray[Any]) -> Floats:
    """Return the mean absolute distance in classes, for ordered ones, of one confusion or many."""
    k = counts.shape[-1]
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    total = np.maximum(counts.sum(axis=(-2, -1)), 1)
    return np.asarray((counts * apart).sum(axis=(-2, -1)) / total)


def resampled(counts: npt.NDArray[Any], of: Any, seed: int = 0) -> Interval:
    """Return the 95 % percentile interval of `of(counts)` (bootstrap, Efron 1979).

    Rows are drawn again with replacement, which on a confusion is one multinomial draw.
    `of` takes many confusions at once (draws x k x k).
    """
    if counts.sum() == 0:
        return float("nan"), float("nan")
    low, high = np.nanpercentile(of(_drawn(counts, seed)), [2.5, 97.5])
    return float(low), float(high)


def _drawn(counts: npt.NDArray[Any], seed: int) -> npt.NDArray[np.int64]:
    total = int(counts.sum())
    rng = np.random.default_rng(seed)
    times = int(np.clip(MOST_CELLS // counts.size, FEWEST_RESAMPLES, RESAMPLES))
    drawn = rng.multinomial(total, counts.ravel() / total, size=times)
    return drawn.reshape(times, *counts.shape)


def f1_intervals(counts: npt.NDArray[Any], seed: int = 0) -> list[Interval]:
    """Return the bootstrap interval of each class's F1; (0, 1) for a class that never occurs."""
    if counts.sum() == 0:
        return [(0.0, 1.0)] * len(counts)
    drawn = _drawn(counts, seed)
    both = drawn.sum(axis=1) + drawn.sum(axis=2)
    right = 2 * np.diagonal(drawn, axis1=1, axis2=2)
    values = np.divide(right, both, out=np.zeros(both.shape), where=both > 0)
    ends = np.percentile(values, [2.5, 97.5], axis=0).T
    return [(float(low), float(high)) for low, high in ends]


def per_class(counts: npt.NDArray[Any], seed: int = 0) -> list[dict[str, Any]]:
    """Return for each class: rows (true), given, precision, recall, F1 and their intervals.

    Wilson's for shares, bootstrap for F1. A figure without any row behind it is None.
    """
    found = []
    of_f1 = f1_intervals(counts, seed)
    for code in range(len(counts)):
        right, rows = int(counts[code, code]), int(counts[code].sum())
        given = int(counts[:, code].sum())
        found.append(
            {
                "rows": rows,
                "given": given,
                "precision": right / given if given else None,
                "precision_interval": wilson(right, given) if given else None,
                "recall": right / rows if rows else None,
                "recall_interval": wilson(right, rows) if rows else None,
                "f1": 2 * right / (rows + given) if rows + given else None,
                "f1_interval": of_f1[code] if rows + given else None,
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
    drawn = _drawn(counts, seed)
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
