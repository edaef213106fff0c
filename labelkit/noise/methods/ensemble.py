"""How likely each label is right, given what a model says and how labels go wrong.

`given` holds class codes 0..k-1 (rows), `probabilities` is rows x k from models that did not see
the row. Returns `quality` (calibrated: of labels with 0.2 about one in five is right) and `flag`,
the labels whose review pays most: flags with the highest expected F1.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.noise import mixture

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEAST_CHANCE = 0.2  # of being wrong, for a flag
DISPUTED = (0.05, 0.2)  # share of labels that the model disagrees with
FEWEST = 200  # labels to tell hard rows by
HARDLY_ANY = 0.15  # of the disputed labels are errors


def judge(given: Codes, probabilities: Floats) -> tuple[Floats, Flags]:
    """Return quality and flag."""
    fitted = mixture.fit(given, probabilities, draws=0).best
    truth = fitted.truth(given, probabilities)
    quality = np.clip(truth[np.arange(len(given)), given], 0.0, 1.0)
    flag = mixture.most_f1(quality) & (quality < 1 - LEAST_CHANCE)
    return quality, flag | _hard_rows(given, probabilities, quality)


def _hard_rows(given: Codes, probabilities: Floats, quality: Floats) -> Flags:
    """Return the labels that a good model disputes, where it cannot tell errors from hard rows.

    People err most on hard rows. From the labels alone such errors look like rows that are hard
    for the model: it disputes one label in ten, say, and yet hardly any beyond doubt.
    """
    disputed = probabilities.argmax(axis=1) != given
    low, high = DISPUTED
    explained = float((1 - quality).sum()) >= HARDLY_ANY * disputed.sum()
    if len(given) < FEWEST or explained or not low <= disputed.mean() <= high:
        return np.zeros(len(given), dtype=bool)
    return np.asarray(disputed)
