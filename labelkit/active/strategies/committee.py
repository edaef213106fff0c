"""Query by committee: rows on which the votes of a bagged ensemble differ, by modAL's measure.

Seung, Opper and Sompolinsky 1992; vote entropy (Dagan and Engelson 1995). modAL imports torch
where it is installed, so it is imported only when this is asked for.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from labelkit.active.strategies import ensemble
from labelkit.active.strategies.entropy import entropies

if TYPE_CHECKING:
    from labelkit.active.pool import Pool


class _Voted:
    """The committee that modAL asks: it answers with the votes that are known."""

    def __init__(self, votes: Any, classes: int) -> None:
        self._votes, self.classes_ = votes, np.arange(classes)

    def __len__(self) -> int:
        return int(self._votes.shape[1])

    def vote(self, rows: Any, **_: Any) -> Any:
        return self._votes


def score(pool: "Pool", n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return the entropy of the votes in nats, and among equals the more unsure row first.

    Where probabilities were made elsewhere there is no committee; then their entropy alone.
    """
    from modAL.disagreement import vote_entropy

    assert pool.probabilities is not None
    unsure = entropies(pool.probabilities)
    if pool.estimator is None:
        return unsure
    votes = np.column_stack([said.argmax(axis=1) for said in ensemble.each_says(pool, rng)])
    found = vote_entropy(_Voted(votes, len(pool.classes)), pool.features)
    # Many rows have the same votes; what follows decides among these alone.
    return np.asarray(found, dtype=np.float64) + 1e-3 * unsure
