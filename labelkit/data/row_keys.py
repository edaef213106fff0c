"""Keys of rows, and hashes that tell whether a row has changed."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc


def row_checks(table: pa.Table) -> list[str]:
    """Return a short hash of each row's text, to notice that rows have moved or changed."""
    from hashlib import blake2b

    if not table.num_columns:
        return [""] * table.num_rows
    parts = [pc.fill_null(column.combine_chunks(), "") for column in table.columns]
    joined = pc.binary_join_element_wise(*parts, "\x1f") if len(parts) > 1 else parts[0]
    return [blake2b(t.encode(), digest_size=6).hexdigest() for t in joined.to_pylist()]


def doubled(keys: Sequence[str]) -> str | None:
    """Return a key that stands more than once, if there is one."""
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return None
