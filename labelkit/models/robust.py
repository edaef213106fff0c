"""Learning from labels of which some are wrong: which rows to leave out, how labels go wrong.

Each label is judged by models that saw neither its row nor its group: one of the whole matrix and
one of each part of it that can judge alone (words, meaning). Labels that look wrong are left out,
all are judged again by models of the others, and the mean of both judgements counts.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import classifier
from labelkit.classifier import Recipe

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FOLDS = 5
FEWEST = 5  # rows of a class: with fewer its labels are not judged, nor is it thinned out further
WORDS, MEANING = Recipe("logistic", 1.0), Recipe("logistic", 0.1)  # more shrinkage than for clean


class Judged(NamedTuple):
    """The rows whose label is trusted, and P(given | true) by these judgements, k x k.

    `judged` is how many labels are of a class with enough rows to be judged; 0 where the models
    know no more than the class shares.
    """

    kept: Mask
    judged: int
    given_when_true: Floats


def judge(
    matrix: Any,
    parts: Sequence[Any],
    codes: Codes,
    groups: Codes,
    n_classes: int,
    recipe: Recipe,
    weights: Floats | None,
    seed: int,
) -> Judged:
    """Return which labels to trust; `parts` are the parts of the matrix that can judge alone."""
    every = np.ones(len(codes), dtype=bool)
    counts = np.bincount(codes, minlength=n_classes)
    known = np.flatnonzero(counts >= FEWEST)
    if len(known) < 2:
        return Judged(every, 0, np.eye(n_classes))
    judged = np.isin(codes, known)
    place = np.full(n_classes, -1)
    place[known] = np.arange(len(known))
    given, inside = place[codes[judged]], np.flatnonzero(judged)
    views = [(matrix[inside], recipe)]
    views += [(part[inside], _shrunk(part)) for part in parts]
    weight = None if weights is None else weights[inside]
    fold = classifier.assign_folds(given, groups[inside], FOLDS, seed)
    first = _mean(views, given, fold, len(known), weight, np.ones(len(given), dtype=bool), seed)
    trusted = _trusted(given, first)
    second = _mean(views, given, fold, len(known), weight, trusted, seed)
    believed = (first + second) / 2
    if not _knows(given, believed):
        return Judged(every, 0, np.eye(n_classes))
    kept = every.copy()
    kept[inside] = _trusted(given, believed)
    noise = np.eye(n_classes)
    noise[np.ix_(known, known)] = _given_when_true(given, believed)
    return Judged(kept, len(inside), noise)


def _knows(given: Codes, believed: Floats) -> bool:
    """Tell whether the models foretell labels better than the class shares do."""
    shares = np.bincount(given, minlength=believed.shape[1]) / len(given)
    own = np.maximum(believed[np.arange(len(given)), given], 1e-6)
    right = (believed.argmax(axis=1) == given).astype(float) - (given == shares.argmax())
    # By hits, or, where one class is rare, by how likely the models find what was given.
    return any(
        gain.mean() > gain.std() / len(gain) ** 0.5
        for gain in (right, np.log(own) - np.log(shares[given]))
    )


def _shrunk(part: Any) -> Recipe:
    return WORDS if hasattr(part, "tocsr") else MEANING


def _mean(
    views: Sequence[tuple[Any, Recipe]],
    given: Codes,
    fold: Codes,
    n_classes: int,
    weights: Floats | None,
    trusted: Mask,
    seed: int,
) -> Floats:
    """Return the mean out-of-fold probabilities of the views, learned from trusted rows alone."""
    total = np.zeros((len(given), n_classes))
    for number in np.unique(fold):
        held, rows = fold == number, (fold != number) & trusted
        if not rows.any():
            total[held] = np.bincount(given, minlength=n_classes) / len(given) * len(views)
            continue
        for matrix, recipe in views:
            weight = None if weights is None else weights[rows]
            model = classifier.fit(matrix[rows], given[rows], recipe, seed, weight)
            total[held] += classifier.probabilities(model, matrix[held], n_classes)
    return total / len(views)


def _trusted(given: Codes, believed: Floats) -> Mask:
    """Return the labels that are not flagged, of each class at least its best few."""
    flagged = _flagged(given, believed)
    own = believed[np.arange(len(given)), given]
    for code in np.unique(given):
        rows = np.flatnonzero(given == code)
        best = rows[np.argsort(-own[rows], kind="stable")[:FEWEST]]
        flagged[best] = False
    return ~flagged


def _flagged(given: Codes, believed: Floats) -> Mask:
    """Return as many labels of each pair of classes as the confident joint says are wrong."""
    import contextlib
    import io
    import warnings

    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cleanlab.filter import find_label_issues

        found = find_label_issues(given, believed, filter_by="prune_by_noise_rate", n_jobs=1)
    return np.array(found, dtype=bool)


def _given_when_true(given: Codes, believed: Floats) -> Floats:
    """Return P(given | true), a row a true class, from the confident joint."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cleanlab.count import compute_confident_joint

        joint = np.asarray(compute_confident_joint(given, believed, calibrate=True), float).T
    joint = joint + 1e-6 * np.eye(len(joint))
    shares: Floats = joint / joint.sum(axis=1, keepdims=True)
    return shares
