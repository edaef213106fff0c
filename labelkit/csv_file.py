"""CSV and TSV: records parsed for reading, their own text kept for writing."""

import codecs
import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa

from labelkit import cells
from labelkit.errors import LabelkitError, listing
from labelkit.files import open_for_reading

CHUNK_BYTES = 2 << 20
LONGEST_CELL_BYTES = 512 << 20

csv.field_size_limit(sys.maxsize)


class Block(NamedTuple):
    """Some whole records: parsed, as text, and the number of the line each starts on."""

    records: list[list[str]]
    raw: list[str]
    first_line: int
    last_lines: list[int] | None  # within the block, one a record; None: one line a record
    plain: bool = True  # no lone carriage return anywhere

    def line_of(self, index: int) -> int:
        """Return the number of the line on which a record starts."""
        if self.last_lines is None:
            return self.first_line + index
        return self.first_line + (self.last_lines[index - 1] if index else 0)


class CsvFile:
    """One or more CSV files of the same columns, read in order."""

    native = False

    def __init__(self, paths: Sequence[Path], delimiter: str, encoding: str = "utf-8") -> None:
        self.paths = list(paths)
        self.delimiter = delimiter
        self.encoding = _checked_encoding(encoding)
        self._trailing: dict[Path, str] = {}
        self._plain: dict[Path, bool] = {}  # known after a whole pass: one line is one record
        headers = [self._header(path) for path in self.paths]
        self.names, self.raw_header, self.mark = headers[0]
        for path, (names, _, _) in zip(self.paths[1:], headers[1:], strict=True):
            if names != self.names:
                raise LabelkitError(
                    f"{path} has other columns than {self.paths[0]}: {listing(names)} "
                    f"instead of {listing(self.names)}"
                )

    # -- reading -------------------------------------------------------------------------------

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the named columns as string batches; the cuts are the same at every reading."""
        places = [self.names.index(name) for name in columns]
        for block in self.blocks():
            arrays = [_strings([record[i] for record in block.records]) for i in places]
            if arrays:
                yield pa.RecordBatch.from_arrays(arrays, names=list(columns))
            else:
                yield cells.no_columns(len(block.records))

    def blocks(self) -> Iterator[Block]:
        """Yield all records of all files; raises LabelkitError for what is not a clean table."""
        for path in self.paths:
            yield from self._blocks_of(path)

    def _blocks_of(self, path: Path) -> Iterator[Block]:
        width = len(self.names)
        blank_line = 0
        first = plain = True
        self._trailing[path] = ""
        for block in _Parser(path, self.delimiter, self.encoding).blocks():
            if first:
                block, first = _without_header(block), False
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
        """Keep blank lines at the end of the file aside; refuse them between records."""
        end = len(block.records)
        while end and not block.records[end - 1]:
            end -= 1
        blanks = [i for i in range(end) if not block.records[i]]
        if blanks or (end and blank_line):
            line = blank_line or block.line_of(blanks[0])
            raise LabelkitError(
                f"{path}, line {line}: blank line between records; delete it, "
                f"or quote the cell if a line of text was meant"
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
        found = len(block.records[index])
        return LabelkitError(
            f"{path}, line {block.line_of(index)}: {found} cell{'s' if found != 1 else ''} where "
            f"the header has {width}; quote cells that contain {self.delimiter!r}, "
            f"or name another --delimiter"
        )

    def _header(self, path: Path) -> tuple[list[str], str, str]:
        for block in _Parser(path, self.delimiter, self.encoding, chunk_bytes=1 << 16).blocks():
            names = block.records[0] if block.records else []
            if not names:
                raise LabelkitError(f"{path}, line 1: blank line where the header should be")
            doubled = [name for i, name in enumerate(names) if name in names[:i]]
            if doubled:
                raise LabelkitError(
                    f"{path}, line 1: the column name {doubled[0]!r} stands twice; rename one"
                )
            raw = block.raw[0]
            if "\r" in raw.rstrip("\r\n") and not raw.endswith("\n") and '"' not in raw:
                raise LabelkitError(
                    f"{path} ends its lines with lone carriage returns (old Mac); convert it, "
                    f"for example: tr '\\r' '\\n' < {path.name} > new.csv"
                )
            mark = "\ufeff" if raw.startswith("\ufeff") else ""
            return names, raw.removeprefix(mark), mark
        raise LabelkitError(f"{path} is empty: not even a header")

    # -- writing -------------------------------------------------------------------------------

    def append(
        self, out: BinaryIO, annotations: cells.Slices, names: Sequence[str], drop: Sequence[str]
    ) -> None:
        """Write every record as it was, our old cells cut out and the new ones appended."""
        gone = {self.names.index(name) for name in drop}
        splitter = RawCells(self.delimiter)
        heading = cells.heading(names, self.delimiter)
        out.write(
            self._encode(self.mark + self._joined([self.raw_header], [heading], gone, splitter))
        )
        for path in self.paths:
            if not gone and self._plain.get(path) and path == self.paths[-1]:
                self._append_to_lines(path, out, annotations)
                continue
            ended = True
            for block in self._blocks_of(path):
                new = cells.suffixes(annotations.take(len(block.records)), self.delimiter)
                text = self._joined(block.raw, new, gone, splitter)
                out.write(self._encode(text))
                ended = text.endswith("\n")
            tail = self._trailing[path]
            out.write(self._encode(tail))
            if path != self.paths[-1] and not (ended or tail):
                out.write(self._encode("\n"))

    def _append_to_lines(self, path: Path, out: BinaryIO, annotations: cells.Slices) -> None:
        """Append cells to a file in which every line is a record, without parsing it again."""
        header = True
        with open_for_reading(path) as stream:
            left = b""
            while chunk := stream.read(CHUNK_BYTES):
                cut = chunk.rfind(b"\n") + 1
                data = left + chunk[:cut] if cut else b""
                left = chunk[cut:] if cut else left + chunk
                if header and data:
                    data, header = data[data.index(b"\n") + 1 :], False
                if data:
                    out.write(self._lines_with_cells(data, annotations))
            if left and not header:
                out.write(self._lines_with_cells(left, annotations))

    def _lines_with_cells(self, data: bytes, annotations: cells.Slices) -> bytes:
        ended = data.endswith(b"\n")
        lines = cells.lines_of(data if ended else data + b"\n")
        new = annotations.take(len(lines))
        text = cells.with_cells(lines, new, self.delimiter, self.encoding)
        return text if ended else text[: -2 if text.endswith(b"\r\n") else -1]

    def _joined(self, raw: list[str], new: list[str], gone: set[int], splitter: "RawCells") -> str:
        bodies, ends = _split_ends(raw)
        if gone:
            bodies = [splitter.without(body, gone) for body in bodies]
        if isinstance(ends, str):
            return "".join([b + cell + ends for b, cell in zip(bodies, new, strict=True)])
        return "".join([b + cell + e for b, cell, e in zip(bodies, new, ends, strict=True)])

    def _encode(self, text: str) -> bytes:
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise cells.not_encodable(error) from None


def _split_ends(raw: list[str]) -> tuple[list[str], list[str] | str]:
    """Return the records without their line ends, and the ends (one text if all are alike)."""
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
    """Return an Arrow array of the cells, as pa.array does, which imports pandas to look at it."""
    joined = "".join(cells)
    data = joined.encode()
    is_ascii = len(data) == len(joined)
    lengths = map(len, cells) if is_ascii else (len(cell.encode()) for cell in cells)
    offsets = np.zeros(len(cells) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(lengths, np.int32, len(cells)), out=offsets[1:])
    return pa.StringArray.from_buffers(len(cells), pa.py_buffer(offsets), pa.py_buffer(data))


def _without_header(block: Block) -> Block:
    last = None
    first_line = block.first_line + 1
    if block.last_lines is not None:
        header_lines = block.last_lines[0]
        first_line = block.first_line + header_lines
        last = [line - header_lines for line in block.last_lines[1:]]
    return block._replace(
        records=block.records[1:], raw=block.raw[1:], first_line=first_line, last_lines=last
    )


def _checked_encoding(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        ascii_alike = '\n,"'.encode(name) == b'\n,"'
    except (LookupError, UnicodeError):
        raise LabelkitError(f"--encoding {encoding!r} is not a known encoding") from None
    if name == "utf-8-sig":
        return "utf-8"
    if not ascii_alike:
        raise LabelkitError(
            f"--encoding {encoding!r} is not supported; convert the file to UTF-8 first, "
            f"for example: iconv -f {encoding} -t UTF-8"
        )
    return name


class RawCells:
    """Cuts cells out of a record's own text without touching the others."""

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        d = re.escape(delimiter)
        self._cell = re.compile(rf'"(?:[^"]|"")*"(?={d}|\Z)|[^{d}]*' if len(delimiter) == 1 else "")

    def split(self, body: str) -> list[str]:
        """Return the raw cells of a record, quotes included."""
        if '"' not in body:
            return body.split(self.delimiter)
        found, place = [], 0
        while True:
            match = self._cell.match(body, place)
            assert match is not None
            found.append(match.group())
            if match.end() >= len(body):
                return found
            place = match.end() + 1

    def without(self, body: str, gone: set[int]) -> str:
        """Return the record without the cells at the given places."""
        kept = [cell for i, cell in enumerate(self.split(body)) if i not in gone]
        # A record of one empty cell would be a blank line.
        return self.delimiter.join(kept)


class _Parser:
    """Turns one file's bytes into blocks of whole records."""

    def __init__(
        self, path: Path, delimiter: str, encoding: str, chunk_bytes: int = CHUNK_BYTES
    ) -> None:
        self.path = path
        self.delimiter = delimiter
        self.encoding = encoding
        self.chunk_bytes = chunk_bytes
        self.line = 1

    def blocks(self) -> Iterator[Block]:
        carried = b""
        start = True
        with open_for_reading(self.path) as stream:
            while True:
                chunk = self._read(stream, max(self.chunk_bytes, len(carried)))
                data = carried + chunk
                if not data:
                    return
                cut = data.rfind(b"\n") + 1 if chunk else len(data)
                if cut == 0:
                    carried = data
                    self._check_open_size(carried)
                    continue
                text = self._decode(data[:cut])
                mark = "\ufeff" if start and text.startswith("\ufeff") else ""
                block, left = self._parse(text.removeprefix(mark), at_end=not chunk)
                carried = left.encode(self.encoding) + data[cut:] if left else data[cut:]
                if mark and block.raw:
                    block.raw[0] = mark + block.raw[0]
                    start = False
                elif mark:
                    carried = mark.encode(self.encoding) + carried
                if block.records:
                    start = False
                    yield block
                if not chunk:
                    return
                self._check_open_size(carried)

    def _read(self, stream: BinaryIO, size: int) -> bytes:
        try:
            return bytes(stream.read(size))
        except OSError as error:
            raise LabelkitError(
                f"{self.path} cannot be decompressed after line {self.line}: {error}"
            ) from None

    def _check_open_size(self, carried: bytes) -> None:
        if len(carried) > LONGEST_CELL_BYTES:
            raise LabelkitError(
                f"{self.path}, line {self.line}: a record of more than "
                f"{LONGEST_CELL_BYTES >> 20} MB starts here; is a quote left open?"
            )

    def _decode(self, data: bytes) -> str:
        try:
            return data.decode(self.encoding)
        except UnicodeDecodeError as error:
            line = self.line + data.count(b"\n", 0, error.start)
            raise LabelkitError(
                f"{self.path}, line {line}: byte 0x{data[error.start]:02x} is not "
                f"{self.encoding.upper()}; name the file's encoding, for example "
                f"--encoding {'cp1252' if self.encoding == 'utf-8' else 'utf-8'}"
            ) from None

    def _parse(self, text: str, at_end: bool) -> tuple[Block, str]:
        lines = list(io.StringIO(text, newline="\n"))
        seen, stand_in = _carriage_returns_hidden(text, lines)
        try:
            records = list(csv.reader(seen, delimiter=self.delimiter, strict=True))
        except csv.Error:
            records = []
        if len(records) == len(lines):
            block, left = Block(records, lines, self.line, None), ""
            self.line += len(lines)
        else:
            block, left = self._parse_many_lined(lines, seen, at_end)
        if stand_in:
            shown = [[c.replace(stand_in, "\r") for c in r] for r in block.records]
            block = block._replace(records=shown, plain=False)
        return block, left

    def _parse_many_lined(
        self, lines: list[str], seen: list[str], at_end: bool
    ) -> tuple[Block, str]:
        reader = csv.reader(seen, delimiter=self.delimiter, strict=True)
        records: list[list[str]] = []
        last_lines: list[int] = []
        left = ""
        try:
            for record in reader:
                records.append(record)
                last_lines.append(reader.line_num)
        except csv.Error as error:
            done = last_lines[-1] if last_lines else 0
            if "unexpected end of data" not in str(error):
                raise self._not_clean(str(error), self.line + reader.line_num - 1) from None
            if at_end:
                raise self._unclosed("".join(seen[done:]), self.line + done) from None
            left = "".join(lines[done:])
        first = self.line
        starts = [0, *last_lines[:-1]]
        raw = [
            lines[a] if b - a == 1 else "".join(lines[a:b])
            for a, b in zip(starts, last_lines, strict=False)
        ]
        self.line += last_lines[-1] if last_lines else 0
        return Block(records, raw, first, last_lines), left

    def _not_clean(self, reason: str, line: int) -> LabelkitError:
        if "expected after" in reason:
            reason = "text after a closing quote; double the quotes inside a quoted cell"
        return LabelkitError(f"{self.path}, line {line}: {reason}")

    def _unclosed(self, text: str, line: int) -> LabelkitError:
        place, cells_of = 0, RawCells(self.delimiter)._cell
        open_at = text.find('"')
        while place < len(text):
            if text[place] == '"':
                match = cells_of.match(text, place)
                if match is None or not match.group().startswith('"'):
                    open_at = place
                    break
            else:
                match = cells_of.match(text, place)
            place = (match.end() if match else place) + 1
        line += text.count("\n", 0, open_at)
        return LabelkitError(
            f"{self.path}, line {line}: the quote that opens here is never closed; "
            f'close it, or write a quote inside a cell as ""'
        )


def _carriage_returns_hidden(text: str, lines: list[str]) -> tuple[list[str], str]:
    """Replace lone carriage returns, which csv takes for line ends, by a character not in use."""
    if "\r" not in text or text.count("\r") == text.count("\r\n"):
        return lines, ""
    stand_in = next(c for c in map(chr, range(0xE000, 0xF8FF)) if c not in text)
    hidden = re.sub(r"\r(?!\n)", stand_in, text)
    return list(io.StringIO(hidden, newline="\n")), stand_in
