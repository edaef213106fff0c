"""How good label columns are: against gold, against each other, and one against another."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.stats import metrics

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Basis(NamedTuple):
    """The rows that figures come from, in words, and whether they say nothing about the rest."""

    words: str
    rows: Mask
    biased: bool


def bases(truth: Codes, scope: Mask, audit: Mask, people: bool) -> list[Basis]:
    """Return the sets of rows to measure on, the honest one first.

    `truth` is -1 where unknown, `scope` the rows that count, `audit` those drawn at random;
    `people` tells that the truth is what people labelled, so that its rows were picked.
    """
    known = scope & (truth >= 0)
    drawn = known & audit
    if not people and known.sum() == scope.sum():
        return [Basis("all rows", known, biased=False)]
    found = []
    if drawn.any():
        found.append(Basis("audit rows", drawn, biased=False))
    if (known & ~drawn).any() or not found:
        found.append(Basis("rows with gold (biased)", known, biased=True))
    return found


def against(
    truth: Codes,
    given: Codes,
    confidence: Floats | None,
    rows: Mask,
    n_classes: int,
    ordinal: bool = False,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the figures of one label column on `rows`, all of which have a true class.

    Every figure but the coverage is about the rows that the column labels; `right_of_all` counts
    a missing label as wrong. Intervals are [low, high]. Without any labelled row figures are None.
    """
    labelled = rows & (given >= 0)
    n, total = int(labelled.sum()), int(rows.sum())
    found: dict[str, Any] = {"rows": total, "labelled": n, "coverage": n / max(total, 1)}
    right = labelled & (given == truth)
    found["right_of_all"] = int(right.sum()) / max(total, 1)
    if n == 0:
        return found | dict.fromkeys(("accuracy", "kappa", "macro_f1"))
    counts = metrics.confusion(truth[labelled], given[labelled], n_classes)
    share = metrics.accuracy(truth[labelled], given[labelled])
    found |= _figure("accuracy", share.value, (share.low, share.high))
    of: dict[str, Any] = {"kappa": metrics.kappa, "macro_f1": metrics.macro_f1}
    if ordinal:
        of |= {"weighted_kappa": _weighted_kappa, "mean_absolute_error": metrics.mean_distance}
    *intervals, of_f1 = metrics.resampled(counts, [*of.values(), metrics.f1_of_classes], seed)
    for (name, figure), interval in zip(of.items(), intervals, strict=True):
        found |= _figure(name, figure(counts), interval)
    if confidence is not None:
        said = labelled & np.isfinite(confidence)
        found |= _figure(
            "calibration_error",
            metrics.calibration_error(confidence[said], right[said]),
            metrics.calibration_interval(confidence[said], right[said], seed=seed),
        )
        found["reliability"] = metrics.reliability(confidence[said], right[said])
    found["per_class"] = metrics.per_class(counts, of_f1)
    found["confusion"] = counts.table().tolist()
    return found


def agreement(
    one: Codes, other: Codes, rows: Mask, n_classes: int, seed: int = 0
) -> dict[str, Any]:
    """Return how often two label columns agree where both have a label, and Cohen's kappa."""
    both = rows & (one >= 0) & (other >= 0)
    n = int(both.sum())
    if n == 0:
        return {"rows": 0, "agreement": None, "kappa": None}
    counts = metrics.confusion(one[both], other[both], n_classes)
    share = metrics.accuracy(one[both], other[both])
    found: dict[str, Any] = {"rows": n}
    found |= _figure("agreement", share.value, (share.low, share.high))
    (interval,) = metrics.resampled(counts, [metrics.kappa], seed)
    return found | _figure("kappa", metrics.kappa(counts), interval)


def compare(truth: Codes, one: Codes, other: Codes, rows: Mask) -> dict[str, Any]:
    """Return both accuracies on the rows that both label, their difference and McNemar's p.

    The interval of the difference is Wald's for paired shares (Newcombe 1998, method 1).
    """
    both = rows & (one >= 0) & (other >= 0)
    n = int(both.sum())
    if n == 0:
        return {"rows": 0, "difference": None, "p": None}
    first, second = one[both] == truth[both], other[both] == truth[both]
    gain = first.astype(float) - second.astype(float)
    half = metrics.Z95 * float(gain.std()) / n**0.5
    mean = float(gain.mean())
    return {
        "rows": n,
        "first": float(first.mean()),
        "second": float(second.mean()),
        "only_first_right": int((first & ~second).sum()),
        "only_second_right": int((second & ~first).sum()),
        **_figure("difference", mean, (max(-1.0, mean - half), min(1.0, mean + half))),
        "p": metrics.mcnemar(first, second),
    }


def _weighted_kappa(counts: metrics.Confusion) -> Floats:
    return metrics.kappa(counts, "quadratic")


def _figure(name: str, value: Any, interval: Iterable[Any]) -> dict[str, Any]:
    return {name: float(value), f"{name}_interval": [float(end) for end in interval]}
