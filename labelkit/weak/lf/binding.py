"""Which columns of this file each labeling function gets, decided before any row is read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from labelkit.errors import LabelkitError, listing, nearest
from labelkit.weak.lf.column_reads import Reads
from labelkit.weak.lf.loader import ROW_NAMES, LabelingFunction

TEXT = "text"

Way = Literal["row", "columns", "frame", "series"]


@dataclass(frozen=True)
class FileColumns:
    """The columns of the input: all, those that only a function that names them may see, text."""

    every: tuple[str, ...]
    hidden: frozenset[str] = frozenset()
    text: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Return what may be read by name, `text` included where the task has a text."""
        return frozenset(self.every) | ({TEXT} if self.text else frozenset())

    @property
    def visible(self) -> tuple[str, ...]:
        """Return what a function sees that looks at whole rows."""
        seen = [name for name in self.every if name not in self.hidden]
        if self.text and TEXT not in self.every:
            seen.append(TEXT)
        return tuple(seen)

    def behind(self, names: Iterable[str]) -> list[str]:
        """Return the columns of the file to read for `names`, in the file's order."""
        wanted = set(names)
        if TEXT in wanted and TEXT not in self.every:
            wanted = (wanted - {TEXT}) | set(self.text)
        return [name for name in self.every if name in wanted]


@dataclass(frozen=True)
class Bound:
    """A labeling function together with what it is called with."""

    function: LabelingFunction
    way: Way
    names: tuple[str, ...]  # columns; for `columns` and `series` in the order of the parameters
    shown: tuple[str, ...]  # the columns that an error message quotes
    keywords: tuple[str, ...] = ()  # optional parameters that are columns, after `names`
    own_rows: bool = False  # it may change its row, so no other function gets the same one


def bind(functions: Sequence[LabelingFunction], columns: FileColumns) -> list[Bound]:
    """Return each function with its columns.

    Raises LabelkitError for a parameter, attribute or item that is no column, with the nearest.
    """
    return [_bind_one(function, columns) for function in functions]


def _bind_one(function: LabelingFunction, columns: FileColumns) -> Bound:
    first = function.required[0]
    if function.style == "row":
        return _whole(function, columns, "row")
    if function.style == "frame":
        if len(function.required) == 1:
            return _whole(function, columns, "frame")
        return _by_column(function, columns, "series")
    if first in ROW_NAMES and not (len(function.required) > 1 and first in columns.every):
        if len(function.required) > 1:
            raise LabelkitError(
                f"{function.place} takes {listing(function.required)}: take `{first}` alone, "
                "the whole row, or the names of columns"
            )
        return _whole(function, columns, "row")
    alone = len(function.required) == 1 and first not in columns.names
    if alone and function.reads(first).looks_like_row(columns.names):
        return _whole(function, columns, "row")  # def lf_high(movie): … movie.imdb_rating
    return _by_column(function, columns, "columns")


def _by_column(function: LabelingFunction, columns: FileColumns, way: Way) -> Bound:
    for name in function.required:
        if name not in columns.names:
            raise LabelkitError(_no_parameter(function, name, columns))
    extra = tuple(name for name in function.optional if name in columns.names) * (way == "columns")
    names = function.required + extra
    return Bound(function, way, names, names, extra)


def _no_parameter(function: LabelingFunction, name: str, columns: FileColumns) -> str:
    if name == TEXT:
        return (
            f"{function.place} takes `text`: say which column that is by --text COLUMN "
            f"(columns: {listing(columns.every)})"
        )
    hint = nearest(name, columns.every)
    if len(function.required) == 1:
        hint += ". Call the parameter `row` to get the whole row"
    return (
        f"{function.place} takes `{name}`, and there is no such column{hint} "
        f"(columns: {listing(columns.every)})"
    )


def _whole(function: LabelingFunction, columns: FileColumns, way: Way) -> Bound:
    parameter = function.required[0]
    found = function.reads(parameter)
    if way == "frame":
        found = _frame_reads(found)
    for name in found.columns:
        if name in columns.names or name in found.guarded or found.everything:
            continue
        if way == "row" and name in found.called:
            continue  # fails on the first row with Python's own words
        raise LabelkitError(
            f"{function.place} reads {parameter}.{name}, and there is no column {name!r}"
            f"{nearest(name, columns.every)} (columns: {listing(columns.every)})"
        )
    named = tuple(name for name in found.columns if name in columns.names)
    if not found.everything:
        return Bound(function, way, named or columns.visible[:1], named)
    names = columns.visible + tuple(name for name in named if name in columns.hidden)
    return Bound(function, way, names, named, own_rows=True)


def _frame_reads(found: Reads) -> Reads:
    """Take a DataFrame's own attributes (shape, apply, loc) for a use of the whole frame."""
    import pandas as pd

    own = [name for name in found.columns if hasattr(pd.DataFrame, name)]
    return Reads(
        tuple(name for name in found.columns if name not in own),
        found.guarded,
        found.called,
        found.everything or bool(own),
    )
