"""From scores to a batch: the best rows first, none like another, audit rows mixed in."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

TOO_CLOSE = 0.95  # cosine of two texts
SAME_NUMBER = 0.035  # of a scaled rank: one in a hundred
BLOCK = 512


class Batch(NamedTuple):
    """The rows of a batch in order, by number, and which of them are for the audit."""

    rows: Rows
    is_audit: npt.NDArray[np.bool_]


def in_order(scores: Floats, rng: np.random.Generator) -> Rows:
    """Return places by falling score, equal scores in random order."""
    return np.lexsort((rng.random(len(scores)), -scores))


def taking_turns(order: Rows, strata: npt.NDArray[np.int64]) -> Rows:
    """Return the order where each stratum gives its best row, then each its second, and so on."""
    of_row = strata[order]
    by_stratum = np.argsort(of_row, kind="stable")
    starts = np.flatnonzero(np.diff(of_row[by_stratum], prepend=-1))
    lengths = np.diff(np.append(starts, len(order)))
    turn = np.empty(len(order), dtype=np.int64)
    turn[by_stratum] = np.arange(len(order)) - np.repeat(starts, lengths)
    return order[np.argsort(turn, kind="stable")]


def first_different(order: Rows, features: Any, n: int, beside: Any, table: bool = False) -> Rows:
    """Return n rows of the order: first those that are not nearly equal to one before them.

    Nor are the first like a row of `beside`, the features of rows that are asked anyway. The others
    follow where n is not reached: nearly equal rows are no duplicates. Texts, sparse or embedded,
    are nearly equal where their cosine is at least 0.95; rows of a `table` where they have the same
    categories and each number is within a hundredth of the ranks.
    """
    close, prepare = (_same_cells, _dense) if table else (_like_texts, _unit)
    taken: list[int] = []
    others = prepare(beside)
    for start in range(0, len(order), BLOCK):
        block = order[start : start + BLOCK]
        rows = prepare(features[block])
        before = prepare(features[np.array(taken, dtype=np.int64)])
        free = ~close(rows, before).any(axis=1) & ~close(rows, others).any(axis=1)
        within = close(rows, rows)
        kept: list[int] = []
        for place in np.flatnonzero(free).tolist():
            if not within[place, kept].any():
                kept.append(place)
            if len(taken) + len(kept) == n:
                break
        taken += block[kept].tolist()
        if len(taken) >= n:
            break
    rest = order[~np.isin(order, taken)] if len(taken) < n else order[:0]
    return np.append(np.array(taken, dtype=np.int64), rest[: n - len(taken)])


def _like_texts(rows: Any, others: Any) -> npt.NDArray[np.bool_]:
    from scipy import sparse

    cosines = rows @ others.T
    return np.asarray((cosines.toarray() if sparse.issparse(cosines) else cosines) >= TOO_CLOSE)


def _unit(rows: Any) -> Any:
    from sklearn.preprocessing import normalize

    return normalize(rows) if rows.shape[0] else rows


def _same_cells(rows: Any, others: Any) -> npt.NDArray[np.bool_]:
    close = np.ones((len(rows), len(others)), dtype=bool)
    for column, other in zip(rows.T, others.T, strict=True):
        close &= np.abs(column[:, None] - other) <= SAME_NUMBER
    return close


def _dense(rows: Any) -> Any:
    from scipy import sparse

    return rows.toarray() if sparse.issparse(rows) else rows


def mixed(picks: Rows, audit: Rows, rng: np.random.Generator) -> Batch:
    """Return the picks in their order with the audit rows at random places among them.

    Whoever stops early has then seen both kinds, and a row's place does not tell its kind.
    """
    total = len(picks) + len(audit)
    is_audit = np.zeros(total, dtype=bool)
    is_audit[rng.permutation(total)[: len(audit)]] = True
    rows = np.empty(total, dtype=np.int64)
    rows[is_audit] = audit
    rows[~is_audit] = picks
    return Batch(rows, is_audit)


def balanced(order: Rows, guesses: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Rows:
    """Return the order where the next row is always of the class that has fewest labels by then.

    `guesses` is the likeliest class of each row by its place, `labels` how many labels each class
    has. Within a class, and among classes that have equally many, the order stays.
    """
    of_row = guesses[order]
    by_class = np.argsort(of_row, kind="stable")
    starts = np.flatnonzero(np.diff(of_row[by_class], prepend=-1))
    lengths = np.diff(np.append(starts, len(order)))
    level = np.empty(len(order), dtype=np.int64)
    level[by_class] = np.arange(len(order)) - np.repeat(starts, lengths) + labels[of_row[by_class]]
    return order[np.argsort(level, kind="stable")]
