"""The rows selected by --where and --sample."""

from typing import TYPE_CHECKING

import numpy as np

from labelkit.data.labels import Mask
from labelkit.errors import UsageError

if TYPE_CHECKING:
    from labelkit.io.table import Table


def check(where: str | None, sample: int | None) -> None:
    """Raise UsageError for an empty expression or a number of rows below 1."""
    if where is not None and not where.strip():
        raise UsageError(
            "--where is empty; write an expression, or omit --where to select all rows"
        )
    if sample is not None and sample < 1:
        raise UsageError(f"--sample {sample}: give a number of rows, 1 or more")


def rows_to_act_on(
    source: "Table", where: str | None, sample: int | None, seed: int
) -> Mask | None:
    """Return a boolean mask of the selected rows; None for all rows.

    Raises UsageError for an invalid expression.
    """
    mask = None if where is None else _matching(source, where)
    if sample is None:
        return mask
    candidates = np.arange(source.count()) if mask is None else np.flatnonzero(mask)
    rng = np.random.default_rng([seed, 1])
    sampled = rng.choice(candidates, size=min(sample, len(candidates)), replace=False)
    mask = np.zeros(source.count(), dtype=bool)
    mask[sampled] = True
    return mask


def _matching(source: "Table", expression: str) -> Mask:
    from labelkit.data.row_filter import parse

    where = parse(expression)
    source.require(where.columns, "--where")
    columns = where.columns or source.columns[:1]  # the expression `true` has no columns
    parts = [where.mask(batch) for batch in source.batches(columns, exact=True)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=bool)
