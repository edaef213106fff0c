"""How far votes and text are trusted, and which classes are too rare, by people's labels.

A few weights alone are learned, held near what is used without labels, so that some fifty labels
help and a handful do no harm.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

FEWEST = 10
TRUST_MOVES = 0.5  # standard deviations of what the weights may turn out to be
CLASSES_MOVE = 1.0


def fit(parts: list[Array], usual: list[float], gold: Array) -> tuple[Array, Array]:
    """Return a weight for each of `parts` (rows × classes), and an offset for each class.

    Weights near `usual` with which the weighted sum makes the codes in `gold` likely.
    """
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    truth = np.eye(parts[0].shape[1])[gold]
    start = np.concatenate([usual, np.zeros(truth.shape[1])])
    spread = np.where(np.arange(len(start)) < len(parts), TRUST_MOVES, CLASSES_MOVE)

    def loss(weights: Array) -> tuple[float, Array]:
        scores = sum(w * part for w, part in zip(weights, parts, strict=False))
        scores = scores + weights[len(parts) :]
        total = logsumexp(scores, axis=1, keepdims=True)
        miss = np.exp(scores - total) - truth
        away = (weights - start) / spread
        value = float((total[:, 0] - (scores * truth).sum(axis=1)).sum() + (away**2).sum() / 2)
        slope = [*((miss * part).sum() for part in parts), *miss.sum(axis=0)]
        return value, np.asarray(slope) + away / spread

    bounds = [(0.1, 2.0)] * len(parts) + [(-3.0, 3.0)] * truth.shape[1]
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return best[: len(parts)], best[len(parts) :]
