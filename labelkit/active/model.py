"""What the labels so far say of the pool: features, a model, probabilities."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.active.pool import Pool
from labelkit.engine import parallel_map
from labelkit.ml import classifier

if TYPE_CHECKING:
    from labelkit.active.candidates import Mask, Rows
    from labelkit.data.labels import Labels
    from labelkit.ml.features import Features

CHUNK = 65_536
MOST_TO_LEARN = 20_000
FOLDS = 5
UNKNOWN = "no probabilities yet"


class Wanted(NamedTuple):
    """How to learn."""

    classifier: str
    seed: int
    groups: npt.NDArray[Any] | None
    probabilities: npt.NDArray[np.float64] | None  # made elsewhere, rows of the file x classes
    model: bool  # whether the strategy looks at a model at all
    jobs: int = 1


def learn(
    features: "Features", data: Any, labels: "Labels", people: "Mask", barred: "Mask",
    eligible: "Rows", wanted: Wanted,
) -> tuple[Pool, dict[str, Any]]:  # fmt: skip
    """Return what a strategy sees of the eligible rows, and facts about the model.

    Learns from every label but those of `barred` rows (the audits), people's first where there
    are more than 20,000.
    """
    rows = rows_to_learn(labels, people, barred, wanted.seed)
    codes = labels.codes[rows]
    pool = Pool(
        features=matrix_of(features, data, eligible, np.float32, wanted.jobs),
        probabilities=None,
        labelled=matrix_of(features, data, rows, np.float64),
        codes=codes,
        estimator=None,
        classes=labels.classes,
        reasons={},
    )
    facts: dict[str, Any] = {
        "rows": len(rows),
        "classes_seen": len(np.unique(codes)),
        "by_source": _counted(labels.column[rows]),
    }
    if wanted.probabilities is not None:
        given = wanted.probabilities[eligible]
        pool.reasons.update(dict.fromkeys(np.flatnonzero(_unknown(given)).tolist(), UNKNOWN))
        return pool._replace(probabilities=_filled(given)), facts
    if facts["classes_seen"] < 2 or not wanted.model:
        return pool, facts
    pool, found = _modelled(pool, rows, eligible, wanted)
    return pool, facts | found


def _counted(sources: Any) -> dict[str, int]:
    names, counts = np.unique(sources.astype(str), return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def _modelled(
    pool: Pool, rows: "Rows", eligible: "Rows", wanted: Wanted
) -> tuple[Pool, dict[str, Any]]:
    k = len(pool.classes)
    groups = None if wanted.groups is None else wanted.groups[rows]
    recipe, facts = classifier.select(
        pool.labelled, pool.codes, k, wanted.classifier, wanted.seed, groups=groups
    )
    model = classifier.fit(pool.labelled, pool.codes, recipe, wanted.seed)
    found = np.concatenate(
        [
            classifier.probabilities(model, pool.features[start : start + CHUNK], k)
            for start in range(0, max(len(eligible), 1), CHUNK)
        ]
    )
    _, mine, place = np.intersect1d(rows, eligible, return_indices=True)
    if len(mine):
        # A model is sure of the rows that it learned from, right or wrong.
        unseen = classifier.out_of_fold(
            pool.labelled, pool.codes, groups, k, FOLDS, recipe, wanted.seed
        )
        found[place] = unseen[mine]
    return pool._replace(probabilities=found, estimator=model), facts | {"recipe": recipe}


def rows_to_learn(labels: "Labels", people: "Mask", barred: "Mask", seed: int) -> "Rows":
    """Return the rows whose labels are learned from, in the order of the file."""
    known = (labels.codes >= 0) & ~barred
    rows = np.flatnonzero(known)
    if len(rows) <= MOST_TO_LEARN:
        return rows
    rng = np.random.default_rng([seed, 4])
    shuffled = rng.permutation(rows)
    order = np.argsort(~people[shuffled], kind="stable")
    return np.sort(shuffled[order][:MOST_TO_LEARN])


def _filled(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return probabilities where a row without any is as uncertain as can be."""
    found = np.nan_to_num(probabilities)
    found[_unknown(probabilities)] = 1.0 / found.shape[1]
    return found


def _unknown(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isnan(probabilities).all(axis=1), dtype=bool)


def likely(
    pool: Pool, features: "Features", data: Any, eligible: "Rows", rows: "Rows", wanted: Wanted
) -> npt.NDArray[np.float64] | None:
    """Return the probabilities of any rows, eligible or not; None where nothing was learned.

    A row without any, of those made elsewhere, is NaN.
    """
    if wanted.probabilities is not None:
        return wanted.probabilities[rows]
    if pool.probabilities is None:
        return None
    place = np.minimum(np.searchsorted(eligible, rows), max(len(eligible) - 1, 0))
    inside = eligible[place] == rows if len(eligible) else np.zeros(len(rows), dtype=bool)
    found = np.empty((len(rows), len(pool.classes)))
    found[inside] = pool.probabilities[place[inside]]
    others = matrix_of(features, data, rows[~inside], np.float32)
    found[~inside] = classifier.probabilities(pool.estimator, others, len(pool.classes))
    return found


def matrix_of(features: "Features", data: Any, rows: "Rows", number: Any, jobs: int = 1) -> Any:
    """Return the features of some rows, made chunk by chunk; by several processes if wanted."""
    from scipy import sparse

    chunks = (data.take(rows[start : start + CHUNK]) for start in range(0, len(rows) or 1, CHUNK))
    # An embedding is computed on several threads and kept in one cache: it stays here.
    if len(rows) <= CHUNK or jobs <= 1 or "embedding" in features.kind:
        made: Iterator[Any] = (features.matrix(chunk) for chunk in chunks)
    else:
        made = parallel_map.in_order(_mapping, (features.state(),), chunks, jobs)
    parts = [part.astype(number, copy=False) for part in made]
    if len(parts) == 1:
        return parts[0]
    return sparse.vstack(parts, format="csr") if sparse.issparse(parts[0]) else np.vstack(parts)


def _mapping(state: dict[str, Any]) -> Callable[[Any], Any]:
    """Return the function of a process that maps rows to features."""
    from labelkit.ml.features import Features

    return Features.from_state(state).matrix
