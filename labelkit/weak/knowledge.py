"""What a label model learns from beside the votes: the texts of the rows and people's labels."""

import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.columns import Mask
from labelkit.weak.label_models import reading
from labelkit.weak.patterns import Counted
from labelkit.weak.scoring import Known

if TYPE_CHECKING:
    from labelkit.job import Job

FEWEST_TO_READ = 50
MOST_TO_READ = 200_000


class People(NamedTuple):
    """People's labels without their audit rows: a code for each row of the file, -1: none."""

    codes: npt.NDArray[np.int32]

    @property
    def given(self) -> Mask:
        """Return which rows have a label."""
        return np.asarray(self.codes >= 0)


def people(job: "Job", classes: list[str]) -> People | None:
    """Return people's labels, None where there are none; a class that nobody votes for is left."""
    if not (job.options.get("answers") or job.label_columns()):
        return None
    labels = job.labels()
    place = {name: code for code, name in enumerate(classes)}
    remap = np.array([*(place.get(name, -1) for name in labels.classes), -1], dtype=np.int32)
    codes = np.where(labels.audit, -1, remap[labels.codes])
    return People(codes.astype(np.int32)) if (codes >= 0).any() else None


def labelled(job: "Job") -> Mask | None:
    """Return which rows have a label by people that may be learned from."""
    if not (job.options.get("answers") or job.label_columns()):
        return None
    labels = job.labels()
    return np.asarray((labels.codes >= 0) & ~labels.audit)


def gather(job: "Job", counted: Counted, classes: list[str]) -> tuple[Counted, Known | None]:
    """Return the votes, by row where there is something to learn from, and what that is."""
    given = people(job, classes)
    voted = int(counted.counts[counted.voters > 0].sum())
    reads = voted >= FEWEST_TO_READ and len(classes) > 1 and job.has_text()
    if reads and voted > MOST_TO_READ:
        console.note(f"the texts of more than {MOST_TO_READ:,} rows are not read: votes alone")
        reads = False
    if not reads and given is None:
        return counted, None
    rows = counted.by_row()
    of_pattern = np.full(len(rows.votes), -1, dtype=np.int64)
    seen = np.flatnonzero(rows.rows >= 0)
    of_pattern[rows.rows[seen]] = seen
    gold = None
    if given is not None:
        gold = np.where(rows.voters > 0, given.codes[of_pattern], -1)
        _say_people(int((gold >= 0).sum()))
        gold = gold if (gold >= 0).any() else None
    said = _said(job, rows, len(classes), of_pattern, gold) if reads else None
    return rows, Known(said, gold)


def _say_people(known: int) -> None:
    console.note(f"label model: it learns from people's labels of {known:,} rows with a vote")


def _said(
    job: "Job",
    counted: Counted,
    n_classes: int,
    of_pattern: npt.NDArray[np.int64],
    gold: npt.NDArray[np.int32] | None,
) -> npt.NDArray[np.float64] | None:
    """Return what a text model says of each pattern; None where the texts hold no word."""
    from labelkit.features import Features

    voted = counted.voters > 0
    table = job.source.read(job.text, typed=True)
    features = Features(job.text, {}, "tfidf", job.seed)
    chosen = table.take(of_pattern[voted])
    matrix = features.fit(chosen).matrix(chosen)
    keys = np.array([zlib.crc32(text.encode()) for text in _joined(chosen, job.text)], np.int64)
    said = np.full((len(counted.votes), n_classes), 1 / n_classes)
    said[voted] = reading.listen(
        *(counted.votes[voted], n_classes, matrix, keys, counted.counts[voted]),
        gold[voted] if gold is not None else None,
    )
    return said


def _joined(table: object, names: list[str]) -> list[str]:
    columns = [table.column(name).to_pylist() for name in names]  # type: ignore[attr-defined]
    return ["\n".join(cell or "" for cell in row) for row in zip(*columns, strict=True)]
