"""A classifier from hard or soft labels, with what can honestly be said about it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.errors import UsageError
from labelkit.ml import classifier
from labelkit.models import augment, forward, noisy_temperature, robust
from labelkit.models.augment import SMALLEST_SHARE, Lesson
from labelkit.stats import metrics
from labelkit.stats.blocks import number_type, row_blocks

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FEWEST_TO_CALIBRATE = 50
FOLDS, FOLDS_TO_CHOOSE = 5, 3
# C that are compared where labels were left out, for words and for embeddings.
STRENGTHS, STRENGTHS_WIDE = (3.0, 1.0, 10.0), (0.3, 0.1, 1.0)


class How(NamedTuple):
    """How to learn.

    `kind` of model; `smoothing` the share of each label that goes to all classes, `mixup` the
    alpha of the mixtures, 0 for none; `robust` is empty, `prune` (labels that look wrong are left
    out) or `forward` (the model corrects for `given_when_true`, estimated where it is None).
    """

    kind: str = "auto"
    seed: int = 0
    smoothing: float = 0.0
    mixup: float = 0.0
    robust: str = ""
    given_when_true: Floats | None = None


class Examples(NamedTuple):
    """Rows of a matrix (one may stand several times), a class code each, and weights or None."""

    rows: Codes
    codes: Codes
    weights: Floats | None

    def where(self, kept: Mask) -> "Examples":
        """Return those of the examples that are kept."""
        weights = None if self.weights is None else self.weights[kept]
        return Examples(self.rows[kept], self.codes[kept], weights)


class Learned(NamedTuple):
    """The fitted model, facts for its card, its temperature, its out-of-fold accuracy.

    `compared` is how many rows that accuracy is from.
    """

    model: Any
    facts: dict[str, Any]
    temperature: float
    out_of_fold: metrics.Figure
    compared: int


def examples(codes: Codes, soft: Floats | None, weights: Floats | None = None) -> Examples:
    """Return what to learn from: rows with a code, and soft rows where there is none.

    `codes` is -1 without a hard label; `soft` holds probabilities (rows x classes), NaN where a
    row has none. A soft row stands once for each class of at least 1 % of its likeliest class,
    weighted by it. `weights` say how much each row counts.
    """
    hard = np.flatnonzero(codes >= 0)
    if soft is None:
        return Examples(hard, codes[hard], None if weights is None else weights[hard])
    found = [(hard, codes[hard], np.ones(len(hard)))]
    for part in row_blocks(*soft.shape):
        known = np.nan_to_num(soft[part])
        least = SMALLEST_SHARE * known.max(axis=1, initial=0.0, keepdims=True)
        share = np.where((codes[part] < 0)[:, None] & (known >= least), known, 0.0)
        rows, classes = np.nonzero(share)
        found.append((rows + part.start, classes, share[rows, classes]))
    together, classes, counts = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.argsort(together, kind="stable")
    if weights is not None:
        counts = counts * weights[together]
    return Examples(together[order], classes[order], counts[order])


def learn(
    matrix: Any,
    told: Examples,
    groups: Codes,
    n_classes: int,
    how: How = How(),  # noqa: B008 - it cannot be changed
    parts: Sequence[Any] = (),
    trusted: Mask | None = None,
) -> Learned:
    """Fit a classifier on the examples; `matrix` and `groups` have a row for each row of the table.

    Examples that are not `trusted` are not learned from: they only keep the model from being surer
    than all labels allow. `parts` are the parts of the matrix that can judge labels alone, for
    `how.robust`. The out-of-fold accuracy compares with all labels, those left out and wrong ones
    among them: it is biased. Raises UsageError without examples.
    """
    kept = np.ones(len(told.rows), dtype=bool) if trusted is None else trusted.copy()
    sure, noise = told.where(kept), None
    recipe, facts = _select(matrix, sure, groups, n_classes, how)
    if how.robust and facts["classes_seen"] > 1:
        good, noise, robustly = _robust(matrix, parts, sure, groups, n_classes, recipe, how)
        kept[kept] = good
        if not good.all():
            recipe, facts = _select(matrix, told.where(kept), groups, n_classes, how)
        facts["robust"] = robustly
    if not kept.all() and noise is None and facts["classes_seen"] > 1:
        recipe = _shrunk(matrix, told, kept, groups, n_classes, recipe, how)
        facts["classifier"] = str(recipe)
    model = _fit(_lesson(matrix, told.where(kept)), recipe, n_classes, how, noise)
    if facts["classes_seen"] == 1:
        facts["classifier"] = "constant (only one class has labels)"
    found = _out_of_fold(matrix, told, kept, groups, recipe, n_classes, how, noise)
    heaviest = _heaviest(told)
    truth, unseen = told.codes[heaviest], found
    temperature = 1.0
    # A corrected model foretells true classes: the given ones would make it less sure.
    if len(truth) >= FEWEST_TO_CALIBRATE and facts["classes_seen"] > 1 and noise is None:
        temperature = _temperature(unseen, truth, bool(kept.all()))
    facts["rows"] = len(np.unique(told.rows[kept]))
    facts |= {k: v for k, v in (("smoothing", how.smoothing), ("mixup", how.mixup)) if v}
    return Learned(
        model,
        facts,
        round(temperature, 6),
        metrics.accuracy(truth, unseen.argmax(axis=1)),
        len(truth),
    )


def _lesson(matrix: Any, told: Examples) -> Lesson:
    return Lesson(matrix[told.rows], told.codes, told.weights)


def _temperature(found: Floats, given: Codes, is_whole: bool) -> float:
    if is_whole:
        return classifier.temperature_of(found, given)
    return noisy_temperature.fit(found, given).temperature


def _shrunk(
    matrix: Any,
    told: Examples,
    kept: Mask,
    groups: Codes,
    n_classes: int,
    recipe: classifier.Recipe,
    how: How,
) -> classifier.Recipe:
    """Return the recipe with the C that foretells all labels best, learned from those kept."""
    is_sparse = hasattr(matrix, "tocsr")
    is_open = how.kind == "auto" and recipe.kind == "logistic" and not recipe.splines
    if not is_open or not (is_sparse or matrix.shape[1] >= classifier.WIDE):
        return recipe
    losses = {}
    for strength in STRENGTHS if is_sparse else STRENGTHS_WIDE:
        one = recipe._replace(strength=strength)
        found = _out_of_fold(
            matrix, told, kept, groups, one, n_classes, how, None, folds=FOLDS_TO_CHOOSE
        )
        heaviest = _heaviest(told)
        losses[one] = noisy_temperature.fit(found, told.codes[heaviest]).loss
    return min(losses, key=lambda one: losses[one])


def _select(
    matrix: Any, told: Examples, groups: Codes, n_classes: int, how: How
) -> tuple[classifier.Recipe, dict[str, Any]]:
    inputs = matrix[told.rows]
    recipe, facts = classifier.select(
        inputs, told.codes, n_classes, how.kind, how.seed, told.weights, groups[told.rows]
    )
    if how.robust == "forward" and (recipe.kind != "logistic" or recipe.splines):
        if how.kind not in ("auto", "logistic"):
            raise UsageError(
                f"--robust-by forward corrects a logistic regression, not --classifier "
                f"{how.kind}; take --robust-by prune"
            )
        recipe = classifier.default_recipe(inputs)
        facts["classifier"] = str(recipe)
    return recipe, facts


def _robust(
    matrix: Any,
    parts: Sequence[Any],
    told: Examples,
    groups: Codes,
    n_classes: int,
    recipe: classifier.Recipe,
    how: How,
) -> tuple[Mask, Floats | None, dict[str, Any]]:
    """Return which examples to keep, P(given | true) to correct for, and what to say of it."""
    kept = np.ones(len(told.rows), dtype=bool)
    if how.robust == "forward" and how.given_when_true is not None:
        return kept, how.given_when_true, {"by": "forward", "noise_matrix": "given"}
    _, place, times = np.unique(told.rows, return_inverse=True, return_counts=True)
    hard = np.flatnonzero(times[place] == 1)  # a soft label says itself how sure it is
    judged = told.where(np.isin(np.arange(len(told.rows)), hard))
    found = robust.judge(
        matrix[judged.rows],
        [part[judged.rows] for part in parts],
        judged.codes,
        groups[judged.rows],
        n_classes,
        recipe,
        judged.weights,
        how.seed,
    )
    if how.robust == "forward":
        return kept, found.given_when_true, {"by": "forward", "noise_matrix": "estimated"}
    kept[hard] = found.kept
    return kept, None, {"by": "prune", "left_out": int((~kept).sum()), "judged": found.judged}


def _fit(
    lesson: Lesson,
    recipe: classifier.Recipe,
    n_classes: int,
    how: How,
    noise: Floats | None,
) -> Any:
    seen = np.unique(lesson.codes)
    if len(seen) > 1:
        lesson = augment.mixed(lesson, how.mixup, n_classes, how.seed)
        lesson = augment.smoothed(lesson, how.smoothing)
        if noise is not None:
            return forward.fit(lesson, noise, recipe.strength, np.unique(lesson.codes))
    return classifier.fit(lesson.matrix, lesson.codes, recipe, how.seed, lesson.weights)


def _out_of_fold(
    matrix: Any,
    told: Examples,
    kept: Mask,
    groups: Codes,
    recipe: classifier.Recipe,
    n_classes: int,
    how: How,
    noise: Floats | None,
    folds: int = FOLDS,
) -> Floats:
    """Return probabilities for the heaviest example of each row, by models that did not see it.

    They are fitted as the model is, on the examples that are kept.
    """
    lesson, own, heaviest = _lesson(matrix, told), groups[told.rows], _heaviest(told)
    if kept.all() and not (how.mixup or how.smoothing or noise is not None):
        return classifier.out_of_fold(
            *(lesson.matrix, lesson.codes, own, n_classes),
            folds=folds,
            kind=recipe,
            seed=how.seed,
            sample_weight=lesson.weights,
            only=heaviest,
        )
    fold = classifier.assign_folds(lesson.codes, own, folds, how.seed)
    size = (len(heaviest), n_classes)
    found = np.full(size, 1 / n_classes, number_type(*size))
    for number in np.unique(fold):
        held = fold[heaviest] == number
        rest = kept & (fold != number)
        if not rest.any():
            continue
        weights = None if lesson.weights is None else lesson.weights[rest]
        some = Lesson(lesson.matrix[rest], lesson.codes[rest], weights)
        model = _fit(some, recipe, n_classes, how, noise)
        found[held] = classifier.probabilities(model, lesson.matrix[heaviest[held]], n_classes)
    return found


def predict(model: Any, matrix: Any, n_classes: int, temperature: float) -> Floats:
    """Return calibrated probabilities, rows x classes."""
    found = classifier.probabilities(model, matrix, n_classes)
    return found if temperature == 1.0 else classifier.tempered(found, temperature)


def _heaviest(told: Examples) -> Codes:
    """Return for each row of the table the place of its example with the largest weight."""
    if told.weights is None:
        return np.arange(len(told.rows))
    order = np.lexsort((-told.weights, told.rows))
    _, first = np.unique(told.rows[order], return_index=True)
    heaviest: Codes = order[first]
    return heaviest
