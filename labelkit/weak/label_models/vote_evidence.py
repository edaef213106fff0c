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

from labelkit.stats.blocks import number_type, row_blocks
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


class Logs(NamedTuple):
    """Logarithms of what a text model says, rows × classes, made for the rows that are read."""

    probabilities: Array
    least: float = SMALL  # that is added to each

    def of(self, rows: Any) -> Array:
        """Return those of some rows."""
        own = self.probabilities[rows]
        if own.dtype == np.float16:  # too narrow to count with
            own = own.astype(np.float32)
        return np.asarray(np.log(own + self.least))


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
    if not voted.any() or n_classes < 2:
        found = np.zeros((len(votes), n_classes))
        found[voted] = 1.0
        return found
    weight = np.ones(len(votes)) if counts is None else np.asarray(counts, dtype=float)
    if not weight[voted].any():
        weight = np.ones(len(votes))
    weight = weight * voted
    known = None if gold is None else np.where(voted, gold, -1)
    known = None if known is None or not (known >= 0).any() else known
    heard = None if said is None else Logs(said)
    symbols = symbols_of(votes, n_classes)
    if known is not None and (known >= 0).sum() >= evidence_weights.FEWEST:
        scores = _weighed(symbols, n_classes, weight, known, heard, judged)
    else:
        scores = log_scores(symbols, n_classes, weight, known, heard, judged)
    if prior is not None:
        _move(scores, np.asarray(prior, dtype=float), weight)
    found = steadied(scores, *symbols[:3], weight, known)
    found[~voted] = 0
    return found


def judge(votes: Array, n_classes: int, said: Array) -> Array:
    """Return functions × classes × classes: the evidence of each vote, as the texts judge it.

    A function's row for the class that it votes for, in logarithms; a vote that does not occur
    has the common strength. Arguments as in `combine`, every row has a vote.
    """
    symbols, weight = symbols_of(votes, n_classes), np.ones(len(votes))
    found = np.tile(np.eye(n_classes) * np.log(STRENGTH), (votes.shape[1], 1, 1))
    evidence = _by_text(symbols, n_classes, weight, None, Logs(said))
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
    together = (where.T @ where).tocoo()
    votes = together.diagonal()
    one, other = together.row, together.col
    either = votes[one] + votes[other] - together.data
    alike = (code[one] == code[other]) & (function[one] != function[other])
    doubled = np.clip((together.data / either - SAME_FROM) / (SAME_AT - SAME_FROM), 0, 1) * alike
    return np.asarray(1 / (1 + np.bincount(one, doubled, len(code))))


def log_scores(
    symbols: Symbols,
    n_classes: int,
    weight: Array,
    gold: Array | None,
    heard: Logs | None,
    judged: Array | None = None,
    only: Array | None = None,
) -> Array:
    """Return log probabilities, rows × classes, not calibrated yet.

    `heard` is what the text model says; without it and without what it `judged` on other rows
    each vote is judged by the other votes on its rows. `weight` is 0 for rows without a vote.
    `only` are the rows whose scores are wanted.
    """
    if heard is not None:
        evidence = _by_text(symbols, n_classes, weight, gold, heard)
    elif judged is not None:
        evidence = judged[symbols.function, symbols.code] * symbols.share[:, None]
    else:
        spread = np.full(n_classes, 1 / n_classes)
        total = _by_each_other(symbols, n_classes, weight)
        evidence = _evidence(symbols, total, spread, SHRINK_ALONE, gold)
    rows = np.arange(symbols.where.shape[0]) if only is None else only
    scores = np.empty((len(rows), n_classes), number_type(len(rows), n_classes))
    for part in row_blocks(len(rows), n_classes):
        of_text = 0.0 if heard is None else TRUST_OF_TEXT * heard.of(rows[part])
        scores[part] = normal(of_text + symbols.where[rows[part]] @ evidence)
    return scores


def _by_text(
    symbols: Symbols, n_classes: int, weight: Array, gold: Array | None, heard: Logs
) -> Array:
    """Return symbols × classes: the evidence of each vote, where a text model judges it."""
    spread = _spread(symbols, n_classes, weight)
    rows, votes = symbols.where.shape
    total = np.zeros((votes, n_classes), number_type(votes, n_classes))
    guess = np.empty(rows, dtype=np.int64)
    for part in row_blocks(rows, n_classes):
        own = heard.of(part)
        guess[part] = own.argmax(axis=1)
        shares = np.exp(normal(TRUST_OF_TEXT * own)) * weight[part, None]
        total += symbols.where[part].T @ shares
    return _raised(_evidence(symbols, total, spread, SHRINK, gold), symbols, weight, guess)


def _weighed(
    symbols: Symbols,
    n_classes: int,
    weight: Array,
    gold: Array,
    heard: Logs | None,
    judged: Array | None,
) -> Array:
    """Return log probabilities whose few weights come from people's labels.

    The evidence of each vote is learned without those labels, so they are used once.
    """
    scores = log_scores(symbols, n_classes, weight, None, heard, judged)

    def parts(rows: Any) -> list[Array]:
        if heard is None:
            return [scores[rows]]
        of_text = heard.of(rows)
        votes = scores[rows] - TRUST_OF_TEXT * of_text
        return [of_text, votes - votes.max(axis=1, keepdims=True)]

    usual = [1.0] if heard is None else [TRUST_OF_TEXT, 1.0]
    known = np.flatnonzero(gold >= 0)
    weights, offsets = evidence_weights.fit(parts(known), usual, gold[known])
    for part in row_blocks(*scores.shape):
        added = sum(w * each for w, each in zip(weights, parts(part), strict=True))
        scores[part] = normal(added + offsets)
    return scores


def normal(scores: Array) -> Array:
    """Return log scores as log probabilities."""
    high = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(high - np.log(np.exp(high).sum(axis=1, keepdims=True)))


def _by_each_other(symbols: Symbols, n_classes: int, weight: Array) -> Array:
    """Return symbols × classes: rows of each class among those where another function voted."""
    from scipy import sparse

    votes = symbols.where.shape[1]
    strength = sparse.diags(np.log(STRENGTH) * symbols.share)
    prompt = (strength @ _one_hot(symbols.code, n_classes)).tocsr()
    where = symbols.where.tocoo()
    several = np.diff(symbols.where.indptr)[where.row] > 1
    row, column = where.row[several], where.col[several]
    total = np.zeros((votes, n_classes), number_type(votes, n_classes))
    for part in row_blocks(len(row), n_classes):
        others = (symbols.where[row[part]] @ prompt - prompt[column[part]]).toarray()
        judged = np.exp(normal(others)) * weight[row[part], None]
        entries = np.arange(len(judged))
        of_symbol = sparse.csr_matrix(
            (np.ones(len(judged)), (column[part], entries)), (votes, len(judged))
        )
        total += of_symbol @ judged
    return total


def _raised(evidence: Array, symbols: Symbols, weight: Array, guess: Array) -> Array:
    """Return the evidence raised to the common strength, where the text model knows little.

    To a text model that guesses, even a perfect function looks like a guess.
    """
    classes = evidence.shape[1]
    own = evidence[np.arange(len(evidence)), symbols.code]
    lead = (own - (evidence.sum(axis=1) - own) / (classes - 1)) / symbols.share
    votes = symbols.where.T @ weight
    mean = float(np.average(lead, weights=votes)) if votes.any() else 0.0
    lacking = max(1.0, float(np.log(STRENGTH)) / max(mean, 0.1)) - 1
    evidence *= 1 + lacking * _dimness(symbols, classes, weight, guess)
    return evidence


def _dimness(symbols: Symbols, classes: int, weight: Array, guess: Array) -> float:
    """Return 1 where the text model agrees with the votes by chance alone, 0 where it knows.

    `guess` is the class that it finds likeliest for each row.
    """
    votes = _tally(symbols, classes)
    each = np.asarray(votes.sum(axis=1)).ravel() * weight
    total = max(float(each.sum()), 1e-300)
    agreed = float(np.asarray(votes[np.arange(len(guess)), guess]).ravel() @ weight) / total
    shares = (votes.T @ weight) / total
    guesses = np.bincount(guess, each, classes) / total
    chance = float((shares * guesses).sum())
    beyond = (agreed - chance) / max(1 - chance, 1e-9)
    return 1 - min(max((beyond - BLIND) / (SEES - BLIND), 0.0), 1.0)


def _tally(symbols: Symbols, classes: int) -> Any:
    """Return sparse rows × classes: how many functions vote for each class."""
    return symbols.where @ _one_hot(symbols.code, classes)


def _evidence(
    symbols: Symbols, total: Array, spread: Array, shrink: float, gold: Array | None
) -> Array:
    """Return symbols × classes: the logarithm of how much likelier the vote makes each class.

    `total` holds the rows of each class that the vote is on; the result takes its place.
    """
    classes, seen = len(spread), None
    if gold is not None:
        rows = np.flatnonzero(gold >= 0)
        seen = symbols.where[rows].T.tocsr() @ _one_hot(gold[rows], classes)
    for part in row_blocks(*total.shape):
        codes = symbols.code[part]
        common = np.tile(np.log(spread), (len(codes), 1))
        common[np.arange(len(codes)), codes] += np.log(STRENGTH)
        own = total[part]
        found = own + shrink * np.exp(normal(common))
        found /= own.sum(axis=1, keepdims=True) + shrink
        if seen is not None:
            counts = seen[part].toarray()
            found = SHRINK_KNOWN * found + counts
            found /= SHRINK_KNOWN + counts.sum(axis=1, keepdims=True)
        evidence = np.log(found + SMALL) - np.log(spread)
        total[part] = evidence.clip(-STRONGEST, STRONGEST) * symbols.share[part, None]
    return total


def _one_hot(codes: Array, classes: int) -> Any:
    from scipy import sparse

    return sparse.csr_matrix(
        (np.ones(len(codes)), (np.arange(len(codes)), codes)), (len(codes), classes)
    )


def _spread(symbols: Symbols, n_classes: int, weight: Array) -> Array:
    """Return the class shares of the plain vote, none of them zero."""
    tally = _tally(symbols, n_classes)
    each = np.asarray(tally.sum(axis=1)).ravel()
    shares = tally.T @ (weight / np.maximum(each, 1)) / weight.sum() + 0.01
    return np.asarray(shares / shares.sum())


def _move(scores: Array, prior: Array, weight: Array) -> None:
    """Move the scores so that the class shares come near the prior."""
    now = np.zeros(len(prior))
    for part in row_blocks(*scores.shape):
        now += weight[part] @ np.exp(scores[part])
    more = np.log(np.maximum(prior, SMALL)) - np.log(now / weight.sum() + SMALL)
    for part in row_blocks(*scores.shape):
        scores[part] = normal(scores[part] + more)
