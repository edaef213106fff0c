"""Probabilities that stand in columns of a file: --from-proba PREFIX."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from labelkit.config.label_text import ClassReader
from labelkit.errors import LabelkitError, listing, nearest
from labelkit.io.table import Table
from labelkit.stats.blocks import number_type


def classes_of_columns(columns: Iterable[str], prefix: str, known: Iterable[str] = ()) -> list[str]:
    """Return the classes that columns PREFIX<class> name, read as labels are: once each, in order.

    One of the `known` classes in another spelling is that class.
    """
    reader = ClassReader(known)
    named = [reader.read(name[len(prefix) :]) for name in columns if name.startswith(prefix)]
    return list(dict.fromkeys(name for name in named if name))


def probabilities(source: Table, prefix: str, classes: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return probabilities rows x classes from the columns PREFIX<class>; NaN where all are empty.

    The names are read as labels are: another spelling of a class is that class. Raises
    LabelkitError where a class has no column or two, one is negative or a row does not sum to one.
    """
    names = _columns_of(source, prefix, classes)
    wrong_kind = [name for name, kind in source.kinds(names).items() if kind != "number"]
    if wrong_kind:
        raise LabelkitError(f"{source.name}: column {wrong_kind[0]!r} does not hold numbers only")
    data = source.read(names, typed=True)
    found = np.empty((data.num_rows, len(names)), number_type(data.num_rows, len(names)))
    sums, filled = np.zeros(len(found)), np.zeros(len(found), dtype=bool)
    for place, name in enumerate(names):
        column = np.asarray(data[name].to_numpy(), np.float64)
        if (column < 0).any():
            row = int(np.flatnonzero(column < 0)[0])
            raise LabelkitError(f"{source.name}, row {row + 1}: the probability {name} is below 0")
        stated = ~np.isnan(column)
        sums[stated] += column[stated]
        filled |= stated
        found[:, place] = column
    wrong = filled & (np.abs(sums - 1) > 1e-3)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise LabelkitError(
            f"{source.name}, row {row + 1}: the probabilities {listing(names)} sum to "
            f"{sums[row]:.3f}, not 1"
        )
    return found


def _columns_of(source: Table, prefix: str, classes: Sequence[str]) -> list[str]:
    reader = ClassReader(classes)
    column_of: dict[str, str] = {}
    for column in source.columns:
        name = reader.class_of(column[len(prefix) :]) if column.startswith(prefix) else None
        if name is None:
            continue
        if name in column_of:
            raise LabelkitError(
                f"{source.name}: the columns {column_of[name]!r} and {column!r} are both of the "
                f"class {name!r} (--from-proba {prefix}); remove one"
            )
        column_of[name] = column
    for name in classes:
        if name not in column_of:
            raise LabelkitError(
                f"{source.name} has no column {prefix + name!r} (--from-proba {prefix})"
                f"{nearest(prefix + name, source.columns)}; one column a class is needed"
            )
    return [column_of[name] for name in classes]
