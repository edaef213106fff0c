"""A classifier from hard or soft labels, with what can honestly be said about it."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import classifier, measure

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

SMALLEST_SHARE = 0.01
FEWEST_TO_CALIBRATE = 50


class Examples(NamedTuple):
    """Rows of a matrix (one may stand several times), a class code each, and weights or None."""

    rows: Codes
    codes: Codes
    weights: Floats | None


class Learned(NamedTuple):
    """The fitted model, facts for its card, its temperature and its out-of-fold accuracy."""

    model: Any
    facts: dict[str, Any]
    temperature: float
    out_of_fold: measure.Figure


def examples(codes: Codes, soft: Floats | None) -> Examples:
    """Return what to learn from: rows with a code, and soft rows where there is none.

    `codes` is -1 without a hard label; `soft` holds probabilities (rows x classes), NaN where a
    row has none. A soft row stands once for each class of at least 1 %, weighted by it.
    """
    hard = np.flatnonzero(codes >= 0)
    if soft is None:
        return Examples(hard, codes[hard], None)
    share = np.where((codes < 0)[:, None] & (soft >= SMALLEST_SHARE), soft, 0.0)
    rows, classes = np.nonzero(share)
    together = np.concatenate([hard, rows])
    order = np.argsort(together, kind="stable")
    weights = np.concatenate([np.ones(len(hard)), share[rows, classes]])
    return Examples(together[order], np.concatenate([codes[hard], classes])[order], weights[order])


def learn(
    matrix: Any, told: Examples, groups: Codes, n_classes: int, kind: str = "auto", seed: int = 0
) -> Learned:
    """Fit a classifier on the examples; `matrix` and `groups` have a row for each row of the table.

    The out-of-fold accuracy compares with the labels that it learned from: it is biased, wrong
    labels among them included. Raises UsageError without examples.
    """
    inputs, group = matrix[told.rows], groups[told.rows]
    recipe, facts = classifier.select(
        inputs, told.codes, n_classes, kind, seed, told.weights, group
    )
    model = classifier.fit(inputs, told.codes, recipe, seed, told.weights)
    if facts["classes_seen"] == 1:
        facts["classifier"] = "constant (only one class has labels)"
    found = classifier.out_of_fold(
        inputs, told.codes, group, n_classes, kind=recipe, seed=seed, sample_weight=told.weights
    )
    heaviest = _heaviest(told)
    truth, unseen = told.codes[heaviest], found[heaviest]
    enough = len(truth) >= FEWEST_TO_CALIBRATE and facts["classes_seen"] > 1
    temperature = classifier.temperature_of(unseen, truth) if enough else 1.0
    facts["rows"] = len(heaviest)
    return Learned(
        model, facts, round(temperature, 6), measure.accuracy(truth, unseen.argmax(axis=1))
    )


def predict(model: Any, matrix: Any, n_classes: int, temperature: float) -> Floats:
    """Return calibrated probabilities, rows x classes."""
    found = classifier.probabilities(model, matrix, n_classes)
    return found if temperature == 1.0 else classifier.tempered(found, temperature)


def _heaviest(told: Examples) -> Codes:
    """Return for each row of the table the place of its example with the largest weight."""
    if told.weights is None:
        return np.arange(len(told.rows))
    order = np.lexsort((-told.weights, told.rows))
    _, first = np.unique(told.rows[order], return_index=True)
    heaviest: Codes = order[first]
    return heaviest
