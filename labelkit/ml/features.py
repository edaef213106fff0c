"""Columns to a matrix: TF-IDF or embeddings of texts, numbers, dates, true/false, categories.

A text is read once into TF-IDF of its words and word pairs, a sentence embedding, or both side by
side; numbers become their rank among the values seen (heavy tails and outliers then do no harm),
with a column of their own that tells where a value was missing; dates are numbers of days; columns
of few different words become one column a word; lists of numbers are an embedding made elsewhere.
What was learned from one table maps any other table or batch of the same columns.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.errors import LabelkitError, UsageError, listing, nearest
from labelkit.io.column_types import NUMBERS
from labelkit.io.vectors import matrix as matrix_of
from labelkit.ml.embedding import PACKAGED, Embedding

if TYPE_CHECKING:
    import pyarrow as pa

Matrix = Any  # scipy.sparse.csr_matrix or a dense array, float64, rows x features
Floats = npt.NDArray[np.float64]

CHOICES = ("auto", "tfidf", "embedding", "tfidf+embedding", "columns", "mixed")
FIT_ROWS = 100_000
MOST_TERMS = 50_000
MOST_CATEGORIES = 100
WIDEST_DENSE = 500
# How texts are cut into terms, the ways that are told by more options first.
CUTS: dict[str, dict[str, Any]] = {
    "characters": {"analyzer": "char", "ngram_range": (1, 3)},
    "signs": {"token_pattern": r"(?u)\w+|[^\w\s]"},
    "words": {},
}
# A vector of length one alone is lengthened so that the classifier's C for dense rows suits it.
EMBEDDING_LENGTH = 4.0

_INDEX_NAME = re.compile(r"|Unnamed: 0(\.\d+)?|__index_level_\d+__")
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"


class Features:
    """Maps typed columns to a matrix; `fit` once, then `matrix` for any batch.

    `text` names the columns read as text, `kinds` the kind (`text number date boolean`, or those of
    `feature_kinds`) of every column that may be used. `choice`: `tfidf` and `embedding` are the
    texts alone, as is `tfidf+embedding`; `embedding:NAME` says which; `columns` is the other
    columns alone, `mixed` TF-IDF and the other columns; `auto` is what `choose` answers when `fit`
    asks it (`tfidf` without it) where there is a text column, and `columns` elsewhere. `cache` is
    called for the folder that keeps embeddings. Columns in `named` are used whatever they hold.
    After `fit`: `kind` (the choice made), `columns` (those used, in order) and
    `columns_left_out` (name to reason).
    """

    def __init__(
        self,
        text: Sequence[str],
        kinds: dict[str, str],
        choice: str = "auto",
        seed: int = 0,
        choose: Callable[[], str] | None = None,
        cache: Callable[[], Path] | None = None,
        named: Sequence[str] = (),
    ) -> None:
        choice, _, embedding = choice.partition(":")
        if choice not in CHOICES or (embedding and "embedding" not in choice):
            choice += f":{embedding}" if embedding else ""
            hint = nearest(choice, CHOICES)
            raise UsageError(
                f"--features {choice!r} is not known{hint} (choices: {listing(CHOICES)})"
            )
        if choice == "auto" and not (text and choose):
            choice = "tfidf" if text else "columns"
        if choice != "columns" and not text:
            raise UsageError(f"--features {choice} needs a text column; name it with --text")
        self.kind = choice
        self.seed = seed
        self.cache = cache
        self._choose = choose
        self._named = frozenset(named)
        self._embedding = Embedding(embedding, self._folder) if "embedding" in choice else None
        self.columns_left_out: dict[str, str] = {}
        self._text = list(text) if choice != "columns" else []
        others = {n: k for n, k in kinds.items() if self.reads_columns and n not in text}
        self._nested = [name for name, kind in others.items() if kind == "nested"]
        self._candidates = {n: k for n, k in others.items() if k != "nested"}
        for name in self._named.intersection(self._nested):
            raise UsageError(
                f"--column {name}: it holds lists, structs or maps, which are no features; lists "
                f"of numbers, all of one length, are"
            )
        self._numbers: list[str] = []
        self._categories: list[str] = []
        self._vector_widths: dict[str, int] = {}
        self._parts: dict[str, Any] = {}
        self._width = 0

    @property
    def reads_columns(self) -> bool:
        """Whether columns beside the texts may be used."""
        return self.kind in ("columns", "mixed")

    @property
    def columns(self) -> list[str]:
        """The columns that the matrix is made of."""
        return [*self._text, *self._numbers, *self._categories, *self._vector_widths]

    @property
    def allowing(self) -> str:
        """What --features has to say for a saved model to load its embedding; empty: nothing."""
        name = self._embedding.name if self._embedding is not None else ""
        return f"embedding:{name}" if name and name not in PACKAGED else ""

    @property
    def needed(self) -> list[str]:
        """The columns that `fit` looks at."""
        return [*self._text, *self._candidates]

    @property
    def kinds(self) -> dict[str, str]:
        """The kind that each column of `needed` must be cast to before `fit`."""
        return {**dict.fromkeys(self._text, "text"), **self._candidates}

    def fit(self, table: "pa.Table") -> "Features":
        """Learn terms, ranks and categories from a typed table; on a seeded sample if it is long.

        Raises UsageError where no row or no usable column is there.
        """
        if table.num_rows == 0:
            raise UsageError("there are no rows to learn from")
        if self.kind == "auto":
            assert self._choose is not None
            self.kind = self._choose()
            self._embedding = Embedding("", self._folder) if "embedding" in self.kind else None
        if self._embedding is not None:
            self._embedding.require()
        if table.num_rows > FIT_ROWS:
            rng = np.random.default_rng(self.seed)
            table = table.take(np.sort(rng.choice(table.num_rows, FIT_ROWS, replace=False)))
        self._look_over(table)
        if not self.columns:
            left = "; ".join(f"{name}: {why}" for name, why in self.columns_left_out.items())
            raise UsageError(f"no column is left to learn from ({left or 'none was given'})")
        if self._reads_terms:
            self._parts["text"] = _fit_text(self._texts(table))
        if self._numbers:
            self._parts["numbers"] = _fit_numbers(self._floats(table), self.seed)
        if self._categories:
            self._parts["categories"] = _fit_categories(self._words(table))
        if self._vector_widths:
            self._parts["vectors"] = _fit_vectors(self._numbers_of_vectors(table))
        self._width = self.matrix(table.slice(0, 1)).shape[1]
        return self

    def matrix(self, data: "pa.Table | pa.RecordBatch") -> Matrix:
        """Return the features of each row of typed `data`: csr, or dense for narrow tables."""
        from scipy import sparse

        if data.num_rows == 0:  # scikit-learn refuses empty input
            is_dense = self._is_dense(self._width)
            return np.zeros((0, self._width)) if is_dense else sparse.csr_matrix((0, self._width))
        texts = self._texts(data) if self._text else []
        if self.kind == "embedding":
            vectors = self._vectors(texts)
            vectors *= EMBEDDING_LENGTH
            return vectors
        blocks = []
        if self._reads_terms:
            vectorizer = self._parts["text"]
            empty = sparse.csr_matrix((data.num_rows, 1))
            blocks.append(vectorizer.transform(texts) if vectorizer else empty)
        if self._embedding is not None:
            blocks.append(self._vectors(texts).astype(np.float64))
        weight = 1.0
        if self.kind == "mixed":  # as a row of TF-IDF, the other columns have length one together
            others = len(self._numbers) + len(self._categories) + len(self._vector_widths)
            weight = 1 / max(others, 1) ** 0.5
        if "numbers" in self._parts:
            blocks.append(weight * self._parts["numbers"].transform(self._floats(data)))
        if "categories" in self._parts:
            blocks.append(weight * self._parts["categories"].transform(self._words(data)))
        if "vectors" in self._parts:
            vectors = self._parts["vectors"].transform(self._numbers_of_vectors(data))
            length = 1.0 if self.kind == "mixed" else EMBEDDING_LENGTH
            blocks.append(weight * length / vectors.shape[1] ** 0.5 * vectors)
        if not self._is_dense(sum(block.shape[1] for block in blocks)):
            return sparse.hstack([sparse.csr_matrix(block) for block in blocks], format="csr")
        dense = [block.toarray() if sparse.issparse(block) else block for block in blocks]
        return np.hstack(dense)

    def _is_dense(self, width: int) -> bool:
        is_narrow = width <= WIDEST_DENSE or bool(self._vector_widths)
        return self.kind == "embedding" or (self.kind == "columns" and is_narrow)

    def parts(self, matrix: Matrix) -> list[Matrix]:
        """Return what of a matrix could stand alone: words (csr) and meaning (dense), where both.

        Empty where the matrix has no parts.
        """
        if self.kind != "tfidf+embedding":
            return []
        vectorizer = self._parts["text"]
        words = len(vectorizer.vocabulary_) if vectorizer else 1
        return [matrix[:, :words], matrix[:, words:].toarray() * EMBEDDING_LENGTH]

    def unseen(self, data: "pa.Table | pa.RecordBatch") -> dict[str, list[str]]:
        """Return the cells of categories that were not learned by name, of each such column."""
        if "categories" not in self._parts:
            return {}
        known = [set(words) | {""} for words in self._parts["categories"].words]
        cells = self._words(data).T.tolist()
        return {
            name: [cell for cell in column if cell not in words]
            for name, column, words in zip(self._categories, cells, known, strict=True)
        }

    def wordless(self, data: "pa.Table | pa.RecordBatch", matrix: Matrix) -> int:
        """Return how many rows have a text of which no word was learned.

        0 where anything else of a row is read.
        """
        if self.kind != "tfidf":
            return 0
        empty = np.flatnonzero(matrix.getnnz(axis=1) == 0)
        texts = self._texts(data) if len(empty) else []
        return sum(1 for row in empty if texts[row].strip())

    def describe(self) -> str:
        """Return what is used, for people: `TF-IDF of text (12,031 terms) · numbers rating`."""
        parts = []
        if self._reads_terms:
            vectorizer = self._parts.get("text")
            terms = len(vectorizer.vocabulary_) if vectorizer else 0
            parts.append(f"TF-IDF of {listing(self._text)} ({console.count(terms, 'terms')})")
        if self._embedding is not None:
            parts.append(f"embedding of {listing(self._text)} ({self._embedding.name})")
        if self._numbers:
            parts.append(f"numbers {listing(self._numbers)}")
        if self._categories:
            parts.append(f"categories {listing(self._categories)}")
        for name, width in self._vector_widths.items():
            parts.append(f"embedding in {name} ({console.count(width, 'numbers')})")
        return " · ".join(parts)

    def state(self) -> dict[str, Any]:
        """Return all that was learned, as plain values and scikit-learn objects."""
        own = {
            "kind": self.kind,
            "seed": self.seed,
            "text": self._text,
            "candidates": self._candidates,
            "numbers": self._numbers,
            "categories": self._categories,
            "vectors": self._vector_widths,
            "left_out": self.columns_left_out,
            "width": self._width,
            "embedding": self._embedding
            and {"name": self._embedding.name, "version": self._embedding.version},
        }
        return {"own": own, "parts": self._parts}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Features":
        """Return the features whose `state` was saved.

        Raises LabelkitError where their embedding is missing or not the same here.
        """
        own = state["own"]
        embedding = own.get("embedding") or {}
        choice = own["kind"] + (f":{embedding['name']}" if embedding else "")
        features = cls(own["text"], {}, choice, own["seed"])
        if features._embedding is not None:
            features._embedding.require()
            here = features._embedding.version
            if here != embedding["version"]:
                raise LabelkitError(
                    f"it was trained on the embedding {embedding['name']} of "
                    f"{embedding['version']}, here is {here}; train it again"
                )
        features._candidates = dict(own["candidates"])
        features._numbers = list(own["numbers"])
        features._categories = list(own["categories"])
        features._vector_widths = dict(own["vectors"])
        features.columns_left_out = dict(own["left_out"])
        features._width = own["width"]
        features._parts = dict(state["parts"])
        return features

    def used_kinds(self) -> dict[str, str]:
        """Return the kind that each used column must be cast to before `matrix`."""
        texts = dict.fromkeys(self._text, "text")
        return texts | {name: self._candidates[name] for name in self.columns if name not in texts}

    def column_kinds(self) -> dict[str, str]:
        """Return the kinds of the used columns that are not read as text."""
        names = [*self._numbers, *self._categories, *self._vector_widths]
        return {name: self._candidates[name] for name in names}

    @property
    def _reads_terms(self) -> bool:
        return self.kind in ("tfidf", "tfidf+embedding", "mixed")

    def _folder(self) -> Path | None:
        return self.cache() if self.cache is not None else None

    def _vectors(self, texts: list[str]) -> npt.NDArray[np.float32]:
        assert self._embedding is not None
        return self._embedding.vectors(texts)

    def _look_over(self, table: "pa.Table") -> None:
        self._numbers, self._categories, self._vector_widths = [], [], {}
        self.columns_left_out = dict.fromkeys(self._nested, "lists, structs or maps")
        for name, kind in self._candidates.items():
            reason = "" if name in self._named else _unfit(name, kind, table.column(name))
            if reason:
                self.columns_left_out[name] = reason
            elif kind == "vector":
                self._vector_widths[name] = matrix_of(name, table.column(name), None).shape[1]
            else:
                (self._categories if kind == "text" else self._numbers).append(name)

    def _texts(self, data: Any) -> list[str]:
        columns = [data.column(name).to_pylist() for name in self._text]
        if len(columns) == 1:
            return [cell or "" for cell in columns[0]]
        return ["\n".join(cell or "" for cell in row) for row in zip(*columns, strict=True)]

    def _floats(self, data: Any) -> Floats:
        columns = [_days_or_number(data.column(name)) for name in self._numbers]
        return np.column_stack(columns)

    def _numbers_of_vectors(self, data: Any) -> Floats:
        widths = self._vector_widths.items()
        return np.hstack([matrix_of(name, data.column(name), width) for name, width in widths])

    def _words(self, data: Any) -> npt.NDArray[Any]:
        words = np.empty((data.num_rows, len(self._categories)), dtype=object)
        for place, name in enumerate(self._categories):
            words[:, place] = [cell or "" for cell in data.column(name).to_pylist()]
        return words


def _days_or_number(column: Any) -> Floats:
    """Return the column as float64, NaN where empty, dates as days since 1970."""
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    is_date = pa.types.is_timestamp(column.type)
    if is_date:
        column = column.cast(pa.int64())
    values: Floats = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    # infinities stay the largest and the smallest
    return values / 86_400e6 if is_date else values.clip(-1e150, 1e150)


def _unfit(name: str, kind: str, column: Any) -> str:
    """Return why a column says nothing that carries over to other rows, or an empty string."""
    import pyarrow.compute as pc

    if _INDEX_NAME.fullmatch(name):
        return "the index of a pandas table"
    filled = column.drop_null()
    if kind == "text":
        filled = filled.filter(pc.not_equal(filled, ""))
    if len(filled) == 0:
        return "empty in every row"
    distinct = pc.count_distinct(filled).as_py()
    missing = len(filled) < len(column)
    if distinct == 1 and not missing:
        return "the same in every row"
    if kind == "text" and distinct > max(20, len(filled) / 2):
        return "almost a different value in each row"
    if kind in NUMBERS and distinct == len(filled) >= 20 and _counts_rows(name, filled):
        return "numbers the rows"
    return ""


def _counts_rows(name: str, filled: Any) -> bool:
    values = filled.to_numpy()
    if not np.all(values == np.floor(values)):
        return False
    rises = bool(np.all(np.diff(values) > 0))  # an index from which rows were dropped
    is_named_so = name.lower() in ("id", "index", "row") or name.lower().endswith("_id")
    return bool(is_named_so or rises or values.max() - values.min() + 1 == len(values))


def _fit_text(texts: list[str]) -> Any:
    """Return a fitted TfidfVectorizer, or None where the texts hold no word at all."""
    filled = sum(1 for text in texts if text)
    for cut in (cut_for(texts), "signs"):
        for min_df in (2, 1) if filled >= 200 else (1,):
            vectorizer = vectorizer_of(cut, min_df=min_df, max_features=MOST_TERMS)
            try:
                return vectorizer.fit(texts)
            except ValueError:  # scikit-learn's word for "no term is left"
                continue
    return None


def cut_for(texts: list[str]) -> str:
    """Return how to cut texts: words and pairs, or characters in scripts without spaces."""
    head = "".join(text[:200] for text in texts[:1000])
    unspaced = len(re.findall(f"[{_UNSPACED}]", head))
    return "characters" if unspaced > 0.3 * len(head) else "words"


def cut_of(vectorizer: Any) -> str:
    """Return the name in `CUTS` of how a vectorizer cuts texts."""
    own = vectorizer.get_params()
    return next(name for name, options in CUTS.items() if options.items() <= own.items())


def vectorizer_of(cut: str, **more: Any) -> Any:
    """Return an unfitted TfidfVectorizer that cuts texts in one of the ways of `CUTS`."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(**{"sublinear_tf": True, "ngram_range": (1, 2), **CUTS[cut], **more})


def _fit_numbers(values: Floats, seed: int) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    pipeline = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        QuantileTransformer(n_quantiles=min(100, len(values)), random_state=seed),
        StandardScaler(),
    )
    return pipeline.fit(values)


class Vectors:
    """Scales the numbers of vectors to mean 0 and variance 1; a missing one becomes the mean."""

    def __init__(self, means: Floats, scales: Floats) -> None:
        self.means, self.scales = means, scales

    def transform(self, values: Floats) -> Floats:
        """Return vectors, rows x numbers, scaled."""
        return np.nan_to_num((values - self.means) / self.scales, copy=False)


def _fit_vectors(values: Floats) -> Vectors:
    known = ~np.isnan(values)
    rows = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, values, 0).sum(axis=0) / rows
    spread = np.sqrt((np.where(known, values - means, 0) ** 2).sum(axis=0) / rows)
    return Vectors(means, np.where(spread > 0, spread, 1.0))


class Categories:
    """One column for each frequent word of each table column, and one for all its other words.

    `words` are the frequent ones of each table column; `rest` says whether it has a column for the
    others. Without one, another word is zero in all columns.
    """

    def __init__(self, words: Sequence[Sequence[str]], rest: Sequence[bool]) -> None:
        self.words, self.rest = [list(some) for some in words], list(rest)
        self.width = 0
        self._places: list[tuple[dict[str, int], int]] = []
        for some, has_rest in zip(self.words, self.rest, strict=True):
            places = {word: self.width + place for place, word in enumerate(some)}
            self.width += len(some) + has_rest
            self._places.append((places, self.width - 1 if has_rest else -1))

    def transform(self, cells: npt.NDArray[Any]) -> Any:
        """Return the csr matrix of `cells`, rows x table columns."""
        from scipy import sparse

        found = np.empty(cells.shape, dtype=np.int64)
        for column, (places, other) in enumerate(self._places):
            found[:, column] = [places.get(cell, other) for cell in cells[:, column]]
        known = found >= 0
        starts = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
        ones = np.ones(int(starts[-1]))
        return sparse.csr_matrix((ones, found[known], starts), shape=(len(cells), self.width))


def _fit_categories(words: npt.NDArray[Any]) -> Categories:
    from sklearn.preprocessing import OneHotEncoder

    rare = max(1, min(5, len(words) // 20))
    encoder = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=rare, max_categories=MOST_CATEGORIES
    ).fit(words)
    others = [set() if some is None else set(some) for some in encoder.infrequent_categories_]
    frequent = [
        [word for word in known if word not in rest]
        for known, rest in zip(encoder.categories_, others, strict=True)
    ]
    return Categories(frequent, [bool(rest) for rest in others])
