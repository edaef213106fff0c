"""Which rows belong together: one group a number, joined where rows share one."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Groups = npt.NDArray[np.int64]


def joined_groups(parts: Sequence[Groups]) -> Groups:
    """Return a group number a row; rows that share a number in any part are in one group."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if len(parts) == 1:
        return parts[0]
    first, second = parts
    n, offset = len(first), int(first.max(initial=-1)) + 1
    size = offset + int(second.max(initial=-1)) + 1
    graph = coo_matrix((np.ones(n), (first, offset + second)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][first], dtype=np.int64)
