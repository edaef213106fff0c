"""Which rows repeat an earlier one, and equal texts with different labels."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Conflict(NamedTuple):
    """Rows of one text with different labels; `winner` is the label to keep, -1 if unclear."""

    rows: Codes
    winner: int


def firsts(codes: Codes) -> Codes:
    """Return the first row with the same code for each later one; -1 for rows that are first."""
    places = np.arange(len(codes))
    _, first, group = np.unique(codes, return_index=True, return_inverse=True)
    found = first[group.ravel()]
    later: Codes = np.where((codes >= 0) & (found < places), found, -1)
    return later


def conflicts(codes: Codes, labels: Codes, chance: Floats) -> list[Conflict]:
    """Return the groups of equal texts whose labels differ, in the order of their first row.

    `labels` are class codes, -1 for rows that do not count. The commonest label of a group wins;
    of equally common ones the one whose rows have the higher `chance` (the probability of the
    row's own label by the model, 0 where it has none).
    """
    counted = np.flatnonzero((labels >= 0) & (codes >= 0))
    if not len(counted):
        return []
    order = counted[np.argsort(codes[counted], kind="stable")]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(codes[order])) + 1])
    differ = np.minimum.reduceat(labels[order], starts) < np.maximum.reduceat(labels[order], starts)
    ends = np.concatenate([starts[1:], [len(order)]])
    groups = [order[starts[g] : ends[g]] for g in np.flatnonzero(differ)]
    found = [Conflict(rows, _winner(labels[rows], chance[rows])) for rows in groups]
    return sorted(found, key=lambda conflict: int(conflict.rows[0]))


def _winner(labels: Codes, chance: Floats) -> int:
    counts = np.bincount(labels)
    best = np.flatnonzero(counts == counts.max())
    means = np.array([chance[labels == code].mean() for code in best])
    top = best[means >= means.max() - 1e-12]
    return int(top[0]) if len(top) == 1 else -1
