"""The rows that one labeling function gets wrong, or where others contradict it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console
from labelkit.weak.outcome import Outcome
from labelkit.weak.vote_codes import ABSTAIN

if TYPE_CHECKING:
    from labelkit.job.job import Job


def write(job: "Job", outcome: Outcome, name: str, path: Path) -> None:
    """Write the rows, those that the others contradict most first, with the votes of all.

    Rows drawn for an audit are never among them.
    """
    column = outcome.number_of(name)
    wrong = _wrong(outcome, column)
    order = np.argsort(_support(outcome, column)[outcome.counted.rows[wrong]], kind="stable")
    rows = wrong[order]
    job.write_rows(path, rows, _columns(job, outcome, rows))
    why = "others contradict it" if outcome.truth is None else "it is wrong (biased)"
    console.note(f"{name}: {why} on {console.count(len(rows), 'rows')} -> {path}")


def _wrong(outcome: Outcome, column: int) -> npt.NDArray[np.int64]:
    counted = outcome.counted
    if outcome.truth is None:
        votes = counted.votes
        here = votes[:, [column]]
        against = ((votes != ABSTAIN) & (votes != here)).any(axis=1) & (here[:, 0] != ABSTAIN)
        return np.flatnonzero(counted.each_row(against, False))
    true = outcome.truth.to_learn_from()
    votes = counted.each_row(counted.votes[:, column], ABSTAIN)
    return np.flatnonzero((votes != ABSTAIN) & (true >= 0) & (votes != true))


def _support(outcome: Outcome, column: int) -> npt.NDArray[np.float64]:
    """Return for each pattern how probable the function's vote is to the others."""
    votes = outcome.counted.votes[:, column].astype(np.int64)
    probabilities = outcome.without(column).probabilities
    return np.asarray(probabilities[np.arange(len(votes)), np.maximum(votes, 0)])


def _columns(job: "Job", outcome: Outcome, rows: npt.NDArray[np.int64]) -> dict[str, Any]:
    patterns = outcome.counted.rows[rows]
    names = pa.array(outcome.classes, pa.string())

    def labels(codes: Any) -> pa.Array:
        return names.take(pa.array(codes.astype(np.int32), mask=codes < 0))

    found: dict[str, Any] = {}
    if job.options.get("answers") and outcome.truth is not None:
        known = outcome.truth.codes[rows]
        found["label"] = pa.array(outcome.truth.names, pa.string()).take(pa.array(known))
    found[job.column("label")] = labels(outcome.scores.codes[patterns])
    found[job.column("confidence")] = pa.array(outcome.scores.confidence[patterns])
    for number, name in enumerate(outcome.names):
        found[job.column(f"lf_{name}")] = labels(outcome.counted.votes[patterns, number])
    return found
