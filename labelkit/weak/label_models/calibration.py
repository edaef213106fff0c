"""Confidence that means what it says: how often functions agree tells how often they are right."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.stats.blocks import row_blocks

Array = npt.NDArray[Any]

PAIRS = 100.0  # pairs of votes after which agreement counts as much as the model's own belief
FEWEST_GOLD = 20
GOLD = 50.0


def steadied(
    scores: Array, where: Any, function: Array, code: Array, weight: Array, gold: Array | None
) -> Array:
    """Return probabilities whose mean confidence lies near the accuracy that can be expected.

    `scores` are log probabilities, rows × classes; the result takes their place. The order of the
    classes in a row stays.
    """
    believed = float(np.average(np.exp(scores.max(axis=1)), weights=weight))
    single, pairs = accuracy_of_votes(where, function, code, weight, scores.shape[1])
    share = 0.5 * pairs / (pairs + PAIRS)
    expected = (1 - share) * believed + share * single
    if gold is not None and (gold >= 0).sum() >= FEWEST_GOLD:
        known = np.flatnonzero(gold >= 0)
        right = float((scores[known].argmax(axis=1) == gold[known]).mean())
        expected = (GOLD * expected + len(known) * right) / (GOLD + len(known))
    return _with_mean(scores, expected, weight)


def accuracy_of_votes(
    where: Any, function: Array, code: Array, weight: Array, n_classes: int
) -> tuple[float, float]:
    """Return the accuracy of one vote by agreement beyond chance, and on how many pairs it stands.

    Two independent votes that are right with probability a agree, beyond what their class shares
    give, as the square of a's own lead over chance. Near doubles of a function are left out.
    """
    from scipy import sparse

    together = (where.T @ sparse.diags(weight.astype(float)) @ where).tocoo()
    votes = together.diagonal()
    one, other, both = together.row, together.col, together.data
    alike = code[one] == code[other]
    doubled = alike & (both > 0.9 * np.minimum(votes[one], votes[other]))
    usable = function[one] != function[other]
    doubles = float((votes[one] * votes[other])[usable & doubled].sum())
    usable &= ~doubled
    pairs = float(both[usable].sum()) / 2
    if not pairs:
        return 1 / n_classes, 0.0
    agreed = float(both[usable & alike].sum()) / 2 / pairs
    # All pairs of votes of two functions: those on no row in common as well.
    of_function, of_class = np.bincount(function, votes), np.bincount(code, votes)
    every = float(votes.sum() ** 2 - (of_function**2).sum()) - doubles
    same = float((of_class**2).sum() - (votes**2).sum()) - doubles
    chance = same / max(every, 1e-300)
    beyond = min(max((agreed - chance) / max(1 - chance, 1e-9), 0.0), 1.0)
    return 1 / n_classes + (1 - 1 / n_classes) * beyond**0.5, pairs


def _with_mean(scores: Array, wanted: float, weight: Array) -> Array:
    low, high = -2.0, 3.0  # of the logarithm of the temperature
    scores -= scores.max(axis=1, keepdims=True)
    middle = 0.0
    for _ in range(30):
        middle = (low + high) / 2
        if float(np.average(_highest(scores, float(np.exp(middle))), weights=weight)) > wanted:
            low = middle
        else:
            high = middle
    for part in row_blocks(*scores.shape):
        odds = np.exp(scores[part] / float(np.exp(middle)))
        scores[part] = odds / odds.sum(axis=1, keepdims=True)
    return scores


def _highest(scores: Array, temperature: float) -> Array:
    """Return each row's highest probability at a temperature; the highest score of a row is 0."""
    found = np.empty(len(scores))
    for part in row_blocks(*scores.shape):
        found[part] = 1 / np.exp(scores[part] / temperature).sum(axis=1)
    return found
