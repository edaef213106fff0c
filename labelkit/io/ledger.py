"""The cost of language models by run: a table beside the cached answers in .labelkit.

A run is one command using one model. Its cost is computed with the price at that time. For tokens
without a price only the number is stored, until a run of the same model has a price.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from labelkit.config.paths import ANSWERS

FILE = ANSWERS
TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, task TEXT NOT NULL, source TEXT NOT NULL, model TEXT NOT NULL,
    answers INTEGER NOT NULL DEFAULT 0, tokens_in INTEGER NOT NULL DEFAULT 0,
    tokens_out INTEGER NOT NULL DEFAULT 0, dollars REAL NOT NULL DEFAULT 0,
    unpriced_in INTEGER NOT NULL DEFAULT 0, unpriced_out INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS jobs (
    job TEXT PRIMARY KEY, scope TEXT NOT NULL, told TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger (id TEXT NOT NULL);
INSERT INTO ledger SELECT lower(hex(randomblob(8))) WHERE NOT EXISTS (SELECT 1 FROM ledger);
"""


class Run(NamedTuple):
    """A run: its name, task, original data file, and model."""

    name: str
    task: str
    source: str
    model: str


class Entry(NamedTuple):
    """The cost of one request of a run; `dollars` None: unknown."""

    run: Run
    answers: int
    tokens_in: int
    tokens_out: int
    dollars: float | None


class Spent(NamedTuple):
    """The cost of runs: the known dollars, all tokens, and tokens without a known price."""

    dollars: float
    tokens: int = 0
    unpriced_tokens: int = 0

    @property
    def total(self) -> float | None:
        """The dollars, None if a part of the cost is unknown."""
        return None if self.unpriced_tokens else self.dollars


def add(db: sqlite3.Connection, entries: list[Entry]) -> None:
    """Add the cost of requests to their runs, inside the open transaction."""
    db.executemany(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET "
        "answers = answers + excluded.answers, tokens_in = tokens_in + excluded.tokens_in, "
        "tokens_out = tokens_out + excluded.tokens_out, dollars = dollars + excluded.dollars, "
        "unpriced_in = unpriced_in + excluded.unpriced_in, "
        "unpriced_out = unpriced_out + excluded.unpriced_out",
        [_row(entry) for entry in entries],
    )


def _row(entry: Entry) -> tuple[object, ...]:
    unpriced = entry.dollars is None
    return (
        *entry.run, entry.answers, entry.tokens_in, entry.tokens_out, entry.dollars or 0.0,
        entry.tokens_in * unpriced, entry.tokens_out * unpriced,
    )  # fmt: skip


def name_price(db: sqlite3.Connection, run: Run, dollars_in: float, dollars_out: float) -> None:
    """Set a price, in dollars per million tokens, for this model's tokens without a price."""
    db.execute(
        "UPDATE runs SET dollars = dollars + (unpriced_in * ? + unpriced_out * ?) / 1e6, "
        f"unpriced_in = 0, unpriced_out = 0 WHERE {_OF_TASK} AND model = ? "
        "AND unpriced_in + unpriced_out > 0",
        (dollars_in, dollars_out, run.task, run.source, run.model),
    )


def name(db: sqlite3.Connection) -> str:
    """Return the unique name of this ledger; only copies of the file have the same."""
    return str(db.execute("SELECT id FROM ledger").fetchone()[0])


# Runs of a task: also those about its data file from before there was a task file.
_OF_TASK = "(task = ? OR (task = '' AND source = ?))"


def spent(
    db: sqlite3.Connection, task: str, source: str, *, of_source: bool = False, but_for: str = ""
) -> Spent:
    """Return the cost of the runs of a task, with `source` as its original data file.

    `of_source`: only runs on that file. `but_for` is the name of a run to exclude.
    """
    where, values = f"{_OF_TASK} AND run <> ?", [task, source, but_for]
    if of_source:
        where, values = f"{where} AND source = ?", [*values, source]
    totals = db.execute(
        "SELECT TOTAL(dollars), SUM(tokens_in + tokens_out), SUM(unpriced_in + unpriced_out) "
        f"FROM runs WHERE {where}",
        values,
    ).fetchone()
    return Spent(float(totals[0]), int(totals[1] or 0), int(totals[2] or 0))


def set_aside(db: sqlite3.Connection, task: str) -> float:
    """Return the maximal cost of the open batch jobs of a task."""
    jobs = [json.loads(job_json) for (job_json,) in db.execute("SELECT told FROM jobs")]
    return sum(float(job["most"]) for job in jobs if job["task"] == task)


def spent_in(folder: Path, task: str, source: str = "") -> Spent:
    """Return `spent` for the ledger in a folder; 0 if there is none."""
    path = folder / FILE
    if not path.is_file():
        return Spent(0.0)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            spending = spent(db, task, source)
            return spending._replace(dollars=spending.dollars + set_aside(db, task))
    except sqlite3.Error:  # the command that uses the model reports the error
        return Spent(0.0)
