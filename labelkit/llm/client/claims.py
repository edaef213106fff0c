"""Which requests are on their way, over all runs that share a cache: none is paid for twice.

A claim ends with its process: whoever finds the claim of a process that is gone takes it over, and
learns how many requests that one had sent without hearing of them again.
"""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

FILE, OWNERS = "claims.sqlite", "claims"
_TABLES = """
CREATE TABLE IF NOT EXISTS claims (
    key TEXT PRIMARY KEY, owner TEXT NOT NULL, run TEXT NOT NULL, task TEXT NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0, most REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
"""


class Orphan(NamedTuple):
    """A claim of a process that is gone: by which run, and the requests that it had sent."""

    key: str
    run: str
    sent: int


class Claims:
    """The claims of one process, in a file of their own that is never waited for long."""

    def __init__(self, folder: Path, timeout: float) -> None:
        """Open (or create) the claims in `folder`; sqlite3.Error where that cannot be done."""
        self._folder = folder / OWNERS
        self._folder.mkdir(exist_ok=True)
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        # Locked before it has its name: who sees the file without its lock takes us for gone.
        unlocked = self._folder / f".{self._owner}"
        self._alive: IO[bytes] = unlocked.open("wb")
        _lock(self._alive)
        unlocked.rename(self._folder / self._owner)
        self._db = sqlite3.connect(folder / FILE, timeout=timeout, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # It has to survive the process, not the machine: nothing is waited for.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_TABLES)

    def take(self, keys: Sequence[str], run: str, task: str) -> list[Orphan] | None:
        """Claim all of these keys, or none (None) where a living process has one of them.

        Returns the claims of processes that are gone, which are ours now.
        """
        marks = ", ".join("?" * len(keys))
        find = f"SELECT key, owner, run, sent FROM claims WHERE key IN ({marks})"
        if any(self._is_alive(owner) for _, owner, _, _ in self._db.execute(find, keys)):
            return None
        self._db.execute("BEGIN IMMEDIATE")
        try:
            claimed = self._db.execute(find, keys).fetchall()
            if any(self._is_alive(owner) for _, owner, _, _ in claimed):
                return None
            self._db.executemany(
                "INSERT OR REPLACE INTO claims (key, owner, run, task) VALUES (?, ?, ?, ?)",
                [(key, self._owner, run, task) for key in keys],
            )
        finally:
            self._db.execute("COMMIT")
        return [Orphan(key, whose, sent) for key, _, whose, sent in claimed]

    def sent(self, key: str, times: int, most: float) -> None:
        """Note how many requests for a key may be billed, and the most that they cost."""
        self._db.execute(
            "UPDATE claims SET sent = ?, most = ? WHERE key = ? AND owner = ?",
            (times, most, key, self._owner),
        )

    def give_back(self, keys: Sequence[str]) -> None:
        """End our claims to these keys."""
        self._db.executemany(
            "DELETE FROM claims WHERE key = ? AND owner = ?", [(key, self._owner) for key in keys]
        )

    def most_by_others(self, task: str) -> float:
        """Return the most that requests of other processes for a task can cost.

        Of those that are gone too: their requests may have been billed.
        """
        found = self._db.execute(
            "SELECT TOTAL(most) FROM claims WHERE task = ? AND owner <> ? AND sent > 0",
            (task, self._owner),
        )
        return float(found.fetchone()[0])

    def _is_alive(self, owner: str) -> bool:
        """Tell whether another process lives: it holds the lock of its file as long as it does."""
        if owner == self._owner:
            return False  # within a process a key is asked once anyway
        try:
            with (self._folder / owner).open("rb") as file:
                return not _lock(file)
        except OSError:
            return False

    def close(self) -> None:
        """End our claims, but for those whose requests were sent and not heard of again."""
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("DELETE FROM claims WHERE owner = ? AND sent = 0", (self._owner,))
        self._db.close()
        self._alive.close()
        for path in self._folder.iterdir():
            if path.name == self._owner or not (path.name[0] == "." or self._is_alive(path.name)):
                path.unlink(missing_ok=True)


def _lock(file: IO[bytes]) -> bool:
    """Take the lock of a file for this process; False where another has it."""
    try:
        import fcntl
    except ImportError:  # pragma: no cover - Windows: two runs at once are not told apart
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
