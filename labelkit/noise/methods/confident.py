"""Confident learning in one pass over the rows: the flags of cleanlab's filter, in less memory.

Source: Northcutt, Jiang and Chuang, JAIR 2021; the flags equal those of cleanlab's
`find_label_issues(filter_by="confident_learning")`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.noise.methods.cleanlab import quality

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

CHUNK = 20_000
SLACK = 1e-6  # of comparisons, as cleanlab has it


def judge(given: Codes, probabilities: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Flag labels where another class passes its own mean confidence and beats the given one."""
    return quality(given, probabilities), flags(given, probabilities)


def flags(given: Codes, probabilities: Floats) -> npt.NDArray[np.bool_]:
    """Return the flags alone."""
    n = len(probabilities)
    thresholds = mean_confidence(given, probabilities) - SLACK
    flag = np.zeros(n, dtype=bool)
    for start in range(0, n, CHUNK):
        part = probabilities[start : start + CHUNK]
        labels = np.asarray(given[start : start + CHUNK])
        confident = part >= thresholds
        number = confident.sum(axis=1)
        top = part.argmax(axis=1)
        guess = np.where(number > 1, top, confident.argmax(axis=1))
        rows = np.arange(len(part))
        beaten = part[rows, labels] + SLACK < part[rows, top]
        flag[start : start + CHUNK] = (number > 0) & (guess != labels) & beaten
    return flag


def mean_confidence(given: Codes, probabilities: Floats) -> Floats:
    """Return each class's mean probability over the rows labelled so; above 1 for no rows."""
    n, k = probabilities.shape
    own = probabilities[np.arange(n), given]
    counts = np.bincount(given, minlength=k)
    sums = np.bincount(given, weights=own, minlength=k)
    return np.where(counts > 0, np.maximum(sums / np.maximum(counts, 1), 1e-300), 2.0)
