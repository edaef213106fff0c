"""What a run has found so far: the votes, the labels, what is known, and how to score again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.errors import UsageError, listing, nearest
from labelkit.weak.analysis.estimated_accuracy import Estimated, estimated
from labelkit.weak.gold import Truth
from labelkit.weak.scoring import Scores
from labelkit.weak.vote_codes import ABSTAIN
from labelkit.weak.vote_patterns import Counted

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Relearn = Callable[[Counted, int | None], Scores]


@dataclass(frozen=True)
class Outcome:
    """The votes on a file and the label model's answer.

    `rescore` asks the model again, knowing what it knew. `relearn` asks one that knows nothing that
    was learned from the voter of a column (None: from all voters).
    """

    names: Sequence[str]  # of the voters, in the order of the votes' columns
    classes: Sequence[str]
    counted: Counted
    scores: Scores
    truth: Truth | None
    rescore: Callable[[Counted], Scores]
    relearn: Relearn

    @property
    def shares(self) -> Floats:
        """The share of each class among the rows with a vote, by the label model."""
        total = self.counted.counts @ self.scores.probabilities
        return np.asarray(total / max(total.sum(), 1e-300))

    def number_of(self, name: str) -> int:
        """Return the column of a voter; raises UsageError with the nearest name."""
        if name in self.names:
            return list(self.names).index(name)
        raise UsageError(
            f"there is no labeling function {name!r}{nearest(name, self.names)} "
            f"(functions: {listing(self.names, 20)})"
        )

    def without(self, column: int) -> Scores:
        """Return the label model's answer for each pattern when one voter was never there."""
        votes = self.counted.votes.copy()
        votes[:, column] = ABSTAIN
        whole = self.counted
        return self.relearn(Counted(votes, whole.counts, whole.rows, whole.like), column)


@dataclass(frozen=True)
class Estimate:
    """How good a voter looks to the others, and what it adds to the labels; None: not known."""

    accuracy: Estimated | None  # by the label model without it
    gain: float | None  # share of the known rows labelled right with it minus without it


def estimates(outcome: Outcome, shares: Floats, advance: Callable[[int], None]) -> list[Estimate]:
    """Return an Estimate for each voter: the label model runs once without each of them.

    `shares` are those of the classes.
    """
    found = []
    known = None if outcome.truth is None else outcome.truth.by_pattern(outcome.counted)
    everyone = None
    if known is not None and known.sum():
        everyone = _right(outcome.relearn(outcome.counted, None).codes, known)
    counted = outcome.counted
    for column in range(len(outcome.names)):
        others = outcome.without(column)
        right = _right(others.codes, known)
        gain = None if everyone is None or right is None else everyone - right
        votes = counted.votes[:, column]
        accuracy = estimated(votes, others.probabilities, counted.counts, shares)
        found.append(Estimate(accuracy, gain))
        advance(1)
    return found


def _right(codes: Codes, known: Any) -> float | None:
    """Return the share of the known rows that get their true class; no label is not right."""
    if known is None or not known.sum():
        return None
    labelled = np.flatnonzero(codes >= 0)
    return float(known[labelled, codes[labelled]].sum() / known.sum())
