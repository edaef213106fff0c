"""Distinct rows of votes with their counts: equal rows of votes are scored once."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.weak.vote_codes import ABSTAIN, Votes

NOT_VOTED = -1
_MOST_PACKED = 2**62


class Patterns:
    """Votes of a whole file, kept as distinct patterns and one number a row.

    `add` batches in the order of the file, `skip` rows that are not voted on, then `finish`.
    """

    def __init__(self, functions: int) -> None:
        self.functions = functions
        self._known: dict[bytes, int] = {}
        self._parts: list[npt.NDArray[np.int32]] = []

    def add(self, votes: Votes, chosen: npt.NDArray[np.bool_] | None = None) -> None:
        """Add the votes of one batch; `chosen` marks its rows that were voted on (else all)."""
        distinct, inverse = distinct_rows(votes)
        known = self._known
        numbers = np.fromiter(
            (known.setdefault(row.tobytes(), len(known)) for row in distinct),
            np.int32,
            len(distinct),
        )
        part = numbers[inverse] if len(distinct) else np.empty(0, np.int32)
        if chosen is not None:
            spread = np.full(len(chosen), NOT_VOTED, dtype=np.int32)
            spread[chosen] = part
            part = spread
        self._parts.append(part)

    def finish(self, remap: Votes | None = None) -> "Counted":
        """Return the patterns sorted, so that they do not depend on the order of the rows.

        `remap[code]` is the final code of a class and `remap[-1]` is -1.
        """
        raw = b"".join(self._known)
        votes = np.frombuffer(raw, dtype=np.int16).reshape(len(self._known), self.functions)
        if remap is not None:
            votes = remap[votes]
        order = np.lexsort(votes.T[::-1]) if self.functions else np.arange(len(votes))
        place = np.empty(len(order) + 1, dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        place[-1] = NOT_VOTED
        rows = np.concatenate([*self._parts, np.empty(0, np.int32)])
        rows = place[rows]
        counts = np.bincount(rows[rows >= 0], minlength=len(order)).astype(np.int64)
        return Counted(votes[order], counts, rows)


class Counted:
    """The finished patterns.

    `votes` patterns × functions (int16, -1 abstains), `counts` rows of each pattern, `rows` the
    pattern of each row of the file (-1: not voted on), `like` for each pattern the one whose rows
    it stands for (itself, but for one that was made up).
    """

    def __init__(
        self,
        votes: Votes,
        counts: npt.NDArray[np.int64],
        rows: npt.NDArray[np.int32],
        like: npt.NDArray[np.int64] | None = None,
    ) -> None:
        self.votes = votes
        self.counts = counts
        self.rows = rows
        self.like = np.arange(len(votes)) if like is None else like

    @property
    def voters(self) -> npt.NDArray[np.int64]:
        """Return for each pattern how many functions voted."""
        return np.asarray((self.votes != ABSTAIN).sum(axis=1))

    def each_row(self, values: Any, otherwise: Any) -> npt.NDArray[Any]:
        """Return each row's value of its pattern; `otherwise` where it was not voted on."""
        return np.append(values, otherwise)[self.rows]

    def by_row(self) -> "Counted":
        """Return the same with a pattern of its own for each row that got a vote."""
        alone = np.zeros(len(self.rows), dtype=bool)
        alone[self.rows >= 0] = self.voters[self.rows[self.rows >= 0]] > 0
        silent = np.flatnonzero(self.voters == 0)
        votes = np.concatenate([self.votes[self.rows[alone]], self.votes[silent]])
        counts = np.concatenate([np.ones(alone.sum(), np.int64), self.counts[silent]])
        rows = np.where(self.rows >= 0, int(alone.sum()), NOT_VOTED).astype(np.int32)
        rows[alone] = np.arange(alone.sum(), dtype=np.int32)
        return Counted(votes, counts, rows)

    def only(self, chosen: npt.NDArray[np.bool_]) -> "Counted":
        """Return the same patterns, counting the chosen rows alone."""
        rows = np.where(chosen, self.rows, NOT_VOTED).astype(np.int32)
        counts = np.bincount(rows[rows >= 0], minlength=len(self.votes)).astype(np.int64)
        return Counted(self.votes, counts, rows, self.like)

    def of_rows(self, chosen: npt.NDArray[np.bool_]) -> "Counted":
        """Return the patterns of the chosen rows alone, and these counted."""
        some = self.only(chosen)
        kept = np.flatnonzero(some.counts)
        place = np.full(len(some.counts) + 1, NOT_VOTED, dtype=np.int32)
        place[kept] = np.arange(len(kept), dtype=np.int32)
        return Counted(some.votes[kept], some.counts[kept], place[some.rows])

    def by_class(self, gold: npt.NDArray[np.int32], classes: int) -> Any:
        """Return patterns × classes, sparse: the rows of each pattern with each gold code.

        A code of -1 is none.
        """
        from scipy import sparse

        known = (self.rows >= 0) & (gold >= 0)
        places, ones = (self.rows[known], gold[known]), np.ones(int(known.sum()), np.int64)
        return sparse.coo_array((ones, places), (len(self.counts), classes)).tocsr()


def distinct_rows(votes: Votes) -> tuple[Votes, npt.NDArray[np.int64]]:
    """Return the distinct rows of a matrix of codes and for each row the number of its pattern."""
    if not len(votes):
        return votes, np.empty(0, np.int64)
    base = int(votes.max(initial=ABSTAIN)) + 2
    number = np.zeros(len(votes), dtype=np.int64)
    span = 1
    for column in votes.T:
        if span * base > _MOST_PACKED:
            found, number = np.unique(number, return_inverse=True)
            span = len(found)
        number = number * base + (column.astype(np.int64) + 1)
        span *= base
    _, first, inverse = np.unique(number, return_index=True, return_inverse=True)
    return votes[first], inverse.reshape(-1)
