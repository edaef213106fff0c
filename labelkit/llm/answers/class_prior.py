"""The class prior of a small model taken away: pure functions over a whole run's scores."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from labelkit.ml.classifier import assign_folds
from labelkit.stats.threads import one_thread

Scores = NDArray[np.float64]


def balanced(scores: Scores, rounds: int = 100) -> Scores:
    """Return probabilities (rows x classes) whose mean over the rows is the same for each class.

    One offset a class is added to the log-probabilities. Assumes that the classes are about
    equally frequent (batch calibration, Zhou et al. 2023, arXiv 2309.17249); without any label
    there is no better assumption. A few rows say little about the model's leaning: the offsets
    shrink by rows / (rows + 5). `scores` are log-probabilities, rows x classes.
    """
    if not len(scores):
        return np.empty_like(scores)
    offset = np.zeros(scores.shape[1])
    for _ in range(rounds):
        step = np.log(np.maximum(softmax(scores + offset).mean(axis=0), 1e-12) * scores.shape[1])
        offset -= step
        if np.abs(step).max() < 1e-9:
            break
    return softmax(scores + offset * len(scores) / (len(scores) + 5))


# How firmly a fit holds to the balanced scores where people's labels are few: the inverse
# variance of each class's offset and of the common scale.
PULL = 3.0
FOLDS = 5


def fitted(
    scores: Scores, codes: NDArray[np.int32], groups: NDArray[np.int64] | None = None
) -> Scores:
    """Return probabilities with scale and offsets fitted on the rows that people labelled.

    `codes` holds each row's class or -1. From the balanced scores, a multinomial logistic
    regression with one common scale and one offset a class, pulled towards leaving them as they
    are (Platt scaling with a prior). A labelled row is scored by an equation that did not see it,
    nor another of its group (five folds).
    """
    start = np.log(np.maximum(balanced(scores), 1e-30))
    known = np.flatnonzero(codes >= 0)
    probabilities = _apply(start, _fit(start[known], codes[known]))
    fold = assign_folds(
        np.zeros(len(known), np.int64), None if groups is None else groups[known], FOLDS
    )
    for number in np.unique(fold):
        held, rest = known[fold == number], known[fold != number]
        probabilities[held] = _apply(start[held], _fit(start[rest], codes[rest]))
    return probabilities


def _fit(scores: Scores, codes: NDArray[np.int32]) -> Scores:
    from scipy.optimize import minimize

    one_hot = np.eye(scores.shape[1])[codes]
    asis = np.concatenate([[1.0], np.zeros(scores.shape[1])])

    def loss(parameters: Scores) -> tuple[float, Scores]:
        probabilities = _apply(scores, parameters)
        gap, moved = probabilities - one_hot, parameters - asis
        value = -np.log(np.maximum((probabilities * one_hot).sum(axis=1), 1e-30)).sum()
        slope = np.concatenate([[(gap * scores).sum()], gap.sum(axis=0)])
        return value + 0.5 * PULL * float(moved @ moved), slope + PULL * moved

    with one_thread():  # a handful of parameters: threads would only wait
        return np.asarray(minimize(loss, asis, jac=True, method="L-BFGS-B").x)


def _apply(scores: Scores, parameters: Scores) -> Scores:
    return softmax(parameters[0] * scores + parameters[1:])


def information(scores: Scores) -> float:
    """Return the mutual information (nats) between rows and answers under one prompt wording.

    High where the model answers firmly and differently for different rows: without any label,
    the wording with the highest value tends to be the most accurate (Sorensen et al. 2022,
    ACL, "An information-theoretic approach to prompt engineering without ground truth labels").
    """
    probabilities = softmax(scores)
    return float(_entropy(probabilities.mean(axis=0)) - _entropy(probabilities).mean())


def best_wording(scores: Mapping[str, Scores]) -> str:
    """Return the wording with the most information; the first listed wins a tie."""
    return max(scores, key=lambda wording: round(information(scores[wording]), 9))


def softmax(scores: Scores) -> Scores:
    """Return probabilities along the last axis."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def _entropy(probabilities: Scores) -> Scores:
    return np.asarray(-(probabilities * np.log(np.maximum(probabilities, 1e-12))).sum(axis=-1))
