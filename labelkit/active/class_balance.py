"""--balance: the classes that have few labels so far are asked for first."""

from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


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
