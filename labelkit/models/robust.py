"""Learning from labels of which some are wrong: which rows to leave out, how labels go wrong.

Each label is judged by what knows neither its row nor its group: of few rows by how the rows that
are alike are labelled, of many by models of the whole matrix and of each part of it that can judge
alone (words, meaning). Labels that look wrong are left out, all are judged again by the others,
and the mean of both judgements counts.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.ml import classifier
from labelkit.ml.classifier import Recipe
from labelkit.models import kernel_ridge

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
View = Callable[[Mask], Floats]  # probabilities, rows x classes, learned from trusted rows alone

FOLDS = 5
FEWEST = 5  # rows of a class: with fewer its labels are not judged, nor is it thinned out further
WORDS, MEANING = Recipe("logistic", 1.0), Recipe("logistic", 0.1)  # more shrinkage than for clean
HARDLY = 1e-3  # how much a label counts that is not trusted


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
    inside = np.flatnonzero(np.isin(codes, known))
    place = np.full(n_classes, -1)
    place[known] = np.arange(len(known))
    rows = _Rows(
        place[codes[inside]],
        groups[inside],
        len(known),
        np.ones(len(inside)) if weights is None else weights[inside],
        seed,
    )
    views = _views(matrix[inside], [part[inside] for part in parts], recipe, rows)
    first = _mean(views, np.ones(len(inside), dtype=bool))
    second = _mean(views, _trusted(rows.given, first))
    believed = (first + second) / 2
    if not _knows(rows.given, believed):
        return Judged(every, 0, np.eye(n_classes))
    kept = every.copy()
    kept[inside] = _trusted(rows.given, believed)
    noise = np.eye(n_classes)
    noise[np.ix_(known, known)] = _given_when_true(rows.given, believed)
    return Judged(kept, len(inside), noise)


class _Rows(NamedTuple):
    """The labels to judge: codes without gaps, groups, how much each counts."""

    given: Codes
    groups: Codes
    n_classes: int
    weights: Floats
    seed: int


def _views(matrix: Any, parts: Sequence[Any], recipe: Recipe, rows: _Rows) -> list[View]:
    few = len(rows.given) <= kernel_ridge.MOST_ROWS
    is_narrow = not hasattr(matrix, "tocsr") and matrix.shape[1] < classifier.WIDE
    found = [_by_likeness(parts or [matrix], rows)] if few else []
    if not few or is_narrow:
        found.append(_by_folds(matrix, recipe, rows))
    if not few:
        found += [_by_folds(part, _shrunk(part), rows) for part in parts]
    return found


def _by_likeness(parts: Sequence[Any], rows: _Rows) -> View:
    alike = kernel_ridge.alike(parts)

    def view(trusted: Mask) -> Floats:
        weights = rows.weights * np.where(trusted, 1.0, HARDLY)
        return kernel_ridge.judge(alike, rows.given, rows.groups, rows.n_classes, weights)

    return view


def _by_folds(matrix: Any, recipe: Recipe, rows: _Rows) -> View:
    fold = classifier.assign_folds(rows.given, rows.groups, FOLDS, rows.seed)

    def view(trusted: Mask) -> Floats:
        found = np.empty((len(rows.given), rows.n_classes))
        for number in np.unique(fold):
            held, rest = fold == number, (fold != number) & trusted
            if not rest.any():
                found[held] = np.bincount(rows.given, minlength=rows.n_classes) / len(rows.given)
                continue
            model = classifier.fit(
                matrix[rest], rows.given[rest], recipe, rows.seed, rows.weights[rest]
            )
            found[held] = classifier.probabilities(model, matrix[held], rows.n_classes)
        return found

    return view


def _shrunk(part: Any) -> Recipe:
    return WORDS if hasattr(part, "tocsr") else MEANING


def _mean(views: Sequence[View], trusted: Mask) -> Floats:
    return np.asarray(sum(view(trusted) for view in views) / len(views))


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
