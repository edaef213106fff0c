"""How likely each label is wrong, from probabilities of models that learned from the same labels.

A model that learns from labels with errors says how a row would be *labelled*. What the row truly
*is* lies behind it: P(label | row) = sum over classes t of P(label | t) P(t | row). Here P(t | row)
is the softmax of the model's log-probabilities, scaled and shifted, and P(label | t) a matrix of
mistakes; both are fitted together to the labels that were given. The idea is forward correction
(Patrini et al., CVPR 2017) with the matrix learned too, as in latent class models (Dawid and Skene
1979); that errors are rare and happen at like rates is a weak prior. A weak model's own mistakes
are then not taken for errors of the labels, and mistakes that hit one class alone are seen.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.stats.blocks import number_type, row_blocks
from labelkit.stats.sampling import some_rows

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Views = npt.NDArray[np.floating[Any]]

FIT_ROWS, FEWEST_FIT_ROWS = 20_000, 5_000
FIT_CELLS = 5_000_000  # rows x classes
CELLS_NEAR = 100_000  # fit into a processor's own memory
MOST_CLASSES = 60  # with more, all pairs of classes are confused at one rate
MOST_EXACT = 10  # classes; with more, the interval leaves single pairs of classes where they are
DRAWS = 200
FLOOR = 1e-4  # probabilities below say no more than this
SURE_AND_WRONG = 0.01  # of the rows, at most: there the views are mistaken beyond doubt

# Prior, as means and deviations of normal distributions (of logarithms, where positive).
# The first is of the strength: of probabilities made anywhere, and of the mean of several views,
# which is too unsure of itself by much the same factor (2.0 to 3.3) wherever the truth is known.
ANY = (0.5, 1.0)
OF_VIEWS = (0.88, 0.2)
_LEAN = (0.0, 0.3)  # towards single views, beside the strength of their mean
_SHIFT = (0.0, 1.0)
_RATE = (0.1, 1.5)  # of errors: its odds are within a factor of 4.5 of 1 in 10 in two of three
_PAIR = (0.0, 1.0)
_STARTS = (0.02, 0.1, 0.25)


class Mixture(NamedTuple):
    """What was fitted.

    `odds` are the log odds of each error against the right label, k x k without the diagonal;
    a single number, where all pairs of classes are confused at one rate.
    """

    strength: float
    shift: Floats
    odds: Floats

    @property
    def transition(self) -> Floats:
        """Return P(given g | truly t) at [t, g]."""
        k = len(self.shift)
        odds = np.zeros((k, k))
        odds[~np.eye(k, dtype=bool)] = self.odds
        return _softmax(odds)

    @property
    def rates(self) -> tuple[float, float]:
        """Return P(given as it truly is), and P of each other class, where all are alike."""
        wrong = float(np.exp(self.odds[0]))
        right = 1 / (1 + (len(self.shift) - 1) * wrong)
        return right, wrong * right

    def times(self, true: Floats, given: Codes) -> Floats:
        """Return P(given label and true class | row) for probabilities of the true class."""
        if len(self.odds) > 1:
            return np.asarray(true * self.transition[:, given].T)
        right, wrong = self.rates
        joint, rows = true * wrong, np.arange(len(given))
        joint[rows, given] = true[rows, given] * right
        return joint

    def truth(self, given: Codes, probabilities: Views) -> Floats:
        """Return P(true class | row and its given label), rows x classes."""
        found = np.empty(probabilities.shape, number_type(*probabilities.shape))
        for part in row_blocks(*probabilities.shape):
            found[part] = self._truth(given[part], _logs(probabilities[part]))
        return found

    def joint(self, given: Codes, probabilities: Views) -> Floats:
        """Return how many rows of each given class are likely of each true one, k x k."""
        from scipy import sparse

        n, k = probabilities.shape
        of_given = sparse.csr_matrix((np.ones(n), (np.arange(n), given)), (n, k))
        found = np.zeros((k, k))
        for part in row_blocks(n, k):
            found += of_given[part].T @ self._truth(given[part], _logs(probabilities[part]))
        return found

    def right(self, given: Codes, probabilities: Views) -> Floats:
        """Return P(the given label is true | row) of each row."""
        found = np.empty(len(given))
        for part in row_blocks(*probabilities.shape):
            found[part] = self.right_by_logs(given[part], _logs(probabilities[part]))
        return found

    def right_by_logs(self, given: Codes, logs: Floats) -> Floats:
        """Return the same for logarithms of probabilities, from which their mean is taken off."""
        found = np.empty(len(given))
        for part in _small_blocks(*logs.shape):
            truth = self._truth(given[part], logs[part])
            found[part] = truth[np.arange(len(truth)), given[part]]
        return found

    def _truth(self, given: Codes, logs: Floats) -> Floats:
        true = _softmax(self.strength * logs + self.shift)
        joint = self.times(true, given)
        joint /= np.maximum(joint.sum(axis=1, keepdims=True), 1e-300)
        return joint


class Fitted(NamedTuple):
    """The likeliest mixture, and draws of others that the labels allow as well."""

    best: Mixture
    others: list[Mixture]


def fit(
    given: Codes,
    probabilities: Floats,
    draws: int = DRAWS,
    strength: tuple[float, float] = ANY,
) -> Fitted:
    """Return the mixture for labels and probabilities of models that did not see the rows.

    `strength` is what is known of its logarithm before: `ANY` or `OF_VIEWS`. Of many rows a sample
    is fitted, always the same. `others` come from the normal distribution around the best
    (Laplace's approximation).
    """
    rows = _some(*probabilities.shape)
    problem = _Problem(np.asarray(given)[rows], [_logs(probabilities[rows])], strength)
    best = problem.solve()
    if not draws:
        return Fitted(problem.mixture(best), [])
    rng = np.random.default_rng(11)
    around = problem.around(best, draws, rng)
    return Fitted(problem.mixture(best), [problem.mixture(each) for each in around])


def blend(given: Codes, views: Sequence[Views]) -> Floats:
    """Return one opinion of several views, rows x classes, none of which saw the rows.

    Their mean, leaning to the views that help to tell the labels once mistakes in these are
    allowed for.
    """
    rows = _some(*views[0].shape)
    features = _features([view[rows] for view in views])
    problem = _Problem(np.asarray(given)[rows], features, OF_VIEWS)
    best = problem.solve()
    lean = best[1 : len(views) + 1] / np.exp(best[0])
    found = np.empty(views[0].shape, number_type(*views[0].shape))
    for part in row_blocks(*found.shape):
        mean, *apart = _features([view[part] for view in views])
        found[part] = _softmax(mean + np.tensordot(lean, np.stack(apart), 1))
    return found


def _features(views: Sequence[Views]) -> list[Floats]:
    """Return the logarithms of the mean, and how far those of each view are from their mean."""
    own = [_logs(np.asarray(view, dtype=np.float64)) for view in views]
    middle = np.mean(own, axis=0)
    mean = _logs(np.mean(views, axis=0, dtype=np.float64))
    return [mean, *(each - middle for each in own)]


def count_interval(
    fitted: Fitted, given: Codes, probabilities: Floats, share: float = 0.9
) -> tuple[float, float]:
    """Return the interval that holds the number of wrong labels with probability `share`.

    It reaches down for the rows on which the views are surely wrong: the labels cannot tell how
    many of up to one in a hundred are counted as errors.
    """
    rows = _some(*probabilities.shape)
    scale = len(given) / len(rows)
    codes, logs = np.asarray(given)[rows], _logs(probabilities[rows])
    rng = np.random.default_rng(12)
    drawn = []
    for mixture in fitted.others:
        right = mixture.right_by_logs(codes, logs)
        spread = float((right * (1 - right)).sum() * scale) ** 0.5
        drawn.append(float((1 - right).sum()) * scale + spread * rng.standard_normal())
    mistaken = SURE_AND_WRONG * rng.random(len(drawn)) * len(given)
    low = np.quantile(np.array(drawn) - mistaken, (1 - share) / 2)
    high = np.quantile(drawn, (1 + share) / 2)
    return max(0.0, float(low)), min(float(len(given)), float(high))


def most_f1(quality: Floats) -> npt.NDArray[np.bool_]:
    """Return which labels to flag so that the expected F1 of the flags is highest."""
    wrong = 1.0 - quality
    order = np.argsort(-wrong, kind="stable")
    hits = np.cumsum(wrong[order])
    f1 = 2 * hits / (np.arange(1, len(wrong) + 1) + hits[-1])
    flag = np.zeros(len(wrong), dtype=bool)
    flag[order[: int(f1.argmax()) + 1]] = True
    return flag


class _Problem:
    """The posterior of the parameters, as one vector.

    In order: log strength of the first feature (rows x k), the leanings to the others, k shifts,
    the log odds of an error, k(k-1) deviations of pairs (none for very many classes).
    """

    def __init__(
        self, given: Codes, features: Sequence[Floats], strength: tuple[float, float]
    ) -> None:
        self.k, others = features[0].shape[1], len(features) - 1
        self.parts = [
            (given[part], np.stack([each[part] for each in features]))
            for part in _small_blocks(len(given), self.k)
        ]
        self.off = ~np.eye(self.k, dtype=bool)
        pairs = self.k * (self.k - 1) if self.k <= MOST_CLASSES else 0
        rate = np.log(_RATE[0] / (1 - _RATE[0]) / (self.k - 1))
        parts = [(*strength, 1), (*_LEAN, others), (*_SHIFT, self.k), (rate, _RATE[1], 1),
                 (*_PAIR, pairs)]  # fmt: skip
        self.mean = np.concatenate([np.full(n, mean) for mean, _, n in parts])
        self.deviation = np.concatenate([np.full(n, deviation) for _, deviation, n in parts])
        self.shifts = slice(others + 1, others + 1 + self.k)
        self.rate = self.shifts.stop

    def mixture(self, vector: Floats) -> Mixture:
        pairs = vector[self.rate + 1 :]
        odds = vector[self.rate] + pairs if len(pairs) else vector[[self.rate]]
        return Mixture(float(np.exp(vector[0])), vector[self.shifts], odds)

    def loss(self, vector: Floats) -> tuple[float, Floats]:
        """Return the negative log posterior and its gradient."""
        mixture, k = self.mixture(vector), self.k
        pairs = len(mixture.odds) > 1
        weights = np.array([mixture.strength, *vector[1 : self.shifts.start]])
        likely, slopes, shifted = 0.0, np.zeros(len(weights)), np.zeros(k)
        counts, errors, rows = np.zeros((k, k)), 0.0, 0
        for given, features in self.parts:
            true = _softmax(np.tensordot(weights, features, 1) + mixture.shift)
            joint = mixture.times(true, given)
            label = np.maximum(joint.sum(axis=1), 1e-300)
            joint /= label[:, None]
            likely += float(np.log(label).sum())
            rows += len(given)
            if pairs:
                counts += joint.T @ np.eye(k)[given]
            else:
                errors += len(given) - joint[np.arange(len(given)), given].sum()
            joint -= true
            slopes += features.reshape(len(weights), -1) @ joint.ravel()
            shifted += joint.sum(axis=0)
        if pairs:
            turned = (counts - counts.sum(axis=1, keepdims=True) * mixture.transition)[self.off]
        else:
            turned = np.array([errors - rows * (1 - mixture.rates[0])])
        slopes[0] *= mixture.strength
        gradient = [slopes, shifted, turned.sum(keepdims=True), *([turned] if pairs else [])]
        away = (vector - self.mean) / self.deviation
        value = 0.5 * float(away @ away) - likely
        return value, away / self.deviation - np.concatenate(gradient)

    def solve(self) -> Floats:
        """Return the best vector over a few starts: there may be more than one hill."""
        from scipy.optimize import minimize

        best: Any = None
        for rate in _STARTS:
            start = self.mean.copy()
            start[self.rate] = np.log(rate / (1 - rate) / (self.k - 1))
            found = minimize(
                self.loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}
            )
            if best is None or found.fun < best.fun - 1e-6:
                best = found
        return np.asarray(best.x)

    def around(self, best: Floats, draws: int, rng: np.random.Generator) -> list[Floats]:
        """Return vectors drawn around the best."""
        free = np.arange(len(best) if self.k <= MOST_EXACT else self.rate + 1)
        if self.k > MOST_CLASSES:  # the shifts of single classes stay as they are, too
            free = np.delete(free, np.r_[self.shifts])
        curvature = np.empty((len(free), len(free)))
        step = 1e-4
        for row, place in enumerate(free):
            moved = np.zeros(len(best))
            moved[place] = step
            slope = self.loss(best + moved)[1] - self.loss(best - moved)[1]
            curvature[row] = slope[free] / (2 * step)
        values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
        spread = vectors / np.sqrt(np.maximum(values, self.deviation.max() ** -2))
        found = np.tile(best, (draws, 1))
        found[:, free] += rng.standard_normal((draws, len(free))) @ spread.T
        return list(found)


def _small_blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield the rows in blocks that a processor holds near itself, for work that is repeated."""
    size = max(1, CELLS_NEAR // width)
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def _some(n: int, classes: int) -> npt.NDArray[np.int64]:
    most = int(np.clip(FIT_CELLS // classes, FEWEST_FIT_ROWS, FIT_ROWS))
    return some_rows(np.arange(n), most, np.random.default_rng(10))


def _logs(probabilities: Views) -> Floats:
    logs = np.log(np.clip(probabilities, FLOOR, 1.0, dtype=np.float64))
    logs -= logs.mean(axis=1, keepdims=True)
    return np.asarray(logs)


def _softmax(values: Floats) -> Floats:
    raised = values - values.max(axis=1, keepdims=True)
    np.exp(raised, out=raised)
    raised /= raised.sum(axis=1, keepdims=True)
    return np.asarray(raised)
