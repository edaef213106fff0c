"""What a label model learns from beside the votes: the texts of the rows and people's labels."""

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console
from labelkit.config.label_text import ClassReader
from labelkit.data.duplicates import fold_texts
from labelkit.data.labels import Mask
from labelkit.ml.feature_selection import embeds
from labelkit.weak.label_models import text_model, vote_evidence
from labelkit.weak.scoring import Known
from labelkit.weak.vote_patterns import Counted

if TYPE_CHECKING:
    from labelkit.job.job import Job

FEWEST_TO_READ = 50
MOST_TO_READ = 200_000
TO_JUDGE = 5_000

Floats = npt.NDArray[np.float64]


class People(NamedTuple):
    """Human labels to learn from: a code for each row of the file, -1: none."""

    codes: npt.NDArray[np.int32]

    @property
    def given(self) -> Mask:
        """Return which rows have a label."""
        return np.asarray(self.codes >= 0)


def people(job: "Job", classes: list[str]) -> People | None:
    """Return people's labels, None where there are none; a class that nobody votes for is left."""
    labels = job.human_labels()
    if labels is None:
        return None
    place = {name: code for code, name in enumerate(classes)}
    reader = ClassReader(classes)
    named = [reader.class_of(name) for name in labels.classes]
    remap = np.array([*(place.get(name or "", -1) for name in named), -1], dtype=np.int32)
    codes = np.where(job.excluded_from_training, -1, remap[labels.codes])
    return People(codes.astype(np.int32)) if (codes >= 0).any() else None


def labelled(job: "Job") -> Mask | None:
    """Return which rows have a label by people that may be learned from."""
    labels = job.human_labels()
    return None if labels is None else (labels.codes >= 0) & ~job.excluded_from_training


def gather(job: "Job", counted: Counted, classes: list[str]) -> tuple[Counted, Known | None]:
    """Return the votes, by row where there is something to learn from, and what that is."""
    given = people(job, classes)
    voted = int(counted.counts[counted.voters > 0].sum())
    reads = voted >= FEWEST_TO_READ and len(classes) > 1 and job.has_text()
    judged = None
    if reads and voted > MOST_TO_READ:
        judged, reads = _judged(job, counted, len(classes)), False
    if not reads and given is None:
        return counted, None if judged is None else Known(None, None, judged)
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
    return rows, Known(said, gold, judged)


def _say_people(known: int) -> None:
    console.note(f"label model: it learns from people's labels of {known:,} rows with a vote")


def _said(
    job: "Job",
    counted: Counted,
    n_classes: int,
    of_pattern: npt.NDArray[np.int64],
    gold: npt.NDArray[np.int32] | None,
) -> Floats:
    """Return what a text model says of each pattern, each of which stands for one row."""
    voted = counted.voters > 0
    chosen = job.source.read(job.text, typed=True).take(of_pattern[voted])
    people = None if gold is None else gold[voted]
    # The votes alone teach little that the words do not tell; with people's labels it pays.
    choice = "tfidf+embedding" if gold is not None and embeds(job.source, job.text) else "tfidf"
    found = _listened(
        job, counted.votes[voted], n_classes, chosen, choice, counted.counts[voted], people
    )
    if voted.all():
        return found
    said = np.full((len(counted.votes), n_classes), 1 / n_classes, found.dtype)
    said[voted] = found
    return said


def _judged(job: "Job", counted: Counted, n_classes: int) -> Floats:
    """Return how the texts of some rows judge the functions; see `dawid_skene.judge`."""
    voted = np.flatnonzero((counted.rows >= 0) & (counted.voters[counted.rows] > 0))
    some = np.sort(np.random.default_rng([job.seed, 3]).choice(voted, TO_JUDGE, replace=False))
    console.note(f"the texts of {TO_JUDGE:,} rows judge the labeling functions")
    votes = counted.votes[counted.rows[some]]
    chosen = job.source.gather_texts(some, job.text)
    said = _listened(job, votes, n_classes, chosen, "tfidf", np.ones(len(some)), None)
    return vote_evidence.judge(votes, n_classes, said)


def _listened(
    job: "Job",
    votes: npt.NDArray[np.int16],
    n_classes: int,
    texts: pa.Table,
    choice: str,
    weight: npt.NDArray[Any],
    gold: npt.NDArray[np.int32] | None,
) -> Floats:
    from scipy import sparse

    from labelkit.ml.features import Features

    features = Features(job.text, {}, choice, job.seed, cache=lambda: job.cache_dir)
    matrix = sparse.csr_matrix(features.fit(texts).matrix(texts))
    return text_model.listen(votes, n_classes, matrix, _fold_keys(texts), weight, gold)


def _fold_keys(texts: pa.Table) -> npt.NDArray[np.int64]:
    """Return a number a row that depends on its texts alone; duplicates have the same."""
    columns = [fold_texts(column).to_pylist() for column in texts.columns]
    joined = ("\n".join(cells) for cells in zip(*columns, strict=True))
    return np.fromiter((zlib.crc32(text.encode()) for text in joined), np.int64, texts.num_rows)
