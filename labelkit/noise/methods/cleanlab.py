"""cleanlab's filters as noise methods: given labels and probabilities in, quality and flags out.

`given` holds class codes 0..k-1 (rows), `probabilities` is rows x k from models that did not see
the row. Each function returns `quality` (float, 0..1, lower is more likely wrong) and `flag`
(bool), one a row. Source: cleanlab; Northcutt, Jiang and Chuang, JAIR 2021.
"""

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Verdict = tuple[Floats, npt.NDArray[np.bool_]]


def confident_learning(given: Codes, probabilities: Floats) -> Verdict:
    """Flag labels that another class beats by that class's own mean confidence."""
    # cleanlab spares labels that are the most probable class: where noise hits one of two classes
    # hard, that spares the wrong labels and flags the right ones.
    compared = _above_thresholds(given, probabilities) if _two(probabilities) else probabilities
    return quality(given, probabilities), _issues(given, compared, "confident_learning")


def prune_by_noise_rate(given: Codes, probabilities: Floats) -> Verdict:
    """Flag as many labels for each pair of classes as the estimated noise says."""
    return quality(given, probabilities), _issues(given, probabilities, "prune_by_noise_rate")


def predicted_differs(given: Codes, probabilities: Floats) -> Verdict:
    """Flag every label that is not the most probable class."""
    return quality(given, probabilities), _issues(given, probabilities, "predicted_neq_given")


def quality(given: Codes, probabilities: Floats) -> Floats:
    """Return how likely each label is right, for ranking: 0..1.

    With two classes the margin after each class's mean confidence is taken off: without that,
    noise that hits one class alone ranks below chance. With more, the label's own probability.
    """
    two = _two(probabilities)
    with _quiet():
        from cleanlab.rank import get_label_quality_scores

        scores = get_label_quality_scores(
            np.asarray(given),
            probabilities,
            method="normalized_margin" if two else "self_confidence",
            adjust_pred_probs=two,
        )
    return np.clip(np.asarray(scores, dtype=np.float64), 0.0, 1.0)


def _two(probabilities: Floats) -> bool:
    return bool(probabilities.shape[1] == 2)


def _above_thresholds(given: Codes, probabilities: Floats) -> Floats:
    """Return the probabilities less each class's mean confidence, lifted and scaled to sum to 1."""
    with _quiet():
        from cleanlab.count import get_confident_thresholds

        thresholds = get_confident_thresholds(np.asarray(given), probabilities)
    lifted = probabilities - thresholds + thresholds.max()
    shares: Floats = lifted / lifted.sum(axis=1, keepdims=True)
    return shares


def _issues(given: Codes, probabilities: Floats, filter_by: str) -> npt.NDArray[np.bool_]:
    with _quiet():
        from cleanlab.filter import find_label_issues

        found = find_label_issues(
            labels=np.asarray(given), pred_probs=probabilities, filter_by=filter_by, n_jobs=1
        )
    return np.asarray(found, dtype=bool)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # cleanlab prints to stdout, which carries data.
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
