"""The journal: each decision of a person is on disk before the next row is shown.

JSON lines that are only appended to. The first line identifies the file that the answers belong
to; an undo is an entry of its own, so no earlier entry is deleted.
"""

import errno
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from labelkit import console
from labelkit.data.answers_journal import Entry, parse_entry
from labelkit.errors import LabelkitError
from labelkit.io.files import sync_folder, take_lock

VERSION = 1


class Journal:
    """An open journal: `entries` are those of earlier sessions, `append` adds one.

    One writer at a time. Raises LabelkitError for a journal that another session has open, that
    is damaged, or whose first line is not `header`.
    """

    def __init__(self, path: Path, header: Entry) -> None:
        self.path = path
        try:
            self._number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise LabelkitError(f"{path} cannot be opened: {error.strerror}") from None
        try:
            _lock(self._number, path)
            self.entries = self._read()
            if self.entries:
                self._check(self.entries.pop(0), header)
            else:
                self.append({"journal": VERSION, **header})
                sync_folder(path.parent)
        except BaseException:
            os.close(self._number)
            raise

    def append(self, entry: Entry) -> None:
        """Write an entry and flush it to disk; raises LabelkitError, and writes nothing, on errors.

        Once this has returned, the entry survives a crash of the process.
        """
        line = json.dumps(entry, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        before = os.fstat(self._number).st_size
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._number, rest) :]
            os.fsync(self._number)
        except OSError as error:
            with suppress(OSError):  # a torn entry is removed at the next start otherwise
                self._cut(before)
            why = "the disk is full" if _is_full(error) else str(error.strerror)
            raise LabelkitError(
                f"NOT SAVED: {why}; make room and press the key again ({self.path})"
            ) from None

    def close(self) -> None:
        """Release the lock and close the file."""
        os.close(self._number)

    def _read(self) -> list[Entry]:
        """Return the entries; an incomplete last entry is removed from the file."""
        data = self.path.read_bytes()
        lines = data.split(b"\n")
        entries = [parse_entry(line) for line in lines[:-1]]
        if lines[-1]:
            last = parse_entry(lines[-1])
            if last is None:
                console.warn(f"{self.path}: the last entry is incomplete (a crash) and was removed")
                self._cut(len(data) - len(lines[-1]))
            else:
                os.write(self._number, b"\n")
                entries.append(last)
        elif entries and entries[-1] is None:  # a line damaged by a power failure
            console.warn(f"{self.path}: the last entry is incomplete (a crash) and was removed")
            self._cut(len(data) - len(lines[-2]) - 1)
            entries.pop()
        bad = [number for number, entry in enumerate(entries, 1) if entry is None]
        if bad:
            raise LabelkitError(
                f"{self.path}, line {bad[0]}: not a journal entry; fix or remove the line "
                f"(nothing was changed)"
            )
        return [entry for entry in entries if entry is not None]

    def _check(self, first: Entry, header: Entry) -> None:
        if first.get("journal") != VERSION:
            raise LabelkitError(f"{self.path} is not a journal of this version of labelkit")
        if any(first.get(name) != header[name] for name in ("content", "key")):
            same_name = first.get("file") == header["file"]
            what = f"the journal belongs to {first.get('file')}, not to {header['file']}"
            if same_name and first.get("content") == header["content"]:
                what = f"the answers were started with the key {first.get('key')!r} (--id)"
            elif same_name:
                what = f"{header['file']} has changed since its answers were started"
            raise LabelkitError(
                f"{what} ({self.path}, {console.count(len(self.entries), 'entries')}); merge the "
                "earlier answers if that is not done yet, then pass --start-over, which renames "
                "them, or another -o ANSWERS"
            )

    def _cut(self, size: int) -> None:
        os.ftruncate(self._number, size)


@contextmanager
def unused(path: Path) -> Iterator[None]:
    """Lock a journal in the block; raises LabelkitError if a session has it open."""
    if not path.exists():
        yield
        return
    number = os.open(path, os.O_RDWR)
    try:
        _lock(number, path)
        yield
    finally:
        os.close(number)


def set_aside(paths: Sequence[Path]) -> list[Path]:
    """Rename existing files to a name with a number; return the new names."""
    moved = []
    for path in paths:
        if not path.exists():
            continue
        number = 1
        while (target := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
            number += 1
        path.rename(target)
        moved.append(target)
    return moved


def now() -> str:
    """Return the time in the format of journal entries."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _lock(number: int, path: Path) -> None:
    if not take_lock(number):
        raise LabelkitError(
            f"another labelkit annotate is using the same answers ({path}); "
            f"close it first, or pass -o ANSWERS to write other answers"
        )


def _is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
