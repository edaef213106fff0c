"""Keys of rows, and checksums that detect changed rows."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from labelkit.errors import LabelkitError
from labelkit.io.content import first_duplicate


def numbers(rows: int) -> list[str]:
    """Return the keys of rows without a key column: 1, 2, …"""
    return [str(number) for number in range(1, rows + 1)]


def row_checks(table: pa.Table, rows: int, size: int = 6) -> list[str]:
    """Return a hash of each row's text, of `size` bytes, to detect moved or changed rows.

    It begins with `x`, so that spreadsheets do not read it as a number and round it.
    """
    from hashlib import blake2b

    if not table.num_columns:
        return [""] * rows
    parts = [pc.fill_null(column.combine_chunks(), "") for column in table.columns]
    joined = pc.binary_join_element_wise(*parts, "\x1f") if len(parts) > 1 else parts[0]
    return ["x" + blake2b(t.encode(), digest_size=size).hexdigest()[1:] for t in joined.to_pylist()]


def check_unique(keys: Sequence[str], key_name: str, file_name: str) -> None:
    """Raise LabelkitError, with a remedy, for an empty or duplicate key."""
    duplicate = first_duplicate(keys)
    if duplicate is None:
        return
    what = f"duplicate key {duplicate!r}" if duplicate else "the key is empty in some rows"
    raise LabelkitError(
        f"{file_name}: {what} in column {key_name!r}; "
        f"pass --id COLUMN to use another key, or --id row for the row number"
    )
