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
LabelQuality = tuple[Floats, npt.NDArray[np.bool_]]


def prune_by_class(given: Codes, probabilities: Floats) -> LabelQuality:
    """Flag in each class as many labels as the estimated noise says, the least probable ones."""
    return quality(given, probabilities), _issues(given, probabilities, "prune_by_class")


def prune_by_noise_rate(given: Codes, probabilities: Floats) -> LabelQuality:
    """Flag as many labels for each pair of classes as the estimated noise says."""
    return quality(given, probabilities), _issues(given, probabilities, "prune_by_noise_rate")


def both(given: Codes, probabilities: Floats) -> LabelQuality:
    """Flag what prune_by_class and prune_by_noise_rate both flag."""
    return quality(given, probabilities), _issues(given, probabilities, "both")


def predicted_differs(given: Codes, probabilities: Floats) -> LabelQuality:
    """Flag every label that is not the most probable class."""
    return quality(given, probabilities), _issues(given, probabilities, "predicted_neq_given")


def low_normalized_margin(given: Codes, probabilities: Floats) -> LabelQuality:
    """Flag the labels of the lowest margin, so many as confident learning counts."""
    flag = _issues(given, probabilities, "low_normalized_margin")
    return _score(given, probabilities, "normalized_margin"), flag


def low_self_confidence(given: Codes, probabilities: Floats) -> LabelQuality:
    """Flag the labels of the lowest probability, so many as confident learning counts."""
    flag = _issues(given, probabilities, "low_self_confidence")
    return _score(given, probabilities, "self_confidence"), flag


def confidence_weighted_entropy(given: Codes, probabilities: Floats) -> LabelQuality:
    """Rank by entropy over the label's probability; flags as many as confident learning counts."""
    with _quiet():
        from cleanlab.count import num_label_issues

        most = int(num_label_issues(np.asarray(given), probabilities))
    score = _score(given, probabilities, "confidence_weighted_entropy")
    flag = np.zeros(len(score), dtype=bool)
    flag[np.argsort(score, kind="stable")[:most]] = True
    return score, flag


def quality(given: Codes, probabilities: Floats) -> Floats:
    """Return how likely each label is right, for ranking: 0..1.

    With two classes the margin after each class's mean confidence is taken off: without that,
    noise that hits one class alone ranks below chance. With more, the label's own probability.
    """
    if probabilities.shape[1] == 2:
        return _score(given, probabilities, "normalized_margin", adjust=True)
    own = probabilities[np.arange(len(given)), given]
    return np.asarray(np.clip(own, 0.0, 1.0), dtype=np.float64)


def _score(given: Codes, probabilities: Floats, method: str, adjust: bool = False) -> Floats:
    with _quiet():
        from cleanlab.rank import get_label_quality_scores

        scores = get_label_quality_scores(
            np.asarray(given), probabilities, method=method, adjust_pred_probs=adjust
        )
    return np.clip(np.asarray(scores, dtype=np.float64), 0.0, 1.0)


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
