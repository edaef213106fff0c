"""Parses the text of CSV and TSV files into records; needs no data library, so it starts fast."""

import csv
import gc
import io
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from labelkit import console
from labelkit.errors import LabelkitError, UsageError
from labelkit.io import encodings
from labelkit.io.content import first_bytes, first_duplicate, refuse_other_content
from labelkit.io.files import open_for_reading

CHUNK_BYTES = 2 << 20
FIRST_BYTES = 1 << 16  # enough for a header
MAX_CELL_BYTES = 512 << 20
MAX_LINES = 1 << 16  # parsed at once, because a blank line takes a hundred times its size
_LINES = re.compile(rb"(?:[^\n]*+\n){%d}" % MAX_LINES)
_AFTER_QUOTE = re.compile(r'"([;\t|,])')
_FIRST_LINE = re.compile(rb'(?:[^"\r\n]++|"[^"]*+")*+')

csv.field_size_limit(sys.maxsize)


class Block(NamedTuple):
    """Some whole records: parsed cells, raw text, and line numbers."""

    records: list[list[str]]
    raw: list[str]
    first_line: int
    last_lines: list[int] | None  # within the block, one a record; None: one line a record
    plain: bool = True  # no lone carriage return anywhere

    def line_of(self, index: int) -> int:
        """Return the line number at which a record starts."""
        if self.last_lines is None:
            return self.first_line + index
        return self.first_line + (self.last_lines[index - 1] if index else 0)


def header_of(path: Path, delimiter: str, encoding: str) -> tuple[list[str], str, str]:
    """Return the column names, the header's text without the byte order mark, and the mark.

    Raises LabelkitError for a file without a valid header.
    """
    head = first_bytes(path, FIRST_BYTES)
    refuse_other_content(path, head, "tsv" if delimiter == "\t" else "csv")
    _refuse_lone_carriage_returns(path, head)
    for block in Parser(path, delimiter, encoding, FIRST_BYTES).blocks():
        names = block.records[0] if block.records else []
        if not names:
            raise LabelkitError(f"{path}, line 1: blank line where the header should be")
        duplicate = first_duplicate(names)
        if duplicate is not None:
            raise LabelkitError(
                f"{path}, line 1: duplicate column name {duplicate!r}; rename one of them"
            )
        raw = block.raw[0]
        mark = "\ufeff" if raw.startswith("\ufeff") else ""
        return names, raw.removeprefix(mark), mark
    raise LabelkitError(f"{path} is empty: it has no header")


def _refuse_lone_carriage_returns(path: Path, head: bytes) -> None:
    first_line = _FIRST_LINE.match(head)
    assert first_line is not None
    end = head[first_line.end() : first_line.end() + 2]
    if end[:1] == b"\r" and end != b"\r\n":
        raise LabelkitError(
            f"{path} has carriage returns as line ends (old Mac); convert it, "
            f"for example: tr '\\r' '\\n' < {shlex.quote(str(path))} > new.csv"
        )


def without_header(block: Block) -> Block:
    """Return the first block of a file without its first record."""
    last = None
    first_line = block.first_line + 1
    if block.last_lines is not None:
        header_lines = block.last_lines[0]
        first_line = block.first_line + header_lines
        last = [line - header_lines for line in block.last_lines[1:]]
    return block._replace(
        records=block.records[1:], raw=block.raw[1:], first_line=first_line, last_lines=last
    )


def option_for(delimiter: str) -> str:
    """Return the option that names a delimiter, as a shell takes it."""
    return f"--delimiter {_in_shell(delimiter)}"


def _in_shell(delimiter: str) -> str:
    return "$'\\t'" if delimiter == "\t" else shlex.quote(delimiter)


def other_delimiter(name: str, header: str, other: str, delimiter: str) -> UsageError:
    """Return the error for a one-column file that another delimiter would split."""
    return UsageError(
        f"only one column ({console.clean(header, 60)!r}) in {name}; set the delimiter: "
        f"{option_for(other)} ({option_for(delimiter)} if it is one column)"
    ).remedied_by("--delimiter", _in_shell(other))


class RawCells:
    """Removes cells from the raw text of a record without changing the others."""

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        d = re.escape(delimiter)
        # Possessive, since backtracking keeps a hundred bytes for each character of a long cell.
        self._cell = re.compile(rf'"[^"]*+(?:""[^"]*+)*+"(?={d}|\Z)|[^{d}]*+')

    def split(self, body: str) -> list[str]:
        """Return the raw cells of a record, quotes included."""
        if '"' not in body:
            return body.split(self.delimiter)
        cells, position = [], 0
        while True:
            match = self._cell.match(body, position)
            assert match is not None
            cells.append(match.group())
            if match.end() >= len(body):
                return cells
            position = match.end() + 1

    def without(self, body: str, dropped: set[int]) -> str:
        """Return the record without the cells at the given indices."""
        cells = [cell for i, cell in enumerate(self.split(body)) if i not in dropped]
        # A record of one empty cell would be a blank line.
        return self.delimiter.join(cells)


class Parser:
    """Parses the bytes of one file into blocks of whole records."""

    def __init__(
        self, path: Path, delimiter: str, encoding: str, chunk_bytes: int = CHUNK_BYTES
    ) -> None:
        self.path = path
        self.delimiter = delimiter
        self.encoding = encoding
        self.chunk_bytes = chunk_bytes
        self.line = 1
        self._at_start = True

    def blocks(self) -> Iterator[Block]:
        """Yield all records; raises LabelkitError for invalid CSV."""
        carried, is_open = b"", False  # a record whose quote is open
        at_end = False
        with open_for_reading(self.path) as stream:
            while not at_end:
                chunk = self._read(stream, max(self.chunk_bytes, len(carried)))
                at_end = not chunk
                is_open = is_open and b'"' not in chunk
                data = carried + chunk
                if is_open and at_end:
                    raise self._unclosed(self._decode(data), self.line)
                cut = len(data) if at_end else data.rfind(b"\n") + 1
                if is_open or not cut:  # parsing it would not find the end of the record
                    carried = data
                else:
                    rest, position = b"", 0
                    while position < cut:
                        end = _piece_end(data, position, cut, len(rest))
                        block, rest = self._records(
                            rest + data[position:end], at_end and end == cut
                        )
                        position = end
                        if block.records:
                            yield block
                    tail = data[cut:]
                    carried, is_open = rest + tail, bool(rest) and b'"' not in tail
                self._check_open_size(carried)

    def _records(self, data: bytes, at_end: bool) -> tuple[Block, bytes]:
        """Return the whole records in some lines, and the beginning of the next record."""
        text = self._decode(data)
        mark = "\ufeff" if self._at_start and text.startswith("\ufeff") else ""
        block, rest = self._parse(text.removeprefix(mark), at_end)
        if not block.records:
            return block, data if rest else b""
        if mark:
            block.raw[0] = mark + block.raw[0]
        self._at_start = False
        return block, encodings.encode(rest, self.encoding)

    def _read(self, stream: BinaryIO, size: int) -> bytes:
        try:
            return bytes(stream.read(size))
        except OSError as error:
            raise LabelkitError(
                f"{self.path} cannot be decompressed after line {self.line}: {error}"
            ) from None

    def _check_open_size(self, carried: bytes) -> None:
        if len(carried) > MAX_CELL_BYTES:
            raise LabelkitError(
                f"{self.path}, line {self.line}: a record of more than "
                f"{MAX_CELL_BYTES >> 20} MB starts here; check for an unclosed quote"
            )

    def _decode(self, data: bytes) -> str:
        try:
            return encodings.decode(data, self.encoding)
        except UnicodeDecodeError as error:
            line = self.line + data.count(b"\n", 0, error.start)
            other = encodings.guess_encoding(data) if self.encoding == "utf-8" else "utf-8"
            raise LabelkitError(
                f"{self.path}, line {line}: byte 0x{data[error.start]:02x} is not "
                f"{self.encoding.upper()}; set the file's encoding, for example "
                f"--encoding {other}"
            ).remedied_by("--encoding", other) from None

    def _parse(self, text: str, at_end: bool) -> tuple[Block, str]:
        lines = list(io.StringIO(text, newline="\n"))
        parsed_lines, placeholder = _carriage_returns_hidden(text, lines)
        try:
            with _no_collection():
                records = list(csv.reader(parsed_lines, delimiter=self.delimiter, strict=True))
        except csv.Error:
            records = []
        if len(records) == len(lines):
            block, rest = Block(records, lines, self.line, None), ""
            self.line += len(lines)
        else:
            block, rest = self._parse_many_lined(lines, parsed_lines, at_end)
        if placeholder:
            records = [[c.replace(placeholder, "\r") for c in r] for r in block.records]
            block = block._replace(records=records, plain=False)
        if self.encoding != encodings.UTF8 and encodings.has_stand_ins(text):
            records = [[encodings.shown(c, self.encoding) for c in r] for r in block.records]
            block = block._replace(records=records)
        return block, rest

    def _parse_many_lined(
        self, lines: list[str], parsed_lines: list[str], at_end: bool
    ) -> tuple[Block, str]:
        reader = csv.reader(parsed_lines, delimiter=self.delimiter, strict=True)
        records: list[list[str]] = []
        last_lines: list[int] = []
        rest = ""
        try:
            for record in reader:
                records.append(record)
                last_lines.append(reader.line_num)
        except csv.Error as error:
            done = last_lines[-1] if last_lines else 0
            if "unexpected end of data" not in str(error):
                broken = parsed_lines[reader.line_num - 1]
                raise self._not_clean(str(error), self.line + reader.line_num - 1, broken) from None
            if at_end:
                raise self._unclosed("".join(parsed_lines[done:]), self.line + done) from None
            rest = "".join(lines[done:])
        first = self.line
        starts = [0, *last_lines[:-1]]
        raw = [
            lines[a] if b - a == 1 else "".join(lines[a:b])
            for a, b in zip(starts, last_lines, strict=False)
        ]
        self.line += last_lines[-1] if last_lines else 0
        return Block(records, raw, first, last_lines), rest

    def _not_clean(self, reason: str, line: int, text: str) -> LabelkitError:
        other = _AFTER_QUOTE.search(text) if "expected after" in reason and line == 1 else None
        if other is not None and self.delimiter not in text:
            return other_delimiter(str(self.path), text.strip(), other[1], self.delimiter)
        if "expected after" in reason:
            reason = "text after a closing quote; double the quotes inside a quoted cell"
        return LabelkitError(f"{self.path}, line {line}: {reason}")

    def _unclosed(self, text: str, line: int) -> LabelkitError:
        position, cells_of = 0, RawCells(self.delimiter)._cell
        open_at = text.find('"')
        while position < len(text):
            if text[position] == '"':
                match = cells_of.match(text, position)
                if match is None or not match.group().startswith('"'):
                    open_at = position
                    break
            else:
                match = cells_of.match(text, position)
            position = (match.end() if match else position) + 1
        line += text.count("\n", 0, open_at)
        return LabelkitError(
            f"{self.path}, line {line}: the quote that starts here is never closed; "
            f'close it, or write a quote inside a cell as ""'
        )


def _piece_end(data: bytes, start: int, end: int, at_least: int) -> int:
    """Return the end of a bounded number of lines, after `at_least` bytes."""
    if data.count(b"\n", start, end) <= MAX_LINES:
        return end
    lines = _LINES.match(data, start, end)
    assert lines is not None
    enough = data.find(b"\n", min(start + at_least, end - 1), end) + 1
    return max(lines.end(), enough)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Turn garbage collection off, since many new lists would trigger it again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _carriage_returns_hidden(text: str, lines: list[str]) -> tuple[list[str], str]:
    """Replace lone carriage returns, which csv reads as line ends, by an unused character."""
    if "\r" not in text or text.count("\r") == text.count("\r\n"):
        return lines, ""
    stand_in = next(c for c in map(chr, range(0xE000, 0xF8FF)) if c not in text)
    hidden = re.sub(r"\r(?!\n)", stand_in, text)
    return list(io.StringIO(hidden, newline="\n")), stand_in
