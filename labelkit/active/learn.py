"""What the labels so far say of the pool: features, a model, probabilities."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import classifier
from labelkit.active.pool import Pool

if TYPE_CHECKING:
    from labelkit.active.candidates import Mask, Rows
    from labelkit.columns import Labels
    from labelkit.features import Features

CHUNK = 65_536
MOST_TO_LEARN = 20_000
FOLDS = 5


class Wanted(NamedTuple):
    """How to learn."""

    classifier: str
    seed: int
    groups: npt.NDArray[Any] | None
    probabilities: npt.NDArray[np.float64] | None  # made elsewhere, rows of the file x classes
    model: bool  # whether the strategy looks at a model at all


def learn(
    features: "Features", data: Any, labels: "Labels", people: "Mask", barred: "Mask",
    eligible: "Rows", wanted: Wanted,
) -> tuple[Pool, dict[str, Any]]:  # fmt: skip
    """Return what a strategy sees of the eligible rows, and facts about the model.

    Learns from every label but those of `barred` rows (the audits), people's first where there
    are more than 20,000.
    """
    rows = _rows_to_learn(labels, people, barred, wanted.seed)
    codes = labels.codes[rows]
    pool = Pool(
        features=_matrix(features, data, eligible, np.float32),
        probabilities=None,
        labelled=_matrix(features, data, rows, np.float64),
        codes=codes,
        estimator=None,
        classes=labels.classes,
        reasons={},
    )
    facts: dict[str, Any] = {"rows": len(rows), "classes_seen": len(np.unique(codes))}
    if wanted.probabilities is not None:
        return pool._replace(probabilities=_filled(wanted.probabilities[eligible])), facts
    if facts["classes_seen"] < 2 or not wanted.model:
        return pool, facts
    return _modelled(pool, rows, eligible, wanted)


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
    return pool._replace(probabilities=found, estimator=model), facts


def _rows_to_learn(labels: "Labels", people: "Mask", barred: "Mask", seed: int) -> "Rows":
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
    unknown = np.isnan(probabilities).all(axis=1)
    found = np.nan_to_num(probabilities)
    found[unknown] = 1.0 / found.shape[1]
    return found


def _matrix(features: "Features", data: Any, rows: "Rows", number: Any) -> Any:
    """Return the features of some rows, made chunk by chunk."""
    from scipy import sparse

    parts = []
    for start in range(0, max(len(rows), 1), CHUNK):
        part = features.matrix(data.take(rows[start : start + CHUNK]))
        parts.append(part.astype(number, copy=False))
    if len(parts) == 1:
        return parts[0]
    return sparse.vstack(parts, format="csr") if sparse.issparse(parts[0]) else np.vstack(parts)
