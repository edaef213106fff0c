"""The nearest rows of each row, by squared distance; a view that lets them vote."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST = 50
SAMPLE = 20_000
CHUNK = 1_000


class Nearest(NamedTuple):
    """For each row its nearest rows of other groups, nearest first; rows x n.

    A place of -1 (distance infinite) fills up where there are too few.
    """

    places: Codes
    distances: Floats

    def votes(self, labels: Floats) -> Floats:
        """Return each class's share of the neighbours, nearer ones counting more.

        `labels` is rows x classes: what each row says, with its weight. The frequency of each
        class counts as one more neighbour.
        """
        known = self.places >= 0
        distances = np.where(known, self.distances, 0.0)
        typical = distances.sum(axis=1, keepdims=True) / np.maximum(
            known.sum(axis=1, keepdims=True), 1
        )
        weight = np.exp(-distances / np.maximum(typical, 1e-12)) * known
        sums = weight.sum(axis=1, keepdims=True)
        weight *= known.sum(axis=1, keepdims=True) / np.maximum(sums, 1e-12)
        found = np.empty((len(self.places), labels.shape[1]))
        for start in range(0, len(found), CHUNK):
            part = slice(start, start + CHUNK)
            said = labels[self.places[part]]
            found[part] = np.einsum("rn,rnc->rc", weight[part], said)
        found += labels.mean(axis=0)
        return np.asarray(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12))


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
    others, own = values[sample], groups[sample]
    squares = np.einsum("ij,ij->i", others, others)
    places = np.empty((n, wanted), dtype=np.int64)
    distances = np.empty((n, wanted))
    for start in range(0, n, CHUNK):
        rows = values[start : start + CHUNK]
        apart = squares - 2 * (rows @ others.T) + np.einsum("ij,ij->i", rows, rows)[:, None]
        apart[groups[start : start + CHUNK, None] == own] = np.inf
        picked = np.argpartition(apart, wanted - 1, axis=1)[:, :wanted]
        far = np.take_along_axis(apart, picked, axis=1)
        order = np.lexsort((picked, far), axis=1)
        picked = np.take_along_axis(picked, order, axis=1)
        far = np.take_along_axis(far, order, axis=1).astype(np.float64)
        places[start : start + CHUNK] = np.where(np.isfinite(far), sample[picked], -1)
        distances[start : start + CHUNK] = np.where(np.isfinite(far), np.maximum(far, 0), np.inf)
    return Nearest(places, distances)
