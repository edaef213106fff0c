"""Paths that are not regular files: stdin and stdout, open descriptors, FIFOs, devices.

They are written, never replaced. Streams for reading are first copied to a temporary file.
"""

import atexit
import errno
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from labelkit.errors import LabelkitError


class StdoutFailed(LabelkitError):
    """Writing to stdout failed: the disk is full, or it is closed."""


_MOST_LINKS = 40
_copies: dict[tuple[str, int, int], Path] = {}


def descriptor_of(path: str | Path) -> int | None:
    """Return the open descriptor of a path: 1 for /dev/stdout, 63 for /dev/fd/63; else None."""
    place = Path(path).absolute()
    folders = {os.path.realpath(folder) for folder in ("/dev/fd", "/proc/self/fd")}
    for _ in range(_MOST_LINKS):
        if place.name.isdecimal() and os.path.realpath(place.parent) in folders:
            return int(place.name)
        if not place.is_symlink():
            return None
        place = place.parent / os.readlink(place)
    return None


def is_stream(path: str | Path) -> bool:
    """Return whether a path is `-`, an open descriptor, a FIFO or a device."""
    place = Path(path)
    if str(path) == "-" or descriptor_of(place) is not None:
        return True
    return place.exists() and not place.is_file() and not place.is_dir()


def as_dash(path: str, descriptor: int) -> str:
    """Return `-` for a path of this descriptor, so that /dev/stdout is treated like `-`."""
    return "-" if descriptor_of(path) == descriptor else path


def spooled(path: Path) -> Path:
    """Return a file with the content of a path: a stream is copied, once, to $TMPDIR.

    The copy is removed when the process ends. Raises LabelkitError if it cannot be made.
    """
    if not is_stream(path):
        return path
    number = 0 if str(path) == "-" else descriptor_of(path)
    try:
        about = os.stat(path if number is None else number)
        key = str(path), about.st_dev, about.st_ino
        if key not in _copies:
            with open(path if number is None else os.dup(number), "rb") as stream:
                _copies[key] = _copied(stream, path)
    except OSError as error:
        raise LabelkitError(f"{_shown(path)} cannot be read: {error.strerror or error}") from error
    return _copies[key]


def _copied(stream: BinaryIO, path: Path) -> Path:
    ending = "" if str(path) == "-" else "".join(path.suffixes)
    with tempfile.NamedTemporaryFile(prefix="labelkit-stdin-", suffix=ending, delete=False) as copy:
        made = Path(copy.name)
        atexit.register(made.unlink, missing_ok=True)
        shutil.copyfileobj(stream, copy)
    return made


def _shown(path: str | Path) -> str:
    return "stdin" if str(path) == "-" else str(path)


def named(text: str) -> str:
    """Return a message with the paths of temporary copies replaced by the streams' names."""
    for (path, _, _), copy in _copies.items():
        text = text.replace(str(copy), _shown(path))
    return text


@contextmanager
def writing(path: str | Path) -> Iterator[BinaryIO]:
    """Yield a binary stream that appends to a stream path."""
    if str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    number = descriptor_of(path)
    with open(path if number is None else os.dup(number), "wb") as stream:
        yield stream


class _Stdout(io.FileIO):
    """Descriptor 1, with errors that name stdout."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            is_closed = error.errno == errno.EBADF
            why = "it is closed" if is_closed else error.strerror
            raise StdoutFailed(f"stdout cannot be written: {why}") from error


def explain_stdout() -> None:
    """Make every error in writing to stdout a `StdoutFailed`."""
    raw = _Stdout(sys.stdout.fileno(), "w", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=sys.stdout.encoding,
        errors="replace",  # for characters that the terminal's encoding lacks
        line_buffering=sys.stdout.isatty(),
    )
