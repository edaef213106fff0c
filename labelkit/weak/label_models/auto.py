"""The default: functions weighted by what they are worth, unless the plain vote is safer."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.stats.blocks import row_blocks
from labelkit.weak.label_models import majority, majority_fallback, vote_evidence
from labelkit.weak.label_models.calibration import steadied

Array = npt.NDArray[Any]

FAR = 0.3  # in total variation: the share of the rows that moved to another class
SWALLOWED = 0.98


def combine(
    votes: Array,
    n_classes: int,
    prior: Array | None = None,
    gold: Array | None = None,
    seed: int = 0,
    counts: Array | None = None,
    said: Array | None = None,
    judged: Array | None = None,
) -> Array:
    """Return rows × classes: the probabilities of `dawid-skene`, or of the majority vote.

    The majority vote, with calibrated confidence and a warning, where the model's classes are far
    from the vote's, one class swallows the others, people's labels speak for the vote, or the
    model says something else of each half of the rows. Arguments as in `dawid_skene.combine`.
    """
    weight = np.ones(len(votes)) if counts is None else np.asarray(counts, dtype=float)

    def model(weight: Array, gold: Array | None) -> Array:
        return vote_evidence.combine(votes, n_classes, prior, gold, seed, weight, said, judged)

    found = model(weight, gold)
    if n_classes < 2:
        return found
    plain = majority.tally(votes, n_classes)
    reason = (
        collapse(found, plain, weight, prior is not None or gold is not None)
        or (majority_fallback.worse(model, plain, weight, gold) if gold is not None else "")
        or majority_fallback.unstable(model, found, plain, weight, gold, seed)
    )
    if not reason:
        return found
    warnings.warn(f"{reason}: majority vote is used", UserWarning, stacklevel=2)
    voted = (votes >= 0).any(axis=1)
    symbols = vote_evidence.symbols_of(votes, n_classes)
    scores = majority.combine(votes, n_classes)
    for part in row_blocks(*scores.shape):
        scores[part] = vote_evidence.normal(np.log(scores[part] + vote_evidence.SMALL))
    known = None if gold is None else np.where(voted, gold, -1)
    found = steadied(scores, *symbols[:3], weight * voted, known)
    found[~voted] = 0
    return found


def collapse(found: Array, plain: Any, weight: Array, moved_on_purpose: bool) -> str:
    """Return why the model's labels are not to be trusted beside the vote's, or an empty string."""
    shares, before = _shares(found, weight), _shares(plain, weight)
    if shares.max(initial=0) > SWALLOWED and before.max() < 0.9 * SWALLOWED:
        return "the label model gives one class to almost all rows"
    distance = float(np.abs(shares - before).sum()) / 2
    if distance > FAR and not moved_on_purpose:
        return f"the label model moves {distance:.0%} of the rows to other classes than the vote"
    return ""


def _shares(probabilities: Any, weight: Array) -> Array:
    """Return the share of each class among the labels; a tie is shared by the tied classes."""
    total = np.zeros(probabilities.shape[1])
    for rows, part in majority_fallback.dense_blocks(probabilities):
        high = part.max(axis=1, keepdims=True)
        top = (part >= high - 1e-9) & (high > 0)
        total += (weight[rows] / np.maximum(top.sum(axis=1), 1)) @ top
    return np.asarray(total / max(total.sum(), 1e-300))
