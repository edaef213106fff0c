"""What a strategy gets to see."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Matrix = Any  # scipy.sparse.csr_matrix or a dense array, rows x features
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer[Any]]


class Pool(NamedTuple):
    """The rows that may be asked, no two of them alike, and what was learned so far.

    `features` one row each; `probabilities` rows x classes that sum to 1 (of rows whose machine
    label the model learned from: out of fold), or None where nothing could be learned; `labelled`
    and `codes` the rows learned from and the places of their labels in `classes`; `estimator` the
    model fitted on them, None where there is none or the probabilities were made elsewhere.
    A strategy may say why it picks a row in `reasons[row]`.
    """

    features: Matrix
    probabilities: Floats | None
    labelled: Matrix
    codes: Codes
    estimator: Any | None
    classes: list[str]
    reasons: dict[int, str]
