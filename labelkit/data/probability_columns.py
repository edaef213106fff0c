"""Probabilities in columns of a file: --from-proba PREFIX."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from labelkit.config.label_text import ClassReader
from labelkit.errors import LabelkitError, listing, nearest
from labelkit.io.table import Table
from labelkit.stats.blocks import number_type


def classes_of_columns(
    columns: Iterable[str], prefix: str, declared: Iterable[str] = ()
) -> list[str]:
    """Return the classes in the names of columns PREFIX<class>, read as labels, without duplicates.

    Other spellings of one of the `declared` classes are that class.
    """
    reader = ClassReader(declared)
    names = [reader.read(name[len(prefix) :]) for name in columns if name.startswith(prefix)]
    return list(dict.fromkeys(name for name in names if name))


def probabilities(source: Table, prefix: str, classes: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return a matrix rows x classes from the columns PREFIX<class>; NaN for rows without any.

    Class names are read as labels: other spellings of a class are that class. Raises LabelkitError
    if a class has no column or two, for negative values, and if a row does not sum to one.
    """
    names = _columns_of(source, prefix, classes)
    wrong_kind = [name for name, kind in source.kinds(names).items() if kind != "number"]
    if wrong_kind:
        raise LabelkitError(
            f"{source.name}: column {wrong_kind[0]!r} contains cells that are not numbers"
        )
    data = source.read(names, typed=True)
    matrix = np.empty((data.num_rows, len(names)), number_type(data.num_rows, len(names)))
    sums, filled = np.zeros(len(matrix)), np.zeros(len(matrix), dtype=bool)
    for index, name in enumerate(names):
        column = np.asarray(data[name].to_numpy(), np.float64)
        if (column < 0).any():
            row = int(np.flatnonzero(column < 0)[0])
            raise LabelkitError(f"{source.name}, row {row + 1}: the probability {name} is negative")
        present = ~np.isnan(column)
        sums[present] += column[present]
        filled |= present
        matrix[:, index] = column
    wrong = filled & (np.abs(sums - 1) > 1e-3)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise LabelkitError(
            f"{source.name}, row {row + 1}: the probabilities {listing(names)} sum to "
            f"{sums[row]:.3f}, not 1"
        )
    return matrix


def _columns_of(source: Table, prefix: str, classes: Sequence[str]) -> list[str]:
    reader = ClassReader(classes)
    column_of: dict[str, str] = {}
    for column in source.columns:
        name = reader.class_of(column[len(prefix) :]) if column.startswith(prefix) else None
        if name is None:
            continue
        if name in column_of:
            raise LabelkitError(
                f"{source.name}: the columns {column_of[name]!r} and {column!r} are both for the "
                f"class {name!r} (--from-proba {prefix}); remove one"
            )
        column_of[name] = column
    for name in classes:
        if name not in column_of:
            raise LabelkitError(
                f"{source.name} has no column {prefix + name!r} (--from-proba {prefix})"
                f"{nearest(prefix + name, source.columns)}; each class needs a column"
            )
    return [column_of[name] for name in classes]
