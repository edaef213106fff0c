"""JSON lines: one object per line; keys, order and the spelling of numbers are kept."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from json.decoder import scanstring  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from labelkit.errors import LabelkitError
from labelkit.io import encodings, native_text, text_cells
from labelkit.io.content import first_bytes, first_duplicate, refuse_other_content
from labelkit.io.files import open_for_reading

_ROWS = 16_384
_NAMES_FROM_ROWS = 1_000
_BYTES = 4 << 20
_SPACE = " \t\r\n"


class JsonlFile:
    """One or more files of JSON objects, read in order."""

    native = False

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        for path in self.paths:
            refuse_other_content(path, first_bytes(path), "jsonl")
        self._all_names_known = False
        self.names = self._find_names(_NAMES_FROM_ROWS)
        if not self.names:
            has_rows = next(self._records(), None) is not None
            what = "has rows, but they have no keys" if has_rows else "is empty: it has no rows"
            raise LabelkitError(f"{self.paths[0]} {what}")

    def find_all_names(self) -> list[str]:
        """Return the keys of all rows, in order of first appearance; reads the file once."""
        if not self._all_names_known:
            self.names = self._find_names(None)
            self._all_names_known = True
        return self.names

    def _find_names(self, max_rows: int | None) -> list[str]:
        names: dict[str, None] = {}
        for record in islice((r for rs in self._records() for r in rs), max_rows):
            names.update(dict.fromkeys(record))
        return list(names)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the named columns as text; missing and null are '', nested values are JSON."""
        for records in self._records():
            arrays = [_texts([record.get(name) for record in records], name) for name in columns]
            if arrays:
                yield pa.RecordBatch.from_arrays(arrays, names=list(columns))
            else:
                yield text_cells.no_columns(len(records))

    def append(
        self,
        out: BinaryIO,
        annotations: text_cells.Slices,
        names: Sequence[str],
        drop: Sequence[str],
    ) -> None:
        """Write every object unchanged, without the keys in `drop`, with new keys at the end."""
        dropped = set(drop)
        keys = [_written(name) for name in names]
        for path in self.paths:
            for _, texts in _line_groups(path):
                new = annotations.take(len(texts))
                columns = [_json_cells(column) for column in new.columns]
                lines = []
                for i, text in enumerate(texts):
                    body = text.rstrip(_SPACE)
                    head = _without_keys(body, dropped) if dropped else body[:-1].rstrip(_SPACE)
                    added = ", ".join(
                        f"{key}: {column[i]}" for key, column in zip(keys, columns, strict=True)
                    )
                    comma = ", " if added and not head.endswith("{") else ""
                    lines.append(f"{head}{comma}{added}}}{text[len(body) :] or chr(10)}")
                out.write("".join(lines).encode())

    def _records(self) -> Iterator[list[dict[str, Any]]]:
        for path in self.paths:
            for first, texts in _line_groups(path):
                yield [_object(path, first + i, text) for i, text in enumerate(texts)]


def _line_groups(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield groups of lines of bounded number and size, after the number of the first line.

    Blank lines are only allowed at the end of a file.
    """
    number, blank = 1, 0
    with open_for_reading(path) as stream:
        while raw := _some_lines(stream, path, number):
            texts = [_decoded(path, number + i, line) for i, line in enumerate(raw)]
            rows = len(texts)
            while rows and not texts[rows - 1].strip(_SPACE):
                rows -= 1
            if rows and blank:
                raise _blank(path, blank)
            if rows < len(texts):
                blank = blank or number + rows
            if rows:
                yield number, texts[:rows]
            number += len(raw)


def _some_lines(stream: BinaryIO, path: Path, number: int) -> list[bytes]:
    lines, size = [], 0
    try:
        for line in stream:
            lines.append(line)
            size += len(line)
            if len(lines) == _ROWS or size >= _BYTES:
                break
    except OSError as error:
        raise LabelkitError(
            f"{path} cannot be decompressed after line {number + len(lines) - 1}: {error}"
        ) from None
    return lines


def _blank(path: Path, line: int) -> LabelkitError:
    return LabelkitError(f"{path}, line {line}: blank line between rows; delete it")


def _decoded(path: Path, line: int, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise LabelkitError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8; convert the file, "
            f"for example: {encodings.conversion(path, encodings.guess_encoding(data))}"
        ) from None
    return text.removeprefix("\ufeff") if line == 1 else text


def _object(path: Path, line: int, text: str) -> dict[str, Any]:
    try:
        # Numbers keep their spelling: 1.10 and 1e3 are the user's text.
        value = json.loads(
            encodings.json_of_whole_characters(text),
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_constant,
            object_pairs_hook=_unique,
        )
    except _DuplicateKey as error:
        raise LabelkitError(f"{path}, line {line}: duplicate key {error.args[0]!r}") from None
    except RecursionError:
        raise LabelkitError(f"{path}, line {line}: the JSON is nested too deeply") from None
    except ValueError as error:
        if not text.strip(_SPACE):
            raise _blank(path, line) from None
        raise LabelkitError(f"{path}, line {line}: not a JSON object: {error}") from None
    if not isinstance(value, dict):
        raise LabelkitError(f"{path}, line {line}: not a JSON object but {type(value).__name__}")
    return value


class _Number(str):
    """A number as it is spelled in the file."""


class _DuplicateKey(ValueError):
    pass


def _constant(word: str) -> "_Number | None":
    """Return the value of a word that is not JSON but is written by other programs: NaN is None."""
    return None if word == "NaN" else _Number(word)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _DuplicateKey(first_duplicate(key for key, _ in pairs))
    return members


def _texts(values: list[Any], name: str) -> pa.Array:
    try:
        return pa.array([_as_text(value) for value in values], pa.string())
    except RecursionError:
        raise LabelkitError(f"column {name!r}: the JSON is nested too deeply") from None


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _nested(value)


def _nested(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        inner = (f"{_written(k)}: {_nested(v)}" for k, v in value.items())
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_nested, value)) + "]"
    return _written(value)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json_cells(column: pa.ChunkedArray) -> list[str]:
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return [text or "null" for text in text_cells.as_text(column).to_pylist()]
    return [_written(value) for value in column.to_pylist()]


def _without_keys(body: str, dropped: set[str]) -> str:
    """Return the text of an object without its closing brace and without some members."""
    decode = json.JSONDecoder().raw_decode
    position = _skip(body, body.index("{") + 1)
    start = body[:position]
    members = []
    while body[position] == '"':
        start_of_member = position
        key, position = scanstring(body, position + 1, True)
        position = _skip(body, _skip(body, position) + 1)
        _, position = decode(body, position)
        if key not in dropped:
            members.append(body[start_of_member:position])
        position = _skip(body, position)
        if body[position] == ",":
            position = _skip(body, position + 1)
    return start.rstrip(_SPACE) + ", ".join(members) if dropped else start


def _skip(text: str, position: int) -> int:
    while text[position] in _SPACE:
        position += 1
    return position


def _values(column: pa.ChunkedArray, column_name: str, name: str) -> list[Any]:
    try:
        return native_text.values(column.combine_chunks())
    except pa.ArrowInvalid as error:
        raise LabelkitError(f"{name}: column {column_name!r} cannot be read: {error}") from None


def lines(table: pa.Table, name: str) -> str:
    """Return a table of any types as JSON lines; values that JSON lacks are written as text."""
    for field in table.schema:
        if native_text.holds_bytes(field.type):
            raise LabelkitError(
                f"{name}: column {field.name!r} is binary and cannot be written as JSON; write a "
                f".parquet file, or drop the column first"
            )
    names = table.column_names
    columns = [
        _values(column, column_name, name)
        for column_name, column in zip(names, table.columns, strict=True)
    ]
    rows = zip(*columns, strict=True)
    return "".join(
        json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, allow_nan=False) + "\n"
        for row in rows
    )
