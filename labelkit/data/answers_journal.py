"""The journal beside an answers file, and the check that the file contains all of it.

`annotate` writes each decision to the journal at once, and the answers file every few decisions.
After a crash the journal is newer, so readers of answers call `refuse_unwritten` first.
"""

import json
import os
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from labelkit import console
from labelkit.errors import LabelkitError

ENDING = ".journal.jsonl"
DECISIONS = ("label", "skip", "flag", "note")  # entries that an undo reverts

Entry = dict[str, Any]


class Unwritten(NamedTuple):
    """The part of a journal that is not in its answers file."""

    decisions: int  # since the file was written
    edited: bool  # the file was changed by another program since
    first: Entry  # the first entry: file, key and classes of the answers


def journal_path(answers: Path) -> Path:
    """Return the path of the journal, beside the answers."""
    return answers.with_name(answers.name + ENDING)


def parse_entry(line: bytes) -> Entry | None:
    """Return an entry of a journal, None for an invalid line."""
    try:
        entry = json.loads(line.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def read_entries(journal: Path) -> list[Entry]:
    """Return the valid entries of a journal, including the header."""
    if not journal.is_file():
        return []
    entries = map(parse_entry, journal.read_bytes().split(b"\n"))
    return [entry for entry in entries if entry is not None]


def unwritten(answers: Path) -> Unwritten | None:
    """Return the part of the journal that is not in the answers file, None if there is none.

    The journal contains the hash of each version of the file that was written from it.
    """
    entries = read_entries(journal_path(answers))
    if not entries or "journal" not in entries[0]:
        return None
    current = _digest(answers)
    written, last_write = "", 0
    for index, entry in enumerate(entries):
        # After a crash between `writes` and `wrote` the file is the new or the old version.
        is_new = entry.get("do") == "writes" and current not in ("", written)
        if entry.get("do") == "wrote" or (is_new and _is_last_write(entries, index)):
            written, last_write = str(entry.get("answers", current)), index
    since = [entry for entry in entries[last_write:] if entry.get("do") in (*DECISIONS, "undo")]
    if not since:
        return None
    return Unwritten(len(since), current not in ("", written), entries[0])


def refuse_unwritten(answers: Path) -> None:
    """Raise LabelkitError if the journal of an answers file is newer than the file."""
    missing = unwritten(answers)
    if missing is None:
        return
    journal = journal_path(answers)
    count = console.count(missing.decisions, "decisions")
    what = f"{answers} is older than its journal: {count} of {journal} are not in it"
    if not answers.exists():
        what = f"there is no file {answers} yet, but its journal {journal} holds {count}"
    if _is_open(journal):
        raise LabelkitError(f"{what}; labelkit annotate has it open: leave it with q")
    writes = shlex.join(_writing_command(answers, missing.first))
    remedy = f"write them with this command (and leave with q): {writes}"
    if missing.edited:
        other = answers.with_name(f"{answers.stem}.edited{answers.suffix}")
        moves = shlex.join(["mv", str(answers), str(other)])
        remedy = f"it was also edited since, so move it first: {moves}; {remedy}"
    raise LabelkitError(f"{what}; {remedy}")


def _writing_command(answers: Path, first: Entry) -> list[str]:
    """Return the command that writes the answers file from its journal."""
    key, classes = first.get("key"), first.get("classes")
    args = ["labelkit", "annotate", str(first.get("file") or "BATCH"), "-o", str(answers)]
    if isinstance(classes, Sequence) and classes:
        args += ["--classes", ",".join(map(str, classes))]
    return args + (["--id", str(key)] if key not in (None, "id", "row") else [])


def _is_last_write(entries: Sequence[Entry], index: int) -> bool:
    return not any(entry.get("do") in ("writes", "wrote") for entry in entries[index + 1 :])


def _digest(path: Path) -> str:
    from labelkit.io import history

    return history.digest(path) if path.is_file() else ""


def _is_open(journal: Path) -> bool:
    """Return whether a session of annotate has the journal open."""
    with suppress(ImportError, OSError):
        import fcntl

        number = os.open(journal, os.O_RDONLY)
        try:
            fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(number)
    return False
