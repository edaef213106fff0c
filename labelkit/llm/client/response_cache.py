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
from labelkit.io import ledger
from labelkit.llm.client.claims import Claims, Requests

FILE = ledger.FILE
LOCKED_SECONDS = 10.0
# A reply with twenty alternatives a token is mostly repetition: an eighth of its size packed.
PACK_FROM = 1000
# `cut` is the limit in tokens that cut an answer off: where there is more room it is asked again.
_TABLES = f"""
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, reply NOT NULL, at REAL NOT NULL DEFAULT 0, dollars REAL, cut INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failures (key TEXT PRIMARY KEY, why TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (endpoint TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refreshes (scope TEXT PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID;
{ledger.TABLES}"""
_OF_ANSWERS = ("answers", "failures", "facts", "refreshes")
_COLUMNS = ["key", "reply", "at", "dollars", "cut"]
_KNOWN = "key = ? AND at >= ? AND (cut IS NULL OR cut >= ?)"


def digest(value: object) -> str:
    """Return a key for anything that JSON can hold: equal values, equal keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def stored_answers(folder: Path) -> tuple[int, int]:
    """Return how many answers a folder stores, and the bytes of their file; 0 where there is none.

    Raises LabelkitError for a file that cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return 0, 0
    opened = Cache(folder)
    try:
        return opened.count(), path.stat().st_size
    finally:
        opened.close()


class Answer(NamedTuple):
    """One reply to keep, what it cost (None: not known), and the limit that cut it off, if any."""

    key: str
    reply: Mapping[str, Any]
    dollars: float | None
    cut: int | None = None


class Kept(NamedTuple):
    """A reply as it was stored, and what was paid for it, all times that it was asked."""

    reply: dict[str, Any]
    dollars: float | None


_Batch = tuple[Sequence[Answer], Sequence[ledger.Entry]]


class Cache:
    """Answers by the digest of all that shaped them, and the ledger of what they cost.

    Reading goes by one connection, writing by another in a thread of its own: a disk that takes
    its time holds up nobody.
    """

    def __init__(self, folder: Path) -> None:
        """Open (or create) the cache in `folder`; LabelkitError when it is locked or damaged."""
        self.path = folder / FILE
        self._since = 0.0
        self._waiting: list[tuple[_Batch, asyncio.Future[None]]] = []
        self._claims: Claims | None = None
        self._writing: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None
        with self._named():
            self._db = self._open()
            self._db.execute("PRAGMA journal_mode=WAL")
            self._check_version()
            self._db.executescript(_TABLES)
            self._writer = self._open()

    def _open(self) -> sqlite3.Connection:
        opened = sqlite3.connect(
            self.path, timeout=LOCKED_SECONDS, isolation_level=None, check_same_thread=False
        )
        opened.execute("PRAGMA synchronous=FULL")  # on disk, not only with the system
        return opened

    def _check_version(self) -> None:
        columns = [row[1] for row in self._db.execute("PRAGMA table_info(answers)")]
        if columns not in ([], _COLUMNS):
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

    def get(self, key: str, room: int = 0) -> Kept | None:
        """Return the stored reply, or None.

        One that was cut off where an answer had fewer tokens than `room` counts as none.
        """
        with self._named():
            found = self._db.execute(
                f"SELECT reply, dollars FROM answers WHERE {_KNOWN}", (key, self._since, room)
            ).fetchone()
            return Kept(_unpacked(found[0]), found[1]) if found else None

    def has(self, key: str, room: int = 0) -> bool:
        """Tell whether a reply is stored that `get` returns, without reading it."""
        with self._named():
            found = self._db.execute(
                f"SELECT 1 FROM answers WHERE {_KNOWN}", (key, self._since, room)
            ).fetchone()
        return found is not None

    async def put(self, answers: Sequence[Answer], costs: Sequence[ledger.Entry]) -> None:
        """Store replies and what requests cost; returns when they are on disk, all or none.

        Those that come while the last ones are being written share one transaction.
        """
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(((answers, costs), stored))
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
                await loop.run_in_executor(self._thread, self.put_all, *_joined(batch))
            except LabelkitError as error:
                _tell(batch, error)
            else:
                _tell(batch, None)

    def put_all(self, answers: Sequence[Answer], costs: Sequence[ledger.Entry]) -> None:
        """Store replies and add what requests cost to their runs, in one transaction.

        A reply that replaces another keeps in mind what both have cost.
        """
        now = time.time()
        with self._named():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                self._writer.executemany(
                    "INSERT INTO answers VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
                    "reply = excluded.reply, at = excluded.at, cut = excluded.cut, "
                    "dollars = dollars + excluded.dollars",
                    [(a.key, _packed(a.reply), now, a.dollars, a.cut) for a in answers],
                )
                ledger.add(self._writer, list(costs))
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def failed_before(self, key: str) -> bool:
        """Tell whether a run that finished has given up on this request."""
        with self._named():
            found = self._db.execute("SELECT 1 FROM failures WHERE key = ?", (key,)).fetchone()
        return found is not None

    def remember_failures(self, reasons: Mapping[str, str]) -> None:
        """Note which requests a run that finished has given up on, with the reasons."""
        with self._named():
            self._db.executemany("INSERT OR REPLACE INTO failures VALUES (?, ?)", reasons.items())

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

    def spent(self, run: ledger.Run) -> ledger.Spent:
        """Return what all runs of its task have cost, and at the most what is on its way.

        That are its open batch jobs, and requests of other runs.
        """
        with self._named():
            found = ledger.spent(self._db, run.task, run.source)
            coming = ledger.set_aside(self._db, run.task) + self.claims.most_by_others(run)
        return found._replace(dollars=found.dollars + coming)

    def spent_by_others(self, run: ledger.Run) -> float:
        """Return what other runs of its task have cost, at the most what is on its way."""
        with self._named():
            known = ledger.spent(self._db, run.task, run.source, but_for=run.name).dollars
            return known + self.claims.most_by_others(run)

    def bill(self, run: ledger.Run) -> tuple[str, ledger.Spent]:
        """Return what all runs of a task about one data file have cost, and by which ledger."""
        with self._named():
            whose = digest([ledger.name(self._db), run.task, run.source])[:16]
            return whose, ledger.spent(self._db, run.task, run.source, of_source=True)

    def name_price(self, run: ledger.Run, dollars_in: float, dollars_out: float) -> None:
        """Take a price for what this model has answered at an unknown one."""
        with self._named():
            ledger.name_price(self._db, run, dollars_in, dollars_out)

    @property
    def claims(self) -> Claims:
        """The requests that are on their way."""
        if self._claims is None:
            try:
                self._claims = Claims(self.path.parent, LOCKED_SECONDS)
            except OSError as error:
                raise LabelkitError(f"{self.path.parent}: {error.strerror}") from error
        return self._claims

    def claim(self, keys: Sequence[str]) -> list[Requests] | None:
        """Claim keys as `Claims.take` does."""
        with self._named():
            return self.claims.take(keys)

    def count(self) -> int:
        """Return the number of stored answers."""
        with self._named():
            return int(self._db.execute("SELECT COUNT(*) FROM answers").fetchone()[0])

    def dollars(self) -> float:
        """Return what was paid for the stored answers, as far as it is known."""
        with self._named():
            return float(self._db.execute("SELECT TOTAL(dollars) FROM answers").fetchone()[0])

    def clear(self) -> None:
        """Delete the answers and what was learned from them, also from the disk.

        What they cost, and batch jobs that are not collected, stay.
        """
        with self._named():
            for table in _OF_ANSWERS:
                self._db.execute(f"DELETE FROM {table}")
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file; what an interruption left waiting is written before."""
        if self._thread is not None:
            self._thread.shutdown()
        if self._waiting:
            self.put_all(*_joined(self._waiting))
        if self._claims is not None:
            self._claims.close()
        self._writer.close()
        self._db.close()


def _joined(
    batches: Sequence[tuple[_Batch, "asyncio.Future[None]"]],
) -> tuple[list[Answer], list[ledger.Entry]]:
    answers = [answer for (group, _), _ in batches for answer in group]
    return answers, [cost for (_, group), _ in batches for cost in group]


def _tell(
    batches: Sequence[tuple[_Batch, "asyncio.Future[None]"]], error: LabelkitError | None
) -> None:
    for _, stored in batches:
        if stored.cancelled():
            continue
        if error is None:
            stored.set_result(None)
        else:
            stored.set_exception(error)


def _packed(reply: Mapping[str, Any]) -> str | bytes:
    text = json.dumps(reply, ensure_ascii=True, sort_keys=True)
    return text if len(text) < PACK_FROM else zlib.compress(text.encode(), 1)


def _unpacked(stored: str | bytes) -> dict[str, Any]:
    text = zlib.decompress(stored) if isinstance(stored, bytes) else stored
    return dict(json.loads(text))
