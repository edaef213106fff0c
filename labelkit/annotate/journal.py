"""The journal: each decision of a person is on the disk before the next row is shown.

JSON lines, only ever appended to. The first tells which file the answers belong to; an undo is an
entry of its own, so nothing that was said is rubbed out.
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

    One writer at a time. Raises LabelkitError for a file that another session has open, that is
    damaged, or that belongs to another file than `about` tells.
    """

    def __init__(self, path: Path, about: Entry) -> None:
        self.path = path
        try:
            self._number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise LabelkitError(f"{path} cannot be opened: {error.strerror}") from None
        try:
            _lock(self._number, path)
            self.entries = self._read()
            if self.entries:
                self._check(self.entries.pop(0), about)
            else:
                self.append({"journal": VERSION, **about})
                sync_folder(path.parent)
        except BaseException:
            os.close(self._number)
            raise

    def append(self, entry: Entry) -> None:
        """Write an entry, flushed to the disk; raises LabelkitError and keeps nothing of it if not.

        Once this has returned, the entry survives whatever happens to the process.
        """
        line = json.dumps(entry, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        before = os.fstat(self._number).st_size
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._number, rest) :]
            os.fsync(self._number)
        except OSError as error:
            with suppress(OSError):  # what is torn is cut off at the next start, if not now
                self._cut(before)
            why = "the disk is full" if _is_full(error) else str(error.strerror)
            raise LabelkitError(
                f"NOT SAVED: {why}; make room and press the key again ({self.path})"
            ) from None

    def close(self) -> None:
        """Let others write."""
        os.close(self._number)

    def _read(self) -> list[Entry]:
        """Return the entries; what a crash left of a last one is cut off."""
        data = self.path.read_bytes()
        lines = data.split(b"\n")
        found = [parse_entry(line) for line in lines[:-1]]
        if lines[-1]:
            last = parse_entry(lines[-1])
            if last is None:
                console.warn(f"{self.path}: the last entry was torn by a crash and is left out")
                self._cut(len(data) - len(lines[-1]))
            else:
                os.write(self._number, b"\n")
                found.append(last)
        elif found and found[-1] is None:  # what a power cut leaves of a block
            console.warn(f"{self.path}: the last entry was torn by a crash and is left out")
            self._cut(len(data) - len(lines[-2]) - 1)
            found.pop()
        bad = [number for number, entry in enumerate(found, 1) if entry is None]
        if bad:
            raise LabelkitError(
                f"{self.path}, line {bad[0]}: this is not an entry of a journal; mend or remove "
                f"the line, nothing was changed"
            )
        return [entry for entry in found if entry is not None]

    def _check(self, first: Entry, about: Entry) -> None:
        if first.get("journal") != VERSION:
            raise LabelkitError(f"{self.path} is not a journal that this labelkit can read")
        if any(first.get(name) != about[name] for name in ("content", "key")):
            changed = first.get("file") == about["file"]
            what = f"the journal belongs to {first.get('file')}, not to {about['file']}"
            if changed and first.get("content") == about["content"]:
                what = f"the answers were begun with the key {first.get('key')!r} (--id)"
            elif changed:
                what = f"{about['file']} has changed since its answers were begun"
            raise LabelkitError(
                f"{what} ({self.path}, {console.count(len(self.entries), 'entries')}); merge the "
                "earlier answers "
                f"if that is not done yet, then give --start-over, which sets them aside, or "
                f"another -o ANSWERS"
            )

    def _cut(self, size: int) -> None:
        os.ftruncate(self._number, size)


@contextmanager
def unused(path: Path) -> Iterator[None]:
    """Keep others from a journal meanwhile; raises LabelkitError where a session has it open."""
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
    """Rename those of the files that are there to a name with a number; return the new names."""
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
    """Return the time as an entry keeps it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _lock(number: int, path: Path) -> None:
    if not take_lock(number):
        raise LabelkitError(
            f"another labelkit annotate is at work on the same answers ({path}); "
            f"close it first, or give -o ANSWERS for answers of your own"
        )


def _is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
