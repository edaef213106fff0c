"""Detection of text columns."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from labelkit.errors import LabelkitError, listing
from labelkit.io.csv_parser import other_delimiter
from labelkit.io.native_text import is_text
from labelkit.io.table import Table

# Means over the cells of the file's first batch.
_MIN_CHARACTERS = 12.0
_MIN_SPACES = 1.5
_NESTED = r"(?s)^(\[.*\]|\{.*\})$"


def refuse_other_delimiter(source: Table) -> None:
    """Raise UsageError for a one-column file that another delimiter would split into columns."""
    if len(source.columns) > 1 or source.format not in ("csv", "tsv"):
        return
    (name,) = source.columns
    other = next((character for character in ";\t|," if character in name), None)
    if other is not None:
        raise other_delimiter(source.name, name, other, source.delimiter)


def text_columns(source: Table, names: Sequence[str]) -> list[str]:
    """Return the column `text` if it exists, else the only column detected as text.

    Raises LabelkitError, which lists the columns, if there is not exactly one.
    """
    if source.has("text"):
        return ["text"]
    detected = detect_text_columns(source, names)
    if len(detected) != 1:
        raise _ambiguous(source, detected)
    return detected


def refuse_unread_texts(source: Table, names: Sequence[str]) -> None:
    """Raise LabelkitError if several columns are detected as text but none is used as text."""
    detected = detect_text_columns(source, names)
    if len(detected) > 1:
        raise _ambiguous(source, detected, "; --features columns reads none of them as a text")


def _ambiguous(source: Table, detected: list[str], more: str = "") -> LabelkitError:
    detail = f"several look like text: {listing(detected)}" if detected else "none looks like text"
    return LabelkitError(
        f"{source.name}: which column is the text? Name it with --text COLUMN "
        f"({detail}; columns: {listing(source.columns, 20)}){more}"
    )


def _is_json(column: pa.Array) -> bool:
    filled = column.filter(pc.not_equal(column, ""))
    return bool(pc.all(pc.match_substring_regex(filled, _NESTED), min_count=0).as_py())


def detect_text_columns(source: Table, names: Sequence[str]) -> list[str]:
    """Return the named columns whose cells are mostly different phrases.

    Only columns of text, not of lists or JSON.
    """
    kinds = source.kinds(names)
    head = next(source.batches([n for n in names if kinds[n] == "text"]), None)
    if head is None:
        return []
    detected = []
    for name in head.schema.names:
        column = head.column(name)
        if not is_text(column.type) or _is_json(column):
            continue
        column = pc.fill_null(column, "")
        length = pc.mean(pc.utf8_length(column)).as_py() or 0.0
        spaces = pc.mean(pc.count_substring(column, " ")).as_py() or 0.0
        varied = pc.count_distinct(column).as_py() > head.num_rows / 3
        if length >= _MIN_CHARACTERS and spaces >= _MIN_SPACES and varied:
            detected.append(name)
    return detected
