"""How sure a model may be where some of the labels it is compared with are wrong.

Labels left out because they look wrong make the rest look easier than rows are: compared on the
rest alone, too little shrinkage wins and the model is too sure of itself. So all labels count, and
one that the model misses may be an error, at a rate that is found along with the temperature.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.ml import classifier

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

TEMPERATURES = np.exp(np.linspace(-1.5, 2.0, 36))
RATES = np.array([0.001, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4])
_USUAL = (0.1, 1.5)  # a weak prior: the rate's odds are within a factor of 4.5 of 1 in 10


class Surety(NamedTuple):
    """The best temperature, the share of wrong labels beside it, and the loss with both."""

    temperature: float
    rate: float
    loss: float


def fit(found: Floats, given: Codes) -> Surety:
    """Return what foretells the given labels best from probabilities (rows x classes).

    They must come from models that did not see the rows. An error is any other class, all alike.
    """
    k = found.shape[1]
    odds = np.log(RATES / (1 - RATES))
    usual, spread = np.log(_USUAL[0] / (1 - _USUAL[0])), _USUAL[1]
    prior = (odds - usual) ** 2 / (2 * spread**2)
    best = Surety(1.0, 0.0, np.inf)
    for temperature in TEMPERATURES:
        own = classifier.tempered(found, float(temperature))[np.arange(len(given)), given]
        likely = (1 - RATES) * own[:, None] + RATES * (1 - own)[:, None] / max(k - 1, 1)
        losses = (prior - np.log(np.maximum(likely, 1e-12)).sum(axis=0)) / len(given)
        place = int(losses.argmin())
        if losses[place] < best.loss - 1e-12:
            best = Surety(float(temperature), float(RATES[place]), float(losses[place]))
    return best
