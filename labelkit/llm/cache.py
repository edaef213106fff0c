"""Every answer on disk before it is counted, and what all runs have cost: SQLite in .labelkit."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labelkit.errors import LabelkitError

FILE = "llm.sqlite"
_TABLES = """
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, reply TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (endpoint TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, task TEXT NOT NULL, model TEXT NOT NULL, answers INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, dollars REAL NOT NULL
) WITHOUT ROWID;
"""


def digest(value: object) -> str:
    """Return a key for anything that JSON can hold: equal values, equal keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Cache:
    """Answers by the digest of all that shaped them, and a ledger of tokens and dollars a run."""

    def __init__(self, folder: Path) -> None:
        """Open (or create) the cache in `folder`; LabelkitError when it is locked or damaged."""
        self.path = folder / FILE
        with self._named():
            self._db = sqlite3.connect(self.path, timeout=10, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")  # on disk, not only with the system
            self._db.executescript(_TABLES)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise LabelkitError(
                    f"{self.path} is locked by another program; wait for it to end, or give "
                    "this run its own folder with --cache"
                ) from error
            raise LabelkitError(f"{self.path}: {error}; is the folder writable?") from error
        except sqlite3.DatabaseError as error:
            raise LabelkitError(
                f"{self.path} is damaged ({error}); move it away and run again "
                "(the answers in it will be asked again)"
            ) from error

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the stored reply, or None."""
        with self._named():
            found = self._db.execute("SELECT reply FROM answers WHERE key = ?", (key,)).fetchone()
        return json.loads(found[0]) if found else None

    def put(
        self, key: str, reply: Mapping[str, Any], run: str, task: str, model: str, dollars: float
    ) -> None:
        """Store a reply and add its tokens to the run's ledger, in one transaction."""
        tokens = int(reply.get("tokens_in", 0)), int(reply.get("tokens_out", 0))
        text = json.dumps(reply, ensure_ascii=True, sort_keys=True)
        with self._named():
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", (key, text))
            self._db.execute(
                "INSERT INTO runs VALUES (?, ?, ?, 1, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET "
                "answers = answers + 1, tokens_in = tokens_in + excluded.tokens_in, "
                "tokens_out = tokens_out + excluded.tokens_out, "
                "dollars = dollars + excluded.dollars",
                (run, task, model, *tokens, dollars),
            )
            self._db.execute("COMMIT")

    def facts(self, endpoint: str) -> dict[str, Any] | None:
        """Return what is known of an endpoint (by its digest), or None."""
        with self._named():
            found = self._db.execute(
                "SELECT facts FROM facts WHERE endpoint = ?", (endpoint,)
            ).fetchone()
        return json.loads(found[0]) if found else None

    def remember(self, endpoint: str, facts: Mapping[str, Any] | None) -> None:
        """Store what was learned of an endpoint; None forgets it."""
        with self._named():
            if facts is None:
                self._db.execute("DELETE FROM facts WHERE endpoint = ?", (endpoint,))
            else:
                self._db.execute(
                    "INSERT OR REPLACE INTO facts VALUES (?, ?)",
                    (endpoint, json.dumps(facts, sort_keys=True)),
                )

    def spent(self, task: str) -> float:
        """Return the dollars that all runs of a task have cost."""
        with self._named():
            found = self._db.execute(
                "SELECT SUM(dollars) FROM runs WHERE task = ?", (task,)
            ).fetchone()
        return float(found[0] or 0.0)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
