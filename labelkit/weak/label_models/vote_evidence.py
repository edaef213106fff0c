"""Functions weighted by how far each of their votes can be trusted, abstention left out.

After Dawid and Skene (1979), with three changes that labeling functions need. What is learned is
P(class | this function votes so), not a confusion matrix over all rows, so a function that knows
one class only still counts and abstaining says nothing. Each vote is shrunk towards one common
strength, so little data cannot overturn the plain vote. Where the rows have texts, a text model
that never saw the row judges the functions (Raykar et al., "Learning From Crowds", 2010) and
speaks for the row with part of its weight.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.weak.label_models import evidence_weights
from labelkit.weak.label_models.calibration import steadied

Array = npt.NDArray[Any]

STRENGTH = 12.0  # how many times likelier a class becomes by one vote, before anything is known
BLIND, SEES = 0.1, 0.4  # a text model's agreement with the votes beyond chance (kappa)
TRUST_OF_TEXT = 0.7  # a text model learns the functions' own words: it is no independent witness
SHRINK = 100.0  # rows that the common strength stands for where texts judge the votes
SHRINK_ALONE = 1000.0  # and where the votes judge each other
SHRINK_KNOWN = 50.0  # and where people do
STRONGEST = 4.0
SAME_FROM, SAME_AT = 0.85, 0.95  # share of common rows from which two functions are one
SMALL = 1e-6


class Symbols(NamedTuple):
    """Each vote that occurs: which function votes for which class, and where."""

    where: Any  # csr, rows × symbols, 1 where the function votes so
    function: Array
    code: Array
    share: Array  # what it counts: 1, or less where another function says nearly the same


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
    """Return rows × classes: calibrated probabilities; all zero on rows without a vote.

    `votes` rows × functions (-1 abstains), `counts` how many rows each stands for, `gold` known
    codes (-1: unknown), `said` rows × classes what a text model that never saw the row gives,
    `judged` what `judge` found on some of the rows, where not all are read. A `prior` moves the
    class shares towards it. Nothing is random: `seed` changes nothing.
    """
    voted = (votes >= 0).any(axis=1)
    found = np.zeros((len(votes), n_classes))
    if not voted.any() or n_classes < 2:
        found[voted] = 1.0
        return found
    weight = np.ones(len(votes)) if counts is None else np.asarray(counts, dtype=float)
    if not weight[voted].any():
        weight = np.ones(len(votes))
    known = None if gold is None or not (gold >= 0).any() else np.asarray(gold)[voted]
    heard = None if said is None else np.log(said[voted] + SMALL)
    symbols = symbols_of(votes[voted], n_classes)
    if known is not None and (known >= 0).sum() >= evidence_weights.FEWEST:
        scores = _weighed(symbols, n_classes, weight[voted], known, heard, judged)
    else:
        scores = log_scores(symbols, n_classes, weight[voted], known, heard, judged)
    if prior is not None:
        scores = _moved(scores, np.asarray(prior, dtype=float), weight[voted])
    found[voted] = steadied(scores, *symbols[:3], weight[voted], known)
    return found


def judge(votes: Array, n_classes: int, said: Array) -> Array:
    """Return functions × classes × classes: the evidence of each vote, as the texts judge it.

    A function's row for the class that it votes for, in logarithms; a vote that does not occur
    has the common strength. Arguments as in `combine`, every row has a vote.
    """
    symbols, weight = symbols_of(votes, n_classes), np.ones(len(votes))
    found = np.tile(np.eye(n_classes) * np.log(STRENGTH), (votes.shape[1], 1, 1))
    evidence = _by_text(symbols, n_classes, weight, None, np.log(said + SMALL))
    found[symbols.function, symbols.code] = evidence / symbols.share[:, None]
    return found


def symbols_of(votes: Array, n_classes: int) -> Symbols:
    """Return every pair of function and class that occurs among the votes."""
    from scipy import sparse

    rows, functions = np.nonzero(votes >= 0)
    joint = functions * n_classes + votes[rows, functions]
    known, column = np.unique(joint, return_inverse=True)
    where = sparse.csr_matrix((np.ones(len(rows)), (rows, column)), (len(votes), len(known)))
    function, code = known // n_classes, known % n_classes
    return Symbols(where, function, code, _shares_of_doubles(where, function, code))


def _shares_of_doubles(where: Any, function: Array, code: Array) -> Array:
    """Return 1 for each symbol of its own, 1/m for m that stand on the same rows.

    Only rows in common for nearly all of both count: two functions that are merely good agree on
    many rows too.
    """
    together = (where.T @ where).toarray()
    votes = together.diagonal()
    either = votes[:, None] + votes[None] - together
    alike = (code[:, None] == code[None]) & (function[:, None] != function[None])
    doubled = np.clip((together / either - SAME_FROM) / (SAME_AT - SAME_FROM), 0, 1) * alike
    return np.asarray(1 / (1 + doubled.sum(axis=1)))


def log_scores(
    symbols: Symbols,
    n_classes: int,
    weight: Array,
    gold: Array | None,
    heard: Array | None,
    judged: Array | None = None,
) -> Array:
    """Return log probabilities, rows × classes, not calibrated yet.

    `heard` are the log probabilities of the text model; without them and without what it `judged`
    on other rows each vote is judged by the other votes on its rows.
    """
    if heard is not None:
        evidence = _by_text(symbols, n_classes, weight, gold, heard)
        return normal(TRUST_OF_TEXT * heard + symbols.where @ evidence)
    if judged is not None:
        evidence = judged[symbols.function, symbols.code] * symbols.share[:, None]
        return normal(symbols.where @ evidence)
    prompt = np.eye(n_classes)[symbols.code] * np.log(STRENGTH) * symbols.share[:, None]
    spread = np.full(n_classes, 1 / n_classes)
    total = _by_each_other(symbols, prompt, weight)
    return normal(symbols.where @ _evidence(symbols, total, spread, SHRINK_ALONE, gold))


def _by_text(
    symbols: Symbols, n_classes: int, weight: Array, gold: Array | None, heard: Array
) -> Array:
    """Return symbols × classes: the evidence of each vote, where a text model judges it."""
    judged = np.exp(normal(TRUST_OF_TEXT * heard))
    spread = _spread(symbols, n_classes, weight)
    total = symbols.where.T @ (judged * weight[:, None])
    return _raised(_evidence(symbols, total, spread, SHRINK, gold), symbols, weight, heard)


def _weighed(
    symbols: Symbols,
    n_classes: int,
    weight: Array,
    gold: Array,
    heard: Array | None,
    judged: Array | None,
) -> Array:
    """Return log probabilities whose few weights come from people's labels.

    The evidence of each vote is learned without those labels, so they are used once.
    """
    scores = log_scores(symbols, n_classes, weight, None, heard, judged)
    if heard is None:
        return normal(evidence_weights.weighed([scores], [1.0], gold))
    votes = scores - TRUST_OF_TEXT * heard
    votes -= votes.max(axis=1, keepdims=True)
    return normal(evidence_weights.weighed([heard, votes], [TRUST_OF_TEXT, 1.0], gold))


def normal(scores: Array) -> Array:
    """Return log scores as log probabilities."""
    high = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(high - np.log(np.exp(high).sum(axis=1, keepdims=True)))


def _by_each_other(symbols: Symbols, prompt: Array, weight: Array) -> Array:
    """Return symbols × classes: rows of each class among those where another function voted."""
    where = symbols.where.tocoo()
    several = np.asarray(symbols.where.sum(axis=1)).ravel()[where.row] > 1
    row, column = where.row[several], where.col[several]
    others = (symbols.where @ prompt)[row] - prompt[column]
    judged = np.exp(normal(others)) * weight[row, None]
    size = symbols.where.shape[1]
    sums = [np.bincount(column, one, minlength=size) for one in judged.T]
    return np.column_stack(sums)


def _raised(evidence: Array, symbols: Symbols, weight: Array, heard: Array) -> Array:
    """Return the evidence raised to the common strength, where the text model knows little.

    To a text model that guesses, even a perfect function looks like a guess.
    """
    classes = evidence.shape[1]
    own = evidence[np.arange(len(evidence)), symbols.code]
    lead = (own - (evidence.sum(axis=1) - own) / (classes - 1)) / symbols.share
    votes = symbols.where.T @ weight
    mean = float(np.average(lead, weights=votes)) if votes.any() else 0.0
    lacking = max(1.0, float(np.log(STRENGTH)) / max(mean, 0.1)) - 1
    return np.asarray(evidence * (1 + lacking * _dimness(symbols, weight, heard)))


def _dimness(symbols: Symbols, weight: Array, heard: Array) -> float:
    """Return 1 where the text model agrees with the votes by chance alone, 0 where it knows."""
    code = np.eye(heard.shape[1])[symbols.code]
    votes = symbols.where @ code
    guess = np.eye(heard.shape[1])[heard.argmax(axis=1)]
    total = max(float((votes * weight[:, None]).sum()), 1e-300)
    agreed = float((votes * guess * weight[:, None]).sum()) / total
    shares = (votes * weight[:, None]).sum(axis=0) / total
    guesses = (guess * votes.sum(axis=1, keepdims=True) * weight[:, None]).sum(axis=0) / total
    chance = float((shares * guesses).sum())
    beyond = (agreed - chance) / max(1 - chance, 1e-9)
    return 1 - min(max((beyond - BLIND) / (SEES - BLIND), 0.0), 1.0)


def _evidence(
    symbols: Symbols, total: Array, spread: Array, shrink: float, gold: Array | None
) -> Array:
    """Return symbols × classes: the logarithm of how much likelier the vote makes each class."""
    common = np.log(spread) + np.eye(len(spread))[symbols.code] * np.log(STRENGTH)
    expected = np.exp(normal(common))
    found = (total + shrink * expected) / (total.sum(axis=1, keepdims=True) + shrink)
    if gold is not None:
        rows = np.flatnonzero(gold >= 0)
        seen = symbols.where[rows].T @ np.eye(len(spread))[gold[rows]]
        found = (SHRINK_KNOWN * found + seen) / (SHRINK_KNOWN + seen.sum(axis=1, keepdims=True))
    evidence = np.log(found + SMALL) - np.log(spread)
    return np.asarray(evidence.clip(-STRONGEST, STRONGEST) * symbols.share[:, None])


def _spread(symbols: Symbols, n_classes: int, weight: Array) -> Array:
    """Return the class shares of the plain vote, none of them zero."""
    tally = symbols.where @ np.eye(n_classes)[symbols.code]
    tally /= tally.sum(axis=1, keepdims=True)
    shares = np.average(tally, axis=0, weights=weight) + 0.01
    return np.asarray(shares / shares.sum())


def _moved(scores: Array, prior: Array, weight: Array) -> Array:
    now = np.average(np.exp(scores), axis=0, weights=weight) + SMALL
    return normal(scores + np.log(np.maximum(prior, SMALL)) - np.log(now))
