"""What a file's rows look like to the views: words, meaning, other columns; duplicates."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console
from labelkit.data.duplicates import blank_rows, duplicate_groups
from labelkit.ml import classifier, feature_selection, target_leakage
from labelkit.ml.features import Features
from labelkit.noise.checks.neighbours import Nearest
from labelkit.noise.model import views
from labelkit.noise.model.views import View

if TYPE_CHECKING:
    from labelkit.job.job import Job

Codes = npt.NDArray[np.int64]


class Matrices(NamedTuple):
    """Rows x features, each None where there is nothing of the kind or nobody asked.

    `single` is what `--classifier` reads.
    """

    words: Any = None
    meaning: Any = None
    columns: Any = None
    single: Any = None

    def of(self, places: Codes) -> "Matrices":
        """Return the same of some rows."""
        return Matrices(*(None if each is None else each[places] for each in self))

    @property
    def main(self) -> Any:
        """The one that outliers are looked for in."""
        return next(each for each in (self.single, self.meaning, self.words, self.columns)
                    if each is not None)  # fmt: skip


class Looks(NamedTuple):
    """The views to judge by, and what explains: nearest rows, the matrix of words and its terms."""

    views: list[View]
    nearest: Nearest | None = None
    words: Any = None
    terms: Any = None


class Data:
    """The columns that the views and the search for duplicates read, loaded when needed."""

    def __init__(self, job: "Job", kind: str, method: str) -> None:
        self._job, self._kind, self._method = job, kind, method
        self.seed = job.seed
        self._vectorizer: Any = None

    @cached_property
    def _features(self) -> Features:
        return self._job.features()

    @cached_property
    def _table(self) -> pa.Table:
        return self._job.source.read_as(self._features.kinds)

    @cached_property
    def _parts(self) -> tuple[bool, str, bool]:
        """Whether words are read, the embedding (or an empty string), whether columns are."""
        kind = self._features.kind
        if kind == "auto":
            embeds = feature_selection.embeds(self._job.source, self._job.text)
            kind = "tfidf+embedding" if embeds else "tfidf"
        named = str(self._job.options.get("features", "")).partition(":")[2]
        embedding = f"embedding{':' + named if named else ''}" if "embedding" in kind else ""
        return "tfidf" in kind or kind == "mixed", embedding, self._features.reads_columns

    def matrices(self, rows: Codes) -> Matrices:
        """Return what the views of these rows read."""
        if self._kind != "auto":
            return Matrices(single=self._fitted(self._features, rows))
        words, embedding, columns = self._parts
        text = self._job.text if words or embedding else []
        found = Matrices()
        if words:
            features = self._new(text, {}, "tfidf")
            found = found._replace(words=self._fitted(features, rows))
            self._vectorizer = features.state()["parts"]["text"]
        if embedding:
            found = found._replace(meaning=self._fitted(self._new(text, {}, embedding), rows))
        if columns:
            kinds = {n: kind for n, kind in self._features.kinds.items() if n not in text}
            found = found._replace(columns=self._fitted(self._new([], kinds, "columns"), rows))
        return found

    def warn_of_leakage(self, rows: Codes, codes: Codes) -> None:
        """Warn of columns that repeat the labels of these rows: no label differs from them."""
        if self._features.reads_columns:
            texts = self._job.text if self._features.kind == "mixed" else []
            kinds = {n: kind for n, kind in self._features.kinds.items() if n not in texts}
            target_leakage.warn(self._table.take(pa.array(rows)), kinds, codes)

    def looks(self, inputs: Matrices, given: Codes, groups: Codes, n_classes: int) -> Looks:
        """Return the views of rows whose labels are `given`."""
        seed = self.seed
        if inputs.single is not None:
            recipe, _ = classifier.select(
                inputs.single, given, n_classes, self._kind, seed, groups=groups
            )
            return Looks([views.of_model(inputs.single, recipe, seed)])
        near = next(each for each in (inputs.meaning, inputs.words, inputs.columns)
                    if each is not None)  # fmt: skip
        nearest = views.find_neighbours(near, near is not inputs.columns, groups, seed)
        if self._method == "knn":
            return Looks([views.of_neighbours(nearest)], nearest, inputs.words, self._terms())
        found = [] if inputs.words is None else views.of_words(inputs.words, seed)
        if inputs.meaning is not None:
            found.append(views.of_meaning(inputs.meaning, seed))
        if inputs.columns is not None:
            found += views.of_columns(inputs.columns, n_classes, seed)
        found.append(views.of_neighbours(nearest))
        return Looks(found, nearest, inputs.words, self._terms())

    def _terms(self) -> Any:
        return None if self._vectorizer is None else self._vectorizer.get_feature_names_out()

    def duplicates(self) -> tuple[Codes, bool]:
        """Return a number a row, the same for duplicates, and whether they are texts.

        Rows without a text have -1.
        """
        ready = bool(self._job.options.get("from_proba"))
        if ready and not self._job.has_text():
            return np.full(self._job.rows, -1, dtype=np.int64), False
        if not ready and self._features.kind == "columns":
            # as they are in the file: two odd cells that a model misses are not the same
            cells = self._job.source.read(self._features.needed, typed=True)
            return duplicate_groups(cells), False
        text = self._job.text
        table = self._job.source.read(text, typed=True) if ready else self._table
        codes = duplicate_groups(table)
        codes[blank_rows(table.select(text))] = -1
        return codes, True

    def _new(self, text: list[str], kinds: dict[str, str], choice: str) -> Features:
        named = self._job.options.get("column") or ()
        cache = lambda: self._job.cache_dir  # noqa: E731
        return Features(text, kinds, choice, self.seed, cache=cache, named=named)

    def _fitted(self, features: Features, rows: Codes) -> Any:
        fitted = features.fit(self._table)
        console.detail(f"features: {fitted.describe()}")
        return fitted.matrix(self._table.take(pa.array(rows)))
