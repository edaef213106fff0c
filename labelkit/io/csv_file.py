"""CSV and TSV: records are parsed for reading, and their raw text is kept for writing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from labelkit import console
from labelkit.errors import LabelkitError, listing
from labelkit.io import encodings, spreadsheet_cells, text_cells
from labelkit.io.csv_parser import (
    CHUNK_BYTES,
    Block,
    Parser,
    RawCells,
    header_of,
    without_header,
)
from labelkit.io.encodings import checked_encoding
from labelkit.io.files import open_for_reading

MAX_CACHED_BYTES = 64 << 20  # of columns read before, which commands often read again


class CsvFile:
    """One or more CSV files of the same columns, read in order.

    Columns that were read are cached while they are small.
    """

    native = False

    def __init__(self, paths: Sequence[Path], delimiter: str, encoding: str = "utf-8") -> None:
        self.paths = list(paths)
        self.delimiter = delimiter
        self.encoding = checked_encoding(encoding, self.paths[0])
        self._trailing: dict[Path, str] = {}
        self._plain: dict[Path, bool] = {}  # known after a whole pass: one line is one record
        self._cached: dict[str, list[pa.Array]] = {}
        self._cached_bytes = 0
        headers = [header_of(path, delimiter, self.encoding) for path in self.paths]
        self.names, self.raw_header, self.mark = headers[0]
        self._has_escaped_formulas = spreadsheet_cells.are_for_people(self.names)
        for path, (names, _, _) in zip(self.paths[1:], headers[1:], strict=True):
            if names != self.names:
                raise LabelkitError(
                    f"{path} has other columns than {self.paths[0]}: {listing(names)} "
                    f"instead of {listing(self.names)}"
                )
        if self._has_escaped_formulas:
            self.names = [spreadsheet_cells.unescape_formula(name) for name in self.names]

    # -- reading -------------------------------------------------------------------------------

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the named columns as string batches, which are the same at every reading."""
        if columns and self._cached.keys() >= set(columns):
            for cached in zip(*(self._cached[name] for name in columns), strict=True):
                yield pa.RecordBatch.from_arrays(list(cached), names=list(columns))
            return
        index_by_name = {name: i for i, name in enumerate(self.names)}
        indices = [index_by_name[name] for name in columns]
        new_columns: dict[str, list[pa.Array]] = {
            name: [] for name in columns if name not in self._cached
        }
        bytes_left = MAX_CACHED_BYTES - self._cached_bytes
        for block in self.blocks():
            if not indices:
                yield text_cells.no_columns(len(block.records))
                continue
            arrays = [_strings([record[i] for record in block.records]) for i in indices]
            if self._has_escaped_formulas:
                arrays = spreadsheet_cells.unescape_formulas(arrays)
            batch = pa.RecordBatch.from_arrays(arrays, names=list(columns))
            bytes_left -= sum(batch.column(name).nbytes for name in new_columns)
            if bytes_left < 0:
                new_columns = {}
            for name, parts in new_columns.items():
                parts.append(batch.column(name))
            yield batch
        if new_columns:
            self._cached.update(new_columns)
            self._cached_bytes = MAX_CACHED_BYTES - bytes_left

    def blocks(self) -> Iterator[Block]:
        """Yield all records of all files; raises LabelkitError for an invalid table."""
        for path in self.paths:
            yield from self._blocks_of(path)

    def _blocks_of(self, path: Path) -> Iterator[Block]:
        width = len(self.names)
        blank_line = 0
        first = plain = True
        self._trailing[path] = ""
        for block in Parser(path, self.delimiter, self.encoding).blocks():
            if first:
                block, first = without_header(block), False
            if not block.records:
                continue
            if width == 1:
                records = [record or [""] for record in block.records]
                block = block._replace(records=records)
            elif [] in block.records or blank_line:
                block, blank_line = self._without_trailing_blanks(path, block, blank_line)
            if set(map(len, block.records)) - {width}:
                raise self._ragged(path, block)
            plain = plain and block.last_lines is None and block.plain
            if block.records:
                yield block
        self._plain[path] = plain and not self._trailing[path]

    def _without_trailing_blanks(
        self, path: Path, block: Block, blank_line: int
    ) -> tuple[Block, int]:
        """Remove blank lines at the end of the file; raise LabelkitError for others."""
        end = len(block.records)
        while end and not block.records[end - 1]:
            end -= 1
        blanks = [i for i in range(end) if not block.records[i]]
        if blanks or (end and blank_line):
            line = blank_line or block.line_of(blanks[0])
            raise LabelkitError(
                f"{path}, line {line}: blank line between records; delete it, "
                f"or quote the cell if it is a blank line of text"
            )
        if end < len(block.records):
            blank_line = blank_line or block.line_of(end)
            self._trailing[path] += "".join(block.raw[end:])
        last = block.last_lines[:end] if block.last_lines else None
        records, raw = block.records[:end], block.raw[:end]
        return block._replace(records=records, raw=raw, last_lines=last), blank_line

    def _ragged(self, path: Path, block: Block) -> LabelkitError:
        width = len(self.names)
        index = next(i for i, record in enumerate(block.records) if len(record) != width)
        n_cells = len(block.records[index])
        return LabelkitError(
            f"{path}, line {block.line_of(index)}: {console.count(n_cells, 'cells')} "
            f"where the header has {width}; quote cells that contain {self.delimiter!r}, "
            f"or name another --delimiter"
        )

    # -- writing -------------------------------------------------------------------------------

    def append(
        self,
        out: BinaryIO,
        annotations: text_cells.Slices,
        names: Sequence[str],
        drop: Sequence[str],
    ) -> None:
        """Write every record unchanged, without the cells in `drop`, and with new cells."""
        dropped = {self.names.index(name) for name in drop}
        splitter = RawCells(self.delimiter)
        heading = text_cells.heading(names, self.delimiter)
        out.write(
            self.encoded(self.mark + self._joined([self.raw_header], [heading], dropped, splitter))
        )
        for number, path in enumerate(self.paths, 1):
            is_last = number == len(self.paths)
            if not dropped and self._plain.get(path) and is_last:
                self._append_to_lines(path, out, annotations)
                continue
            has_line_end = True
            for block in self._blocks_of(path):
                new = text_cells.suffixes(annotations.take(len(block.records)), self.delimiter)
                text = self._joined(block.raw, new, dropped, splitter)
                out.write(self.encoded(text))
                has_line_end = text.endswith("\n")
            tail = self._trailing[path]
            out.write(self.encoded(tail))
            if not (is_last or has_line_end or tail):
                out.write(self.encoded("\n"))

    def _append_to_lines(self, path: Path, out: BinaryIO, annotations: text_cells.Slices) -> None:
        """Append cells to a file where every line is a record, without parsing it again."""
        header = True
        with open_for_reading(path) as stream:
            rest = b""
            while chunk := stream.read(CHUNK_BYTES):
                cut = chunk.rfind(b"\n") + 1
                data = rest + chunk[:cut] if cut else b""
                rest = chunk[cut:] if cut else rest + chunk
                if header and data:
                    data, header = data[data.index(b"\n") + 1 :], False
                if data:
                    out.write(self._lines_with_cells(data, annotations))
            if rest and not header:
                out.write(self._lines_with_cells(rest, annotations))

    def _lines_with_cells(self, data: bytes, annotations: text_cells.Slices) -> bytes:
        has_line_end = data.endswith(b"\n")
        lines = text_cells.lines_of(data if has_line_end else data + b"\n")
        new = annotations.take(len(lines))
        text = text_cells.with_cells(lines, new, self.delimiter, self.encoding)
        return text if has_line_end else text[: -2 if text.endswith(b"\r\n") else -1]

    def _joined(self, raw: list[str], new: list[str], dropped: set[int], splitter: RawCells) -> str:
        bodies, ends = _split_ends(raw)
        if dropped:
            bodies = [splitter.without(body, dropped) for body in bodies]
        if isinstance(ends, str):
            return "".join([b + cell + ends for b, cell in zip(bodies, new, strict=True)])
        return "".join([b + cell + e for b, cell, e in zip(bodies, new, ends, strict=True)])

    def encoded(self, text: str) -> bytes:
        """Return the bytes of a text; raises LabelkitError if the encoding lacks a character."""
        try:
            return encodings.encode(text, self.encoding)
        except UnicodeEncodeError as error:
            raise text_cells.not_encodable(error, self.encoding) from None


def _split_ends(raw: list[str]) -> tuple[list[str], list[str] | str]:
    """Return the records without line ends, and the line ends (one text if all are equal)."""
    joined = "".join(raw)
    if raw and raw[-1].endswith("\n"):
        crlf = sum(record.endswith("\r\n") for record in raw) if "\r\n" in joined else 0
        if crlf == 0 and all(record.endswith("\n") for record in raw):
            return [record[:-1] for record in raw], "\n"
        if crlf == len(raw):
            return [record[:-2] for record in raw], "\r\n"
    ends = ["\r\n" if r.endswith("\r\n") else "\n" if r.endswith("\n") else "" for r in raw]
    return [r[: len(r) - len(e)] for r, e in zip(raw, ends, strict=True)], ends


def _strings(cells: list[str]) -> pa.Array:
    """Return an Arrow array of the cells, like pa.array, but without importing pandas."""
    joined = "".join(cells)
    data = joined.encode()
    is_ascii = len(data) == len(joined)
    lengths = map(len, cells) if is_ascii else (len(cell.encode()) for cell in cells)
    offsets = np.zeros(len(cells) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(lengths, np.int32, len(cells)), out=offsets[1:])
    return pa.StringArray.from_buffers(len(cells), pa.py_buffer(offsets), pa.py_buffer(data))
