"""Probabilities that stand in columns of a file: --from-proba PREFIX."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from labelkit.errors import LabelkitError, listing, nearest
from labelkit.io.table import Table


def probabilities(source: Table, prefix: str, classes: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return probabilities rows x classes from the columns PREFIX<class>; NaN where all are empty.

    Raises LabelkitError where a class has no column, one is negative or a row does not sum to one.
    """
    names = [prefix + name for name in classes]
    missing = [name for name in names if not source.has(name)]
    if missing:
        raise LabelkitError(
            f"{source.name} has no column {missing[0]!r} (--from-proba {prefix})"
            f"{nearest(missing[0], source.columns)}; one column a class is needed"
        )
    wrong_kind = [name for name, kind in source.kinds(names).items() if kind != "number"]
    if wrong_kind:
        raise LabelkitError(f"{source.name}: column {wrong_kind[0]!r} does not hold numbers only")
    data = source.read(names, typed=True)
    found = np.column_stack([np.asarray(data[name].to_numpy(), np.float64) for name in names])
    filled = ~np.isnan(found).all(axis=1)
    sums = np.nansum(found, axis=1)
    for name, negative in zip(names, (found < 0).T, strict=True):
        if negative.any():
            row = int(np.flatnonzero(negative)[0])
            raise LabelkitError(f"{source.name}, row {row + 1}: the probability {name} is below 0")
    wrong = filled & (np.abs(sums - 1) > 1e-3)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise LabelkitError(
            f"{source.name}, row {row + 1}: the probabilities {listing(names)} sum to "
            f"{sums[row]:.3f}, not 1"
        )
    return found
