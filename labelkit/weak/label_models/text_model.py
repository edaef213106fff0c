"""What a text says about the class: a softmax regression on soft labels, out of fold."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.stats import softmax_regression
from labelkit.stats.blocks import number_type, rough_type, row_blocks
from labelkit.stats.threads import one_thread
from labelkit.weak.label_models import majority, vote_evidence

Array = npt.NDArray[Any]
Matrix = Any  # scipy.sparse.csr_matrix, rows × terms

FOLDS = 5
MOST_TO_FIT = 20_000
STRENGTH = 3.0
STEPS = 60
ROUNDS = 2
GOLD_WEIGHT = 15.0
MOST_COEFFICIENTS = 500_000  # of the exact solver


def listen(
    votes: Array,
    n_classes: int,
    text: Matrix,
    keys: Array,
    weight: Array,
    gold: Array | None,
    most: int = MOST_TO_FIT,
) -> Array:
    """Return rows × classes: what the text says, to a model that never saw the row.

    It learns from the votes on other rows, in each further round from votes and text together.
    Every row has a vote. `weight` 0 keeps a row out of the learning; known codes (`gold`, -1:
    unknown) count for more than votes. Of more than `most` rows a sample is learned from. A large
    table is returned in 16 bits.
    """
    symbols = vote_evidence.symbols_of(votes, n_classes)
    weight = np.asarray(weight, dtype=float).copy()
    known = np.zeros(len(votes), dtype=bool) if gold is None else gold >= 0
    learning = np.where(known, GOLD_WEIGHT, weight)
    sample = to_fit(keys, learning, most)
    labels = majority.combine(votes[sample], n_classes)
    said: Array | None = None
    for number in range(ROUNDS):
        if gold is not None:
            labels[known[sample]] = np.eye(n_classes)[gold[sample][known[sample]]]
        said = _combined(said, out_of_fold(text, labels, sample, keys, learning))
        if number + 1 < ROUNDS:
            heard = vote_evidence.Logs(said, 0.0)
            labels = np.exp(
                vote_evidence.log_scores(symbols, n_classes, weight, gold, heard, None, sample)
            )
    assert said is not None
    return said.astype(rough_type(*said.shape), copy=False)


def _combined(before: Array | None, now: Array) -> Array:
    """Return the probabilities of this round and of those before it, in place of `now`."""
    for part in row_blocks(*now.shape):
        logs = np.log(now[part] + vote_evidence.SMALL)
        if before is not None:
            logs = vote_evidence.normal((np.log(before[part]) + logs) / 2)
        now[part] = np.exp(logs)
    return now


def to_fit(keys: Array, weights: Array, most: int = MOST_TO_FIT) -> Array:
    """Return the rows that a model is fitted on, in their order: of very many rows a sample.

    All that count more than once are in it; `keys` decides on the others, so that equal texts
    are in it together.
    """
    order = np.argsort(keys // FOLDS, kind="stable")
    order = order[weights[order] > 0]
    sample = weights > 1
    sample[order[:most]] = True
    return np.flatnonzero(sample)


def out_of_fold(text: Matrix, labels: Array, sample: Array, keys: Array, weights: Array) -> Array:
    """Return rows × classes: probabilities by models that saw neither the row nor its doubles.

    `labels` are probabilities of the rows in `sample`, `keys` a number a row that equal texts
    share: it decides the fold.
    """
    rows, classes = text.shape[0], labels.shape[1]
    result = np.zeros((rows, classes), number_type(rows, classes))
    fold = keys % FOLDS
    for number in range(FOLDS):
        held = np.flatnonzero(fold == number)
        seen = fold[sample] != number
        if len(held) and seen.any():
            places = sample[seen]
            learned = fit(text[places], labels[seen], weights[places])
            for part in row_blocks(len(held), classes):
                result[held[part]] = predict(text[held[part]], learned)
        else:
            result[held] = 1 / classes
    return result


def fit(text: Matrix, labels: Array, weights: Array) -> Array:
    """Return (terms + 1) × classes coefficients, the last row the intercepts."""
    if text.shape[1] * labels.shape[1] > MOST_COEFFICIENTS:
        return softmax_regression.fit(text, labels, labels.shape[1], STRENGTH, 0, weights)
    from scipy.optimize import minimize

    terms, classes = text.shape[1], labels.shape[1]
    matrix = _Split(text)

    def loss(flat: Array) -> tuple[float, Array]:
        table = flat.reshape(terms + 1, classes)
        scores = matrix.times(table[:terms]) + table[terms]
        high = scores.max(axis=1, keepdims=True)
        shares = np.exp(scores - high)
        sums = shares.sum(axis=1, keepdims=True)
        shares /= sums
        total = (high + np.log(sums))[:, 0]
        fitted = float((weights * (total - (labels * scores).sum(axis=1))).sum())
        slope = (shares - labels) * weights[:, None]
        gradient = np.empty_like(table)
        gradient[:terms] = table[:terms] / STRENGTH
        matrix.add_back(gradient[:terms], slope)
        gradient[terms] = slope.sum(axis=0)
        return fitted + 0.5 / STRENGTH * float((table[:terms] ** 2).sum()), gradient.ravel()

    start = np.zeros((terms + 1) * classes)
    with one_thread():
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return np.asarray(found.x.reshape(terms + 1, classes))


class _Split:
    """A matrix in two parts: columns that are mostly full (embeddings) dense, others sparse."""

    def __init__(self, matrix: Matrix) -> None:
        rows, width = matrix.shape
        full = np.bincount(matrix.indices, minlength=width) > rows / 2
        self._full, self._rest = np.flatnonzero(full), np.flatnonzero(~full)
        self._dense = matrix[:, self._full].toarray()
        self._sparse = matrix[:, self._rest]
        self._transposed = self._sparse.T.tocsr()

    def times(self, table: Array) -> Array:
        """Return the product with columns × classes."""
        return np.asarray(self._sparse @ table[self._rest] + self._dense @ table[self._full])

    def add_back(self, table: Array, slope: Array) -> None:
        """Add the product of the transposed matrix and rows × classes to columns × classes."""
        table[self._rest] += self._transposed @ slope
        table[self._full] += self._dense.T @ slope


def predict(text: Matrix, learned: Array) -> Array:
    """Return rows × classes: the probabilities of the coefficients that `fit` gave."""
    return softmax_regression.probabilities(text.astype(learned.dtype), learned)
