"""decide's own models: one votes, one fills the rows on which nobody speaks.

The one that votes learned from people's rows alone. Measured on three public sets with ready-made
rules, where half of people's rows were those that the rules were least sure of: with 60 rows its
vote lost up to eight points on one set, with 150 it gained on all (one to twelve points over the
rules where they speak). The one that fills learned from all that was decided, as sure as it is: it
copies the voters, so it says nothing where they speak.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import classifier
from labelkit.columns import Mask
from labelkit.decide.combine import UNSTATED, Codes, Voter
from labelkit.decide.rule import Verdict
from labelkit.decide.voters import MODEL, Said, Source

if TYPE_CHECKING:
    from labelkit.features import Features
    from labelkit.job import Job

Floats = npt.NDArray[np.float64]

COLUMN = "own model"
FEWEST = 30  # labelled rows, for a model that fills
_FEWEST_TO_VOTE, _FEWEST_A_CLASS_TO_VOTE = 100, 25
_MOST_TO_FIT_FEATURES = _MOST_TO_LEARN = 20_000
_CHUNK = 16_384


def may_vote(learning: Mask, n_classes: int) -> bool:
    """Tell whether people labelled enough rows for the model to stand beside other voters."""
    return bool(learning.sum() >= max(_FEWEST_TO_VOTE, _FEWEST_A_CLASS_TO_VOTE * n_classes))


class Inputs:
    """The file's features, fitted on some of its rows when the first are asked for."""

    def __init__(self, job: "Job") -> None:
        self._job = job
        self.rows = job.rows

    @cached_property
    def _table(self) -> pa.Table:
        return self._job.source.read(self._features.needed, typed=True)

    @cached_property
    def _features(self) -> "Features":
        return self._job.features()

    @cached_property
    def _fitted(self) -> "Features":
        some = _some(np.arange(self.rows), _MOST_TO_FIT_FEATURES, self._job.seed)
        return self._features.fit(self._table.take(pa.array(some)))

    def of(self, rows: Codes) -> Any:
        """Return the features of some rows."""
        return self._fitted.matrix(self._table.take(pa.array(rows)))

    def shares(self, model: Any, rows: Codes, n_classes: int) -> Floats:
        """Return a model's probabilities for some rows, rows x classes."""
        parts = [
            classifier.probabilities(model, self.of(rows[start : start + _CHUNK]), n_classes)
            for start in range(0, len(rows), _CHUNK)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, n_classes))


def voter(
    job: "Job",
    inputs: Inputs,
    said: Said,
    learning: Mask,
    groups: Codes,
    others: Sequence[Source],
) -> Source | None:
    """Return the model that votes where others do; on rows that it learned from, out of fold.

    None where people labelled one class alone.
    """
    rows = np.flatnonzero(learning)
    codes, k = said.people[rows], len(said.classes)
    if len(np.unique(codes)) < 2:
        return None
    matrix = inputs.of(rows)
    recipe, _ = classifier.select(matrix, codes, k, "auto", job.seed, None, groups[rows])
    model = classifier.fit(matrix, codes, recipe, job.seed)
    shares = inputs.shares(model, np.arange(job.rows), k)
    shares[rows] = classifier.out_of_fold(
        matrix, codes, groups[rows], k, kind=recipe, seed=job.seed
    )
    beside = np.any([other.voter.codes >= 0 for other in others], axis=0)
    says = np.where(beside, shares.argmax(axis=1), -1)
    return Source(COLUMN, MODEL, Voter(says, shares.max(axis=1), shares), says >= 0)


def filler(
    job: "Job",
    inputs: Inputs,
    decided: Verdict,
    teaching: Mask,
    groups: Codes,
    n_classes: int,
    asked: Mask,
) -> Source | None:
    """Return the model that speaks only where nothing is decided, and on the rows `asked`.

    It learns from the rows `teaching`, each weighted by how sure its label is; None where they
    are fewer than FEWEST or of one class, or where all is decided. On rows `asked` that it learned
    from it speaks out of fold: people's label stands there, and this tells what it replaced.
    """
    rows = _some(np.flatnonzero(teaching & (decided.codes >= 0)), _MOST_TO_LEARN, job.seed)
    codes = decided.codes[rows]
    if not (decided.codes < 0).any() or len(rows) < FEWEST or len(np.unique(codes)) < 2:
        return None
    weights = np.nan_to_num(decided.confidence[rows], nan=UNSTATED)
    matrix = inputs.of(rows)
    recipe, _ = classifier.select(matrix, codes, n_classes, "auto", job.seed, weights, groups[rows])
    model = classifier.fit(matrix, codes, recipe, job.seed, weights)
    shares = np.full((job.rows, n_classes), np.nan)
    seen = np.zeros(job.rows, dtype=bool)
    seen[rows] = asked[rows]
    if seen.any():
        shares[rows] = classifier.out_of_fold(
            matrix, codes, groups[rows], n_classes, 5, recipe, job.seed, weights
        )
    unseen = np.flatnonzero((decided.codes < 0) | (asked & ~seen))
    shares[unseen] = inputs.shares(model, unseen, n_classes)
    speaks = np.flatnonzero((decided.codes < 0) | asked)
    says, sure = np.full(job.rows, -1), np.full(job.rows, np.nan)
    says[speaks], sure[speaks] = shares[speaks].argmax(axis=1), shares[speaks].max(axis=1)
    return Source(COLUMN, MODEL, Voter(says, sure, shares), says >= 0)


def _some(rows: Codes, most: int, seed: int) -> Codes:
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng([seed, 2]).choice(rows, most, replace=False))
