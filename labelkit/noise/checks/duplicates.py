"""Rows that say the same: the same text up to case and spaces, or the same values."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Conflict(NamedTuple):
    """Rows of one text with different labels; `winner` is the label to keep, -1 if unclear."""

    rows: Codes
    winner: int


def of_texts(columns: Sequence[Any]) -> Codes:
    """Return a number a row, the same for texts that differ in case and spaces alone; -1 if empty.

    `columns` are arrays of text, one a column, of the same length.
    """
    cleaned = [_folded(column) for column in columns]
    joined = cleaned[0]
    if len(cleaned) > 1:
        between = pa.scalar("\n", pa.large_string())
        joined = pc.utf8_trim_whitespace(pc.binary_join_element_wise(*cleaned, between))
    codes: Codes = np.asarray(joined.dictionary_encode().indices, dtype=np.int64).copy()
    codes[pc.equal(joined, "").to_numpy(zero_copy_only=False)] = -1
    return codes


def _folded(column: Any) -> Any:
    text = pc.fill_null(pa.array(column, pa.large_string()), "")
    lower = pc.utf8_lower(pc.utf8_normalize(text, form="NFKC"))
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(lower, r"\s+", " "))


def of_values(table: pa.Table) -> Codes:
    """Return a number a row, the same for rows with the same values in all columns."""
    codes = np.zeros(table.num_rows, dtype=np.int64)
    for column in table.columns:
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        indices = pc.fill_null(whole.dictionary_encode().indices, -1)
        own = indices.to_numpy(zero_copy_only=False).astype(np.int64) + 1
        paired = codes * (own.max(initial=0) + 1) + own
        codes = np.unique(paired, return_inverse=True)[1].ravel().astype(np.int64)
    return codes


def both(first: Codes, second: Codes) -> Codes:
    """Return a number a row, the same for rows that are the same in both; -1 where `first` is."""
    paired = first * (int(second.max(initial=0)) + 1) + second
    codes: Codes = np.unique(paired, return_inverse=True)[1].ravel().astype(np.int64)
    codes[first < 0] = -1
    return codes


def firsts(codes: Codes) -> Codes:
    """Return the first row with the same code for each later one; -1 for rows that are first."""
    places = np.arange(len(codes))
    _, first, group = np.unique(codes, return_index=True, return_inverse=True)
    found = first[group.ravel()]
    later: Codes = np.where((codes >= 0) & (found < places), found, -1)
    return later


def joined(first: Codes, second: Codes) -> Codes:
    """Return groups in which rows are together that either numbering puts together.

    A negative number in `second` joins nothing.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n, nodes = len(first), int(first.max(initial=0)) + 1
    other = np.where(second >= 0, second, int(second.max(initial=0)) + 1 + np.arange(n))
    size = nodes + int(other.max(initial=0)) + 1
    graph = coo_matrix((np.ones(n), (first, nodes + other)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][first], dtype=np.int64)


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
