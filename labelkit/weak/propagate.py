"""--propagate: a model of the rows' content learns from the reliable weak labels.

The reliable ones are found by the cut statistic (Muhlenbach et al., 2004; Lang et al., 2022): how
far a row's nearest neighbours have its label, beyond what the label's share gives. The model
learns from soft labels: the label model's probabilities in the light of the neighbours' labels. No
row gets its label from a model that saw it or its doubles.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console
from labelkit.data.labels import Mask
from labelkit.errors import LabelkitError
from labelkit.ml.feature_selection import embeds
from labelkit.stats.sampling import some_rows_of_all
from labelkit.stats.ties import likeliest
from labelkit.weak.label_models import text_model
from labelkit.weak.scoring import Scores
from labelkit.weak.vote_patterns import NOT_VOTED, Counted

if TYPE_CHECKING:
    from labelkit.job.job import Job
    from labelkit.ml.features import Features

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

FEWEST = 20  # rows with a vote
RELIABLE = 0.5  # the share of the rows that is learned from
FEWEST_A_CLASS = 10
SURE_ENOUGH = 0.7  # of a label given by votes, to a model that never saw the row
NEIGHBOURS = 20
DOUBT = 5.0  # neighbours that stand for the usual shares of the classes
AT_ONCE = 1_000
MOST_COMPARED = 20_000
MOST_TO_FIT_FEATURES = 20_000
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
    codes = scores.codes[pattern]
    voted = codes >= 0
    learned = voted & ~job.excluded_from_training[seen]
    reason = _too_little(codes[learned])
    found = None
    if not reason:
        marked = np.zeros(len(counted.rows), dtype=bool)
        marked[seen[learned]] = True
        matrix, keys = _content(job, marked)
        matrix, keys = matrix[seen], keys[seen]
        rows = compared(keys, learned)
        found = heard(matrix, keys, rows, scores.probabilities[pattern[rows]], codes)
        reason = unsound(found[learned].argmax(axis=1), codes[learned], len(classes))
    place = np.full(len(counted.rows), NOT_VOTED, dtype=np.int32)
    place[seen] = np.arange(len(seen), dtype=np.int32)
    each = Counted(counted.votes[pattern], np.ones(len(seen), np.int64), place)
    if found is None or reason:
        console.warn(f"--propagate: {reason}: the labels by vote are kept")
        given = scores.probabilities[pattern]
        kept = Scores(codes, scores.confidence[pattern], given, scores.notes)
        return Propagated(each, kept, _source(np.where(voted, 0, -1), place))
    best, confidence = likeliest(found)
    _say(job, codes, best)
    said = Scores(best, confidence, found, scores.notes)
    which = np.where(best < 0, -1, np.where(best == codes, 0, 1))
    return Propagated(each, said, _source(which, place))


def _source(which: Codes, rows: npt.NDArray[np.int32]) -> pa.Array:
    names = pa.array(["vote", "model"]).take(pa.array(which, mask=which < 0))
    return names.take(pa.array(rows, mask=rows < 0))


def compared(keys: Codes, learned: Mask) -> Codes:
    """Return the rows to learn from: those that are `learned` from, or some, doubles together."""
    rows = np.flatnonzero(learned)
    if len(rows) > MOST_COMPARED:
        rows = np.sort(rows[np.argsort(keys[rows], kind="stable")[:MOST_COMPARED]])
    return rows


def heard(matrix: Any, keys: Codes, rows: Codes, given: Floats, codes: Codes) -> Floats:
    """Return rows × classes: probabilities by models that never saw the row or its doubles.

    They learn from the `given` probabilities of the most reliable of some `rows`, then from all of
    them on whose label the first models are sure.
    """
    near = neighbours_say(matrix[rows], codes[rows], given.shape[1])
    kept = reliable(near, codes[rows])
    learned_from = np.zeros(len(codes))
    learned_from[rows[kept]] = 1.0
    labels = informed(given, near)
    del near

    def learned_of(weights: Floats) -> Floats:
        sample = text_model.to_fit(keys, weights)
        own = labels[np.searchsorted(rows, sample)]
        return text_model.out_of_fold(matrix, own, sample, keys, weights)

    first = learned_of(learned_from)
    agreed = _agreed(first, codes, rows)
    if agreed is None:
        return first
    del first  # before the next is made
    return learned_of(agreed)


def _agreed(first: Floats, codes: Codes, rows: Codes) -> Floats | None:
    """Return weight 1 for the rows whose label a model that never saw them is sure of.

    None where a class would be left with too few rows.
    """
    sure = (first[rows].argmax(axis=1) == codes[rows]) & (first[rows].max(axis=1) >= SURE_ENOUGH)
    kept = rows[sure]
    found, count = np.unique(codes[kept], return_counts=True)
    if len(found) < len(np.unique(codes[rows])) or count.min(initial=0) < FEWEST_A_CLASS:
        return None
    weights = np.zeros(len(codes))
    weights[kept] = 1.0
    return weights


def reliable(near: Floats, codes: Codes) -> Codes:
    """Return the places of the rows whose neighbours agree most, some of each class.

    `near` rows × classes: the share of the neighbours that have each label.
    """
    share = np.bincount(codes)[codes] / len(codes)
    disagreement = 1 - near[np.arange(len(codes)), codes]
    # Standard deviations between the neighbours' disagreement and that of rows drawn at random.
    surprise = (disagreement - (1 - share)) / np.sqrt(share * (1 - share) + 1e-9)
    order = np.argsort(surprise, kind="stable")
    kept = np.zeros(len(codes), dtype=bool)
    kept[order[: int(np.ceil(RELIABLE * len(codes)))]] = True
    for code in np.unique(codes):
        kept[order[codes[order] == code][:FEWEST_A_CLASS]] = True
    return np.flatnonzero(kept)


def informed(given: Floats, near: Floats) -> Floats:
    """Return the probabilities `given` in the light of the neighbours' labels, rows × classes.

    A row that votes and neighbours agree on is surer than its votes alone; the reliable rows are
    such rows, and soft labels that do not say so would teach doubt.
    """
    usual = near.mean(axis=0) + 1e-6
    seen = (NEIGHBOURS * near + DOUBT * usual) / (NEIGHBOURS + DOUBT)
    seen *= given
    seen /= usual
    seen /= seen.sum(axis=1, keepdims=True)
    return np.asarray(seen)


def neighbours_say(matrix: Any, codes: Codes, n_classes: int) -> Floats:
    """Return rows × classes: how much of the weight of a row's nearest neighbours has the label."""
    from scipy import sparse

    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    unit = (sparse.diags(1 / np.maximum(length, 1e-12)) @ matrix).tocsr()
    transposed = unit.T.tocsr()
    nearest = min(NEIGHBOURS, len(codes) - 1)
    places = np.arange(len(codes))
    labels = sparse.csr_matrix((np.ones(len(codes)), (places, codes)), (len(codes), n_classes))
    result = np.empty((len(codes), n_classes))
    for start in range(0, len(codes), AT_ONCE):
        alike = (unit[start : start + AT_ONCE] @ transposed).toarray()
        own = np.arange(len(alike))
        alike[own, start + own] = -2.0
        near = np.argpartition(-alike, nearest - 1, axis=1)[:, :nearest]
        weight = np.take_along_axis(alike, near, axis=1).clip(0) + 1e-3
        ends = np.arange(len(near) + 1) * nearest
        voters = sparse.csr_matrix((weight.ravel(), near.ravel(), ends), (len(near), len(codes)))
        result[start + own] = (voters @ labels).toarray() / weight.sum(axis=1, keepdims=True)
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
        return (
            f"only {console.count(len(codes), 'rows')} with a vote to learn from ({FEWEST} "
            "are needed)"
        )
    if len(np.unique(codes)) < 2:
        return "the votes give one class alone"
    return ""


def _content(job: "Job", learned: Mask) -> tuple[Any, Codes]:
    """Return the features of each row and a number that decides its fold, one for doubles.

    Of many rows those that are `learned` from are the first whose terms become features.
    """
    from scipy import sparse

    features = _features(job)
    table = job.source.read_as(features.kinds)
    rng = np.random.default_rng([job.seed, 12])
    some = some_rows_of_all(learned, MOST_TO_FIT_FEATURES, rng)
    matrix = features.fit(table.take(pa.array(some))).matrix(table)
    console.detail(f"--propagate reads {features.describe()}")
    groups = job.groups(features.needed)
    shuffled = np.random.default_rng([job.seed, 7]).permutation(int(groups.max()) + 1)
    return sparse.csr_matrix(matrix), shuffled[groups]


def _features(job: "Job") -> "Features":
    from labelkit.ml.features import Features

    asked = job.options.get("features") != "auto" or job.options.get("column")
    if asked or not job.has_text():
        try:
            return job.features()
        except LabelkitError as error:
            raise type(error)(f"--propagate: {error}") from error
    choice = "tfidf+embedding" if embeds(job.source, job.text) else "tfidf"
    return Features(job.text, {}, choice, job.seed, cache=lambda: job.cache_dir)


def _say(job: "Job", codes: Codes, best: Codes) -> None:
    new = int(((codes < 0) & (best >= 0)).sum())
    overruled = int(((codes >= 0) & (best != codes)).sum())
    job.figures({"propagated": {"new": new, "overruled": overruled}})
    console.note(
        f"--propagate: the model labels {console.count(new, 'rows')} that have no label by vote "
        f"and overrules {overruled:,}"
    )
