"""Ties, in all commands: the likeliest class of each row, and no class where two are equal."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.stats.blocks import row_blocks

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

NO_CLASS = -1
SAME = 1e-9  # sums in another order differ in their last bits
DECIMALS = 6  # of the probabilities in files


def likeliest(probabilities: npt.NDArray[Any]) -> tuple[Codes, Floats]:
    """Return the likeliest class of each row (`NO_CLASS` at a tie) and its probability (then 0).

    `probabilities` rows x classes; NaN counts as 0, and a row of zeros has no class. Two classes
    tie where they are equal but for rounding, or equal as they are written to files.
    """
    rows, classes = probabilities.shape
    codes, sure = np.full(rows, NO_CLASS, dtype=np.int64), np.zeros(rows)
    for part in row_blocks(rows if classes else 0, classes):
        codes[part], sure[part] = _likeliest(probabilities[part])
    return codes, sure


def _likeliest(probabilities: npt.NDArray[Any]) -> tuple[Codes, Floats]:
    shares = np.nan_to_num(np.asarray(probabilities, dtype=np.float64))
    codes = shares.argmax(axis=1).astype(np.int64)
    high = shares.max(axis=1)
    decided = high > 0
    close = np.flatnonzero((shares >= (high - 2 * 10.0**-DECIMALS)[:, None]).sum(axis=1) > 1)
    near, highest = shares[close], high[close, None]
    top = (near >= highest - SAME) | (near.round(DECIMALS) == highest.round(DECIMALS))
    decided[close[top.sum(axis=1) > 1]] = False
    return np.where(decided, codes, NO_CLASS), np.where(decided, high, 0.0)


def leader(shares: Mapping[str, float]) -> str | None:
    """Return the name with the highest share, None at a tie and where no share is above 0."""
    codes, _ = likeliest(np.array([list(shares.values())], dtype=np.float64).reshape(1, -1))
    return None if codes[0] == NO_CLASS else list(shares)[codes[0]]
