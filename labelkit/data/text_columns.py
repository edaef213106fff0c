"""Which columns read like text."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from labelkit.errors import LabelkitError, listing
from labelkit.io.csv_parser import other_delimiter
from labelkit.io.native_text import is_text
from labelkit.io.table import Table

# Means over the cells of the file's first batch.
_FEWEST_CHARACTERS = 12.0
_FEWEST_SPACES = 1.5
_NESTED = r"(?s)^(\[.*\]|\{.*\})$"


def refuse_other_delimiter(source: Table) -> None:
    """Raise UsageError for a file of one column that another delimiter would cut into several."""
    if len(source.columns) > 1 or source.format not in ("csv", "tsv"):
        return
    (name,) = source.columns
    other = next((character for character in ";\t|," if character in name), None)
    if other is not None:
        raise other_delimiter(source.name, name, other, source.delimiter)


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


def _is_json(column: pa.Array) -> bool:
    filled = column.filter(pc.not_equal(column, ""))
    return bool(pc.all(pc.match_substring_regex(filled, _NESTED), min_count=0).as_py())


def texts_by_look(source: Table, names: Sequence[str]) -> list[str]:
    """Return those of the named columns whose cells are mostly different phrases.

    Only text can be one; a list, also as JSON, is none.
    """
    kinds = source.kinds(names)
    head = next(source.batches([n for n in names if kinds[n] == "text"]), None)
    if head is None:
        return []
    found = []
    for name in head.schema.names:
        column = head.column(name)
        if not is_text(column.type) or _is_json(column):
            continue
        column = pc.fill_null(column, "")
        length = pc.mean(pc.utf8_length(column)).as_py() or 0.0
        spaces = pc.mean(pc.count_substring(column, " ")).as_py() or 0.0
        varied = pc.count_distinct(column).as_py() > head.num_rows / 3
        if length >= _FEWEST_CHARACTERS and spaces >= _FEWEST_SPACES and varied:
            found.append(name)
    return found
