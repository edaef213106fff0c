"""A draw of rows where there are too many."""

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]


def some_rows(rows: Codes, most: int, rng: np.random.Generator) -> Codes:
    """Return `rows`, or `most` of them drawn without replacement, in their order.

    Leave out first what will not be used: a draw from all rows holds few of a small part.
    """
    if len(rows) <= most:
        return rows
    return np.sort(rng.choice(rows, most, replace=False))


def some_rows_of_all(first: npt.NDArray[np.bool_], most: int, rng: np.random.Generator) -> Codes:
    """Return all rows, or `most` of them: as many marked `first` as fit, filled up with others."""
    marked = some_rows(np.flatnonzero(first), most, rng)
    others = some_rows(np.flatnonzero(~first), most - len(marked), rng)
    return np.sort(np.concatenate([marked, others]))
