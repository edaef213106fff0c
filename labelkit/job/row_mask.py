"""The rows that a command acts on: --where and --sample."""

from typing import TYPE_CHECKING

import numpy as np

from labelkit.data.labels import Mask
from labelkit.errors import UsageError

if TYPE_CHECKING:
    from labelkit.io.table import Table


def check(where: str | None, sample: int | None) -> None:
    """Raise UsageError for an expression or a number of rows that selects nothing at all."""
    if where is not None and not where.strip():
        raise UsageError("--where is empty; give an expression, or leave --where out for all rows")
    if sample is not None and sample < 1:
        raise UsageError(f"--sample {sample}: give a number of rows, 1 or more")


def rows_to_act_on(
    source: "Table", where: str | None, sample: int | None, seed: int
) -> Mask | None:
    """Return a boolean array, true for the rows to act on; None where that is all of them.

    Raises UsageError for an expression that does not parse.
    """
    mask = None if where is None else _matching(source, where)
    if sample is None:
        return mask
    among = np.arange(source.count()) if mask is None else np.flatnonzero(mask)
    rng = np.random.default_rng([seed, 1])
    picked = rng.choice(among, size=min(sample, len(among)), replace=False)
    mask = np.zeros(source.count(), dtype=bool)
    mask[picked] = True
    return mask


def _matching(source: "Table", expression: str) -> Mask:
    from labelkit.data.row_filter import parse

    where = parse(expression)
    source.require(where.columns, "--where")
    read = where.columns or source.columns[:1]  # `true` names none
    parts = [where.mask(batch) for batch in source.batches(read, exact=True)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=bool)
