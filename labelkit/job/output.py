"""The columns that a command writes; rows that were not selected keep their earlier values."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelkit import console
from labelkit.data.columns import Replaceable
from labelkit.errors import UsageError, listing
from labelkit.io import text_cells
from labelkit.io.parquet import as_check_table

if TYPE_CHECKING:
    from labelkit.data.labels import Mask
    from labelkit.io.table import Table


def as_columns(annotations: Mapping[str, Any], rounds: bool = True) -> dict[str, pa.Array]:
    """Return annotations (arrays, lists or Arrow arrays) as Arrow arrays, numbers rounded."""
    columns = {name: _as_column(values) for name, values in annotations.items()}
    if rounds:
        columns = {name: text_cells.rounded(column) for name, column in columns.items()}
    return columns


def _as_column(values: Any) -> pa.Array:
    is_arrow = isinstance(values, pa.Array | pa.ChunkedArray)
    array = values if is_arrow else text_cells.arrow(values)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array


def refuse_users_columns(
    source: "Table", written: Collection[str], earlier: Replaceable, command: str
) -> None:
    """Raise UsageError if a command would replace columns of the user."""
    users = [n for n in source.every_column() if n in written and n not in earlier.columns]
    if users:
        names = listing([repr(console.clean(name)) for name in users], 5)
        what = console.count(len(users), "columns").partition(" ")[2]
        them = "it" if len(users) == 1 else "them"
        raise UsageError(
            f"{source.name}: {command} would replace the {what} {names}, and no history says that "
            f"labelkit wrote {them}; pass --as NAME to write under another name, or --overwrite "
            f"to replace {them} (in a task file: [{command}] overwrite = true)"
        )


def note_assumed(source: "Table", replaced: Sequence[str], command: str) -> None:
    """Print a note on the columns that are replaced because of their names."""
    names = listing([console.clean(name) for name in replaced], 10)
    console.note(
        f"{source.name} has no history; replacing {names}, which by their names are columns of "
        f"an earlier {command}"
    )


def with_earlier(
    source: "Table", columns: Mapping[str, pa.Array], earlier: Sequence[str], chosen: "Mask | None"
) -> tuple[dict[str, pa.Array], int]:
    """Return the columns to write, and the number of rows that keep earlier annotations.

    `chosen` rows get the values of `columns`. In the other rows, columns in `earlier` keep their
    cells (also those that this run does not write), and new columns are empty.
    """
    if chosen is None:
        return dict(columns), 0
    is_selected = pa.array(chosen)
    before = source.read(list(earlier)) if earlier else None
    kept = np.zeros(len(chosen), dtype=bool)
    result = {}
    for name in [*columns, *(name for name in earlier if name not in columns)]:
        old = before.column(name) if before is not None and name in earlier else None
        new = columns.get(name)
        if old is None:
            assert new is not None
            result[name] = pc.if_else(is_selected, new, pa.scalar(None, new.type))
            continue
        old = _decoded(old)
        old = _empty_as_null(pc.if_else(is_selected, pa.scalar(None, old.type), old))
        kept |= old.is_valid().to_numpy(zero_copy_only=False)
        result[name] = old if new is None else _joined(is_selected, new, old, source.format)
    return result, int(kept.sum())


def _joined(is_selected: pa.Array, new: pa.Array, old: pa.Array, file_format: str) -> pa.Array:
    """Return `new` in the selected rows and `old` elsewhere, with its spelling if possible."""
    if old.type != new.type:
        try:
            typed = old.cast(new.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            typed = None
        is_cells = file_format in ("csv", "tsv")
        if typed is not None and (not is_cells or _same_text(typed, old)):
            old = typed
        else:
            new, old = _empty_as_null(text_cells.as_text(new)), _empty_as_null(_text(old))
    return pc.if_else(is_selected, new, old)


def _same_text(typed: pa.Array, old: pa.Array) -> bool:
    return bool(pc.all(pc.equal(text_cells.as_text(typed), _text(old)), min_count=0).as_py())


def _text(column: pa.Array) -> pa.Array:
    return as_check_table(pa.RecordBatch.from_arrays([column], ["old"])).column(0).combine_chunks()


def _decoded(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _empty_as_null(column: pa.Array) -> pa.Array:
    if not pa.types.is_string(column.type):
        return column
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
