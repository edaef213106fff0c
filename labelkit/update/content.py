"""Whether new rows hold something else than old ones, and which of them do: a model tells."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console
from labelkit.data.labels import Mask
from labelkit.errors import LabelkitError
from labelkit.io.table import Table
from labelkit.ml import classifier
from labelkit.ml.features import Features
from labelkit.stats.sampling import some_rows
from labelkit.update.rows import Matched

if TYPE_CHECKING:
    from labelkit.job.job import Job

Floats = npt.NDArray[np.float64]

UNLIKE = 0.99  # rows are drifted where they are less like old rows than so many old rows are
_MOST_ROWS = 2_000  # of the old rows, and of the new ones, that the model learns from
_FEWEST_ROWS = 20
_FOLDS = 5
# Standard errors of the AUC that chance may reach. Where both files are random rows of one set
# (film reviews, text messages, requests to an assistant; 300 old and 100 new rows, 40 times each)
# the cross-validated AUC scatters 1.1 to 1.5 times as much as ranks drawn at random.
_ERRORS = 4.0
_CHUNK = 16_384


class Content(NamedTuple):
    """How well a model tells new rows from old ones: 0.5 is not at all, `chance` is by luck.

    `unlike` is a number a new row: the share of the old rows that look less like new ones.
    """

    auc: float
    chance: float
    old: int
    new: int
    unlike: Floats

    @property
    def differs(self) -> bool:
        """Whether it is more than luck."""
        return self.auc > self.chance

    @property
    def drifted(self) -> int:
        """The number of new rows that are unlike the old ones."""
        return int((self.unlike >= UNLIKE).sum()) if self.differs else 0

    def plain(self) -> dict[str, Any]:
        """Return it for the summary."""
        figures = {name: getattr(self, name) for name in ("auc", "chance", "old", "new")}
        return {**figures, "differs": self.differs, "drifted_rows": self.drifted}


def line_of(content: Content | None) -> str:
    """Return it as a line for people."""
    if content is None:
        return f"drift of content: not measured, it takes {_FEWEST_ROWS} old and new rows"
    shown = f"a model tells them apart with AUC {content.auc:.2f}, chance reaches "
    shown += f"{content.chance:.2f}"
    if not content.differs:
        return f"drift of content: none found ({shown})"
    drifted = console.count(content.drifted, "new rows", "are")
    return f"drift of content: {drifted} unlike the old ones ({shown})"


def compare(job: "Job", old: Table, source: Table, match: Matched) -> Content | None:
    """Return how well a cross-validated model tells the new rows from old ones, by what they hold.

    `job` knows which columns models read. Chance is in standard errors of the AUC of equal rows
    (Mann and Whitney 1947). None for few rows, and where columns cannot be read as of old.
    """
    rng = np.random.default_rng([job.seed, 9])
    rows = [some_rows(each, _MOST_ROWS, rng) for each in (np.arange(old.count()), match.new)]
    n_old, n_new = map(len, rows)
    if min(n_old, n_new) < _FEWEST_ROWS:
        return None
    features = _features(job)
    try:
        tables = [each.read_as(features.kinds) for each in (old, source)]
    except LabelkitError as error:
        console.note(f"the content of new and old rows cannot be compared: {error}")
        return None
    some = [table.take(pa.array(these)) for table, these in zip(tables, rows, strict=True)]
    both = pa.concat_tables(some, promote_options="permissive")
    matrix = features.fit(both).matrix(both)
    codes = np.repeat([0, 1], [n_old, n_new])
    recipe = classifier.default_recipe(matrix)
    scores = classifier.out_of_fold(matrix, codes, None, 2, _FOLDS, recipe, job.seed)[:, 1]
    spread = ((n_old + n_new + 1) / (12 * n_old * n_new)) ** 0.5
    every = np.empty(len(match.new))
    sampled = np.isin(match.new, rows[1])
    every[sampled] = scores[n_old:]
    model = classifier.fit(matrix, codes, recipe, job.seed)
    every[~sampled] = _scores(model, features, tables[1], match.new[~sampled])
    unlike = np.searchsorted(np.sort(scores[:n_old]), every, side="left") / n_old
    return Content(_auc(scores, codes == 1), 0.5 + _ERRORS * spread, n_old, n_new, unlike)


def _features(job: "Job") -> Features:
    if job.has_text():
        return Features(job.text, dict.fromkeys(job.text, "text"), "tfidf", job.seed)
    return job.features()


def _scores(model: Any, features: Features, table: pa.Table, rows: npt.NDArray[np.int64]) -> Floats:
    """Return how much rows look like new ones, of rows that the model did not learn from."""
    parts = [rows[at : at + _CHUNK] for at in range(0, len(rows), _CHUNK)]
    found = [features.matrix(table.take(pa.array(part))) for part in parts]
    return np.concatenate(
        [np.zeros(0), *(classifier.probabilities(model, each, 2)[:, 1] for each in found)]
    )


def _auc(scores: Floats, positive: Mask) -> float:
    """Return the share of pairs in which the positive row has the higher score; ties are half."""
    from scipy.stats import rankdata

    n, m = int(positive.sum()), int((~positive).sum())
    return float((rankdata(scores)[positive].sum() - n * (n + 1) / 2) / (n * m))
