"""Duplicates: rows with the same text or cells, by one definition for all commands.

Two texts are the same if they are equal after Unicode NFKC, case folding and white space folding
(runs become one space, none at the ends). Punctuation, symbols and digits count: `C` and `C#`,
`:)` and `:(`, `-5` and `5` are different texts. Numbers, dates and booleans are compared by value.
"""

import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Groups = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# White space of ASCII that folding changes: all but single spaces inside the text.
_UNFOLDED_SPACES = r"[\t-\r\x1c-\x1f]|  |^ | $"


def fold_text(text: str) -> str:
    """Return the folded text: two texts are the same if and only if it is equal."""
    if not text.isascii():
        # Folding case can undo the normal form, and normalizing can bring capitals back.
        for _ in range(2):
            text = unicodedata.normalize("NFKC", text).casefold()
        text = unicodedata.normalize("NFKC", text)
    else:
        text = text.lower()
    return " ".join(text.split())


def fold_texts(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return `fold_text` of each text of an Arrow array as large strings; null gives ''."""
    column = pc.fill_null(texts.cast(pa.large_string()), "")
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    folded = pc.ascii_lower(column)
    # Arrow has no full case folding (ß is ss, ς is σ), and its regular expressions are slower than
    # str.split.
    other = pc.or_(
        pc.invert(pc.string_is_ascii(column)), pc.match_substring_regex(column, _UNFOLDED_SPACES)
    )
    if not pc.any(other, min_count=0).as_py():
        return folded
    rest = [fold_text(text) for text in column.filter(other).to_pylist()]
    return pc.replace_with_mask(folded, other, pa.array(rest, pa.large_string()))


def duplicate_groups(table: pa.Table) -> Groups:
    """Return a group number per row of a typed table: duplicates are equal in every column.

    Rows of a table without columns are all different.
    """
    if not table.num_columns:
        return np.arange(table.num_rows, dtype=np.int64)
    codes = _value_codes(table.column(0))
    for column in table.columns[1:]:
        own = _value_codes(column)
        paired = codes * (int(own.max(initial=0)) + 1) + own
        codes = np.unique(paired, return_inverse=True)[1].ravel().astype(np.int64)
    return codes


def _value_codes(column: pa.ChunkedArray) -> Groups:
    """Return a code from 0 on for each value of a column; null has its own."""
    whole = column.combine_chunks()
    if not _is_text(whole.type):
        encoded = whole.dictionary_encode(null_encoding="encode")
        return np.asarray(encoded.indices, dtype=np.int64)
    encoded = pc.fill_null(whole, "").dictionary_encode()
    code_by_value = fold_texts(encoded.dictionary).dictionary_encode().indices
    return np.asarray(code_by_value.take(encoded.indices), dtype=np.int64)


def blank_rows(table: pa.Table) -> Mask:
    """Return a mask of the rows of a typed table with only empty or white space cells."""
    filled = np.zeros(table.num_rows, dtype=bool)
    for column in table.columns:
        has_value = pc.is_valid(column)
        if _is_text(column.type):
            has_value = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(column), ""), False)
        filled |= np.asarray(has_value.combine_chunks(), dtype=bool)
    return ~filled


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def share_group(groups: Groups, rows: Mask) -> Mask:
    """Return a mask of all rows in the groups of `rows`."""
    return np.isin(groups, groups[rows])


def joined_groups(parts: Sequence[Groups]) -> Groups:
    """Return a group number per row; rows with the same number in any part are in one group."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    joined = parts[0]
    for part in parts[1:]:
        n, offset = len(joined), int(joined.max(initial=-1)) + 1
        size = offset + int(part.max(initial=-1)) + 1
        graph = coo_matrix((np.ones(n), (joined, offset + part)), shape=(size, size))
        components = connected_components(graph, directed=False)[1]
        joined = np.asarray(components[joined], dtype=np.int64)
    return joined
