"""Snorkel's LabelModel: functions weighted by how they agree, without ground truth.

Ratner et al., "Training Complex Models with Multi-Task Weak Supervision", AAAI 2019, as in the
package `snorkel` 0.10 with its default settings.
"""

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.errors import LabelkitError

Array = npt.NDArray[Any]

FEWEST_FUNCTIONS = 3
LEARNING_RATES = (0.01, 0.001, 0.0001)  # snorkel's default first


def combine(
    votes: Array,
    n_classes: int,
    prior: Array | None = None,
    gold: Array | None = None,
    seed: int = 0,
    counts: Array | None = None,
) -> Array:
    """Return rows × classes: the model's probabilities; all zero on rows without a vote.

    `votes` rows × functions (-1 abstains), `counts` how many rows each row of `votes` stands for
    (one each where absent). `prior` is the class balance; else it is taken from `gold` (codes,
    -1 where unknown) where every class occurs there, else it is uniform. With fewer than three
    functions that voted, which is less than the model can fit, the majority vote is returned with
    a warning. numpy's and Python's random states are left as they were.

    Raises LabelkitError where torch or snorkel is not installed.
    """
    voting = np.flatnonzero((votes >= 0).any(axis=0))
    if len(voting) < FEWEST_FUNCTIONS or n_classes < 2:
        warnings.warn(
            f"snorkel's label model needs {FEWEST_FUNCTIONS} functions that vote and two classes; "
            f"here are {len(voting)} and {n_classes}: majority vote is used",
            UserWarning,
            stacklevel=2,
        )
        return _shares(votes, n_classes)
    weights = np.ones(len(votes)) if counts is None else np.asarray(counts, dtype=float)
    balance = _balance(n_classes, prior, gold)
    with _random_states_kept():
        mu = _fit(votes[:, voting], n_classes, balance, seed, weights)
    if mu is None:
        warnings.warn(
            "snorkel's label model diverged at every learning rate: majority vote is used",
            UserWarning,
            stacklevel=2,
        )
        return _shares(votes, n_classes)
    return _probabilities(votes[:, voting], mu, balance)


def learned_weights(
    votes: Array, n_classes: int, prior: Array | None, seed: int, counts: Array
) -> Array | None:
    """Return the weight that the model learns for each function: the share of its votes right.

    As `LabelModel.get_weights` of snorkel; NaN for a function that never voted. None where the
    model is not fitted.
    """
    voting = np.flatnonzero((votes >= 0).any(axis=0))
    if len(voting) < FEWEST_FUNCTIONS or n_classes < 2:
        return None
    weights, balance = np.asarray(counts, dtype=float), _balance(n_classes, prior, None)
    with _random_states_kept():
        mu = _fit(votes[:, voting], n_classes, balance, seed, weights)
    if mu is None:
        return None
    right = np.einsum("fcc,c->f", mu, balance)
    coverage = weights @ (votes[:, voting] >= 0) / weights.sum()
    found = np.full(votes.shape[1], np.nan)
    found[voting] = np.clip(right / np.maximum(coverage, 1e-12), 1e-6, 1.0)
    return found


def _shares(votes: Array, n_classes: int) -> Array:
    tally = (votes[:, :, None] == np.arange(n_classes)).sum(axis=1)
    return np.asarray(tally / np.maximum(tally.sum(axis=1, keepdims=True), 1))


def _balance(n_classes: int, prior: Array | None, gold: Array | None) -> Array:
    if prior is None and gold is not None:
        found = np.bincount(gold[gold >= 0], minlength=n_classes)
        if len(found) == n_classes and found.all():
            prior = found
    if prior is None:
        return np.full(n_classes, 1 / n_classes)
    floored = np.maximum(np.asarray(prior, dtype=float), 1e-6)  # snorkel refuses a zero
    return np.asarray(floored / floored.sum())


def _fit(votes: Array, n_classes: int, balance: Array, seed: int, weights: Array) -> Array | None:
    """Return P(function votes c | class y), functions × classes × classes; None: it diverged."""
    try:
        import torch
        from snorkel.labeling.model import LabelModel
    except ImportError as error:
        raise LabelkitError(
            f"--label-model snorkel needs {error.name}, which is not installed; "
            "install it (`labelkit doctor` says how), or use --label-model majority"
        ) from error

    class WeightedLabelModel(LabelModel):  # type: ignore[misc]
        """Fit on distinct rows with weights: the same overlap matrix from far less memory."""

        def _generate_O(self, L: Array, higher_order: bool = False) -> None:
            ones = self._get_augmented_label_matrix(L, higher_order=higher_order)
            self.d = ones.shape[1]
            overlap = ones.T @ (ones * weights[:, None]) / weights.sum()
            self.O = torch.from_numpy(overlap).float().to(self.config.device)

    floor = min(0.01, 1 / 10 ** float(np.ceil(np.log10(weights.sum()))))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the sums of several threads differ in their last bits
    try:
        for rate in LEARNING_RATES:
            model = WeightedLabelModel(cardinality=n_classes, verbose=False)
            if _fitted(model, votes, list(balance), seed=seed, lr=rate, mu_eps=floor):
                learned = model.mu.detach().numpy().astype(float)
                return np.asarray(learned.reshape(votes.shape[1], n_classes, n_classes))
    finally:
        torch.set_num_threads(threads)
    return None


def _fitted(model: Any, votes: Array, balance: list[float], **settings: Any) -> bool:
    try:
        model.fit(votes.astype(np.int64), class_balance=balance, progress_bar=False, **settings)
    except (
        Exception
    ) as error:  # snorkel raises a bare Exception when many functions make it diverge
        if "Loss is NaN" not in str(error):
            raise
        return False
    return True


def _probabilities(votes: Array, mu: Array, balance: Array) -> Array:
    """Apply Bayes' rule to the votes, in logarithms so that many do not underflow."""
    score = np.tile(np.log(balance), (len(votes), 1))
    for column, table in zip(votes.T, np.log(mu), strict=True):
        voted = np.flatnonzero(column >= 0)
        score[voted] += table[column[voted]]
    score -= score.max(axis=1, keepdims=True)
    odds = np.exp(score)
    odds[(votes < 0).all(axis=1)] = 0
    return np.asarray(odds / np.maximum(odds.sum(axis=1, keepdims=True), 1e-300))


@contextmanager
def _random_states_kept() -> Iterator[None]:
    """Undo that snorkel reseeds every global generator."""
    kept_python, kept_numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(kept_python)
        np.random.set_state(kept_numpy)
