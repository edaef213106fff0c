"""Labels of several people to the same items: a consensus, how good each person is, agreement.

The model is Dawid and Skene's (1979): each person has a confusion matrix, which class they say
when another is true. Three changes keep it honest: each person's matrix is shrunk towards that of
all people together, a label that stands alone judges nobody, and the probabilities are tempered
as far as it makes each label likelier by the others of its item (people err on the same items).
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.stats.metrics import Figure, Interval, wilson

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

SHRINK = 4.0  # labels that the matrix of all people stands for, for each true class of a person
STEADY = 2.0  # labels that "mostly right" stands for, in the matrix of all people
ROUNDS = 200
FLATTEST = 0.2  # probabilities are raised to a power between this and 1
RESAMPLES = 1_000


class Votes(NamedTuple):
    """Who said what of which item: three arrays of one length, codes from 0.

    A pair of item and annotator stands once.
    """

    item: Codes
    annotator: Codes
    label: Codes
    items: int
    annotators: int
    classes: int


class Consensus(NamedTuple):
    """What the people together say, and how far each is to be trusted.

    `probabilities` items x classes (the class shares where nobody voted), `by_others` the same of
    each vote's item without that vote (votes x classes), `said_when_true` annotators x true class
    x said class, `shares` the estimated share of each class.
    """

    probabilities: Floats
    by_others: Floats
    said_when_true: Floats
    shares: Floats

    @property
    def accuracy(self) -> Floats:
        """How often each annotator is right, on items of the usual class shares."""
        right = np.diagonal(self.said_when_true, axis1=1, axis2=2)
        accuracy: Floats = right @ self.shares
        return accuracy


def consensus(votes: Votes) -> Consensus:
    """Return the most likely truth behind the votes, by expectation maximisation."""
    said = np.eye(votes.classes)[votes.label]
    believed = _by_majority(votes)
    for _ in range(ROUNDS):
        matrices, shares = _judged(votes, said, believed)
        now = _normal(_scores(votes, matrices, shares))
        moved = float(np.abs(now - believed).max(initial=0.0))
        believed = now
        if moved < 1e-6:
            break
    matrices, shares = _judged(votes, said, believed)
    scores = _scores(votes, matrices, shares)
    own = matrices[votes.annotator, :, votes.label]
    others = scores[votes.item] - np.log(own)
    power = _power(others, own, _stands_alone(votes))
    return Consensus(_normal(power * scores), _normal(power * others), matrices, shares)


def agreement_of_each(votes: Votes, found: Consensus) -> list[Figure]:
    """Return how often each annotator agrees with the consensus of the others, with an interval.

    Only items that somebody else labelled too count; NaN with (0, 1) where there is none.
    """
    right = (found.by_others.argmax(axis=1) == votes.label) & ~_stands_alone(votes)
    rights = np.bincount(votes.annotator, right, votes.annotators)
    counts = np.bincount(votes.annotator, ~_stands_alone(votes), votes.annotators)
    return [
        Figure(r / n if n else float("nan"), *wilson(r, n))
        for r, n in zip(rights.tolist(), counts.tolist(), strict=True)
    ]


def alpha(votes: Votes, ordinal: bool = False) -> float:
    """Return Krippendorff's alpha: 1 is perfect agreement, 0 is chance.

    For names, or for classes in an order (`ordinal`). NaN where no item has two labels, 1 where
    only one class was ever said. Source: Krippendorff, Content Analysis (2004), chapter 11.
    """
    patterns, repeats = _patterns(votes)
    return float(_alpha(_coincidences(patterns), repeats[None], ordinal)[0])


def alpha_interval(votes: Votes, ordinal: bool = False, seed: int = 0) -> Interval:
    """Return the 95 % percentile interval of alpha, items drawn again with replacement."""
    patterns, repeats = _patterns(votes)
    total = int(repeats.sum())
    if not total:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(seed).multinomial(total, repeats / total, size=RESAMPLES)
    values = _alpha(_coincidences(patterns), drawn.astype(float), ordinal)
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def _by_majority(votes: Votes) -> Floats:
    counts = np.zeros((votes.items, votes.classes))
    np.add.at(counts, (votes.item, votes.label), 1.0)
    overall = counts.sum(axis=0) + 1.0
    empty = counts.sum(axis=1) == 0
    counts[empty] = overall
    shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares


def _judged(votes: Votes, said: Floats, believed: Floats) -> tuple[Floats, Floats]:
    """Return each person's matrix and the class shares, given what is believed of the items."""
    k = votes.classes
    shares = believed[np.unique(votes.item)].sum(axis=0) + 1.0
    shares /= shares.sum()
    truth = believed[votes.item] * ~_stands_alone(votes)[:, None]
    counts = np.zeros((votes.annotators, k, k))
    for code in range(k):  # the votes for one class, added up by annotator
        mine = votes.label == code
        for true in range(k):
            counts[:, true, code] = np.bincount(
                votes.annotator[mine], truth[mine, true], votes.annotators
            )
    mostly = np.full((k, k), 0.3 / max(k - 1, 1))
    np.fill_diagonal(mostly, 0.7)
    pooled = counts.sum(axis=0) + STEADY * mostly
    pooled /= pooled.sum(axis=1, keepdims=True)
    matrices = counts + SHRINK * pooled
    return matrices / matrices.sum(axis=2, keepdims=True), shares


def _stands_alone(votes: Votes) -> npt.NDArray[np.bool_]:
    """Return which votes are the only one of their item."""
    alone: npt.NDArray[np.bool_] = np.bincount(votes.item, minlength=votes.items)[votes.item] < 2
    return alone


def _scores(votes: Votes, matrices: Floats, shares: Floats) -> Floats:
    """Return log probabilities of each item's classes, not scaled."""
    scores = np.tile(np.log(shares), (votes.items, 1))
    np.add.at(scores, votes.item, np.log(matrices[votes.annotator, :, votes.label]))
    return scores


def _power(others: Floats, own: Floats, alone: npt.NDArray[np.bool_]) -> float:
    """Return the power of the probabilities at which the votes foretell each other best."""
    from scipy.optimize import minimize_scalar

    if alone.all():
        return 1.0

    def loss(power: float) -> float:
        foretold = (_normal(power * others[~alone]) * own[~alone]).sum(axis=1)
        return float(-np.log(foretold).mean())

    return float(minimize_scalar(loss, bounds=(FLATTEST, 1.0), method="bounded").x)


def _normal(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def _patterns(votes: Votes) -> tuple[Floats, Floats]:
    """Return the different rows of counts (how often each class was said) and how many items each.

    Items with fewer than two labels say nothing about agreement.
    """
    counts = np.zeros((votes.items, votes.classes))
    np.add.at(counts, (votes.item, votes.label), 1.0)
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return counts, np.zeros(0)
    patterns, repeats = np.unique(counts, axis=0, return_counts=True)
    return patterns, repeats.astype(float)


def _coincidences(patterns: Floats) -> Floats:
    """Return pairs of values within each pattern, patterns x k x k, as Krippendorff counts them."""
    pairs = patterns[:, :, None] * patterns[:, None]
    k = patterns.shape[1]
    pairs[:, np.arange(k), np.arange(k)] -= patterns
    found: Floats = pairs / (patterns.sum(axis=1) - 1)[:, None, None]
    return found


def _alpha(coincidences: Floats, repeats: Floats, ordinal: bool) -> Floats:
    """Return alpha of each row of `repeats` (draws x patterns)."""
    k = coincidences.shape[-1]
    seen = np.tensordot(repeats, coincidences, axes=1)
    values = seen.sum(axis=2)
    total = values.sum(axis=1)
    apart = np.broadcast_to(1.0 - np.eye(k), seen.shape)
    if ordinal:
        upto = np.cumsum(values, axis=1) - values / 2
        apart = (upto[:, :, None] - upto[:, None]) ** 2
    observed = (seen * apart).sum(axis=(1, 2))
    expected = (values[:, :, None] * values[:, None] * apart).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(expected > 0, 1 - (total - 1) * observed / expected, 1.0)
    return np.where(total > 0, found, np.nan)
