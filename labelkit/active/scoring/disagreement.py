"""Scores from label columns that contradict each other: `disagreement:weak_label,llm_label`."""

from typing import TYPE_CHECKING

import numpy as np

from labelkit import console
from labelkit.active.pick_reasons import confidence_beside
from labelkit.active.scoring.column_scores import Read
from labelkit.errors import UsageError, nearest

if TYPE_CHECKING:
    from labelkit.active.candidates import Rows
    from labelkit.job.job import Job

PREFIX = "disagreement:"
UNKNOWN = 0.5  # how sure a label counts of which no confidence is known


def check(job: "Job", name: str) -> None:
    """Raise UsageError for columns that are not there, or fewer than two."""
    named = _columns(name)
    if len(set(named)) < 2 or not all(named):
        raise UsageError(
            f"--strategy {name}: name two label columns or more, as in {PREFIX}weak_label,llm_label"
        )
    for column in named:
        if not job.source.has(column):
            raise UsageError(
                f"--strategy {name}: {job.source.name} has no column {column!r}"
                f"{nearest(column, job.source.columns)}"
            )


def _columns(name: str) -> list[str]:
    return [column.strip() for column in name.removeprefix(PREFIX).split(",")]


def disagreement(job: "Job", name: str, rows: "Rows") -> Read:
    """Return first the rows where two columns differ, the surer both are the earlier.

    These score 1 + the mean confidence (of the column beside the label; 0.5 without one). Below 1
    are the others, the least sure first, where a column without a label is not sure at all.
    """
    named = _columns(name)
    texts = [values[rows].astype(str) for values in job.label_texts(named).values()]
    labels = np.column_stack(texts)
    given = labels != ""
    sure = np.column_stack([confidence_beside(job, column)[rows] for column in named])
    sure = np.where(given, np.where(np.isfinite(sure), sure, UNKNOWN).clip(0.0, 1.0), 0.0)
    first = labels[np.arange(len(rows)), given.argmax(axis=1)]
    differ = (given & (labels != first[:, None])).any(axis=1)
    mean = sure.sum(axis=1) / np.maximum(given.sum(axis=1), 1)
    scores = np.where(differ, 1.0 + mean, 0.999 * (1.0 - sure.mean(axis=1)))
    return Read(scores, [_reason(named, said) for said in zip(*texts, strict=True)])


def _reason(named: list[str], said: tuple[str, ...]) -> str:
    parts = [
        f"{column} says {console.clean(label)}" if label else f"{column} says nothing"
        for column, label in zip(named, said, strict=True)
    ]
    return ", ".join(parts)
