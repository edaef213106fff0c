"""JSON lines: one object a line; keys, order and the spelling of numbers stay as they are."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from json.decoder import scanstring  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from labelkit.errors import LabelkitError
from labelkit.io import text_cells
from labelkit.io.files import open_for_reading

_ROWS = 16_384
_NAMES_FROM_ROWS = 1_000
_SPACE = " \t\r\n"


class JsonlFile:
    """One or more files of JSON objects, read in order."""

    native = False

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        self._all_names_known = False
        self.names = self._find_names(_NAMES_FROM_ROWS)
        if not self.names:
            raise LabelkitError(f"{self.paths[0]} is empty: not a single row")

    def find_all_names(self) -> list[str]:
        """Return the keys of all rows, in order of first appearance; reads the file once."""
        if not self._all_names_known:
            self.names = self._find_names(None)
            self._all_names_known = True
        return self.names

    def _find_names(self, most: int | None) -> list[str]:
        names: dict[str, None] = {}
        for record in islice((r for _, rs in self._records() for r in rs), most):
            names.update(dict.fromkeys(record))
        return list(names)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the named columns as text; absent and null are empty, nested values are JSON."""
        for _, records in self._records():
            arrays = [
                pa.array([_as_text(record.get(name)) for record in records], pa.string())
                for name in columns
            ]
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
        """Write every object as it was, our old keys cut out and the new ones added at the end."""
        gone = set(drop)
        for raw, _ in self._records(parse=False):
            new = annotations.take(len(raw))
            columns = [_json_cells(column) for column in new.columns]
            keys = [json.dumps(name, ensure_ascii=False) for name in names]
            lines = []
            for i, text in enumerate(raw):
                body = text.rstrip(_SPACE)
                head = _without_keys(body, gone) if gone else body[:-1].rstrip(_SPACE)
                added = ", ".join(
                    f"{key}: {column[i]}" for key, column in zip(keys, columns, strict=True)
                )
                comma = ", " if added and not head.endswith("{") else ""
                lines.append(f"{head}{comma}{added}}}{text[len(body) :] or chr(10)}")
            out.write("".join(lines).encode())

    def _records(self, parse: bool = True) -> Iterator[tuple[list[str], list[dict[str, Any]]]]:
        for path in self.paths:
            number = 0
            with open_for_reading(path) as stream:
                while True:
                    raw = list(islice(stream, _ROWS))
                    if not raw:
                        break
                    texts = [_decoded(path, number + i + 1, line) for i, line in enumerate(raw)]
                    # The end of the last file may be blank; a blank line between rows may not.
                    while texts and not texts[-1].strip(_SPACE) and len(raw) < _ROWS:
                        texts.pop()
                    records = (
                        [_object(path, number + i + 1, text) for i, text in enumerate(texts)]
                        if parse
                        else []
                    )
                    number += len(raw)
                    if texts:
                        yield texts, records


def _decoded(path: Path, line: int, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise LabelkitError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8; convert the file"
        ) from None
    return text.removeprefix("\ufeff") if line == 1 else text


def _object(path: Path, line: int, text: str) -> dict[str, Any]:
    try:
        # Numbers keep their spelling: 1.10 and 1e3 are the user's text.
        found = json.loads(text, parse_int=_Number, parse_float=_Number, object_pairs_hook=_unique)
    except _DoubleKey as error:
        raise LabelkitError(
            f"{path}, line {line}: the key {error.args[0]!r} stands twice"
        ) from None
    except (ValueError, RecursionError) as error:
        if not text.strip(_SPACE):
            raise LabelkitError(
                f"{path}, line {line}: blank line between rows; delete it"
            ) from None
        raise LabelkitError(f"{path}, line {line}: not a JSON object: {error}") from None
    if not isinstance(found, dict):
        raise LabelkitError(f"{path}, line {line}: not a JSON object but {type(found).__name__}")
    return found


class _Number(str):
    """A number as it is spelled in the file."""


class _DoubleKey(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _DoubleKey(next(key for i, key in enumerate(keys) if key in keys[:i]))
    return found


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
        inner = (f"{json.dumps(k, ensure_ascii=False)}: {_nested(v)}" for k, v in value.items())
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_nested, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _json_cells(column: pa.ChunkedArray) -> list[str]:
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return [text or "null" for text in text_cells.as_text(column).to_pylist()]
    return [json.dumps(value, ensure_ascii=False) for value in column.to_pylist()]


def _without_keys(body: str, gone: set[str]) -> str:
    """Return the object's text without its closing brace and without some of its members."""
    decode = json.JSONDecoder().raw_decode
    place = _skip(body, body.index("{") + 1)
    start = body[:place]
    kept = []
    while body[place] == '"':
        begin = place
        key, place = scanstring(body, place + 1, True)
        place = _skip(body, _skip(body, place) + 1)
        _, place = decode(body, place)
        if key not in gone:
            kept.append(body[begin:place])
        place = _skip(body, place)
        if body[place] == ",":
            place = _skip(body, place + 1)
    return start.rstrip(_SPACE) + ", ".join(kept) if gone else start


def _skip(text: str, place: int) -> int:
    while text[place] in _SPACE:
        place += 1
    return place


def lines(table: pa.Table) -> str:
    """Return a table of any types as JSON lines; what JSON lacks is written as text."""
    plain = table.select(table.column_names)
    for i, field in enumerate(plain.schema):
        if pa.types.is_temporal(field.type) or pa.types.is_decimal(field.type):
            plain = plain.set_column(i, field.name, plain.column(i).cast(pa.string()))
    try:
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in plain.to_pylist())
    except TypeError as error:
        raise LabelkitError(f"a column cannot be written as JSON: {error}") from None
