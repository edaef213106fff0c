"""A column that tells the label all alone: often one that is filled in after the label is known."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.ml import classifier

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.ml.features import Features

Codes = npt.NDArray[np.integer[Any]]

ALONE = 0.98
FEWEST, FEWEST_A_CLASS = 40, 5  # under which a column tells all by luck
MOST_ROWS, MOST_COLUMNS = 2_000, 200
FOLDS = 4


def telling_columns(table: "pa.Table", kinds: dict[str, str], codes: Codes) -> dict[str, float]:
    """Return each column that alone gives over 98 % of the labels, with that share.

    `table` holds the labelled rows, typed; `kinds` the kind of each column to look at. Each is
    read by a small tree, cross-validated. Nothing is said of labels that are nearly all alike.
    """
    from labelkit.errors import UsageError
    from labelkit.ml.features import Features

    counts = np.bincount(codes)
    if len(codes) < FEWEST or (counts >= FEWEST_A_CLASS).sum() < 2 or counts.max() > _most(codes):
        return {}
    rows = np.arange(len(codes))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))
        table, codes = table.take(rows), codes[rows]
    found = {}
    # An embedding may tell the label, as a text may.
    for name in [name for name, kind in kinds.items() if kind != "vector"][:MOST_COLUMNS]:
        try:
            features = Features([], {name: kinds[name]}, "columns").fit(table.select([name]))
        except UsageError:  # nothing in it that carries over to other rows
            continue
        share = _right(features.matrix(table), codes)
        if share > ALONE:
            found[name] = share
    return found


def warn(table: "pa.Table", kinds: dict[str, str], codes: Codes) -> None:
    """Warn of columns that tell the label all alone."""
    for name, share in telling_columns(table, kinds, codes).items():
        console.warn(
            f"the column {console.clean(name)!r} alone gives {share:.1%} of the labels; if it is "
            f"known only once the label is, leave it out: --column names those to learn from"
        )


def warn_of_features(features: "Features", table: "pa.Table", codes: Codes) -> None:
    """Warn of columns beside the texts that fitted features use; `codes` -1 where no label is."""
    if not features.reads_columns:
        return
    rows = np.flatnonzero(codes >= 0)
    warn(table.take(rows), features.column_kinds(), codes[rows])


def _most(codes: Codes) -> float:
    """Return how many labels may be of one class: always to say it must do far worse."""
    return len(codes) * (1 - 4 * (1 - ALONE))


def _right(matrix: Any, codes: Codes) -> float:
    from scipy import sparse
    from sklearn.tree import DecisionTreeClassifier

    dense = matrix.toarray() if sparse.issparse(matrix) else matrix
    fold = classifier.assign_folds(codes, None, FOLDS)
    right = 0
    for number in np.unique(fold):
        held = fold == number
        tree = DecisionTreeClassifier(min_samples_leaf=2, max_leaf_nodes=32, random_state=0)
        right += int(
            (tree.fit(dense[~held], codes[~held]).predict(dense[held]) == codes[held]).sum()
        )
    return right / len(codes)
