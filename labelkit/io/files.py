"""Reading and writing of files: compression by suffix, atomic writes, locks."""

import errno
import io
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from labelkit import console
from labelkit.errors import LabelkitError
from labelkit.io import streams

_unfinished: set[Path] = set()  # temporary files of outputs that are being written
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


def compression_of(path: Path) -> str | None:
    """Return Arrow's name of the compression for the last suffix, None if there is none."""
    return COMPRESSIONS.get(path.suffix.lower())


def ending_of(path: str | Path) -> str:
    """Return the suffixes for format and compression: `.csv`, `.csv.gz`."""
    name = Path(path)
    packed = name.suffix if name.suffix.lower() in COMPRESSIONS else ""
    return Path(name.name.removesuffix(packed)).suffix + packed


def next_to(path: str | Path, word: str) -> Path:
    """Return a sibling path: `a.csv.gz` and `llm` give `a.llm.csv.gz`.

    Beside a folder of Parquet parts it is a Parquet file.
    """
    name, ending = Path(path), ending_of(path)
    if not ending and name.is_dir():
        ending = ".parquet"
    return name.with_name(f"{name.name.removesuffix(ending)}.{word}{ending}")


def open_for_reading(path: Path) -> BinaryIO:
    """Return the decompressed bytes of a file as a stream.

    Raises LabelkitError when the file is missing, a folder, or not readable.
    """
    try:
        if path.is_dir():
            raise LabelkitError(
                f"{path} is a folder; give a file (a folder may hold Parquet parts)"
            )
        path = streams.spooled(path)
        compression = compression_of(path)
        if compression is None:
            return path.open("rb")
        import pyarrow as pa

        # Arrow's stream cannot be iterated by lines.
        stream = pa.input_stream(str(path), compression=compression)
        return cast(BinaryIO, io.BufferedReader(stream, 1 << 20))
    except FileNotFoundError:
        raise LabelkitError(f"there is no file {path}{_neighbour(path)}") from None
    except PermissionError:
        raise LabelkitError(f"{path} cannot be read: permission denied") from None


def _neighbour(path: Path) -> str:
    from labelkit.errors import nearest

    try:
        return nearest(path.name, [entry.name for entry in path.parent.iterdir()])
    except OSError:
        return f"; there is no folder {path.parent} either"


@contextmanager
def whole(path: str | Path, like: Path | None = None) -> Iterator[BinaryIO]:
    """Write `path` atomically: yield a stream, and replace the file if the block ends well.

    Written to a temporary file in the same folder, flushed to the disk, then renamed. It gets the
    mode and the owner of the file that it replaces, else of `like`, else those of a new file. A
    stream (`-`, a FIFO, a device) is written directly.
    Raises LabelkitError for a missing or unwritable folder, and for a full disk.
    """
    if streams.is_stream(path):
        with _to_stream(path) as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    temporary: Path | None = None
    try:
        number, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".part", dir=target.parent
        )
        temporary = Path(name)
        _unfinished.add(temporary)
        with os.fdopen(number, "wb") as raw:
            with compressed(raw, target) as stream:
                yield stream
            raw.flush()
            os.fsync(raw.fileno())
        _take_over(temporary, target, like)
        os.replace(temporary, target)
        _unfinished.discard(temporary)
        temporary = None
        sync_folder(target.parent)
    except OSError as error:
        raise _explained(error, Path(path)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
            _unfinished.discard(temporary)


def write_json(stream: BinaryIO, value: Any) -> None:
    """Write a value as JSON in pieces, without holding the whole text in memory."""
    text = io.TextIOWrapper(stream, "utf-8", newline="")
    json.dump(value, text, ensure_ascii=False, indent=1)
    text.write("\n")
    text.detach()


def end_at_once(message: str, code: int) -> None:
    """Print a message and end the process, if user code could catch an exception.

    Removes unfinished files.
    """
    for temporary in _unfinished:
        with suppress(OSError):
            temporary.unlink()
    console.error(message)
    os._exit(code)


def need_writable(path: Path) -> None:
    """Raise LabelkitError for a path that `whole` cannot write; called before any work."""
    if streams.is_stream(path):
        return
    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise IsADirectoryError
        number, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".part", dir=target.parent
        )
        os.close(number)
        os.unlink(name)
    except OSError as error:
        raise _explained(error, path) from error


@contextmanager
def _to_stream(path: str | Path) -> Iterator[BinaryIO]:
    try:
        with streams.writing(path) as raw:
            yield raw
    except OSError as error:
        if str(path) == "-":  # the command line reports errors of stdout
            raise
        raise _explained(error, Path(path)) from error


def _take_over(temporary: Path, target: Path, like: Path | None) -> None:
    """Give a new file the mode and the owner of the old one."""
    model = next((p for p in (target, like) if p is not None and p.is_file()), None)
    if model is None:
        os.chmod(temporary, 0o666 & ~_umask())
        return
    stats = model.stat()
    mode = stat.S_IMODE(stats.st_mode)
    try:
        os.chown(temporary, stats.st_uid, stats.st_gid)
    except (OSError, AttributeError):  # a file of another user, or a system without owners
        if temporary.stat().st_gid != stats.st_gid:
            mode &= ~(stat.S_IRWXG | stat.S_ISGID)  # remove permissions of another group
    os.chmod(temporary, mode)


@contextmanager
def compressed(raw: BinaryIO, target: Path) -> Iterator[BinaryIO]:
    """Yield `raw`, or a compressing stream over it when the target's suffix asks for one."""
    compression = compression_of(target)
    if compression is None:
        yield raw
        return
    import pyarrow as pa

    # Arrow closes the file that it writes to, so it gets a handle of its own.
    own = os.fdopen(os.dup(raw.fileno()), "wb")
    with pa.output_stream(own, compression=compression) as stream:
        yield stream


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def take_lock(file: int | IO[Any]) -> bool:
    """Lock an open file for this process; return False if another process has the lock.

    Without file locks (Windows) always True.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk."""
    # Some file systems refuse to open or sync a folder; the rename itself has happened.
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _explained(error: OSError, path: Path) -> LabelkitError:
    # Arrow puts the error number into its message, so a full disk is recognised by text as well.
    full = error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
    if full:
        if path.exists() and not path.is_file():  # written to as it is, never replaced
            return LabelkitError(f"no space left for {path}: it is incomplete")
        return LabelkitError(
            f"the disk is full: {path} was not written (an existing file is unchanged)"
        )
    if isinstance(error, FileNotFoundError):
        return LabelkitError(
            f"{path} cannot be written: there is no folder {path.parent} (mkdir -p {path.parent})"
        )
    if isinstance(error, IsADirectoryError):
        return LabelkitError(f"{path} cannot be written: it is a folder")
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return LabelkitError(f"{path} cannot be written: the folder {path.parent} is not writable")
    if isinstance(error, BrokenPipeError):
        raise error
    return LabelkitError(f"{path} cannot be written: {error.strerror or error}")
