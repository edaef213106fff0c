"""Different looks at the same rows, each a model of its own that judges out of fold.

Texts: a logistic regression on TF-IDF (`words`), naive Bayes on it (`word counts`), and, where a
sentence embedding is at hand, a logistic regression on it (`meaning`) and its nearest rows
(`neighbours`). Other columns: logistic regression (`columns`), histogram boosting (`trees`) and
nearest rows (`neighbours`, where there is no embedding). They err on different rows, so their mean
ranks better than the best of them.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.ml import classifier
from labelkit.noise.checks import neighbours
from labelkit.noise.checks.neighbours import Nearest
from labelkit.stats.blocks import number_type, row_blocks

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Judge = Callable[["Labels"], Iterator[tuple[Any, Floats]]]

MOST_TREES = 30  # classes: each is a forest of its own
PRIOR_COUNT = 0.5  # of each word in each class, for naive Bayes
WORDS_STRENGTH, MEANING_STRENGTH = 3.0, 0.2  # C: stronger shrinkage than for clean labels


class Labels(NamedTuple):
    """What views learn from: class codes, the weight of each row, the fold it is judged in."""

    codes: Codes
    weights: Floats
    folds: Codes
    n_classes: int


class View(NamedTuple):
    """`judge` yields some rows and their out-of-fold probabilities, until all rows are through."""

    name: str
    judge: Judge


def of_words(matrix: Any, seed: int) -> list[View]:
    """Return the views of a TF-IDF matrix."""
    recipe = classifier.Recipe("logistic", WORDS_STRENGTH)
    return [
        View("words", lambda labels: _out_of_fold(_learner(recipe, seed), matrix, labels)),
        View("word counts", lambda labels: _out_of_fold(_naive_bayes, matrix, labels)),
    ]


def of_meaning(vectors: Any, seed: int) -> View:
    """Return the view of sentence embeddings."""
    recipe = classifier.Recipe("logistic", MEANING_STRENGTH)
    return View("meaning", lambda labels: _out_of_fold(_learner(recipe, seed), vectors, labels))


def of_columns(matrix: Any, n_classes: int, seed: int) -> list[View]:
    """Return the views of columns that are no texts, their nearest rows aside."""
    curved = matrix.shape[1] < classifier.WIDE and not hasattr(matrix, "tocsr")
    recipe = classifier.Recipe("logistic", 1.0, splines=curved and _bends(matrix))
    found = [View("columns", lambda labels: _out_of_fold(_learner(recipe, seed), matrix, labels))]
    if matrix.shape[1] < classifier.WIDE and n_classes <= MOST_TREES:
        trees = _learner(classifier.Recipe("boosting"), seed)
        found.append(View("trees", lambda labels: _out_of_fold(trees, matrix, labels)))
    return found


def of_model(matrix: Any, recipe: classifier.Recipe, seed: int) -> View:
    """Return a single model as the only view."""
    return View(str(recipe), lambda labels: _out_of_fold(_learner(recipe, seed), matrix, labels))


def of_neighbours(nearest: Nearest) -> View:
    """Return the view of the nearest rows; a row never votes on itself or on its group."""

    def judge(labels: Labels) -> Iterator[tuple[Any, Floats]]:
        return nearest.votes(labels.codes, labels.weights, labels.n_classes)

    return View("neighbours", judge)


def find_neighbours(matrix: Any, is_text: bool, groups: Codes, seed: int) -> Nearest:
    """Return the nearest rows of a matrix, of texts by cosine, sparse ones in 100 dimensions."""
    from sklearn.preprocessing import normalize

    is_ours = hasattr(matrix, "tocsr")
    if is_ours:
        from sklearn.decomposition import TruncatedSVD

        width = max(1, min(100, matrix.shape[1] - 1))
        matrix = TruncatedSVD(width, random_state=seed).fit_transform(matrix)
    if is_text:
        matrix = normalize(matrix, copy=not is_ours)
    # The wider numbers go before the distances come: of many rows both are large.
    matrix = np.asarray(matrix, dtype=np.float32)
    return neighbours.find(matrix, groups, seed)


def _bends(matrix: Any) -> bool:
    return any(len(np.unique(column)) > 8 for column in matrix.T)


_Learner = Callable[[Any, Codes, Floats, Any, int], Floats]


def _learner(recipe: classifier.Recipe, seed: int) -> _Learner:
    def learn(matrix: Any, codes: Codes, weights: Floats, held: Any, k: int) -> Floats:
        model = classifier.fit(matrix, codes, recipe, seed, weights)
        return classifier.probabilities(model, held, k)

    return learn


def _naive_bayes(matrix: Any, codes: Codes, weights: Floats, held: Any, k: int) -> Floats:
    """Return what multinomial naive Bayes says, from the words that occur with each class alone."""
    from scipy import sparse
    from scipy.special import log_softmax

    matrix, held = sparse.csr_matrix(matrix), sparse.csr_matrix(held)
    of_class = sparse.csr_matrix((weights, (codes, np.arange(len(codes)))), (k, len(codes)))
    counts = (of_class @ matrix).tocsr()
    sizes = np.asarray(counts.sum(axis=1)).ravel() + PRIOR_COUNT * matrix.shape[1]
    prior = np.bincount(codes, weights, k)
    counts.data = np.log1p(counts.data / PRIOR_COUNT)  # how far a word is beyond one unseen
    lead, length = counts.T.tocsr(), np.asarray(held.sum(axis=1)).ravel()
    with np.errstate(divide="ignore"):
        prior = np.log(prior / prior.sum())
    found = np.empty((held.shape[0], k), number_type(held.shape[0], k))
    for part in row_blocks(*found.shape):
        scores = (held[part] @ lead).toarray() - length[part, None] * np.log(sizes) + prior
        found[part] = np.exp(log_softmax(scores, axis=1))
    return found


def _out_of_fold(
    learn: _Learner, matrix: Any, labels: Labels
) -> Iterator[tuple[npt.NDArray[np.int64], Floats]]:
    k = labels.n_classes
    for number in np.unique(labels.folds):
        inside = labels.folds == number
        held, rest = np.flatnonzero(inside), np.flatnonzero(~inside)
        if not len(rest):
            shares = np.bincount(labels.codes, minlength=k) / len(held)
            yield held, np.tile(shares, (len(held), 1))
            continue
        yield held, learn(matrix[rest], labels.codes[rest], labels.weights[rest], matrix[held], k)
