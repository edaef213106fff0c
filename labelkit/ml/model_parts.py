"""A fitted classifier as plain values and arrays, and back; nothing of a file is trusted.

What is written are the numbers that a prediction needs. `rebuilt` makes new scikit-learn objects
and checks each array before it is used, so that a file can neither name a class nor cause a read
outside an array, an endless loop in a tree, or an array larger than the file.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.stats.blocks import number_type

Arrays = dict[str, npt.NDArray[Any]]
Values = dict[str, Any]
Floats = npt.NDArray[np.float64]

MOST_COMPONENTS = 100  # of the decomposition before boosting
KNOTS = 5


class Saved(NamedTuple):
    """Plain JSON values and named arrays."""

    values: Values
    arrays: Arrays


class Stored:
    """The values and arrays of a file, given out only where they are what is expected."""

    def __init__(self, values: Values, arrays: Arrays) -> None:
        self.values, self._arrays = values, arrays

    def floats(self, name: str, *shape: int | None) -> Floats:
        """Return finite numbers of this shape, None for any length. Raises ValueError."""
        found = self.array(name, np.dtype(np.float64), *shape)
        if not np.isfinite(found).all():
            raise ValueError(f"{name} holds numbers that are not finite")
        return found

    def codes(self, name: str, below: int, *shape: int | None) -> npt.NDArray[np.int64]:
        """Return rising integers from 0 to `below`, exclusive. Raises ValueError."""
        found = self.array(name, np.dtype(np.int64), *(shape or (None,)))
        if len(found) and (found[0] < 0 or found[-1] >= below or (np.diff(found) <= 0).any()):
            raise ValueError(f"{name} holds other numbers than 0 to {below - 1} in order")
        return found

    def array(self, name: str, dtype: np.dtype[Any], *shape: int | None) -> npt.NDArray[Any]:
        """Return an array of this type and shape. Raises ValueError where it is another."""
        found = self._arrays[name]
        fits = len(found.shape) == len(shape) and all(
            wanted is None or wanted == length
            for wanted, length in zip(shape, found.shape, strict=True)
        )
        if found.dtype != dtype or not fits:
            raise ValueError(f"{name} is {found.dtype} of shape {found.shape}")
        return found


def written(model: Any) -> Saved:
    """Return what `rebuilt` needs to make the fitted classifier again."""
    steps = [step for _, step in model.steps] if hasattr(model, "steps") else [model]
    before = type(steps[0]).__name__ if len(steps) > 1 else ""
    last = steps[-1]
    kind = type(last).__name__
    saved = _PARTS[kind].write(last)
    values: Values = {"kind": kind, "before": before, **saved.values}
    arrays = {"classes": np.asarray(model.classes_, dtype=np.int64), **saved.arrays}
    if before == "TruncatedSVD":
        arrays["components"] = np.ascontiguousarray(steps[0].components_, dtype=np.float64)
    elif before:
        _, splines, columns = steps[0].transformers_[0]
        degree = splines.degree
        knots = [spline.t[degree:-degree] for spline in splines.bsplines_]
        arrays["knots"] = np.column_stack(knots)
        arrays["columns"] = np.asarray(columns, dtype=np.int64)
    return Saved(values, arrays)


def rebuilt(stored: Stored, width: int, n_classes: int) -> Any:
    """Return the classifier for matrices of `width` columns. Raises ValueError or KeyError."""
    from sklearn.pipeline import make_pipeline

    classes = stored.codes("classes", n_classes)
    kind, before = stored.values["kind"], stored.values["before"]
    read = _PARTS[kind].read
    if (len(classes) == 1) != (kind == "DummyClassifier"):
        raise ValueError(f"{kind} of {console.count(len(classes), 'classes')}")
    if not before:
        return read(stored, width, classes)
    if (before, kind) == ("TruncatedSVD", "HistGradientBoostingClassifier"):
        first = _svd(stored, width)
        inner = len(first.components_)
    elif (before, kind) == ("ColumnTransformer", "LogisticRegression"):
        first = _splines(stored, width)
        inner = first.transform(np.zeros((1, width))).shape[1]
    else:
        raise ValueError(f"{before} before {kind} is no model of labelkit")
    return make_pipeline(first, read(stored, inner, classes))


def _write_constant(model: Any) -> Saved:
    return Saved({}, {})


def _read_constant(stored: Stored, width: int, classes: npt.NDArray[np.int64]) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior").fit(np.zeros((1, 1)), classes[:1])


def _write_logistic(model: Any) -> Saved:
    return Saved(
        {},
        {
            "coef": np.ascontiguousarray(model.coef_, dtype=np.float64),
            "intercept": np.asarray(model.intercept_, dtype=np.float64),
        },
    )


def _read_logistic(stored: Stored, width: int, classes: npt.NDArray[np.int64]) -> Any:
    from sklearn.linear_model import LogisticRegression

    rows = 1 if len(classes) == 2 else len(classes)
    model = LogisticRegression()
    coefficients = stored.floats("coef", rows, width)
    if number_type(rows, width) == np.float32:  # as they were fitted
        coefficients = np.asfortranarray(coefficients, np.float32)
    model.coef_ = coefficients
    model.intercept_ = stored.floats("intercept", rows).astype(coefficients.dtype)
    model.classes_, model.n_features_in_ = classes, width
    return model


def _write_forest(model: Any) -> Saved:
    trees = [tree.tree_.__getstate__() for tree in model.estimators_]
    return Saved(
        {},
        {
            "lengths": np.array([len(tree["nodes"]) for tree in trees], dtype=np.int64),
            "nodes": _joined([tree["nodes"] for tree in trees]),
            "shares": np.concatenate([tree["values"] for tree in trees])[:, 0, :],
        },
    )


def _read_forest(stored: Stored, width: int, classes: npt.NDArray[np.int64]) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier
    from sklearn.tree._tree import NODE_DTYPE, Tree

    nodes, ends = _trees(stored, NODE_DTYPE)
    shares = stored.floats("shares", len(nodes), len(classes))
    model = RandomForestClassifier(len(ends), n_jobs=1)
    model.estimators_ = []
    for own, end in zip(np.split(nodes, ends[:-1]), ends, strict=True):
        split = own["left_child"] >= 0
        _require_order(own["left_child"], own["right_child"], own["feature"], split, width)
        tree = Tree(width, np.array([len(classes)], dtype=np.intp), 1)
        values = np.ascontiguousarray(shares[end - len(own) : end, None, :])
        tree.__setstate__(
            {"max_depth": len(own), "node_count": len(own), "nodes": own, "values": values}
        )
        single = DecisionTreeClassifier()
        single.tree_, single.n_outputs_, single.n_classes_ = tree, 1, len(classes)
        single.classes_, single.n_features_in_ = np.arange(len(classes)), width
        model.estimators_.append(single)
    model.classes_, model.n_classes_ = classes, len(classes)
    model.n_outputs_, model.n_features_in_ = 1, width
    return model


def _write_boosting(model: Any) -> Saved:
    trees = [tree.nodes for round_ in model._predictors for tree in round_]
    return Saved(
        {},
        {
            "lengths": np.array([len(nodes) for nodes in trees], dtype=np.int64),
            "nodes": _joined(trees),
            "baseline": np.asarray(model._baseline_prediction, dtype=np.float64),
        },
    )


def _read_boosting(stored: Stored, width: int, classes: npt.NDArray[np.int64]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    per_round = 1 if len(classes) == 2 else len(classes)
    nodes, ends = _trees(stored, PREDICTOR_RECORD_DTYPE)
    if len(ends) % per_round or nodes["is_categorical"].any():
        raise ValueError("the trees are not those of labelkit's boosting")
    # A model of made-up rows has all that is the same in each model of this many columns.
    model = HistGradientBoostingClassifier(max_iter=1, early_stopping=False)
    model.fit(np.zeros((len(classes), width)), classes)
    no_sets = np.zeros((0, 8), dtype=np.uint32)
    trees = []
    for own in np.split(nodes, ends[:-1]):
        _require_order(own["left"], own["right"], own["feature_idx"], own["is_leaf"] == 0, width)
        trees.append(TreePredictor(own, no_sets, no_sets))
    model._predictors = [trees[at : at + per_round] for at in range(0, len(trees), per_round)]
    model._baseline_prediction = stored.floats("baseline", 1, per_round)
    return model


def _packed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type without the bytes between its fields, which hold anything."""
    return np.dtype([(name, dtype[name]) for name in dtype.names or ()])


def _joined(nodes: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate([some.astype(_packed(some.dtype)) for some in nodes])


def _trees(stored: Stored, dtype: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Return the nodes of all trees and where each tree ends."""
    nodes = stored.array("nodes", _packed(np.dtype(dtype)), None).astype(dtype)
    lengths = stored.array("lengths", np.dtype(np.int64), None)
    if not len(lengths) or lengths.min() < 1 or sum(lengths.tolist()) != len(nodes):
        raise ValueError("the trees have other lengths than their nodes")
    return nodes, np.cumsum(lengths)


def _require_order(left: Any, right: Any, column: Any, split: Any, width: int) -> None:
    """Raise ValueError unless each split reads a column and leads to later nodes of its tree."""
    own = np.flatnonzero(split)
    for child in (left[own].astype(np.int64), right[own].astype(np.int64)):
        if (child <= own).any() or (child >= len(left)).any():
            raise ValueError("a tree leads outside its nodes")
    if (column[own] < 0).any() or (column[own] >= width).any():
        raise ValueError("a tree reads a column that is not there")


def _svd(stored: Stored, width: int) -> Any:
    from sklearn.decomposition import TruncatedSVD

    components = stored.floats("components", None, width)
    if not 1 <= len(components) <= MOST_COMPONENTS:
        raise ValueError(console.count(len(components), "components"))
    model = TruncatedSVD(len(components))
    model.components_, model.n_features_in_ = components, width
    return model


def _splines(stored: Stored, width: int) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import SplineTransformer

    columns = stored.codes("columns", width)
    knots = stored.floats("knots", KNOTS, len(columns))
    splines = SplineTransformer(knots=knots)
    # Fitted to its knots alone: the values of the rows do not count.
    return make_column_transformer((splines, columns.tolist()), remainder="passthrough").fit(
        np.zeros((2, width))
    )


class _Part(NamedTuple):
    write: Callable[[Any], Saved]
    read: Callable[[Stored, int, npt.NDArray[np.int64]], Any]


_PARTS = {
    "DummyClassifier": _Part(_write_constant, _read_constant),
    "LogisticRegression": _Part(_write_logistic, _read_logistic),
    "RandomForestClassifier": _Part(_write_forest, _read_forest),
    "HistGradientBoostingClassifier": _Part(_write_boosting, _read_boosting),
}


def numbers_written(pipeline: Any) -> Arrays:
    """Return the arrays of the transformer of the number columns."""
    imputer, quantiles, scaler = (step for _, step in pipeline.steps)
    return {
        "medians": np.asarray(imputer.statistics_, dtype=np.float64),
        "missing": np.asarray(imputer.indicator_.features_, dtype=np.int64),
        "quantiles": np.ascontiguousarray(quantiles.quantiles_, dtype=np.float64),
        "means": np.asarray(scaler.mean_, dtype=np.float64),
        "scales": np.asarray(scaler.scale_, dtype=np.float64),
    }


def numbers_rebuilt(stored: Stored, columns: Sequence[str]) -> Any:
    """Return the fitted transformer of these number columns. Raises ValueError or KeyError."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    medians = stored.floats("medians", len(columns))
    missing = stored.codes("missing", len(columns))
    holed = medians.copy()
    holed[missing] = np.nan
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    imputer.fit(np.vstack([medians, holed]))
    width = len(columns) + len(missing)
    quantiles = QuantileTransformer()
    quantiles.quantiles_ = stored.floats("quantiles", None, width)
    steps = len(quantiles.quantiles_)
    if not steps or (np.diff(quantiles.quantiles_, axis=0) < 0).any():
        raise ValueError("the quantiles do not rise")
    quantiles.n_quantiles_ = steps
    quantiles.references_ = np.linspace(0, 1, steps, endpoint=True)
    quantiles.n_features_in_ = width
    scaler = StandardScaler()
    scaler.mean_, scaler.scale_ = stored.floats("means", width), stored.floats("scales", width)
    if (scaler.scale_ <= 0).any():
        raise ValueError("scales holds numbers that are not above 0")
    scaler.var_, scaler.n_features_in_ = scaler.scale_**2, width
    return make_pipeline(imputer, quantiles, scaler)
