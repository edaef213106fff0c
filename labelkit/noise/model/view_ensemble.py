"""Probabilities that judge each label, of several views together, learned from twice.

The second time a row counts as much as its label is likely right by the first. The mean of both
rounds is taken: the second is better where labels are bad, the first where they are good. Views
that help to tell the labels count more.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.ml import classifier
from labelkit.noise.model import noise_model
from labelkit.noise.model.views import Labels, View
from labelkit.stats.blocks import number_type, row_blocks

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

FOLDS = 5
LEAST_WEIGHT = 0.01


class Opinion(NamedTuple):
    """What one view says: probabilities, rows x classes."""

    name: str
    probabilities: npt.NDArray[np.floating[Any]]


def judge(
    views: Sequence[View], given: Codes, groups: Codes, n_classes: int, seed: int
) -> tuple[Floats, list[Opinion]]:
    """Return out-of-fold probabilities, rows x classes, and what each view says."""
    folds = classifier.assign_folds(given, groups, FOLDS, seed).astype(np.int64)
    weights = np.ones(len(given))
    size = (len(given), n_classes)
    # Of a large table three decimals of a probability are enough of what each view says alone.
    small = np.float32 if number_type(*size) == np.float64 else np.float16
    said = [np.zeros(size, dtype=small) for _ in views]
    with console.progress("judge", 2 * len(views)) as advance:
        for last in (False, True):
            for view, opinion in zip(views, said, strict=True):
                for rows, found in view.judge(Labels(given, weights, folds, n_classes)):
                    opinion[rows] += (found / 2).astype(small)
                    del found  # before the next is learned
                advance()
            if not last:
                weights = _right(given, said)
    together = (
        noise_model.blend(given, said) if len(views) > 1 else said[0].astype(number_type(*size))
    )
    return together, [Opinion(view.name, each) for view, each in zip(views, said, strict=True)]


def _right(given: Codes, halves: Sequence[npt.NDArray[np.floating[Any]]]) -> Floats:
    """Return how likely each label is right by the mean of the views, of which halves are given."""
    probabilities = np.empty(halves[0].shape, dtype=number_type(*halves[0].shape))
    for part in row_blocks(*probabilities.shape):
        own = [half[part].astype(probabilities.dtype) for half in halves]
        probabilities[part] = sum(own) * (2 / len(own))
    strength = noise_model.OF_VIEWS if len(halves) > 1 else noise_model.ANY
    best = noise_model.fit(given, probabilities, 0, strength).best
    return np.maximum(best.right(given, probabilities), LEAST_WEIGHT)
