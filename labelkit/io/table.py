"""A data file as a table: open, project, stream in batches, write with new columns.

Only requested columns are in memory; the others are streamed from the input to the output.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from labelkit import console
from labelkit.errors import LabelkitError, UsageError, listing, nearest
from labelkit.io import streams, text_cells
from labelkit.io.column_types import Exact, KindScan, apply_exact, apply_kinds
from labelkit.io.csv_file import CsvFile
from labelkit.io.feature_kinds import FeatureScan, odd_cells
from labelkit.io.files import whole
from labelkit.io.jsonl import JsonlFile
from labelkit.io.native_text import taken
from labelkit.io.parquet import (
    ParquetFile,
    as_check_table,
    as_text_table,
    binary_columns,
    plain_batch,
    refuse_bytes,
)
from labelkit.io.partitions import parts_of
from labelkit.io.table_formats import DELIMITERS, format_of
from labelkit.io.table_writer import TableWriter

Reader = CsvFile | JsonlFile | ParquetFile


class Table:
    """An opened input: its columns by name, its rows in batches."""

    def __init__(
        self,
        paths: Sequence[str | Path],
        *,
        given_format: str | None = None,
        delimiter: str | None = None,
        encoding: str = "utf-8",
    ) -> None:
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
            raise UsageError(
                f"--delimiter {delimiter!r} must be a single character (for a tab: $'\\t')"
            )
        self.name = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
        if self.name == "-":
            self.name = "stdin"
        files = [files for path in paths for files in _files_with_folders(Path(path))]
        formats = {format_of(path, given_format) for path, _ in files}
        if len(formats) > 1:
            raise UsageError(f"the inputs are of several formats: {listing(sorted(formats))}")
        self.format = formats.pop()
        self.paths = [streams.spooled(path) for path, _ in files]
        self._folders = [folder for _, folder in files]
        self.delimiter = delimiter or DELIMITERS.get(self.format, ",")
        self.encoding = encoding
        self.reader: Reader = self._reader()
        self._rows: int | None = getattr(self.reader, "rows", None)
        self._kinds: dict[str, Exact] = {}
        self._feature_kinds: dict[str, str] = {}

    def _reader(self) -> Reader:
        if self.format == "parquet":
            return ParquetFile(self.paths, self._folders)
        if self.format == "jsonl":
            return JsonlFile(self.paths)
        return CsvFile(self.paths, self.delimiter, self.encoding)

    @property
    def columns(self) -> list[str]:
        """The column names, in order."""
        return self.reader.names

    def has(self, column: str) -> bool:
        """Return whether there is a column of this name, including keys of later JSON lines."""
        if column in self.columns:
            return True
        return isinstance(self.reader, JsonlFile) and column in self.reader.find_all_names()

    def require(self, columns: Sequence[str], why: str = "") -> None:
        """Raise LabelkitError for the first name that is not a column of the file."""
        present = set(self.columns)
        for name in columns:
            if name not in present and not self.has(name):
                raise LabelkitError(
                    f"{self.name} has no column {name!r}{f' ({why})' if why else ''}"
                    f"{nearest(name, self.columns)} (columns: {listing(self.columns, 20)})"
                )

    def count(self) -> int:
        """Return the number of rows; reads the file once if it is not known yet."""
        if self._rows is None:
            self._rows = sum(batch.num_rows for batch in self.reader.batches([]))
        return self._rows

    def kinds(self, columns: Sequence[str]) -> dict[str, str]:
        """Return the kind of each column in the whole file: text, number, date or boolean."""
        return {name: exact.kind for name, exact in self._exact(columns).items()}

    def feature_kinds(self, columns: Sequence[str]) -> dict[str, str]:
        """Return the kind of each column as a feature: `mostly number` too (see `feature_kinds`).

        The first time it prints a note with the cells that count as missing.
        """
        new_columns = [name for name in dict.fromkeys(columns) if name not in self._feature_kinds]
        kinds = self.kinds(new_columns)
        texts = [name for name in new_columns if kinds[name] == "text"]
        if texts:
            scan = FeatureScan(texts)
            for batch in self._plain_batches(texts):
                scan.update(batch)
            kinds |= scan.kinds()
            mostly_numbers = {n: scan.counts[n] for n in texts if kinds[n] == "mostly number"}
            if mostly_numbers:
                console.note(
                    f"cells that are not numbers count as missing; {odd_cells(mostly_numbers)}"
                )
        self._feature_kinds |= kinds
        return {name: self._feature_kinds[name] for name in columns}

    def _exact(self, columns: Sequence[str]) -> dict[str, Exact]:
        new_columns = [name for name in dict.fromkeys(columns) if name not in self._kinds]
        if new_columns:
            self.require(new_columns)
            scan = KindScan(new_columns, texts_are_typed=not self.reader.native)
            for batch in self._plain_batches(new_columns):
                scan.update(batch)
            self._kinds.update(scan.exact())
        return {name: self._kinds[name] for name in columns}

    def take_as_text(self, columns: Sequence[str]) -> None:
        """Fix the kind of columns that are known to be text, which saves a pass over the file."""
        self._kinds.update(dict.fromkeys(columns, Exact("text", "", True)))

    def _plain_batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        for batch in self.reader.batches(columns):
            yield plain_batch(batch, self.name) if self.reader.native else batch

    def batches(
        self, columns: Sequence[str], typed: bool = False, exact: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """Yield the columns batch by batch, in plain types or in their kinds.

        In the `exact` kinds whole numbers are integers (see `apply_exact`).
        """
        names = list(dict.fromkeys(columns))
        self.require(names)
        kinds = self._exact(names) if typed or exact else {}
        plain = {name: kind.kind for name, kind in kinds.items()}
        rows = 0
        for batch in self._plain_batches(names):
            rows += batch.num_rows
            if exact:
                yield apply_exact(batch, kinds)
            else:
                yield apply_kinds(batch, plain) if typed else batch
        self._rows = rows

    def read(self, columns: Sequence[str], typed: bool = False) -> pa.Table:
        """Return whole columns, in plain types or in their kinds."""
        return self.read_as(self.kinds(columns) if typed else dict.fromkeys(columns, ""))

    def read_as(self, kinds: Mapping[str, str]) -> pa.Table:
        """Return columns in the given kinds, in their plain types for the kind ''."""
        columns, typed = list(kinds), {name: kind for name, kind in kinds.items() if kind}
        batches = [apply_kinds(batch, typed) for batch in self.batches(columns)]
        if batches:
            return pa.Table.from_batches(batches)
        empty = self._no_rows(columns)
        empty = plain_batch(empty, self.name) if self.reader.native else empty
        return apply_kinds(pa.Table.from_batches([empty]), typed)

    def _no_rows(self, columns: Sequence[str]) -> pa.RecordBatch:
        """Return columns in their own types, without rows."""
        schema = self.reader.schema if isinstance(self.reader, ParquetFile) else None
        arrays = [
            pa.nulls(0, schema.field(name).type if schema is not None else pa.string())
            for name in columns
        ]
        return pa.RecordBatch.from_arrays(arrays, names=list(columns))

    def texts(self, column: str) -> np.ndarray[Any, np.dtype[np.object_]]:
        """Return a column as an object array of text; empty cells and nulls are ''."""
        return self.texts_of([column])[column]

    def texts_of(self, columns: Sequence[str]) -> dict[str, np.ndarray[Any, np.dtype[np.object_]]]:
        """Return columns as `texts` does, by name, read in one pass."""
        names = list(dict.fromkeys(columns))
        parts = [
            [column.to_numpy(zero_copy_only=False) for column in table.columns]
            for table in (self.text_pieces(names) if names else ())
        ]
        if not parts:
            return {name: np.array([], dtype=object) for name in names}
        return dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))

    def all_texts(self, columns: Sequence[str]) -> pa.Table:
        """Return columns as text, read in one pass; empty cells and nulls are ''."""
        schema = pa.schema([pa.field(name, pa.string()) for name in dict.fromkeys(columns)])
        parts = [table.cast(schema) for table in self.text_pieces(columns)]
        return pa.concat_tables(parts) if parts else schema.empty_table()

    def check_texts(self, columns: Sequence[str]) -> pa.Table:
        """Return columns as text, binary ones as hashes, read in one pass, for row checks."""
        schema = pa.schema([pa.field(name, pa.string()) for name in dict.fromkeys(columns)])
        parts = [
            as_check_table(batch) if self.reader.native else pa.Table.from_batches([batch])
            for batch in self.batches(columns)
        ]
        if not parts:
            return schema.empty_table()
        return pa.concat_tables([part.cast(schema) for part in parts])

    def binary_columns(self) -> list[str]:
        """Return the binary columns, which cannot be read as text."""
        return binary_columns(self.reader.schema) if isinstance(self.reader, ParquetFile) else []

    def text_pieces(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns as text, some rows at a time; empty cells and nulls are ''."""
        for batch in self.batches(columns):
            if self.reader.native:
                yield as_text_table(batch, self.name)
            else:
                yield pa.Table.from_batches([batch])

    def native_pieces(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns in their own types, some rows at a time."""
        for batch in self.reader.batches(columns):
            yield pa.Table.from_batches([batch])

    def gather(
        self, rows: np.ndarray[Any, np.dtype[np.int64]], columns: Sequence[str] = ()
    ) -> pa.Table:
        """Return some rows in the given order, with all columns or those named, in their types."""
        names = list(columns) or self.every_column()
        row_indices = np.asarray(rows, dtype=np.int64)
        order = np.argsort(row_indices, kind="stable")
        parts, start = [], 0
        for batch in self.reader.batches(names):
            in_batch = row_indices[order]
            in_batch = in_batch[(in_batch >= start) & (in_batch < start + batch.num_rows)]
            if len(in_batch):
                parts.append(taken(pa.Table.from_batches([batch]), pa.array(in_batch - start)))
            start += batch.num_rows
        if not parts:
            return pa.Table.from_batches([self._no_rows(names)])
        positions = np.empty(len(order), dtype=np.int64)
        positions[order] = np.arange(len(order))
        return taken(pa.concat_tables(parts).unify_dictionaries(), pa.array(positions))

    def gather_texts(
        self, rows: np.ndarray[Any, np.dtype[np.int64]], columns: Sequence[str]
    ) -> pa.Table:
        """Return some rows of columns as text; empty cells and nulls are ''."""
        table = self.gather(rows, columns).combine_chunks()
        if not (self.reader.native and columns):
            return table
        batch = pa.RecordBatch.from_arrays(
            [column.combine_chunks() for column in table.columns], names=table.column_names
        )
        return as_text_table(batch, self.name)

    def every_column(self) -> list[str]:
        """Return all columns, including keys of later JSON lines."""
        if isinstance(self.reader, JsonlFile):
            return self.reader.find_all_names()
        return self.columns

    # -- writing -------------------------------------------------------------------------------

    def check_output(self, output: str, given_format: str | None, labels: Sequence[str]) -> None:
        """Raise LabelkitError early if the table cannot be written in the output's format.

        Binary columns cannot be written as text, and an encoding may lack characters of `labels`.
        """
        kind = format_of(Path(output), given_format)
        if isinstance(self.reader, ParquetFile) and kind != "parquet":
            refuse_bytes(self.reader.schema, self.name)
        if isinstance(self.reader, CsvFile) and kind == self.format:
            for label in labels:
                self.reader.encoded(label)

    def write_annotated(
        self,
        output: str | Path,
        annotations: pa.Table,
        *,
        drop: Sequence[str] = (),
        given_format: str | None = None,
        rounds: bool = False,
    ) -> None:
        """Write all rows and columns, without those in `drop`, with the annotations appended.

        With `rounds` their numbers get six decimals at most.
        """
        target = Path(output)
        kind = format_of(target, given_format)
        present = set(self.every_column() if drop else self.columns)
        dropped = [name for name in drop if name in present]
        slices = text_cells.Slices(annotations, rounds)
        names = annotations.column_names
        with whole(target) as out:
            if kind == self.format:
                self.reader.append(out, slices, names, dropped)
                return
            with TableWriter(out, kind, self.name) as writer:
                for table in self._converted(kind, slices, names, dropped):
                    writer.add(table)

    def _converted(
        self, kind: str, slices: text_cells.Slices, names: Sequence[str], dropped: Sequence[str]
    ) -> Iterator[pa.Table]:
        kept_columns = [name for name in self.every_column() if name not in dropped]
        first = next(self.reader.batches(kept_columns), None)
        batches = (
            self.reader.batches(kept_columns)
            if first is not None
            else iter([self._no_rows(kept_columns)])
        )
        for batch in batches:
            table = (
                as_text_table(batch, self.name)
                if self.reader.native and kind in DELIMITERS
                else pa.Table.from_batches([batch])
            )
            new = slices.take(table.num_rows)
            for name in names:
                table = table.append_column(name, new.column(name))
            yield table


def _files_with_folders(path: Path) -> list[tuple[Path, Path | None]]:
    """Return a file, or the parts in a folder, each with that folder."""
    return [(part, path) for part in parts_of(path)] if path.is_dir() else [(path, None)]
