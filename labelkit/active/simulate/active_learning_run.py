"""One simulated run: a strategy asks, the known labels answer, held-out rows judge each round."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.active import selection
from labelkit.active.pool import Pool
from labelkit.active.scoring import strategy_scores
from labelkit.active.selection import balanced
from labelkit.ml import classifier
from labelkit.stats import metrics

Codes = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]

TEST_SHARE = 0.3
MOST_TESTED = 2_000
GROWTH = 1.5  # models are compared anew when the labels have grown so much


class World(NamedTuple):
    """What is alike for all runs: the rows as models see them, and their true labels.

    `copies` is a number a row, the same for duplicates; `groups` stay on one side of the
    split; `scores` are those of strategies that read a column; `tables` names the matrices that
    are made of columns, not of texts.
    """

    matrices: dict[str, Any]
    codes: Codes
    classes: list[str]
    copies: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]
    scores: dict[str, npt.NDArray[np.float64]]
    classifier: str
    step: int  # labels between two points of a curve
    seed: int
    tables: frozenset[str] = frozenset()
    balance: bool = False


class Run(NamedTuple):
    """One run: who asks, by what features, how many rows a round, with which seed, how far."""

    strategy: str
    features: str
    per_round: int
    number: int  # the seed's
    labels: int


class Curve(NamedTuple):
    """What a run found at each point: labels so far, accuracy and macro-F1 on held-out rows."""

    run: Run
    labels: list[int]
    accuracy: list[float]
    macro_f1: list[float]


def split(world: World, number: int) -> tuple[Rows, Rows]:
    """Return the rows to ask, no two of them duplicates, and the held-out ones, by the seed."""
    rng = np.random.default_rng([world.seed, number, 1])
    rows = len(world.codes)
    names, of_row = np.unique(world.groups, return_inverse=True)
    place = rng.permutation(len(names))[of_row]
    order = np.argsort(place, kind="stable")
    wanted = min(MOST_TESTED, max(1, int(TEST_SHARE * rows)))
    last = place[order[wanted - 1]]
    test = np.flatnonzero(place <= last)
    pool = rng.permutation(np.flatnonzero(place > last))
    _, first = np.unique(world.copies[pool], return_index=True)
    return np.sort(pool[first]), test


def playing_in(world: World) -> Callable[[Run], Curve]:
    """Return the function that plays one run."""
    return lambda run: _Game(world, run).play()


class _Game:
    """The state of one run: what was asked so far, and the model of it."""

    def __init__(self, world: World, run: Run) -> None:
        self.world, self.run = world, run
        self.matrix = world.matrices[run.features]
        self.free, self.test = split(world, run.number)
        self.asked = np.zeros(0, dtype=np.int64)
        self.recipe: classifier.Recipe | None = None
        self.compared_at = 0
        self.model: Any = None
        self.learns = strategy_scores.asks_a_model(run.strategy)

    def play(self) -> Curve:
        curve = Curve(self.run, [], [], [])
        while len(self.asked) < self.run.labels:
            picks = self._pick(min(self.run.per_round, self.run.labels - len(self.asked)))
            self.asked = np.append(self.asked, picks)
            self.free = np.setdiff1d(self.free, picks)
            is_point = len(self.asked) % self.world.step == 0
            if is_point or self.learns:
                self.model = self._fitted()
            if is_point:
                accuracy, macro_f1 = self._judged()
                curve.labels.append(len(self.asked))
                curve.accuracy.append(accuracy)
                curve.macro_f1.append(macro_f1)
        return curve

    def _pick(self, n: int) -> Rows:
        """Return the rows to ask next, as `query` would pick them."""
        run, features, guesses = self.run, self.matrix[self.free], None
        key = [self.world.seed, run.number, len(self.asked)]
        rng = np.random.default_rng([*key, 3])
        if run.strategy in self.world.scores:
            scores = self.world.scores[run.strategy][self.free]
        else:
            pool = self._pool(features)
            scores = strategy_scores.by_name(
                strategy_scores.at_work(run.strategy, pool), pool, n, rng
            )
            guesses = None if pool.probabilities is None else pool.probabilities.argmax(axis=1)
        order = selection.in_order(scores, np.random.default_rng([*key, 5]))
        if self.world.balance and guesses is not None:
            labels = np.bincount(self.world.codes[self.asked], minlength=len(self.world.classes))
            order = balanced(order, guesses, labels)
        is_table = run.features in self.world.tables
        places = selection.first_different(order, features, n, features[:0], is_table)
        if len(places) < n:  # only near repeats are left
            places = np.append(places, np.setdiff1d(order, places)[: n - len(places)])
        return self.free[places]

    def _pool(self, features: Any) -> Pool:
        k = len(self.world.classes)
        known = self.model is not None and self.learns
        found = classifier.probabilities(self.model, features, k) if known else None
        labelled = self.matrix[self.asked].astype(np.float64)
        codes = self.world.codes[self.asked]
        model = self.model if known else None
        return Pool(features, found, labelled, codes, model, self.world.classes, {})

    def _fitted(self) -> Any:
        """Return the model of the labels so far, None where they are all of one class."""
        codes = self.world.codes[self.asked]
        if len(np.unique(codes)) < 2:
            return None
        matrix = self.matrix[self.asked].astype(np.float64)
        if self.recipe is None or len(codes) >= GROWTH * self.compared_at:
            self.recipe, _ = classifier.select(
                matrix,
                codes,
                len(self.world.classes),
                self.world.classifier,
                self.world.seed,
                groups=self.world.groups[self.asked],
            )
            self.compared_at = len(codes)
        return classifier.fit(matrix, codes, self.recipe, self.world.seed)

    def _judged(self) -> tuple[float, float]:
        k, truth = len(self.world.classes), self.world.codes[self.test]
        if self.model is None:
            given = np.full(len(truth), self.world.codes[self.asked[0]])
        else:
            found = classifier.probabilities(self.model, self.matrix[self.test], k)
            given = found.argmax(axis=1)
        f1 = float(metrics.macro_f1(metrics.confusion(truth, given, k)))
        return float((truth == given).mean()), f1
