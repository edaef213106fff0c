"""Looking at columns: which read like text, which rows belong together, what is likely."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from labelkit.console import clean
from labelkit.errors import LabelkitError, UsageError, listing, nearest
from labelkit.io.csv_parser import option_for
from labelkit.io.table import Table

Groups = npt.NDArray[np.int64]

# Means over the cells of the file's first batch.
_FEWEST_CHARACTERS = 12.0
_FEWEST_SPACES = 1.5


def refuse_other_delimiter(source: Table) -> None:
    """Raise UsageError for a file of one column that another delimiter would cut into several."""
    if len(source.columns) > 1 or source.format not in ("csv", "tsv"):
        return
    (name,) = source.columns
    other = next((character for character in ";\t|," if character in name), None)
    if other is not None:
        raise UsageError(
            f"{source.name} has one column only, {clean(name, 60)!r}; name what stands between "
            f"its cells: {option_for(other)} ({option_for(source.delimiter)} if it is one column)"
        )


def text_columns(source: Table, names: Sequence[str]) -> list[str]:
    """Return `text` where there is one, else the only one of the columns that reads like text.

    Raises LabelkitError that lists the columns where it is not clear.
    """
    if source.has("text"):
        return ["text"]
    found = texts_by_look(source, names)
    if len(found) != 1:
        raise _unclear(source, found)
    return found


def refuse_unread_texts(source: Table, names: Sequence[str]) -> None:
    """Raise LabelkitError where several of the columns read like text, and none is to be read."""
    found = texts_by_look(source, names)
    if len(found) > 1:
        raise _unclear(source, found, "; --features columns reads none of them as a text")


def _unclear(source: Table, found: list[str], more: str = "") -> LabelkitError:
    among = f"several look like text: {listing(found)}" if found else "none looks like text"
    return LabelkitError(
        f"{source.name}: which column is the text? Name it with --text COLUMN "
        f"({among}; columns: {listing(source.columns, 20)}){more}"
    )


def texts_by_look(source: Table, names: Sequence[str]) -> list[str]:
    """Return those of the named columns whose cells are mostly different phrases."""
    kinds = source.kinds(names)
    head = next(source.batches([n for n in names if kinds[n] == "text"], True), None)
    if head is None:
        return []
    found = []
    for name in head.schema.names:
        column = head.column(name)
        length = pc.mean(pc.utf8_length(column)).as_py() or 0.0
        spaces = pc.mean(pc.count_substring(column, " ")).as_py() or 0.0
        varied = pc.count_distinct(column).as_py() > head.num_rows / 3
        if length >= _FEWEST_CHARACTERS and spaces >= _FEWEST_SPACES and varied:
            found.append(name)
    return found


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
