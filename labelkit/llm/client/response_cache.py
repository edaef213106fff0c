"""Every answer on disk before it is counted, and what all runs have cost: SQLite in .labelkit."""

import asyncio
import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from labelkit.errors import LabelkitError

FILE = "llm.sqlite"
LOCKED_SECONDS = 10.0
# A reply with twenty alternatives a token is mostly repetition: an eighth of its size packed.
PACK_FROM = 1000
_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, reply NOT NULL, at REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (endpoint TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, task TEXT NOT NULL, model TEXT NOT NULL, answers INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, dollars REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refreshes (scope TEXT PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS jobs (
    job TEXT PRIMARY KEY, scope TEXT NOT NULL, told TEXT NOT NULL
) WITHOUT ROWID;
"""


def digest(value: object) -> str:
    """Return a key for anything that JSON can hold: equal values, equal keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Answer(NamedTuple):
    """One reply to keep, and whose ledger pays for it."""

    key: str
    reply: Mapping[str, Any]
    run: str
    task: str
    model: str
    dollars: float


class Cache:
    """Answers by the digest of all that shaped them, and a ledger of tokens and dollars a run.

    Reading goes by one connection, writing by another in a thread of its own: a disk that takes
    its time holds up nobody.
    """

    def __init__(self, folder: Path) -> None:
        """Open (or create) the cache in `folder`; LabelkitError when it is locked or damaged."""
        self.path = folder / FILE
        self._since = 0.0
        self._waiting: list[tuple[Sequence[Answer], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None
        with self._named():
            self._db = self._open()
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(_TABLES)
            self._writer = self._open()
        self._check_version()

    def _open(self) -> sqlite3.Connection:
        opened = sqlite3.connect(
            self.path, timeout=LOCKED_SECONDS, isolation_level=None, check_same_thread=False
        )
        opened.execute("PRAGMA synchronous=FULL")  # on disk, not only with the system
        return opened

    def _check_version(self) -> None:
        columns = [row[1] for row in self._db.execute("PRAGMA table_info(answers)")]
        if columns != ["key", "reply", "at"]:
            self._db.close()
            raise LabelkitError(
                f"{self.path} was written by another version of labelkit; give this one its own "
                "folder with --cache (the answers are asked again there)"
            )

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
            raise LabelkitError(
                f"{self.path}: {error}; is the folder writable, and has the disk room?"
            ) from error
        except (sqlite3.DatabaseError, zlib.error, ValueError) as error:
            raise LabelkitError(
                f"{self.path} is damaged ({error}); move it away and run again "
                "(the answers in it will be asked again)"
            ) from error

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the stored reply, or None."""
        with self._named():
            found = self._db.execute(
                "SELECT reply FROM answers WHERE key = ? AND at >= ?", (key, self._since)
            ).fetchone()
            return _unpacked(found[0]) if found else None

    def has(self, key: str) -> bool:
        """Tell whether an answer is stored, without reading it."""
        with self._named():
            found = self._db.execute(
                "SELECT 1 FROM answers WHERE key = ? AND at >= ?", (key, self._since)
            ).fetchone()
        return found is not None

    async def put(self, answers: Sequence[Answer]) -> None:
        """Store replies; returns when they are on disk, all or none.

        Those that come while the last ones are being written share one transaction.
        """
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((answers, stored))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_waiting())
        await stored

    async def _write_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1)
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                answers = [answer for group, _ in batch for answer in group]
                await loop.run_in_executor(self._thread, self.put_all, answers)
            except LabelkitError as error:
                _tell(batch, error)
            else:
                _tell(batch, None)

    def put_all(self, answers: Sequence[Answer]) -> None:
        """Store replies and add their tokens to their runs' ledgers, in one transaction."""
        now = time.time()
        with self._named():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                self._writer.executemany(
                    "INSERT OR REPLACE INTO answers VALUES (?, ?, ?)",
                    [(answer.key, _packed(answer.reply), now) for answer in answers],
                )
                self._writer.executemany(
                    "INSERT INTO runs VALUES (?, ?, ?, 1, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET "
                    "answers = answers + 1, tokens_in = tokens_in + excluded.tokens_in, "
                    "tokens_out = tokens_out + excluded.tokens_out, "
                    "dollars = dollars + excluded.dollars",
                    [_entry(answer) for answer in answers],
                )
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def begin_refresh(self, scope: str, noted: bool = True) -> None:
        """Take answers from before now as not there; a refresh that was stopped goes on.

        Where it is not `noted` (a dry run), the next one knows nothing of it.
        """
        now = time.time()
        with self._named():
            if noted:
                self._db.execute("INSERT OR IGNORE INTO refreshes VALUES (?, ?)", (scope, now))
            found = self._db.execute(
                "SELECT since FROM refreshes WHERE scope = ?", (scope,)
            ).fetchone()
        self._since = float(found[0]) if found else now

    def end_refresh(self, scope: str) -> None:
        """Note that a refresh is done: the next one asks everything anew."""
        with self._named():
            self._db.execute("DELETE FROM refreshes WHERE scope = ?", (scope,))

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

    def jobs(self, scope: str) -> dict[str, dict[str, Any]]:
        """Return what is known of the batch jobs of a task that are not collected yet."""
        with self._named():
            found = self._db.execute(
                "SELECT job, told FROM jobs WHERE scope = ? ORDER BY job", (scope,)
            ).fetchall()
            return {job: json.loads(told) for job, told in found}

    def keep_job(self, job: str, scope: str, told: Mapping[str, Any] | None) -> None:
        """Store a batch job, so that a later run finds it; None forgets it."""
        with self._named():
            if told is None:
                self._db.execute("DELETE FROM jobs WHERE job = ?", (job,))
            else:
                self._db.execute(
                    "INSERT OR REPLACE INTO jobs VALUES (?, ?, ?)", (job, scope, json.dumps(told))
                )

    def spent(self, task: str) -> float:
        """Return the dollars that all runs of a task have cost, its open batch jobs at the most."""
        with self._named():
            found = self._db.execute(
                "SELECT SUM(dollars) FROM runs WHERE task = ?", (task,)
            ).fetchone()
            jobs = [json.loads(told) for (told,) in self._db.execute("SELECT told FROM jobs")]
        open_jobs = sum(float(job["most"]) for job in jobs if job["task"] == task)
        return float(found[0] or 0.0) + open_jobs

    def close(self) -> None:
        """Close the file; what an interruption left waiting is written before."""
        if self._thread is not None:
            self._thread.shutdown()
        if self._waiting:
            self.put_all([answer for group, _ in self._waiting for answer in group])
        self._writer.close()
        self._db.close()


def _tell(
    batch: Sequence[tuple[Sequence[Answer], asyncio.Future[None]]], error: LabelkitError | None
) -> None:
    for _, stored in batch:
        if stored.cancelled():
            continue
        if error is None:
            stored.set_result(None)
        else:
            stored.set_exception(error)


def _entry(answer: Answer) -> tuple[str, str, str, int, int, float]:
    tokens_in = int(answer.reply.get("tokens_in", 0))
    tokens_out = int(answer.reply.get("tokens_out", 0))
    return answer.run, answer.task, answer.model, tokens_in, tokens_out, answer.dollars


def _packed(reply: Mapping[str, Any]) -> str | bytes:
    text = json.dumps(reply, ensure_ascii=True, sort_keys=True)
    return text if len(text) < PACK_FROM else zlib.compress(text.encode(), 1)


def _unpacked(stored: str | bytes) -> dict[str, Any]:
    text = zlib.decompress(stored) if isinstance(stored, bytes) else stored
    return dict(json.loads(text))
