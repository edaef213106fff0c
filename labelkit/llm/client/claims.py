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

from labelkit.io.files import take_lock
from labelkit.io.ledger import Run
from labelkit.llm.client.cost_meter import Price

FILE, OWNERS = "claims.sqlite", "claims"
# Of each key that is claimed: who has it. Of each request that may be billed: the run that sent it.
_TABLES = """
CREATE TABLE IF NOT EXISTS claimed (key TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sent (
    key TEXT NOT NULL, run TEXT NOT NULL, task TEXT NOT NULL, dollars_in REAL, dollars_out REAL,
    times INTEGER NOT NULL, most REAL NOT NULL, PRIMARY KEY (key, run)
) WITHOUT ROWID;
"""


class Requests(NamedTuple):
    """Requests of a run that may be billed, at its price, and of which nothing was heard."""

    run: str
    price: Price | None
    times: int


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
        take_lock(self._alive)
        unlocked.rename(self._folder / self._owner)
        self._db = sqlite3.connect(folder / FILE, timeout=timeout, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # It has to survive the process, not the machine: nothing is waited for.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_TABLES)

    def take(self, keys: Sequence[str]) -> list[Requests] | None:
        """Claim all of these keys, or none (None) where a living process has one of them.

        Returns the requests that processes which are gone had sent about them.
        """
        marks = ", ".join("?" * len(keys))
        find = f"SELECT owner FROM claimed WHERE key IN ({marks})"
        if any(self._is_alive(owner) for (owner,) in self._db.execute(find, keys)):
            return None
        self._db.execute("BEGIN IMMEDIATE")
        try:
            if any(self._is_alive(owner) for (owner,) in self._db.execute(find, keys)):
                return None
            self._db.executemany(
                "INSERT OR REPLACE INTO claimed VALUES (?, ?)", [(key, self._owner) for key in keys]
            )
            sent = self._db.execute(
                f"SELECT run, dollars_in, dollars_out, times FROM sent WHERE key IN ({marks})", keys
            ).fetchall()
        finally:
            self._db.execute("COMMIT")
        return [
            Requests(run, None if dollars[0] is None else Price(*dollars), times)
            for run, *dollars, times in sent
        ]

    def sent(self, key: str, run: Run, price: Price | None, times: int, most: float) -> None:
        """Note how many requests of a run about a key may be billed, and the most they cost."""
        if times:
            dollars = (price.tokens_in, price.tokens_out) if price else (None, None)
            self._db.execute(
                "INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key, run.name, run.task, *dollars, times, most),
            )
        else:
            self._db.execute("DELETE FROM sent WHERE key = ? AND run = ?", (key, run.name))

    def booked(self, keys: Sequence[str]) -> None:
        """Forget the requests about these keys: the ledger has them now."""
        self._db.executemany("DELETE FROM sent WHERE key = ?", [(key,) for key in keys])

    def give_back(self, keys: Sequence[str]) -> None:
        """End our claims to these keys."""
        self._db.executemany(
            "DELETE FROM claimed WHERE key = ? AND owner = ?", [(key, self._owner) for key in keys]
        )

    def most_by_others(self, run: Run) -> float:
        """Return the most that requests of other runs of a task can cost.

        Of those whose process is gone too: their requests may have been billed.
        """
        found = self._db.execute(
            "SELECT TOTAL(most) FROM sent WHERE task = ? AND run <> ?", (run.task, run.name)
        )
        return float(found.fetchone()[0])

    def _is_alive(self, owner: str) -> bool:
        """Tell whether another process lives: it holds the lock of its file as long as it does."""
        if owner == self._owner:
            return False  # within a process a key is asked once anyway
        try:
            with (self._folder / owner).open("rb") as file:
                return not take_lock(file)
        except OSError:
            return False

    def close(self) -> None:
        """End our claims; requests of which nothing was heard stay noted."""
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("DELETE FROM claimed WHERE owner = ?", (self._owner,))
        self._db.close()
        self._alive.close()
        for path in self._folder.iterdir():
            if path.name == self._owner or not (path.name[0] == "." or self._is_alive(path.name)):
                path.unlink(missing_ok=True)
