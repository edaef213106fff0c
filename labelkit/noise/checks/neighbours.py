"""The nearest rows of each row, by squared distance; a view that lets them vote."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.stats.blocks import row_blocks

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST = 50
SAMPLE = 20_000
CHUNK = 1_000
STRIPES = 8  # for each value wanted


class Nearest(NamedTuple):
    """For each row its nearest rows of other groups, nearest first; rows x n.

    A place of -1 (distance infinite) fills up where there are too few.
    """

    places: npt.NDArray[np.int32]
    distances: npt.NDArray[np.float32]

    def votes(self, codes: Codes, weights: Floats, classes: int) -> Iterator[tuple[slice, Floats]]:
        """Yield some rows and each class's share of their neighbours, nearer ones counting more.

        `codes` and `weights` say what each row is labelled and how much it counts. The frequency
        of each class counts as one more neighbour.
        """
        from scipy import sparse

        n, wanted = self.places.shape
        of_row = sparse.csr_matrix((weights, (np.arange(n), codes)), (n, classes))
        share = np.bincount(codes, weights, classes) / n
        for part in row_blocks(n, max(classes, wanted)):
            near, places = self._weights(part), np.maximum(self.places[part], 0)
            ends = np.arange(len(near) + 1) * wanted
            voters = sparse.csr_matrix((near.ravel(), places.ravel(), ends), (len(near), n))
            said = (voters @ of_row).toarray() + share
            said /= np.maximum(said.sum(axis=1, keepdims=True), 1e-12)
            yield part, said

    def _weights(self, part: slice) -> Floats:
        """Return how much each neighbour of some rows counts."""
        known = self.places[part] >= 0
        distances = np.where(known, self.distances[part].astype(np.float64), 0.0)
        typical = distances.sum(axis=1, keepdims=True) / np.maximum(
            known.sum(axis=1, keepdims=True), 1
        )
        weight = np.exp(-distances / np.maximum(typical, 1e-12)) * known
        sums = weight.sum(axis=1, keepdims=True)
        weight *= known.sum(axis=1, keepdims=True) / np.maximum(sums, 1e-12)
        return np.asarray(weight)


def find(matrix: Any, groups: Codes, seed: int = 0, most: int | None = None) -> Nearest:
    """Return the nearest rows of a dense matrix, rows of one's own group left out.

    So many as the square root of the rows, between 5 and 50. Of many rows a seeded sample may be
    a neighbour, so that memory and time are bounded.
    """
    n = len(matrix)
    values = np.ascontiguousarray(matrix, dtype=np.float32)
    sample = np.arange(n)
    if n > SAMPLE:
        sample = np.sort(np.random.default_rng([seed, 9]).choice(n, SAMPLE, replace=False))
    wanted = min(most or int(np.clip(n**0.5, 5, MOST)), len(sample))
    others = values[sample]
    squares = np.einsum("ij,ij->i", others, others)
    order = np.argsort(groups[sample], kind="stable")
    sorted_groups = groups[sample][order]
    places = np.empty((n, wanted), dtype=np.int32)
    distances = np.empty((n, wanted), dtype=np.float32)
    for start in range(0, n, CHUNK):
        rows, part = values[start : start + CHUNK], slice(start, start + CHUNK)
        apart = rows @ others.T
        apart *= -2
        apart += squares
        apart += np.einsum("ij,ij->i", rows, rows)[:, None]
        firsts, lasts = (
            np.searchsorted(sorted_groups, groups[part], side) for side in ("left", "right")
        )
        for row in np.flatnonzero(lasts > firsts):
            apart[row, order[firsts[row] : lasts[row]]] = np.inf
        picked, distances[part] = smallest(apart, wanted)
        places[part] = np.where(picked >= 0, sample[picked], -1)
    return Nearest(places, np.maximum(distances, 0))


def smallest(values: Any, wanted: int) -> tuple[Codes, Floats]:
    """Return the places of the smallest finite values of each row and these, smallest first.

    The first of equal values comes first. A place of -1 (infinite) fills up where there are too
    few. `wanted` is at most the number of columns.
    """
    n, columns = values.shape
    # The smallest of some stripes bound what can be among the smallest of all, which leaves little
    # to sort. With less columns than stripes, each is one.
    width = max(1, columns // (STRIPES * wanted))
    stripes = columns // width
    least = values[:, : stripes * width].reshape(n, width, stripes).min(axis=1)
    bound = np.partition(least, wanted - 1, axis=1)[:, wanted - 1]
    bound = np.minimum(bound, np.finfo(values.dtype).max)
    flat = np.flatnonzero(values <= bound[:, None])
    rows, places = np.divmod(flat, columns)
    found = values.ravel()[flat]
    order = np.lexsort((found, rows))  # stable: equal values stay in the order of the columns
    counts = np.bincount(rows, minlength=n)
    rank = np.arange(len(flat)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = rank < wanted
    picked = np.full((n, wanted), -1, dtype=np.int64)
    numbers = np.full((n, wanted), np.inf)
    picked[rows[kept], rank[kept]] = places[order][kept]
    numbers[rows[kept], rank[kept]] = found[order][kept]
    return picked, numbers
