"""Cells that no spreadsheet runs as a formula, in files that people open in one."""

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

# With an apostrophe before it, such a cell is a text. Cells that already have apostrophes there
# get one more, so that taking one off gives back each.
_SIGNS = r"'*[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
_NUMBER = r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?"
_FORMULA_CELL = re.compile(re.sub(r"\\x\{(....)\}", r"\\u\1", _SIGNS))
_NUMBER_CELL = re.compile(_NUMBER, re.ASCII)
_MARKS = frozenset(("row_check", "label_origin", "label"))  # what batches and answers have
_OF_AN_EXPORT = "row_id"  # which is read and written by its own format


def are_for_people(columns: Collection[str]) -> bool:
    """Tell whether a file of such columns is a batch or answers, whose cells are held back."""
    return set(columns) >= _MARKS and _OF_AN_EXPORT not in columns


def held_back(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    is_formula = _FORMULA_CELL.match(cell) and not _NUMBER_CELL.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def let_go(cell: str) -> str:
    """Return the cell that `held_back` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA_CELL.match(cell) else cell


def all_held_back(table: "pa.Table") -> "pa.Table":
    """Return a table of texts with its names and cells held back."""
    import pyarrow as pa

    columns = []
    for column in table.columns:
        is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        columns.append(_held_back(column) if is_text else column)
    return pa.Table.from_arrays(columns, names=[held_back(name) for name in table.column_names])


def _held_back(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow.compute as pc

    risky = pc.match_substring_regex(column, f"^{_SIGNS}")
    if not pc.any(risky, min_count=0).as_py():
        return column
    risky = pc.and_(risky, pc.invert(pc.match_substring_regex(column, f"^{_NUMBER}$")))
    return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)


def all_let_go(columns: Sequence["pa.Array"]) -> "list[pa.Array]":
    """Return arrays of texts as they were before they were held back."""
    import pyarrow.compute as pc

    return [pc.replace_substring_regex(each, f"^'({_SIGNS})", r"\1") for each in columns]
