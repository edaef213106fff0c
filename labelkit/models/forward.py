"""Forward correction: a logistic regression that knows how labels go wrong.

Fitted so that its probabilities, sent through P(given | true), foretell the labels that were
given (Patrini et al., CVPR 2017). What is saved is a plain logistic regression of the true class.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.config.label_text import ClassReader
from labelkit.errors import LabelkitError, listing
from labelkit.models.augment import Lesson
from labelkit.stats.threads import one_thread

Floats = npt.NDArray[np.float64]

ROUNDS = 300
SMALL = 1e-12


def fit(lesson: Lesson, given_when_true: Floats, strength: float, seen: npt.NDArray[Any]) -> Any:
    """Return a fitted LogisticRegression of the classes in `seen`.

    `given_when_true` is k x k, a row a true class; `strength` is C.
    """
    from scipy.optimize import minimize
    from sklearn.linear_model import LogisticRegression

    noise = given_when_true[np.ix_(seen, seen)]
    noise = noise / noise.sum(axis=1, keepdims=True)
    given = np.searchsorted(seen, lesson.codes)
    k, width = len(seen), lesson.matrix.shape[1]
    weights = np.ones(len(given)) if lesson.weights is None else lesson.weights
    likely = noise[:, given].T  # rows x classes: P(this label | class)

    def loss(flat: Floats) -> tuple[float, Floats]:
        coef, bias = flat[: k * width].reshape(k, width), flat[k * width :]
        shares = _softmax(np.asarray(lesson.matrix @ coef.T) + bias)
        foretold = (shares * likely).sum(axis=1) + SMALL
        slope = (shares - shares * likely / foretold[:, None]) * weights[:, None]
        value = -(weights * np.log(foretold)).sum() + (coef**2).sum() / (2 * strength)
        by_coef = np.asarray(lesson.matrix.T @ slope).T + coef / strength
        return float(value), np.concatenate([by_coef.ravel(), slope.sum(axis=0)])

    start = np.zeros(k * width + k)
    with one_thread():
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS}).x
    coef, bias = found[: k * width].reshape(k, width), found[k * width :]
    model = LogisticRegression(C=strength)
    if k == 2:  # scikit-learn keeps one row for two classes
        coef, bias = coef[1:] - coef[:1], bias[1:] - bias[:1]
    model.coef_, model.intercept_ = np.ascontiguousarray(coef), np.ascontiguousarray(bias)
    model.classes_, model.n_features_in_ = np.asarray(seen), width
    model.n_iter_ = np.array([ROUNDS], dtype=np.int32)
    return model


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def read(path: Path, classes: Sequence[str]) -> Floats:
    """Return P(given | true) from a file of `find-noise --matrix`, k x k, a row a true class.

    The names are read as labels are. Raises LabelkitError for a file that does not hold it for all
    classes.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LabelkitError(f"--noise-matrix {path} cannot be read: {error}") from None
    try:
        cells = _of_json(text) if path.suffix.lower() == ".json" else _of_csv(text)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LabelkitError(
            f"--noise-matrix {path} is no file that find-noise --matrix wrote"
        ) from None
    reader = ClassReader(classes)
    read = {(reader.read(true), reader.read(given)): p for (true, given), p in cells.items()}
    if len(read) < len(cells):
        raise LabelkitError(f"--noise-matrix {path} names a class twice, in two spellings")
    cells = read
    missing = [name for name in classes if (name, name) not in cells]
    if missing:
        raise LabelkitError(
            f"--noise-matrix {path} says nothing of {listing(missing)}; run find-noise --matrix on "
            f"these labels again"
        )
    found = np.array([[cells.get((true, given), 0.0) for given in classes] for true in classes])
    if (found < 0).any() or (found.sum(axis=1) <= 0).any():
        raise LabelkitError(f"--noise-matrix {path}: the probabilities of a class are not usable")
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _of_json(text: str) -> dict[tuple[str, str], float]:
    rows = json.loads(text)["p_given_when_true"].items()
    # A class that was never seen as true keeps its labels.
    return {
        (true, given): float((true == given) if p is None else p)
        for true, row in rows
        for given, p in row.items()
    }


def _of_csv(text: str) -> dict[tuple[str, str], float]:
    lines = csv.DictReader(text.splitlines())
    return {
        (line["true"], line["given"]): float(
            line["p_given_when_true"] or line["true"] == line["given"]
        )
        for line in lines
    }
