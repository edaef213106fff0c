"""From the confidence that a model gives to how often it is right: learned on known rows.

Pure functions. A known row is never judged by an equation that saw it, nor its duplicate: also
the choice between the equations is made without it.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from labelkit.ml.classifier import assign_folds
from labelkit.stats.threads import one_thread

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Curve = Callable[[Floats], Floats]

FEWEST, FOLDS = 20, 5
FEWEST_FOR_ISOTONIC = 100
# How firmly temperature and offset hold to 1 and 0 where known rows are few: the inverse variance.
PULL = 1.0
AS_GIVEN, ISOTONIC = "as the model gives it", "isotonic regression"


def calibrated(
    confidence: Floats, right: Mask, known: Mask, groups: NDArray[np.int64]
) -> tuple[Floats, str]:
    """Return the confidence of each row as a probability of being right, and what was used.

    `right` counts where `known`; rows of one group are judged together by what the others say.
    Rows without a confidence (NaN) stay so. With fewer than FEWEST known rows nothing changes.
    """
    places = np.flatnonzero(known & np.isfinite(confidence))
    if len(places) < FEWEST:
        return confidence, AS_GIVEN
    with one_thread():  # fits of two parameters: threads would only wait for each other
        return _cross_fitted(confidence, right, known, groups, places)


def _cross_fitted(
    confidence: Floats,
    right: Mask,
    known: Mask,
    groups: NDArray[np.int64],
    places: NDArray[np.int64],
) -> tuple[Floats, str]:
    found = confidence.copy()
    others = np.isfinite(confidence) & ~known
    name, curve = _chosen(confidence[places], right[places], groups[places])
    found[others] = curve(confidence[others])
    fold = assign_folds(np.zeros(len(places), np.int64), groups[places], FOLDS)
    for number in np.unique(fold):
        held, rest = places[fold == number], places[fold != number]
        if len(rest):
            _, without = _chosen(confidence[rest], right[rest], groups[rest])
            found[held] = without(confidence[held])
    return found, name


def _chosen(confidence: Floats, right: Mask, groups: NDArray[np.int64]) -> tuple[str, Curve]:
    """Return the way with the lowest cross-validated log loss; the simplest among equals."""
    fold = assign_folds(np.zeros(len(right), np.int64), groups, FOLDS)
    losses = {}
    for name, fit in _WAYS.items():
        if name == ISOTONIC and len(right) < FEWEST_FOR_ISOTONIC:
            continue
        said = np.empty(len(right))
        for number in np.unique(fold):
            held = fold == number
            said[held] = fit(confidence[~held], right[~held])(confidence[held])
        losses[name] = _log_loss(said, right)
    best = min(losses, key=lambda name: round(losses[name], 9))
    return best, _WAYS[best](confidence, right)


def _log_loss(said: Floats, right: Mask) -> float:
    clipped = np.clip(said, 1e-3, 1 - 1e-3)
    return float(-np.where(right, np.log(clipped), np.log(1 - clipped)).mean())


def _as_given(confidence: Floats, right: Mask) -> Curve:
    return lambda others: others


def _tempered(confidence: Floats, right: Mask) -> Curve:
    return _logistic(confidence, right, ("scale",))


def _scaled(confidence: Floats, right: Mask) -> Curve:
    return _logistic(confidence, right, ("scale", "offset"))


def _logistic(confidence: Floats, right: Mask, free: Sequence[str]) -> Curve:
    """Fit P(right) = sigmoid(scale * logit(confidence) + offset), pulled towards no change."""
    from scipy.optimize import minimize
    from scipy.special import expit

    logits, truth = _logit(confidence), right.astype(float)

    def loss(given: Floats) -> tuple[float, Floats]:
        parameters = dict(zip(free, given, strict=True))
        scale, offset = parameters["scale"], parameters.get("offset", 0.0)
        raised = scale * logits + offset
        pulled = 0.5 * PULL * ((scale - 1) ** 2 + offset**2)
        gap = expit(raised) - truth
        slope = [(gap * logits).sum() + PULL * (scale - 1), gap.sum() + PULL * offset]
        value = np.logaddexp(0, raised).sum() - (truth * raised).sum() + pulled
        return float(value), np.array(slope[: len(free)])

    start = np.array([1.0, 0.0][: len(free)])
    bounds = [(0.0, 20.0), (-20.0, 20.0)][: len(free)]
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    offset = float(best[1]) if len(free) > 1 else 0.0
    return lambda others: np.asarray(expit(float(best[0]) * _logit(others) + offset))


def _isotonic(confidence: Floats, right: Mask) -> Curve:
    """Fit a rising step curve; never surer than the known rows allow."""
    from sklearn.isotonic import IsotonicRegression

    least = 1 / (len(right) + 2)
    model = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    model.fit(confidence, right.astype(float))
    return lambda others: np.asarray(model.predict(others) if len(others) else others)


def _logit(confidence: Floats) -> Floats:
    clipped = np.clip(confidence, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(clipped / (1 - clipped)))


# The simplest first: it wins a tie.
_WAYS: dict[str, Callable[[Floats, Mask], Curve]] = {
    AS_GIVEN: _as_given,
    "a temperature": _tempered,
    "a temperature and an offset": _scaled,
    ISOTONIC: _isotonic,
}
