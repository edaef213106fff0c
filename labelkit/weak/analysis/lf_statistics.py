"""How each labeling function votes: polarity, coverage, overlaps, conflicts, accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.weak.vote_codes import ABSTAIN, Votes


@dataclass(frozen=True)
class Summary:
    """One labeling function over all rows that were voted on."""

    name: str
    polarity: tuple[int, ...]  # the class codes that it returned
    votes: int  # rows on which it voted
    coverage: float  # share of the rows on which it voted
    overlaps: float  # share of the rows on which it and another voted
    conflicts: float  # share of the rows on which it voted and another voted differently
    correct: int | None = None
    incorrect: int | None = None

    @property
    def accuracy(self) -> float | None:
        """Return the share of its votes that gold confirms, None where gold has none of them."""
        if self.correct is None or self.incorrect is None:
            return None
        judged = self.correct + self.incorrect
        return self.correct / judged if judged else None


def summarise(
    names: Sequence[str],
    votes: Votes,
    counts: npt.NDArray[np.int64],
    gold: Any = None,
) -> list[Summary]:
    """Return a Summary for each function; the figures equal snorkel's `LFAnalysis.lf_summary`.

    `votes` patterns × functions, `counts` rows of each pattern, `gold` patterns × classes (how
    many rows of a pattern have which true class), sparse or not.
    """
    rows = max(int(counts.sum()), 1)
    voted = votes != ABSTAIN
    several = voted.sum(axis=1) > 1
    high = votes.max(axis=1, initial=ABSTAIN)
    low = np.where(voted, votes, np.iinfo(np.int16).max).min(axis=1, initial=np.iinfo(np.int16).max)
    disputed = several & (low < high)
    found = []
    for column, name in enumerate(names):
        here = voted[:, column]
        total = int(counts[here].sum())
        correct, incorrect = _against(gold, votes[:, column]) if gold is not None else (None, None)
        found.append(
            Summary(
                name,
                tuple(int(code) for code in np.unique(votes[here & (counts > 0), column])),
                total,
                total / rows,
                int(counts[here & several].sum()) / rows,
                int(counts[here & disputed].sum()) / rows,
                correct,
                incorrect,
            )
        )
    return found


def _against(gold: Any, votes: Votes) -> tuple[int, int]:
    here = np.flatnonzero(votes != ABSTAIN)
    judged = int(gold[here].sum())
    inside = here[votes[here] < gold.shape[1]]
    correct = int(gold[inside, votes[inside]].sum())
    return correct, judged - correct
