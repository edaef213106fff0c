"""Large tables, rows x classes: worked on block by block, and kept in 32 bits."""

from collections.abc import Iterator
from typing import Any

import numpy as np

CELLS_AT_ONCE = 2_000_000
MOST_EXACT = 20_000_000  # cells of a table with 64-bit numbers


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield the rows in blocks of a bounded number of cells."""
    size = max(1, CELLS_AT_ONCE // max(width, 1))
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def number_type(rows: int, width: int) -> "np.dtype[Any]":
    """Return the type of the numbers of a table: 64 bits, or 32 for a large one."""
    return np.dtype(np.float64 if rows * width <= MOST_EXACT else np.float32)


def rough_type(rows: int, width: int) -> "np.dtype[Any]":
    """Return the type of probabilities of which a large table needs three digits alone."""
    exact = number_type(rows, width) == np.float64
    return np.dtype(np.float64 if exact else np.float16)
