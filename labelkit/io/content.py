"""Detects from its first bytes that a file has another format than its suffix says.

Needs no data library.
"""

import shlex
from collections.abc import Iterable
from pathlib import Path

from labelkit.errors import LabelkitError
from labelkit.io.files import compression_of, open_for_reading

_HEAD = 512
_ICONV = "iconv -f {} -t UTF-8"
# First bytes, the format, and the command that converts it.
_KINDS = (
    (b"\xff\xfe\x00\x00", "UTF-32", _ICONV.format("UTF-32")),
    (b"\x00\x00\xfe\xff", "UTF-32", _ICONV.format("UTF-32")),
    (b"\xff\xfe", "UTF-16", _ICONV.format("UTF-16")),
    (b"\xfe\xff", "UTF-16", _ICONV.format("UTF-16")),
    (b"\x1f\x8b", "gzip", "gunzip"),
    (b"\x28\xb5\x2f\xfd", "Zstandard", "zstd -d"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"\xfd7zXZ\x00", "xz", "unxz"),
    (b"PK\x03\x04", "ZIP", "funzip"),
    (b"PAR1", "Parquet", ""),
    (b"PARE", "encrypted Parquet", ""),
    (b"ARROW1", "Arrow", ""),
    (b"ORC", "ORC", ""),
    (b"Obj\x01", "Avro", ""),
    (b"SQLite format 3\x00", "SQLite", ""),
    (b"%PDF-", "PDF", ""),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (xls)", ""),
)
# First bytes and suffixes of supported compressions.
_COMPRESSED = {"gzip": (b"\x1f\x8b", ".gz"), "zstd": (b"\x28\xb5\x2f\xfd", ".zst")}
_TEXTS = ("csv", "tsv", "jsonl", "json")


def first_bytes(path: Path, size: int = _HEAD) -> bytes:
    """Return the first bytes of a file; b'' if it cannot be decompressed (reading reports it)."""
    with open_for_reading(path) as stream:
        try:
            return bytes(stream.read(size))
        except OSError:
            _refuse_wrong_suffix(path)
            return b""


def _refuse_wrong_suffix(path: Path) -> None:
    start = _COMPRESSED[compression_of(path) or "gzip"][0]
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head or start.startswith(head) or head.startswith(start):
        return
    name, suffix = "not compressed", ""
    for compression, (other, other_suffix) in _COMPRESSED.items():
        if head.startswith(other):
            name, suffix = compression, other_suffix
    old, new = shlex.quote(str(path)), shlex.quote(str(path.with_suffix(suffix)))
    raise LabelkitError(
        f"{path} is {name}, despite its suffix {path.suffix}; rename it: mv {old} {new}"
    )


def refuse_other_content(path: Path, head: bytes, file_format: str) -> None:
    """Raise LabelkitError for a file with the first bytes of another format.

    The message names the format, and a command line that converts it if there is one.
    """
    if file_format in _TEXTS:
        _refuse_bytes(path, head[:_HEAD], file_format)
        return
    for start, name, remedy in _KINDS:
        if head.startswith(start) and name != "Parquet":
            raise _other_format_error(path, name, remedy, file_format)
    if not head.startswith(b"PAR1"):
        raise LabelkitError(f"{path} is not a Parquet file, despite its name")


def _refuse_bytes(path: Path, head: bytes, file_format: str) -> None:
    for start, name, remedy in _KINDS:
        # A table may begin with the same letters.
        if head.startswith(start) and (not _is_printable(start) or not _is_printable(head)):
            is_book = name == "ZIP" and (b"[Content_Types]" in head or b"xl/" in head)
            if is_book:
                name, remedy = "a spreadsheet (xlsx)", ""
            raise _other_format_error(path, name, remedy, file_format)
    has_zero = [byte == 0 for byte in head[:4]]
    for pattern, name in (([0, 1, 0, 1], "UTF-16LE"), ([1, 0, 1, 0], "UTF-16BE")):  # no mark
        if has_zero == pattern:
            raise _other_format_error(path, name, _ICONV.format(name), file_format)


def _is_printable(head: bytes) -> bool:
    return head.isascii() and all(byte >= 32 or byte in b"\t\r\n" for byte in head)


def _other_format_error(path: Path, name: str, command: str, file_format: str) -> LabelkitError:
    old, new = shlex.quote(str(path)), shlex.quote(str(path.with_suffix(f".new.{file_format}")))
    if name == "Parquet":
        command_line = f"mv {old} {shlex.quote(str(path.with_suffix('.parquet')))}"
    elif command:
        unpacking = {"gzip": "gunzip", "zstd": "zstd -d"}.get(compression_of(path) or "")
        reading = f"{unpacking} < {old} | {command}" if unpacking else f"{command} < {old}"
        command_line = f"{reading} > {new}"
    else:
        command_line = f"save it as .{file_format} (UTF-8)"
    return LabelkitError(f"{path} is {name}, not {file_format}; convert it: {command_line}")


def first_duplicate(names: Iterable[str]) -> str | None:
    """Return the first name that occurs more than once, None if there is none."""
    earlier: set[str] = set()
    for name in names:
        if name in earlier:
            return name
        earlier.add(name)
    return None
