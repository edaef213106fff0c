"""Models of the same kind, each fitted on the labels drawn anew with replacement (bagging)."""

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from labelkit.stats.threads import one_thread

if TYPE_CHECKING:
    from labelkit.active.pool import Codes, Floats, Pool

MEMBERS = 10
CHUNK = 65_536


def each_says(pool: "Pool", rng: np.random.Generator) -> Iterator["Floats"]:
    """Yield what each member says of the pool, rows x classes; every class is in every draw."""
    from sklearn.base import clone
    from sklearn.exceptions import ConvergenceWarning

    assert pool.estimator is not None
    for _ in range(MEMBERS):
        rows = _drawn(pool.codes, rng)
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = clone(pool.estimator).fit(pool.labelled[rows], pool.codes[rows])
            said = np.zeros((pool.features.shape[0], len(pool.classes)))
            for start in range(0, len(said), CHUNK):
                part = model.predict_proba(pool.features[start : start + CHUNK])
                said[start : start + CHUNK, model.classes_] = part
        yield said


def _drawn(codes: "Codes", rng: np.random.Generator) -> npt.NDArray[np.int64]:
    own = [np.flatnonzero(codes == code) for code in np.unique(codes)]
    return np.concatenate([rng.choice(rows, len(rows)) for rows in own])
