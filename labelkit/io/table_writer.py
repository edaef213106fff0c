"""Writing of tables in memory, in the format of the output's suffix."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from labelkit.io import spreadsheet_cells, text_cells
from labelkit.io.files import whole
from labelkit.io.jsonl import lines as json_lines
from labelkit.io.parquet import GroupedWriter, as_text_table
from labelkit.io.table_formats import DELIMITERS, format_of

_BATCH = 65_536


def write_table(
    table: pa.Table,
    output: str | Path,
    *,
    given_format: str | None = None,
    name: str = "the table",
    ours: Collection[str] = (),
) -> None:
    """Write a table in the format of the output's suffix.

    Numbers in columns of `ours` are written with six decimals at most, others exactly.
    """
    pieces = (table.slice(start, _BATCH) for start in range(0, max(table.num_rows, 1), _BATCH))
    write_pieces(pieces, output, given_format=given_format, name=name, ours=ours)


def write_pieces(
    pieces: Iterable[pa.Table],
    output: str | Path,
    *,
    given_format: str | None = None,
    name: str = "the table",
    ours: Collection[str] = (),
) -> None:
    """Write tables with the same schema one after the other, like `write_table`."""
    target = Path(output)
    kind = format_of(target, given_format)
    with whole(target) as out, TableWriter(out, kind, name) as writer:
        for piece in pieces:
            writer.add(_all_text(piece, name, ours) if kind in DELIMITERS else piece)


def _all_text(table: pa.Table, name: str, ours: Collection[str]) -> pa.Table:
    columns = []
    for column, field in zip(table.columns, table.schema, strict=True):
        if field.name in ours:
            columns.append(text_cells.as_text(column))
        else:
            batch = pa.RecordBatch.from_arrays([column.combine_chunks()], names=[field.name])
            columns.append(as_text_table(batch, name).column(0))
    return pa.Table.from_arrays(columns, names=table.column_names)


class TableWriter:
    """Writes tables one after the other in one format."""

    def __init__(self, out: BinaryIO, kind: str, name: str) -> None:
        self._out, self._kind, self._name = out, kind, name
        self._parquet: GroupedWriter | None = None
        self._started = False

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, failed: type[BaseException] | None, *rest: object) -> None:
        if self._parquet is not None:
            self._parquet.__exit__(failed, *rest)

    def add(self, table: pa.Table) -> None:
        if self._kind == "parquet":
            if self._parquet is None:
                self._parquet = GroupedWriter(self._out, table.schema)
            self._parquet.add(table.cast(self._parquet.schema))
        elif self._kind == "jsonl":
            self._out.write(json_lines(table, self._name).encode())
        else:
            delimiter = DELIMITERS[self._kind]
            if spreadsheet_cells.are_for_people(table.column_names):
                table = spreadsheet_cells.escape_formulas(table)
            if not self._started:
                header = text_cells.heading(table.column_names, delimiter)[1:]
                self._out.write((header + "\n").encode())
            self._out.write(text_cells.lines(table, delimiter).encode())
        self._started = True
