"""What a label model learns from beside the votes: the texts of the rows and people's labels."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console
from labelkit.config.label_text import ClassReader
from labelkit.data.duplicates import fold_texts
from labelkit.data.labels import Mask
from labelkit.ml.feature_selection import embeds
from labelkit.stats.sampling import some_rows
from labelkit.weak.label_models import text_model, vote_evidence
from labelkit.weak.scoring import Known
from labelkit.weak.vote_codes import ABSTAIN, Votes
from labelkit.weak.vote_patterns import Counted

if TYPE_CHECKING:
    from labelkit.job.job import Job

FEWEST_TO_READ = 50
MOST_TO_READ = 200_000
TO_JUDGE = 5_000
# Where functions are left out one by one:
TO_LEARN_AGAIN = 1_000  # rows
CELLS_OF_TRIAL, FEWEST_OF_TRIAL = 5_000_000, 2_000  # rows x classes, and rows

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


def for_trial(counted: Counted, n_classes: int, seed: int) -> Counted | None:
    """Return the votes on some of the rows, where all are too many to learn again and again.

    None where they are not.
    """
    rows = np.flatnonzero(counted.rows >= 0)
    most = max(FEWEST_OF_TRIAL, CELLS_OF_TRIAL // max(n_classes, 1))
    if len(rows) <= most:
        return None
    chosen = np.zeros(len(counted.rows), dtype=bool)
    chosen[some_rows(rows, most, np.random.default_rng([seed, 13]))] = True
    return counted.of_rows(chosen)


def gather(
    job: "Job",
    counted: Counted,
    classes: list[str],
    relearns: bool = False,
    tells: bool = True,
) -> tuple[Counted, Known | None]:
    """Return the votes, by row where there is something to learn from, and what that is.

    `relearns`: it keeps what it takes to learn again from other votes (`Known.without`).
    """
    given = people(job, classes)
    voted = int(counted.counts[counted.voters > 0].sum())
    reads = voted >= FEWEST_TO_READ and len(classes) > 1 and job.has_text()
    judged = None
    if reads and voted > MOST_TO_READ:
        judged, reads = _judging(job, counted, len(classes)), False
    if not reads and given is None:
        return counted, None if judged is None else _judged_by(judged, counted.votes, relearns)
    rows = counted.by_row()
    of_pattern = np.full(len(rows.votes), -1, dtype=np.int64)
    seen = np.flatnonzero(rows.rows >= 0)
    of_pattern[rows.rows[seen]] = seen
    gold = None
    if given is not None:
        gold = np.where(rows.voters > 0, given.codes[of_pattern], -1)
        if tells:
            _say_people(int((gold >= 0).sum()))
        gold = gold if (gold >= 0).any() else None
    if not reads:
        known = Known(None, gold, None if judged is None else judged(counted.votes))
        return rows, known
    said = _saying(job, rows, len(classes), of_pattern, gold)
    known = Known(said(rows.votes), gold)
    if not relearns:
        return rows, known
    return rows, replace(known, relearn=lambda votes: Known(said(votes, TO_LEARN_AGAIN), gold))


def _judged_by(judged: Callable[[Votes], Floats], votes: Votes, relearns: bool) -> Known:
    known = Known(None, None, judged(votes))
    if not relearns:
        return known
    return replace(known, relearn=lambda fewer: Known(None, None, judged(fewer)))


def _say_people(known: int) -> None:
    console.note(
        f"label model: it learns from people's labels of {console.count(known, 'rows')} with a vote"
    )


def _saying(
    job: "Job",
    counted: Counted,
    n_classes: int,
    of_pattern: npt.NDArray[np.int64],
    gold: npt.NDArray[np.int32] | None,
) -> Callable[..., Floats]:
    """Return what gives a text model's probabilities of each pattern (each is one row) by votes.

    It takes the votes and from how many rows to learn at most.
    """
    voted = counted.voters > 0
    chosen = job.source.read(job.text, typed=True).take(of_pattern[voted])
    people = None if gold is None else gold[voted]
    # The votes alone teach little that the words do not tell; with people's labels it pays.
    choice = "tfidf+embedding" if gold is not None and embeds(job.source, job.text) else "tfidf"
    listen = _listening(job, n_classes, chosen, choice, counted.counts[voted], people)

    def said(votes: Votes, most: int = text_model.MOST_TO_FIT) -> Floats:
        if voted.all():
            return listen(votes, most)
        some = listen(votes[voted], most)
        found = np.full((len(votes), n_classes), 1 / n_classes, some.dtype)
        found[voted] = some
        return found

    return said


def _judging(job: "Job", counted: Counted, n_classes: int) -> Callable[[Votes], Floats]:
    """Return what tells how the texts of some rows judge the functions; see `dawid_skene.judge`."""
    voted = np.flatnonzero(counted.each_row(counted.voters > 0, False))
    some = np.sort(np.random.default_rng([job.seed, 3]).choice(voted, TO_JUDGE, replace=False))
    console.note(f"the texts of {TO_JUDGE:,} rows judge the labeling functions")
    of_row = counted.rows[some]
    texts = job.source.gather_texts(some, job.text)
    listen = _listening(job, n_classes, texts, "tfidf", np.ones(len(some)), None)

    def judged(votes: Votes) -> Floats:
        own = votes[of_row]
        some = (own != ABSTAIN).any(axis=1)
        return vote_evidence.judge(own[some], n_classes, listen(own)[some])

    return judged


def _listening(
    job: "Job",
    n_classes: int,
    texts: pa.Table,
    choice: str,
    weight: npt.NDArray[Any],
    gold: npt.NDArray[np.int32] | None,
) -> Callable[..., Floats]:
    """Return what learns from votes on these texts and says a text model's probabilities."""
    from scipy import sparse

    from labelkit.ml.features import Features

    features = Features(job.text, {}, choice, job.seed, cache=lambda: job.cache_dir)
    matrix = sparse.csr_matrix(features.fit(texts).matrix(texts))
    keys = _fold_keys(texts)

    def listen(votes: Votes, most: int = text_model.MOST_TO_FIT) -> Floats:
        some = (votes != ABSTAIN).any(axis=1)
        if some.all():
            return text_model.listen(votes, n_classes, matrix, keys, weight, gold, most)
        # A function is left out.
        found = np.full((len(votes), n_classes), 1 / n_classes)
        if some.any():
            known = None if gold is None else gold[some]
            given = (votes[some], n_classes, matrix[some], keys[some], weight[some], known)
            found[some] = text_model.listen(*given, most)
        return found

    return listen


def _fold_keys(texts: pa.Table) -> npt.NDArray[np.int64]:
    """Return a number a row that depends on its texts alone; duplicates have the same."""
    columns = [fold_texts(column).to_pylist() for column in texts.columns]
    joined = ("\n".join(cells) for cells in zip(*columns, strict=True))
    return np.fromiter((zlib.crc32(text.encode()) for text in joined), np.int64, texts.num_rows)
