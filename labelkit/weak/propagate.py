"""--propagate: a model of the rows' content learns from the reliable weak labels.

The reliable ones are found by the cut statistic (Muhlenbach et al., 2004; Lang et al., 2022): how
far a row's nearest neighbours have its label, beyond what the label's share gives. The model
learns from the label model's probabilities, not from hard labels, and no row gets its label from a
model that saw it or its doubles.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console
from labelkit.columns import AUDIT, Mask
from labelkit.errors import LabelkitError
from labelkit.feature_choice import MOST_CHARACTERS
from labelkit.weak.label_models import reading
from labelkit.weak.patterns import NOT_VOTED, Counted
from labelkit.weak.scoring import Scores

if TYPE_CHECKING:
    from labelkit.features import Features
    from labelkit.job import Job

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

FEWEST = 20  # rows with a vote
RELIABLE = 0.5  # the share of the rows that is learned from
FEWEST_A_CLASS = 10
NEIGHBOURS = 20
AT_ONCE = 1_000
MOST_COMPARED = 20_000
FAR = 0.3  # in total variation: the share of the rows that moved to another class
SURE = 3.0  # standard errors by which model and votes must agree beyond chance
SMALL_CLASS, SWALLOWED = 0.02, 0.1


class Propagated(NamedTuple):
    """Votes and labels, a pattern for each row; by row of the file `source`: `vote`, `model`."""

    counted: Counted
    scores: Scores
    source: pa.Array


def propagate(job: "Job", counted: Counted, scores: Scores, classes: list[str]) -> Propagated:
    """Return a label for every row looked at, by a model of its content where that is sound.

    Raises LabelkitError where nothing can be learned from: no text and no other column.
    """
    seen = np.flatnonzero(counted.rows >= 0)
    pattern = counted.rows[seen]
    given, codes = scores.probabilities[pattern], scores.codes[pattern]
    voted = codes >= 0
    learned = voted & ~_audit(job)[seen]
    reason = _too_little(codes[learned])
    found = None
    if not reason:
        matrix, keys = _content(job)
        found = heard(matrix[seen], keys[seen], given, codes, learned)
        reason = unsound(found[learned].argmax(axis=1), codes[learned], len(classes))
    rows = np.full(len(counted.rows), NOT_VOTED, dtype=np.int32)
    rows[seen] = np.arange(len(seen), dtype=np.int32)
    each = Counted(counted.votes[pattern], np.ones(len(seen), np.int64), rows)
    if found is None or reason:
        console.warn(f"--propagate: {reason}: the labels by vote are kept")
        kept = Scores(codes, scores.confidence[pattern], given, scores.notes)
        return Propagated(each, kept, _source(np.where(voted, 0, -1), rows))
    best = found.argmax(axis=1)
    _say(job, codes, best)
    said = Scores(best, found.max(axis=1), found, scores.notes)
    return Propagated(each, said, _source(np.where(best == codes, 0, 1), rows))


def _source(which: Codes, rows: npt.NDArray[np.int32]) -> pa.Array:
    names = pa.array(["vote", "model"]).take(pa.array(which, mask=which < 0))
    return names.take(pa.array(rows, mask=rows < 0))


def heard(matrix: Any, keys: Codes, given: Floats, codes: Codes, learned: Mask) -> Floats:
    """Return rows × classes: probabilities by models that never saw the row or its doubles.

    They learn from `given` probabilities of the most reliable rows among those `learned` from.
    """
    rows = np.flatnonzero(learned)
    if len(rows) > MOST_COMPARED:
        rows = np.sort(rows[np.argsort(keys[rows], kind="stable")[:MOST_COMPARED]])
    use = np.zeros(len(codes))
    use[rows[reliable(matrix[rows], codes[rows])]] = 1.0
    return reading.out_of_fold(matrix, given, keys, use)


def reliable(matrix: Any, codes: Codes) -> Codes:
    """Return the places of the rows whose neighbours agree most, some of each class."""
    share = np.bincount(codes)[codes] / len(codes)
    # Standard deviations between the neighbours' disagreement and that of rows drawn at random.
    surprise = (_disagreement(matrix, codes) - (1 - share)) / np.sqrt(share * (1 - share) + 1e-9)
    order = np.argsort(surprise, kind="stable")
    kept = np.zeros(len(codes), dtype=bool)
    kept[order[: int(np.ceil(RELIABLE * len(codes)))]] = True
    for code in np.unique(codes):
        kept[order[codes[order] == code][:FEWEST_A_CLASS]] = True
    return np.flatnonzero(kept)


def _disagreement(matrix: Any, codes: Codes) -> Floats:
    """Return how much of the weight of each row's nearest neighbours has another label."""
    from scipy import sparse

    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    unit = (sparse.diags(1 / np.maximum(length, 1e-12)) @ matrix).tocsr()
    transposed = unit.T.tocsr()
    nearest = min(NEIGHBOURS, len(codes) - 1)
    result = np.empty(len(codes))
    for start in range(0, len(codes), AT_ONCE):
        alike = (unit[start : start + AT_ONCE] @ transposed).toarray()
        own = np.arange(len(alike))
        alike[own, start + own] = -2.0
        near = np.argpartition(-alike, nearest - 1, axis=1)[:, :nearest]
        weight = np.take_along_axis(alike, near, axis=1).clip(0) + 1e-3
        other = codes[near] != codes[start + own, None]
        result[start + own] = (weight * other).sum(axis=1) / weight.sum(axis=1)
    return result


def unsound(said: Codes, codes: Codes, n_classes: int) -> str:
    """Return why the model's labels of rows with a vote are not to be trusted, or nothing."""
    before = np.bincount(codes, minlength=n_classes) / len(codes)
    after = np.bincount(said, minlength=n_classes) / len(codes)
    if ((before >= SMALL_CLASS) & (after < SWALLOWED * before)).any():
        return "the model gives up a class that has votes"
    distance = float(np.abs(after - before).sum()) / 2
    if distance > FAR:
        return f"the model moves {distance:.0%} of the rows to other classes than the votes"
    chance = float(before @ after)
    luck = SURE * (chance * (1 - chance) / len(codes)) ** 0.5
    if (said == codes).mean() <= chance + luck:
        return "what the rows hold does not tell their classes"
    return ""


def _too_little(codes: Codes) -> str:
    if len(codes) < FEWEST:
        return f"only {len(codes)} rows with a vote to learn from ({FEWEST} are needed)"
    if len(np.unique(codes)) < 2:
        return "the votes give one class alone"
    return ""


def _audit(job: "Job") -> Mask:
    """Return the rows drawn to judge by, never learned from."""
    if job.options.get("answers") or job.label_columns():
        return job.labels().audit
    if job.source.has("label_origin"):
        return np.asarray(job.source.texts("label_origin") == AUDIT)
    return np.zeros(job.rows, dtype=bool)


def _content(job: "Job") -> tuple[Any, Codes]:
    """Return the features of each row and a number that decides its fold, one for doubles."""
    from scipy import sparse

    features = _features(job)
    table = job.source.read(features.needed, typed=True)
    matrix = features.fit(table).matrix(table)
    console.detail(f"--propagate reads {features.describe()}")
    groups = job.groups(features.needed)
    shuffled = np.random.default_rng([job.seed, 7]).permutation(int(groups.max()) + 1)
    return sparse.csr_matrix(matrix), shuffled[groups]


def _features(job: "Job") -> "Features":
    from labelkit.features import Features

    asked = job.options.get("features") != "auto" or job.options.get("column")
    if asked or not job.has_text():
        try:
            return job.features()
        except LabelkitError as error:
            raise type(error)(f"--propagate: {error}") from error
    choice = "tfidf+embedding" if _embeds(job) else "tfidf"
    return Features(job.text, {}, choice, job.seed, cache=lambda: job.cache_dir)


def _embeds(job: "Job") -> bool:
    import pyarrow.compute as pc

    from labelkit.embedded import Embedding

    if Embedding().missing():
        return False
    table = job.source.read(job.text, typed=True)
    letters = sum(pc.sum(pc.utf8_length(column)).as_py() or 0 for column in table.columns)
    return bool(letters <= MOST_CHARACTERS)


def _say(job: "Job", codes: Codes, best: Codes) -> None:
    new, overruled = int((codes < 0).sum()), int(((codes >= 0) & (best != codes)).sum())
    job.figures({"propagated": {"new": new, "overruled": overruled}})
    console.note(
        f"--propagate: the model labels {new:,} rows without a vote and overrules {overruled:,}"
    )
