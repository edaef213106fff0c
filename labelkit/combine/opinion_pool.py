"""One probability a class from several voters, with weights learned from rows that people labelled.

A voter says a class code a row (-1 where it is silent) and how sure it is. What a voter says
becomes evidence x: the log-odds of its classes. The evidence of a row is pooled as

    log-odds = prior + (sum over voters of weight * x + bias[class it says]) / sqrt(voters heard)

a logarithmic opinion pool (Genest and Zidek 1986) fitted by penalised maximum likelihood. It asks
how often a voter is right *given* what it says and how sure it is, so that rows that were picked
because voters were unsure mislead it less than counts of right and wrong. Without learning the
weights are 1 and the rest 0: voters count as their own confidences say, and by the root two that
agree count as less than two independent ones.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.stats.blocks import number_type, row_blocks

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

FEWEST_TO_LEARN = 10
FEWEST_TO_CALIBRATE = 50
FOLDS = 5
SUREST = 0.98  # no voter's own word counts for more before people have confirmed it
UNSTATED = 0.7  # what a label without any confidence counts for
_MOST_WEIGHT = 10.0
# How far the penalty lets each kind of number wander: standard deviations of Gaussian priors. They
# are narrow because people's rows were mostly picked where voters err: biases and a prior learned
# from such rows alone would turn many a right label of the others.
_SPREAD_WEIGHT, _SPREAD_BIAS, _SPREAD_PRIOR, _SPREAD_TEMPERATURE = 0.5, 0.2, 0.2, 0.3
# A single voter has nobody to be set right by: its biases and the prior could only overturn it
# wholesale, because of what is odd about the rows that were picked for people.
_ALONE = 0.5
_MOST_CLASSES = 50  # with more, a voter's bias is for or against the class that it says alone


class Voter(NamedTuple):
    """What one voter says: codes (-1 silent), its confidence (NaN unknown), shares or None.

    `shares` (rows x classes) holds a probability for each class where the voter states them all,
    NaN rows elsewhere.
    """

    codes: Codes
    confidence: Floats
    shares: Floats | None = None

    def at(self, rows: Any) -> "Voter":
        """Return what it says of some rows."""
        shares = None if self.shares is None else self.shares[rows]
        return Voter(self.codes[rows], self.confidence[rows], shares)


class Pool(NamedTuple):
    """How voters are pooled.

    `weights` one a voter, `biases` voters x class said x class (of many classes voters x class
    said, for that class alone), `prior` one a class,
    `temperature`, `rows` learned from (0: the voters' own confidences decide), `calibrated`
    whether the temperature was fitted, `unseen` probabilities of the learning rows from pools
    that did not see them (None where there are too few).
    """

    weights: Floats
    biases: Floats
    prior: Floats
    temperature: float
    rows: int
    calibrated: bool
    unseen: Floats | None


def own_word(voters: int, n_classes: int) -> Pool:
    """Return the pool in which each voter counts as it says itself."""
    return Pool(
        np.ones(voters),
        np.zeros((voters, *[n_classes] * (2 if n_classes <= _MOST_CLASSES else 1))),
        np.zeros(n_classes),
        1.0,
        0,
        False,
        None,
    )


def learn(
    voters: Sequence[Voter],
    truth: Codes,
    n_classes: int,
    groups: Codes | None = None,
    *,
    is_checked: bool = False,
) -> Pool:
    """Return the pool learned from rows whose class people gave (`truth`, -1 where they did not).

    Rows on which no voter speaks teach nothing. Below FEWEST_TO_LEARN rows nothing is learned.
    From FEWEST_TO_CALIBRATE rows the temperature is fitted on out-of-fold probabilities (rows of
    one group stay together); `is_checked` asks for these probabilities of fewer rows too. The order
    of the rows makes no difference.
    """
    heard = np.any([voter.codes >= 0 for voter in voters], axis=0) if voters else np.zeros(0, bool)
    known = np.flatnonzero((truth >= 0) & heard) if voters else np.zeros(0, dtype=int)
    if len(known) < FEWEST_TO_LEARN:
        return own_word(len(voters), n_classes)
    rows = known[_content_order([voter.at(known) for voter in voters], truth[known])]
    task = _Task([voter.at(rows) for voter in voters], truth[rows], n_classes)
    fitted = task.fit(np.ones(len(rows), dtype=bool))
    is_calibrated = len(rows) >= FEWEST_TO_CALIBRATE
    if not (is_calibrated or is_checked):
        return fitted
    unseen = task.unseen(_folds(np.arange(len(rows)) if groups is None else groups[rows]))
    temperature = _temperature(unseen, task.truth) if is_calibrated else 1.0
    shares = _softmax(unseen / temperature)[np.argsort(rows)]
    return fitted._replace(temperature=temperature, calibrated=is_calibrated, unseen=shares)


def pooled(voters: Sequence[Voter], pool: Pool, n_classes: int) -> Floats:
    """Return probabilities, rows x classes, each row summing to 1.

    A row on which no voter speaks gets the pool's prior.
    """
    rows = len(voters[0].codes)
    found = np.empty((rows, n_classes), number_type(rows, n_classes))
    for piece in row_blocks(rows, n_classes):
        evidence = _Evidence([voter.at(piece) for voter in voters], n_classes)
        found[piece] = _softmax(evidence.log_odds(pool) / pool.temperature)
    return found


def first_sure(voters: Sequence[Voter], threshold: float) -> tuple[Codes, Floats, Codes]:
    """Return each row's code and confidence from the first voter that is sure, and which it was.

    A label without a confidence counts as UNSTATED. Codes and places are -1 where none is.
    """
    rows = len(voters[0].codes)
    codes, place = np.full(rows, -1), np.full(rows, -1)
    confidence = np.zeros(rows)
    for number, voter in enumerate(voters):
        said = np.where(np.isnan(voter.confidence), UNSTATED, voter.confidence)
        takes = (place < 0) & (voter.codes >= 0) & (said >= threshold)
        codes[takes], confidence[takes], place[takes] = voter.codes[takes], said[takes], number
    return codes, confidence, place


class _Evidence:
    """What voters say as numbers: log-odds (voters x rows x classes), zero where silent."""

    def __init__(self, voters: Sequence[Voter], n_classes: int) -> None:
        self.n_classes = n_classes
        self.x = np.stack([_log_odds(voter, n_classes) for voter in voters])
        self.said = np.stack([voter.codes for voter in voters])
        heard = (self.said >= 0).sum(axis=0)
        self.scale = (1.0 / np.sqrt(np.maximum(heard, 1)))[:, None]

    def log_odds(self, pool: Pool) -> Floats:
        """Return the pooled log-odds, rows x classes, before the temperature."""
        total = np.einsum("v,vrk->rk", pool.weights, self.x)
        for said, bias in zip(self.said, pool.biases, strict=True):
            if bias.ndim == 1:
                heard = np.flatnonzero(said >= 0)
                total[heard, said[heard]] += bias[said[heard]]
                continue
            total += np.where((said >= 0)[:, None], bias[np.maximum(said, 0)], 0.0)
        result: Floats = pool.prior + self.scale * total
        return result


def _log_odds(voter: Voter, n_classes: int) -> Floats:
    rows = len(voter.codes)
    found = np.zeros((rows, n_classes))
    if n_classes < 2:
        return found
    most = np.log(SUREST * (n_classes - 1) / (1 - SUREST))
    speaks = np.flatnonzero(voter.codes >= 0)
    said = np.where(np.isnan(voter.confidence), UNSTATED, voter.confidence)[speaks]
    said = np.clip(said, 1.0 / n_classes, SUREST)  # never against the class that it names
    found[speaks, voter.codes[speaks]] = np.log(said * (n_classes - 1) / (1 - said))
    if voter.shares is not None:
        stated = (voter.codes >= 0) & ~np.isnan(voter.shares).any(axis=1)
        logs = np.log(np.maximum(voter.shares[stated], 1e-12))
        found[stated] = np.maximum(logs - logs.max(axis=1, keepdims=True), -most) + most
    return found


class _Task:
    """The penalised likelihood of learning rows, and its optimum."""

    def __init__(self, voters: Sequence[Voter], truth: Codes, n_classes: int) -> None:
        self.evidence = _Evidence(voters, n_classes)
        self.truth = truth
        self.k, self.v = n_classes, len(voters)
        self.target = _one_hot(truth, n_classes)

    def fit(self, rows: npt.NDArray[np.bool_]) -> Pool:
        """Return the pool that explains these rows best."""
        from scipy.optimize import minimize

        start = own_word(self.v, self.k)
        bounds: list[Any] = [(0.0, _MOST_WEIGHT)] * self.v
        bounds += [(None, None)] * (start.biases.size + self.k)
        best = minimize(
            self._loss,
            _flat(start),
            args=(rows,),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8},
        )
        return self._pool(best.x)._replace(rows=int(rows.sum()))

    def _pool(self, flat: Floats) -> Pool:
        biases = own_word(self.v, self.k).biases
        cut = self.v + biases.size
        biases = flat[self.v : cut].reshape(biases.shape)
        return Pool(flat[: self.v], biases, flat[cut:], 1.0, 0, False, None)

    def _loss(self, flat: Floats, rows: npt.NDArray[np.bool_]) -> tuple[float, Floats]:
        pool = self._pool(flat)
        shares = _softmax(self.evidence.log_odds(pool))
        chosen = shares[np.arange(len(shares)), self.truth]
        loss = -float(np.log(np.maximum(chosen, 1e-300))[rows].sum())
        off = np.where(rows[:, None], shares - self.target, 0.0)
        scaled = off * self.evidence.scale
        gradient = [
            np.einsum("vrk,rk->v", self.evidence.x, scaled),
            np.concatenate([self._by_bias(said, scaled) for said in self.evidence.said]),
            off.sum(axis=0),
        ]
        means = _flat(own_word(self.v, self.k))
        room = _ALONE if self.v == 1 else 1.0
        spread = np.repeat(
            [_SPREAD_WEIGHT, room * _SPREAD_BIAS, room * _SPREAD_PRIOR],
            [self.v, pool.biases.size, self.k],
        )
        apart = (flat - means) / spread
        return loss + float(apart @ apart) / 2, np.concatenate(gradient) + apart / spread

    def _by_bias(self, said: Codes, scaled: Floats) -> Floats:
        """Return the gradient by each bias of the voter that said so."""
        if self.k <= _MOST_CLASSES:
            return np.asarray((_one_hot(said, self.k).T @ scaled).ravel())
        heard = np.flatnonzero(said >= 0)
        by_class = np.bincount(said[heard], scaled[heard, said[heard]], self.k)
        return np.asarray(by_class, dtype=np.float64)

    def unseen(self, fold: Codes) -> Floats:
        """Return log-odds of each row by a pool fitted without its fold."""
        found = np.zeros((len(fold), self.k))
        for number in np.unique(fold):
            held = fold == number
            found[held] = self.evidence.log_odds(self.fit(~held))[held]
        return found


def _flat(pool: Pool) -> Floats:
    return np.concatenate([pool.weights, pool.biases.ravel(), pool.prior])


def _one_hot(codes: Codes, n_classes: int) -> Floats:
    found: Floats = (codes[:, None] == np.arange(n_classes)).astype(float)
    return found


def _softmax(log_odds: Floats) -> Floats:
    raised = np.exp(log_odds - log_odds.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def _content_order(voters: Sequence[Voter], truth: Codes) -> Codes:
    """Return an order that depends on what the rows hold, not on where they stand."""
    keys = [truth]
    for voter in voters:
        keys += [voter.codes, np.nan_to_num(voter.confidence, nan=-1.0)]
        if voter.shares is not None:
            keys += list(np.nan_to_num(voter.shares, nan=-1.0).T)
    return np.lexsort(keys[::-1])


def _folds(groups: Codes) -> Codes:
    """Return a fold for each row: groups are dealt out in the order in which they appear."""
    _, first, of_row = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=int)
    rank[np.argsort(first)] = np.arange(len(first))
    folds: Codes = rank[of_row.ravel()] % FOLDS
    return folds


def _temperature(log_odds: Floats, truth: Codes) -> float:
    """Return the temperature under which unseen rows are likeliest, drawn towards 1."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        shares = _softmax(log_odds / np.exp(log_temperature))[rows, truth]
        apart = log_temperature / _SPREAD_TEMPERATURE
        return -float(np.log(np.maximum(shares, 1e-300)).sum()) + float(apart**2) / 2

    best = minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded")
    return float(np.exp(best.x))
