"""The default model: chosen by cross-validation, its out-of-fold probabilities, calibration.

A matrix (csr or dense, rows x features) and class codes 0..k-1 in; probabilities rows x k out,
always for all k classes, 0 for a class that the model never saw. Everything runs on one thread
and depends on the seed alone, so the same input gives the same bytes.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.errors import UsageError, listing, nearest
from labelkit.stats.blocks import MOST_EXACT, number_type, row_blocks
from labelkit.stats.sampling import some_rows
from labelkit.stats.threads import one_thread

Matrix = Any
Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

KINDS = ("auto", "logistic", "forest", "boosting")
FEWEST_TO_CHOOSE = 50
MOST_TO_CHOOSE = 4_000
FOLDS_TO_CHOOSE = 3
WIDE = 200  # columns: embeddings, where trees are slow and no better
MOST_CLASSES_OF_TREES = 50  # each has a forest of its own, or a number in each leaf
MOST_COEFFICIENTS = 1_000_000  # of the exact solver; ten times as many cells, rows x classes


class Recipe(NamedTuple):
    """What to fit: a kind of model and, for `logistic`, its C and whether columns are splined."""

    kind: str
    strength: float = 1.0
    splines: bool = False

    def __str__(self) -> str:
        if self.kind != "logistic":
            return self.kind
        return f"logistic{' on splines' if self.splines else ''} C={self.strength:g}"


def choose(
    matrix: Matrix,
    codes: Codes,
    n_classes: int,
    kind: str = "auto",
    seed: int = 0,
    sample_weight: Floats | None = None,
    groups: Codes | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Return a fitted scikit-learn classifier and facts about the choice.

    Facts: `classifier` (words), `rows`, `classes_seen`; where models were compared also `tried`
    (words to mean Brier score) and `accuracy_out_of_fold`. With one class alone the model is
    constant and `classifier` says so. Raises UsageError where no row is labelled.
    """
    recipe, facts = select(matrix, codes, n_classes, kind, seed, sample_weight, groups)
    model = fit(matrix, codes, recipe, seed, sample_weight)
    if facts["classes_seen"] == 1:
        facts["classifier"] = "constant (only one class has labels)"
    return model, facts


def select(
    matrix: Matrix,
    codes: Codes,
    n_classes: int,
    kind: str = "auto",
    seed: int = 0,
    sample_weight: Floats | None = None,
    groups: Codes | None = None,
) -> tuple[Recipe, dict[str, Any]]:
    """Return what to fit, and the facts that `choose` gives, without the final fit.

    `auto` compares logistic regressions and, on narrow dense matrices, random forest and histogram
    boosting by grouped cross-validation of the Brier score; a dearer model must be better by more
    than one standard error of the paired difference.
    """
    if kind not in KINDS:
        raise UsageError(
            f"--classifier {kind!r} is not known{nearest(kind, KINDS)} (choices: {listing(KINDS)})"
        )
    codes = np.asarray(codes)
    if len(codes) == 0:
        raise UsageError("no row has a label to learn from")
    seen = len(np.unique(codes))
    default = default_recipe(matrix, "logistic" if kind == "auto" else kind)
    facts: dict[str, Any] = {
        "classifier": str(default),
        "rows": len(codes),
        "classes_seen": seen,
    }
    if kind != "auto" or seen == 1 or len(codes) < FEWEST_TO_CHOOSE:
        return default, facts
    rows = _some_rows(len(codes), seed)
    trial = _Trial(
        matrix[rows],
        codes[rows],
        None if groups is None else np.asarray(groups)[rows],
        n_classes,
        None if sample_weight is None else sample_weight[rows],
        seed,
    )
    if len(np.unique(trial.codes)) == 1:  # the sample may miss a very rare class
        return default, facts
    recipe = _best_of_trial(trial)
    facts["classifier"] = str(recipe)
    facts["tried"] = {str(each): round(float(s.mean()), 6) for each, s in trial.scores.items()}
    facts["accuracy_out_of_fold"] = round(trial.accuracy[recipe], 6)
    return recipe, facts


def fit(
    matrix: Matrix,
    codes: Codes,
    recipe: Recipe,
    seed: int = 0,
    sample_weight: Floats | None = None,
) -> Any:
    """Return the fitted estimator; a constant one where the codes hold one class alone."""
    seen = np.unique(codes)
    if len(seen) == 1:
        from sklearn.dummy import DummyClassifier

        return DummyClassifier(strategy="prior").fit(matrix, codes)
    model = _estimator(matrix, recipe, seed)
    if recipe.kind == "logistic" and _is_large(matrix, len(seen)):
        if recipe.splines:
            matrix = model[:-1].fit_transform(matrix)
        fitted = _many_coefficients(matrix, codes, seen, recipe.strength, seed, sample_weight)
        if not recipe.splines:
            return fitted
        model.steps[-1] = (model.steps[-1][0], fitted)
        return model
    last = model.steps[-1][0] if hasattr(model, "steps") else ""
    weights = {f"{last}__sample_weight" if last else "sample_weight": sample_weight}
    with _quiet_single_thread():
        return model.fit(matrix, codes, **({} if sample_weight is None else weights))


def _is_large(matrix: Matrix, classes: int) -> bool:
    """Tell whether the exact solver would take minutes and gigabytes."""
    rows, width = matrix.shape
    large = width * classes > MOST_COEFFICIENTS or rows * classes > 10 * MOST_COEFFICIENTS
    return classes > 2 and large


def _many_coefficients(
    matrix: Matrix,
    codes: Codes,
    seen: Codes,
    strength: float,
    seed: int,
    sample_weight: Floats | None,
) -> Any:
    """Return the same model, fitted by stochastic gradients; very many numbers stay in 32 bits."""
    from sklearn.linear_model import LogisticRegression

    from labelkit.stats import softmax_regression

    places = np.searchsorted(seen, codes)
    with _quiet_single_thread():
        table = softmax_regression.fit(matrix, places, len(seen), strength, seed, sample_weight)
    model = LogisticRegression(C=strength)
    table = table.astype(number_type(*table.shape), copy=False)
    model.coef_, model.intercept_ = table[:-1].T, table[-1]
    model.classes_, model.n_features_in_ = np.asarray(seen), matrix.shape[1]
    model.n_iter_ = np.ones(1, dtype=np.int32)
    return model


def probabilities(model: Any, matrix: Matrix, n_classes: int) -> Floats:
    """Return the model's probabilities, rows x n_classes, rows summing to 1.

    Of a large table they are 32-bit numbers.
    """
    rows = matrix.shape[0]
    aligned = np.zeros((rows, n_classes), number_type(rows, n_classes))
    coefficients = getattr(model, "coef_", None)
    with _quiet_single_thread():
        for part in row_blocks(rows, n_classes):
            own = matrix[part]
            if coefficients is not None and coefficients.dtype == np.float32:
                own = own.astype(np.float32)  # else the coefficients would be copied to 64 bits
            aligned[part, model.classes_] = model.predict_proba(own)
    return aligned


def out_of_fold(
    matrix: Matrix,
    codes: Codes,
    groups: Codes | None,
    n_classes: int,
    folds: int = 5,
    kind: str | Recipe = "auto",
    seed: int = 0,
    sample_weight: Floats | None = None,
    only: Codes | None = None,
) -> Floats:
    """Return probabilities for each row from models that saw neither it nor its group.

    `only` are the rows that are wanted.

    The matrix may come from features fitted on all rows: they are learned without labels. Every
    row gets probabilities: a class held by one group alone has 0 there, and where all rows are
    one group (or one row) the answer is the smoothed class frequencies.
    """
    codes = np.asarray(codes)
    if isinstance(kind, str):
        kind = select(matrix, codes, n_classes, kind, seed, sample_weight, groups)[0]
    fold = assign_folds(codes, groups, folds, seed)
    only = np.arange(len(codes)) if only is None else only
    result = np.zeros((len(only), n_classes), number_type(len(only), n_classes))
    if len(np.unique(fold)) == 1:
        counts = np.bincount(codes, minlength=n_classes) + 1.0
        result[:] = counts / counts.sum()
        return result
    for number in np.unique(fold):
        rest, held = fold != number, fold[only] == number
        weight = None if sample_weight is None else sample_weight[rest]
        model = fit(matrix[rest], codes[rest], kind, seed, weight)
        result[held] = probabilities(model, matrix[only[held]], n_classes)
    return result


def assign_folds(codes: Codes, groups: Codes | None, folds: int, seed: int = 0) -> Codes:
    """Return the fold of each row, 0..folds-1: a group on one side, classes spread evenly.

    Groups are dealt out one by one, sorted by the class of their first row and shuffled within a
    class; with fewer groups than folds there are fewer folds.
    """
    if groups is None:
        groups = np.arange(len(codes))
    _, first, of_row = np.unique(groups, return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(first))
    order = shuffled[np.argsort(np.asarray(codes)[first][shuffled], kind="stable")]
    fold_of_group = np.empty(len(first), dtype=np.int64)
    fold_of_group[order] = np.arange(len(first)) % folds
    of_rows: Codes = fold_of_group[of_row.ravel()]
    return of_rows


def calibrate(given: Floats, codes: Codes, fewest: int = 50) -> Callable[[Floats], Floats]:
    """Return a function that maps probabilities to calibrated ones of the same shape.

    Learned on rows that the model did not see (see `temperature_of`); with fewer than `fewest`
    rows it changes nothing. The order of classes within a row stays.
    """
    if len(codes) < fewest:
        return lambda others: others
    temperature = temperature_of(given, codes)
    return lambda others: tempered(others, temperature)


def temperature_of(given: Floats, codes: Codes) -> float:
    """Return the temperature that minimises the negative log-likelihood (Guo et al. 2017).

    Above 1 where the probabilities are overconfident. They must come from models that did not
    see the rows.
    """
    from scipy.optimize import minimize_scalar

    most = max(1, MOST_EXACT // given.shape[1])
    some = some_rows(np.arange(len(codes)), most, np.random.default_rng(0))
    # A sample is enough for one number; without one nothing is copied.
    given = given if len(some) == len(given) else given[some]
    rows, codes = np.arange(len(some)), np.asarray(codes)[some]

    def loss(log_temperature: float) -> float:
        chosen = tempered(given, float(np.exp(log_temperature)))[rows, codes]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    best = minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded")
    return float(np.exp(best.x))


def tempered(given: Floats, temperature: float) -> Floats:
    """Return the probabilities raised to 1/temperature and scaled to sum to 1."""
    shares = np.empty_like(given)
    for part in row_blocks(*given.shape):
        logs = np.log(np.clip(given[part], 1e-6, 1.0)) / temperature
        raised = np.exp(logs - logs.max(axis=1, keepdims=True))
        shares[part] = raised / raised.sum(axis=1, keepdims=True)
    return shares


def default_recipe(matrix: Matrix, kind: str = "logistic") -> Recipe:
    """Return the recipe of a kind without any comparing: C 10 for sparse texts, else 0.3."""
    if kind != "logistic":
        return Recipe(kind)
    return Recipe("logistic", 10.0 if _is_sparse(matrix) else 0.3)


class _Trial:
    """Cross-validated scores of recipes on the same rows and folds."""

    def __init__(
        self,
        matrix: Matrix,
        codes: Codes,
        groups: Codes | None,
        n_classes: int,
        sample_weight: Floats | None,
        seed: int,
    ) -> None:
        self.matrix, self.codes, self.groups = matrix, codes, groups
        self.n_classes, self.sample_weight, self.seed = n_classes, sample_weight, seed
        self.scores: dict[Recipe, Floats] = {}
        self.accuracy: dict[Recipe, float] = {}

    def best(self, recipes: list[Recipe]) -> Recipe:
        """Return the recipe with the lowest mean Brier score, the first among equals."""
        truth = np.eye(self.n_classes)[self.codes]
        for recipe in recipes:
            found = out_of_fold(
                self.matrix,
                self.codes,
                self.groups,
                self.n_classes,
                FOLDS_TO_CHOOSE,
                recipe,
                self.seed,
                self.sample_weight,
            )
            self.scores[recipe] = ((found - truth) ** 2).sum(axis=1)
            self.accuracy[recipe] = float((found.argmax(axis=1) == self.codes).mean())
        return min(recipes, key=lambda recipe: float(self.scores[recipe].mean()))


def _best_of_trial(trial: _Trial) -> Recipe:
    if _is_sparse(trial.matrix):
        return trial.best([Recipe("logistic", strength) for strength in (10.0, 1.0, 30.0)])
    if trial.matrix.shape[1] >= WIDE:
        return trial.best([Recipe("logistic", strength) for strength in (0.3, 0.1, 1.0, 3.0)])
    plain = [Recipe("logistic", strength) for strength in (1.0, 0.1, 10.0)]
    splined = [Recipe("logistic", strength, splines=True) for strength in (1.0, 0.3)]
    best = trial.best(plain + (splined if any(_many_valued(trial.matrix)) else []))
    if trial.accuracy[best] >= 0.995 or len(np.unique(trial.codes)) > MOST_CLASSES_OF_TREES:
        return best
    for dearer in (trial.best([Recipe("boosting")]), trial.best([Recipe("forest")])):
        gain = trial.scores[best] - trial.scores[dearer]
        if gain.mean() > gain.std() / len(gain) ** 0.5:
            best = dearer
    return best


def _estimator(matrix: Matrix, recipe: Recipe, seed: int) -> Any:
    if recipe.kind == "forest":
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(200, min_samples_leaf=2, random_state=seed, n_jobs=1)
    if recipe.kind == "boosting":
        return _boosting(matrix, seed)
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=recipe.strength, max_iter=1000)
    if not recipe.splines:
        return model
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer

    columns = np.flatnonzero(_many_valued(matrix)).tolist()
    splines = make_column_transformer(
        (SplineTransformer(n_knots=5), columns), remainder="passthrough"
    )
    return make_pipeline(splines, model)


def _boosting(matrix: Matrix, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=150,
        max_leaf_nodes=15,
        min_samples_leaf=min(20, max(2, matrix.shape[0] // 10)),
        early_stopping=False,
        random_state=seed,
    )
    if not _is_sparse(matrix):
        return model
    from sklearn.decomposition import TruncatedSVD
    from sklearn.pipeline import make_pipeline

    width = max(1, min(100, matrix.shape[1] - 1))
    return make_pipeline(TruncatedSVD(width, random_state=seed), model)


def _many_valued(matrix: Matrix) -> npt.NDArray[np.bool_]:
    """Return which columns of a dense matrix hold enough values to bend a curve through."""
    return np.array([len(np.unique(column)) > 8 for column in matrix.T], dtype=bool)


def _some_rows(n: int, seed: int) -> Codes:
    if n <= MOST_TO_CHOOSE:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, MOST_TO_CHOOSE, replace=False))


def _is_sparse(matrix: Matrix) -> bool:
    from scipy import sparse

    return bool(sparse.issparse(matrix))


@contextmanager
def _quiet_single_thread() -> Iterator[None]:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(), one_thread():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
