"""Escaping of cells that a spreadsheet would run as a formula, in files for people."""

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

# An apostrophe before a formula makes it a text. Cells that already begin with apostrophes get
# one more, so that removing one always restores the cell.
_SIGNS = r"'*[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
_NUMBER = r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?"
_FORMULA_CELL = re.compile(re.sub(r"\\x\{(....)\}", r"\\u\1", _SIGNS))
_NUMBER_CELL = re.compile(_NUMBER, re.ASCII)
_MARKS = frozenset(("row_check", "label_origin", "label"))  # columns of batches and answers
_OF_AN_EXPORT = "row_id"  # `export --to csv` escapes its cells itself


def are_for_people(columns: Collection[str]) -> bool:
    """Return whether the columns are those of a batch or answers file, whose cells are escaped."""
    return set(columns) >= _MARKS and _OF_AN_EXPORT not in columns


def escape_formula(cell: str) -> str:
    """Return the cell with an apostrophe before it if a spreadsheet would run it as a formula."""
    is_formula = _FORMULA_CELL.match(cell) and not _NUMBER_CELL.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def unescape_formula(cell: str) -> str:
    """Return the original of a cell that `escape_formula` returned."""
    return cell[1:] if cell.startswith("'") and _FORMULA_CELL.match(cell) else cell


def escape_formulas(table: "pa.Table") -> "pa.Table":
    """Return the table with its column names and text cells escaped."""
    import pyarrow as pa

    columns = []
    for column in table.columns:
        is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        columns.append(_escape_column(column) if is_text else column)
    return pa.Table.from_arrays(
        columns, names=[escape_formula(name) for name in table.column_names]
    )


def _escape_column(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow.compute as pc

    risky = pc.match_substring_regex(column, f"^{_SIGNS}")
    if not pc.any(risky, min_count=0).as_py():
        return column
    risky = pc.and_(risky, pc.invert(pc.match_substring_regex(column, f"^{_NUMBER}$")))
    return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)


def unescape_formulas(columns: Sequence["pa.Array"]) -> "list[pa.Array]":
    """Return the arrays of texts unescaped."""
    import pyarrow.compute as pc

    return [pc.replace_substring_regex(each, f"^'({_SIGNS})", r"\1") for each in columns]
