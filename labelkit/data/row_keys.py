"""Keys of rows, and hashes that tell whether a row has changed."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from labelkit.errors import LabelkitError
from labelkit.io.content import doubled


def numbers(rows: int) -> list[str]:
    """Return the keys of rows that are known by their place alone: 1, 2, …"""
    return [str(number) for number in range(1, rows + 1)]


def row_checks(table: pa.Table, rows: int, size: int = 6) -> list[str]:
    """Return a hash of each row's text, of `size` bytes, to notice that rows have moved or changed.

    It begins with a letter that is in no number: a spreadsheet would round 123456789012.
    """
    from hashlib import blake2b

    if not table.num_columns:
        return [""] * rows
    parts = [pc.fill_null(column.combine_chunks(), "") for column in table.columns]
    joined = pc.binary_join_element_wise(*parts, "\x1f") if len(parts) > 1 else parts[0]
    return ["x" + blake2b(t.encode(), digest_size=size).hexdigest()[1:] for t in joined.to_pylist()]


def check_unique(keys: Sequence[str], key_name: str, file_name: str) -> None:
    """Raise LabelkitError where a key is empty or stands more than once, with the remedy."""
    twice = doubled(keys)
    if twice is None:
        return
    what = f"the key {twice!r} stands twice" if twice else "the key is empty in some rows"
    raise LabelkitError(
        f"{file_name}: {what} in column {key_name!r}; "
        f"name another with --id COLUMN, or --id row for the row's number"
    )
