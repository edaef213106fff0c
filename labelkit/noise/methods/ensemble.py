"""Quality and flags from what each row is believed to be, its label and the mistakes known.

`given` holds class codes 0..k-1 (rows), `believed` is rows x k, probabilities of the true class.
Returns `quality` (calibrated: of labels with 0.2 about one in five is right) and `flag`, the labels
whose review pays most: flags with the highest expected F1.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.noise.model import noise_model

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

LEAST_CHANCE = 0.2  # of being wrong, for a flag


def judge(given: Codes, believed: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return quality and flag."""
    return verdict(believed[np.arange(len(given)), given])


def verdict(right: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return quality and flag by how likely each label is right."""
    quality = np.clip(right, 0.0, 1.0)
    return quality, noise_model.most_f1(quality) & (quality < 1 - LEAST_CHANCE)
