"""Labels that settled views dispute, where errors of people cannot be told from hard rows.

People err most on hard rows. From the labels alone such errors look like rows that are hard for
the model: it disputes one label in ten, say, and yet hardly any beyond doubt. Where the views,
which err on different rows, mostly stand together against a label, it is worth a look; where they
disagree among themselves, they only know too little.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.noise.model.view_ensemble import Opinion

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

SHARE = (0.05, 0.2)  # of labels that the model disagrees with
FEWEST = 200  # labels to tell hard rows by
HARDLY_ANY = 0.15  # of the disputed labels are errors
TOGETHER = 1 / 3  # of the disputed labels, all views say the same other class


def find(
    given: Codes, probabilities: Floats, opinions: Sequence[Opinion], quality: Floats
) -> npt.NDArray[np.bool_]:
    """Return the labels to flag for being disputed: none, where errors stand out by themselves."""
    said = probabilities.argmax(axis=1)
    disputed: npt.NDArray[np.bool_] = said != given
    low, high = SHARE
    explained = float((1 - quality).sum()) >= HARDLY_ANY * disputed.sum()
    if len(given) < FEWEST or explained or not low <= disputed.mean() <= high:
        return np.zeros(len(given), dtype=bool)
    together = np.ones(int(disputed.sum()), dtype=bool)
    for opinion in opinions:
        together &= opinion.probabilities[disputed].argmax(axis=1) == said[disputed]
    if len(opinions) < 2 or together.mean() < TOGETHER:
        return np.zeros(len(given), dtype=bool)
    return disputed
