"""What a text says about the class: a softmax regression on soft labels, out of fold."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.weak.label_models import majority, vote_evidence

Array = npt.NDArray[Any]
Matrix = Any  # scipy.sparse.csr_matrix, rows × terms

FOLDS = 5
MOST_TO_FIT = 20_000
STRENGTH = 3.0
STEPS = 60
ROUNDS = 2
GOLD_WEIGHT = 15.0


def listen(
    votes: Array, n_classes: int, text: Matrix, keys: Array, weight: Array, gold: Array | None
) -> Array:
    """Return rows × classes: what the text says, to a model that never saw the row.

    It learns from the votes on other rows, in each further round from votes and text together.
    Every row has a vote. `weight` 0 keeps a row out of the learning; known codes (`gold`, -1:
    unknown) count for more than votes.
    """
    labels = majority.combine(votes, n_classes)
    symbols = vote_evidence.symbols_of(votes, n_classes)
    weight = np.asarray(weight, dtype=float).copy()
    known = np.zeros(len(votes), dtype=bool) if gold is None else gold >= 0
    learning = np.where(known, GOLD_WEIGHT, weight)
    heard: Array | None = None
    for _ in range(ROUNDS):
        if gold is not None:
            labels[known] = np.eye(n_classes)[gold[known]]
        new = np.log(out_of_fold(text, labels, keys, learning) + vote_evidence.SMALL)
        heard = new if heard is None else vote_evidence.normal((heard + new) / 2)
        scores = vote_evidence.log_scores(symbols, n_classes, weight, gold, heard)
        labels = np.exp(scores)
    assert heard is not None
    return np.asarray(np.exp(heard))


def out_of_fold(text: Matrix, labels: Array, keys: Array, weights: Array) -> Array:
    """Return rows × classes: probabilities by models that saw neither the row nor its doubles.

    `labels` rows × classes are probabilities, `keys` a number a row that equal texts share: it
    decides the fold and, where more rows have a weight than can be fitted, who is in the sample.
    """
    result = np.zeros(labels.shape)
    fold = keys % FOLDS
    order = np.argsort(keys // FOLDS, kind="stable")
    order = order[weights[order] > 0]
    sample = weights > 1
    sample[order[:MOST_TO_FIT]] = True
    for number in range(FOLDS):
        held = fold == number
        seen = sample & ~held
        if held.any() and seen.any():
            learned = fit(text[seen], labels[seen], weights[seen])
            result[held] = predict(text[held], learned)
        else:
            result[held] = 1 / labels.shape[1]
    return result


def fit(text: Matrix, labels: Array, weights: Array) -> Array:
    """Return (terms + 1) × classes coefficients, the last row the intercepts."""
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    terms, classes = text.shape[1], labels.shape[1]
    transposed = text.T.tocsr()

    def loss(flat: Array) -> tuple[float, Array]:
        table = flat.reshape(terms + 1, classes)
        scores = text @ table[:terms] + table[terms]
        total = logsumexp(scores, axis=1)
        fitted = float((weights * (total - (labels * scores).sum(axis=1))).sum())
        slope = (np.exp(scores - total[:, None]) - labels) * weights[:, None]
        gradient = np.empty_like(table)
        gradient[:terms] = transposed @ slope + table[:terms] / STRENGTH
        gradient[terms] = slope.sum(axis=0)
        return fitted + 0.5 / STRENGTH * float((table[:terms] ** 2).sum()), gradient.ravel()

    start = np.zeros((terms + 1) * classes)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return np.asarray(found.x.reshape(terms + 1, classes))


def predict(text: Matrix, learned: Array) -> Array:
    """Return rows × classes: the probabilities of the coefficients that `fit` gave."""
    scores = text @ learned[:-1] + learned[-1]
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
