"""Labels of several people to the same items: a consensus, how good each person is, agreement.

The model is Dawid and Skene's (1979): each person has a confusion matrix, which class they say
when another is true. Three changes keep it honest: each person's matrix is shrunk towards that of
all people together, a label that stands alone judges nobody, and the probabilities are tempered
as far as it makes each label likelier by the others of its item (people err on the same items).
"""

from collections import Counter
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.stats.blocks import number_type, row_blocks
from labelkit.stats.metrics import Figure, Interval, wilson
from labelkit.stats.sampling import some_rows

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

SHRINK = 4.0  # labels that the matrix of all people stands for, for each true class of a person
STEADY = 2.0  # labels that "mostly right" stands for, in the matrix of all people
ROUNDS, ROUNDS_OF_MANY = 200, 40
FLATTEST = 0.2  # probabilities are raised to a power between this and 1
RESAMPLES = 1_000
MOST_FOR_POWER = 20_000_000  # cells


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

    `probabilities` items x classes (the class shares where nobody voted), `by_others` the
    likeliest class of each vote's item without that vote, `shares` the estimated share of each
    class.
    """

    probabilities: npt.NDArray[np.floating[Any]]
    by_others: npt.NDArray[np.int64]
    shares: Floats
    people: "_People"

    def said_when_true(self, annotator: int) -> Floats:
        """Return what an annotator says of the items of a class: true class x said class."""
        return self.people.matrix(annotator)

    @property
    def accuracy(self) -> Floats:
        """How often each annotator is right, on items of the usual class shares."""
        return np.asarray(self.people.right() @ self.shares, dtype=np.float64)


def consensus(votes: Votes) -> Consensus:
    """Return the most likely truth behind the votes, by expectation maximisation."""
    said = _Said(votes)
    believed = _by_majority(votes, said.dtype)
    # In 32 bits the last small moves of single items are not to be had, nor waited for.
    rounds, least = (ROUNDS, 1e-6) if said.dtype == np.float64 else (ROUNDS_OF_MANY, 1e-3)
    for _ in range(rounds):
        people = _People(said, believed)
        moved = 0.0
        for items in row_blocks(votes.items, votes.classes):
            now = _normal(people.scores(items))
            moved = max(moved, float(np.abs(now - believed[items]).max(initial=0.0)))
            believed[items] = now
        if moved < least:
            break
    people = _People(said, believed)
    power = _power(said, people)
    for items in row_blocks(votes.items, votes.classes):
        believed[items] = _normal(power * people.scores(items))
    by_others = np.zeros(len(votes.item), dtype=np.int64)
    for part in row_blocks(len(votes.item), votes.classes):
        by_others[part] = people.others(part).argmax(axis=1)
    return Consensus(believed, by_others, people.shares, people)


def agreement_of_each(votes: Votes, found: Consensus) -> list[Figure]:
    """Return how often each annotator agrees with the consensus of the others, with an interval.

    Only items that somebody else labelled too count; NaN with (0, 1) where there is none.
    """
    right = (found.by_others == votes.label) & ~_stands_alone(votes)
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
    patterns = _Patterns(votes)
    return float(patterns.alpha(patterns.repeats[None], ordinal)[0])


def alpha_interval(votes: Votes, ordinal: bool = False, seed: int = 0) -> Interval:
    """Return the 95 % percentile interval of alpha, items drawn again with replacement."""
    patterns = _Patterns(votes)
    total, rng = int(patterns.repeats.sum()), np.random.default_rng(seed)
    if not total:
        return float("nan"), float("nan")
    width = max(len(patterns.repeats), votes.classes, len(patterns.first) if ordinal else 0)
    share = patterns.repeats / total
    values = [
        patterns.alpha(rng.multinomial(total, share, size=part.stop - part.start), ordinal)
        for part in row_blocks(RESAMPLES, width)
    ]
    low, high = np.nanpercentile(np.concatenate(values), [2.5, 97.5])
    return float(low), float(high)


class _Said:
    """The votes as sparse matrices: items x pairs of an annotator and a label that occur."""

    def __init__(self, votes: Votes) -> None:
        from scipy import sparse

        self.votes = votes
        keys = votes.annotator.astype(np.int64) * votes.classes + votes.label
        pairs, self.pair = np.unique(keys, return_inverse=True)
        self.annotator, self.label = pairs // votes.classes, pairs % votes.classes
        self.dtype = number_type(max(len(pairs), votes.items), votes.classes)
        self.alone = _stands_alone(votes)

        def matrix(rows: Codes, columns: Codes, shape: tuple[int, int]) -> Any:
            return sparse.csr_matrix((np.ones(len(rows), self.dtype), (rows, columns)), shape)

        n = len(pairs)
        self.by_item = matrix(votes.item, self.pair, (votes.items, n))
        judging = ~self.alone  # a label that stands alone judges nobody
        self.by_pair = matrix(self.pair[judging], votes.item[judging], (n, votes.items))
        self.by_person = matrix(self.annotator, np.arange(n), (votes.annotators, n))
        self.by_label = matrix(self.label, np.arange(n), (votes.classes, n))


class _People:
    """How each person labels, given what is believed of the items.

    `logs` pairs x true classes: the log probability that the annotator says the label; `pooled`
    said x true class, of all people together; `labelled` annotators x true class.
    """

    def __init__(self, said: _Said, believed: npt.NDArray[np.floating[Any]]) -> None:
        self.said, k = said, said.votes.classes
        voted = np.bincount(said.votes.item, minlength=said.votes.items) > 0
        shares = voted.astype(said.dtype) @ believed + 1.0
        self.shares = np.asarray(shares / shares.sum(), dtype=np.float64)
        self.logs = said.by_pair @ believed
        self.labelled = np.asarray(said.by_person @ self.logs, dtype=np.float64)
        mostly = np.full((k, k), 0.3 / max(k - 1, 1))
        np.fill_diagonal(mostly, 0.7)
        pooled = said.by_label @ self.logs + STEADY * mostly
        self.pooled = np.asarray(pooled / pooled.sum(axis=0))
        for pairs in row_blocks(len(self.logs), k):
            shrunk = self.logs[pairs] + SHRINK * self.pooled[said.label[pairs]]
            self.logs[pairs] = np.log(shrunk / (self.labelled[said.annotator[pairs]] + SHRINK))

    def scores(self, items: Any) -> npt.NDArray[np.floating[Any]]:
        """Return log probabilities of the classes of some items, not scaled."""
        found = self.said.by_item[items] @ self.logs
        found += np.log(self.shares).astype(found.dtype)
        return np.asarray(found)

    def others(self, votes: Any) -> npt.NDArray[np.floating[Any]]:
        """Return the scores of the items of some votes, without these."""
        scores = self.scores(self.said.votes.item[votes])
        return np.asarray(scores - self.logs[self.said.pair[votes]])

    def matrix(self, annotator: int) -> Floats:
        """Return the matrix of one annotator, true class x said class."""
        found = SHRINK * self.pooled / (self.labelled[annotator] + SHRINK)
        own = self.said.annotator == annotator
        found[self.said.label[own]] = np.exp(self.logs[own])
        return np.asarray(found.T)

    def right(self) -> Floats:
        """Return annotators x classes: how often each says a class where it is true."""
        found = SHRINK * np.diagonal(self.pooled) / (self.labelled + SHRINK)
        pairs = np.arange(len(self.logs))
        own = np.exp(self.logs[pairs, self.said.label])
        found[self.said.annotator, self.said.label] = own
        return np.asarray(found)


def _by_majority(votes: Votes, dtype: Any) -> npt.NDArray[np.floating[Any]]:
    counts = np.zeros((votes.items, votes.classes), dtype)
    np.add.at(counts, (votes.item, votes.label), 1.0)
    counts[np.bincount(votes.item, minlength=votes.items) == 0] = counts.sum(axis=0) + 1.0
    counts /= counts.sum(axis=1, keepdims=True)
    return counts


def _stands_alone(votes: Votes) -> npt.NDArray[np.bool_]:
    """Return which votes are the only one of their item."""
    alone: npt.NDArray[np.bool_] = np.bincount(votes.item, minlength=votes.items)[votes.item] < 2
    return alone


def _power(said: _Said, people: _People) -> float:
    """Return the power of the probabilities at which the votes foretell each other best."""
    from scipy.optimize import minimize_scalar

    judging = np.flatnonzero(~said.alone)
    if not len(judging):
        return 1.0
    most = max(1_000, MOST_FOR_POWER // said.votes.classes)
    some = some_rows(judging, most, np.random.default_rng(0))
    others, own = people.others(some), np.exp(people.logs[said.pair[some]])

    def loss(power: float) -> float:
        foretold = (_normal(power * others) * own).sum(axis=1)
        return float(-np.log(foretold).mean())

    return float(minimize_scalar(loss, bounds=(FLATTEST, 1.0), method="bounded").x)


def _normal(scores: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    """Return the probabilities of log scores, computed in place of them."""
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


class _Patterns:
    """The different sets of labels that items have, and how many items have each (`repeats`).

    Items with fewer than two labels say nothing about agreement. Of the pairs of labels that
    items hold, `first` and `second` are the classes, in a sparse patterns x pairs `together`
    their counts as Krippendorff counts them.
    """

    def __init__(self, votes: Votes) -> None:
        from scipy import sparse

        order = np.lexsort((votes.label, votes.item))
        ends = np.flatnonzero(np.diff(votes.item[order])) + 1
        # Sorted as rows of counts would be: the draws of an interval hang on the order.
        labels = (-votes.label[order]).tolist()
        starts = [0, *ends.tolist(), len(labels)]
        sets = Counter(
            (*labels[start:end], -votes.classes)
            for start, end in pairwise(starts)
            if end - start >= 2
        )
        found = sorted(sets)
        self.repeats = np.array([sets[each] for each in found], dtype=float)
        sizes = np.array([len(each) - 1 for each in found], dtype=np.int64)
        pattern = np.repeat(np.arange(len(found)), sizes)
        label = -np.array([code for each in found for code in each[:-1]], dtype=np.int64)
        shape = (len(found), votes.classes)
        self.counts = sparse.csr_matrix((np.ones(len(label)), (pattern, label)), shape)
        self.counts.sum_duplicates()
        rows, one, other, pairs = _pairs_within(self.counts)
        cells, place = np.unique(one * votes.classes + other, return_inverse=True)
        self.first, self.second = cells // votes.classes, cells % votes.classes
        shares = pairs / np.maximum(sizes - 1, 1)[rows]
        self.together = sparse.csr_matrix((shares, (rows, place)), (len(found), len(cells)))

    def alpha(self, repeats: npt.NDArray[Any], ordinal: bool) -> Floats:
        """Return alpha of each row of `repeats` (draws x patterns)."""
        values = (self.counts.T @ repeats.T).T
        total = values.sum(axis=1)
        if ordinal:
            upto = np.cumsum(values, axis=1) - values / 2
            upto -= ((values * upto).sum(axis=1) / np.maximum(total, 1))[:, None]
            seen = (self.together.T @ repeats.T).T
            observed = (seen * (upto[:, self.first] - upto[:, self.second]) ** 2).sum(axis=1)
            expected = 2 * total * (values * upto**2).sum(axis=1)
        else:
            observed = repeats @ (self.together @ (self.first != self.second))
            expected = total**2 - (values**2).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Floats = np.where(expected > 0, 1 - (total - 1) * observed / expected, 1.0)
        return np.where(total > 0, found, np.nan)


def _pairs_within(counts: Any) -> tuple[Codes, Codes, Codes, Floats]:
    """Return row, first and second class of all pairs of labels in a row, and how many there are.

    `counts` is sparse, rows x classes; a label makes no pair with itself.
    """
    each = np.diff(counts.indptr)
    entry = np.repeat(np.arange(counts.nnz), np.repeat(each, each))
    row = np.repeat(np.arange(len(each)), each)[entry]
    within = np.arange(len(entry)) - np.repeat(np.cumsum(each**2) - each**2, each**2)
    other = counts.indptr[row] + within % np.maximum(each[row], 1)
    pairs = counts.data[entry] * (counts.data[other] - (entry == other))
    return row, counts.indices[entry].astype(np.int64), counts.indices[other], pairs
