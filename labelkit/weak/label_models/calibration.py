"""Confidence that means what it says: how often functions agree tells how often they are right."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

PAIRS = 100.0  # pairs of votes after which agreement counts as much as the model's own belief
FEWEST_GOLD = 20
GOLD = 50.0


def steadied(
    scores: Array, where: Any, function: Array, code: Array, weight: Array, gold: Array | None
) -> Array:
    """Return probabilities whose mean confidence lies near the accuracy that can be expected.

    `scores` are log probabilities, rows × classes. The order of the classes in a row stays.
    """
    given = np.exp(scores)
    believed = float(np.average(given.max(axis=1), weights=weight))
    single, pairs = accuracy_of_votes(where, function, code, weight, scores.shape[1])
    share = 0.5 * pairs / (pairs + PAIRS)
    expected = (1 - share) * believed + share * single
    if gold is not None and (gold >= 0).sum() >= FEWEST_GOLD:
        known = np.flatnonzero(gold >= 0)
        right = float((given[known].argmax(axis=1) == gold[known]).mean())
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

    together = (where.T @ sparse.diags(weight) @ where).toarray()
    votes = together.diagonal()
    alike = code[:, None] == code[None]
    doubled = alike & (together > 0.9 * np.minimum(votes[:, None], votes[None]))
    usable = (function[:, None] != function[None]) & ~doubled
    pairs = float((together * usable).sum()) / 2
    if not pairs:
        return 1 / n_classes, 0.0
    agreed = float((together * usable * alike).sum()) / 2 / pairs
    product = np.outer(votes, votes) * usable
    chance = float((product * alike).sum() / max(product.sum(), 1e-300))
    beyond = min(max((agreed - chance) / max(1 - chance, 1e-9), 0.0), 1.0)
    return 1 / n_classes + (1 - 1 / n_classes) * beyond**0.5, pairs


def _with_mean(scores: Array, wanted: float, weight: Array) -> Array:
    low, high = -2.0, 3.0  # of the logarithm of the temperature
    found = np.exp(scores)
    for _ in range(30):
        middle = (low + high) / 2
        found = _tempered(scores, float(np.exp(middle)))
        if float(np.average(found.max(axis=1), weights=weight)) > wanted:
            low = middle
        else:
            high = middle
    return found


def _tempered(scores: Array, temperature: float) -> Array:
    odds = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
