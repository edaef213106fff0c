"""Learns in the background from what a person has said, and ranks the rows still to be asked."""

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.annotate.active.stopping_monitor import Moment, Watch
from labelkit.annotate.rows import Deck
from labelkit.config import plugins
from labelkit.job import model_features
from labelkit.ml import classifier
from labelkit.stats import pick_reasons
from labelkit.stats.ties import likeliest

if TYPE_CHECKING:
    from labelkit.job.job import Job
    from labelkit.ml.features import Features

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

PICKS = 10  # rows that a strategy chooses together; the others follow by their score
CHUNK = 8_192
EMBEDDED = 512  # texts at a time: whoever leaves waits for no more than these
GROWTH = 1.5  # models are compared anew when the labels have grown so much
MACHINE_ROWS, MACHINE_WEIGHT = 5_000, 50.0  # a machine's labels count as 50 of a person's at most


NEED_NO_MODEL = ("default", "coverage", "random")

NO_ANSWERS: Mapping[int, int] = MappingProxyType({})


class Seen(NamedTuple):
    """What a strategy sees: the rows that may be asked, and what was learned so far."""

    features: Any
    probabilities: Floats | None
    labelled: Any
    codes: npt.NDArray[np.int64]
    estimator: Any
    classes: list[str]
    reasons: dict[int, str]


class Ranking(NamedTuple):
    """Rows in the order in which to ask them, why, and what each row of the file probably is.

    `codes` and `confidence` are those of all rows of the file, -1 where nothing is supposed.
    """

    rows: Rows
    reasons: dict[int, str]
    codes: Rows
    confidence: Floats
    labels: int  # how many of the person's labels it knows


class Told(NamedTuple):
    """What is known before the session: a code for each row, by people and by machines (-1: none).

    `barred` rows are never learned from and never picked: the audit, and copies of its rows.
    """

    people: npt.NDArray[np.int64]
    machine: npt.NDArray[np.int64]
    barred: npt.NDArray[np.bool_]


class _Left(Exception):
    """The person has left; nothing more is learned."""


class Learner:
    """A thread that ranks the rows anew whenever it is told of answers; the newest count.

    `ranking` is the last one, None before the first; `failure` is what stopped the thread;
    `watch` sees each model.
    """

    def __init__(
        self, job: "Job", deck: Deck, classes: list[str], told: Told, name: str, watch: Watch
    ) -> None:
        self._job, self._deck, self._classes, self.told = job, deck, classes, told
        self.watch = watch
        self._name = name
        self._strategy = plugins.load("strategy", name)
        self._asks_a_model = name in plugins.names("strategy") and name not in NEED_NO_MODEL
        self.ranking: Ranking | None = None
        self.failure: Exception | None = None
        self._given: dict[int, int] | None = None
        self._audits: dict[int, int] = {}
        self._matrix: Any = None
        self._recipe: classifier.Recipe | None = None
        self._compared_at = 0
        self._wake, self._idle = threading.Event(), threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self, given: Mapping[int, int], audits: Mapping[int, int] = NO_ANSWERS) -> None:
        """Begin with the answers of earlier sessions."""
        self.tell(given, audits)
        self._thread.start()

    def tell(self, given: Mapping[int, int], audits: Mapping[int, int] = NO_ANSWERS) -> None:
        """Rank anew by these answers, row to code; those to audit rows only judge the model."""
        self._given, self._audits = dict(given), dict(audits)
        self._idle.clear()
        self._wake.set()

    def wait(self) -> None:
        """Wait until the ranking knows all that was told, or the thread has ended."""
        while not self._idle.wait(0.5) and self._thread.is_alive():
            pass

    def stop(self) -> None:
        """End the thread, once what it is at is done."""
        self._stopped = True
        self._wake.set()
        self._thread.join()

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            given = self._given
            if self._stopped or given is None:
                break
            try:
                with console.unseen():
                    self.ranking = self._rank(given)
            except _Left:
                break
            except Exception as error:  # the person goes on, and is told
                self.failure = error
                break
            if not self._wake.is_set():
                self._idle.set()
        self._idle.set()

    def _features(self) -> Any:
        """Return the features of all rows, made once, piece by piece so that keys come through."""
        if self._matrix is None:
            from scipy import sparse

            features = self._unfitted()
            data = self._job.source.read_as(features.kinds)
            features.fit(data)
            size = CHUNK if "embedding" not in features.kind else EMBEDDED
            parts = []
            for start in range(0, max(data.num_rows, 1), size):
                if self._stopped:
                    raise _Left
                parts.append(features.matrix(data.slice(start, size)).astype(np.float32))
            is_sparse = sparse.issparse(parts[0])
            self._matrix = sparse.vstack(parts, format="csr") if is_sparse else np.vstack(parts)
        return self._matrix

    def _unfitted(self) -> "Features":
        """Return the features, chosen by how many labels the file comes with."""
        known = max((self.told.people >= 0).sum(), (self.told.machine >= 0).sum())
        return model_features.for_labels(self._job, int(known))

    def _rank(self, given: dict[int, int]) -> Ranking:
        matrix = self._features()
        rows, codes, weights = self._to_learn(given)
        eligible = self._eligible(given)
        seen = Seen(
            matrix[eligible], None, matrix[rows].astype(np.float64), codes, None, self._classes, {}
        )
        if len(np.unique(codes)) > 1:
            seen = self._modelled(seen, weights)
        guesses = _guesses(seen, eligible, self._deck.rows)
        if seen.estimator is not None:
            people = int((self._people(given)[rows] >= 0).sum())
            self._watch(seen, guesses[0], people)
        scores = np.zeros(len(eligible))
        rng = np.random.default_rng([self._job.seed, 3, len(given)])
        if len(eligible):
            strategy = self._strategy
            if self._asks_a_model and seen.probabilities is None:
                strategy = plugins.load("strategy", "coverage")
            scores = np.asarray(strategy(seen, min(PICKS, len(eligible)), rng), np.float64)
        order = np.lexsort((rng.random(len(scores)), -scores))
        return Ranking(
            eligible[order],
            {
                int(eligible[at]): _reason(seen, int(at), self._name, float(scores[at]))
                for at in order[: 5 * PICKS]
            },
            *guesses,
            len(given),
        )

    def _watch(self, seen: Seen, codes: Rows, people: int) -> None:
        """Have the model watched, judged by the audit rows that the person labelled."""
        assert self._recipe is not None
        audits = dict(self._audits)
        rows, k = np.array(list(audits), dtype=np.int64), len(self._classes)
        said = classifier.probabilities(seen.estimator, self._matrix[rows], k).argmax(axis=1)
        assert seen.probabilities is not None
        self.watch.look(
            Moment(
                labels=people,
                weighed=people < len(seen.codes),
                features=seen.features,
                probabilities=seen.probabilities,
                codes=codes,
                said=said,
                truth=np.array(list(audits.values()), dtype=np.int64),
                labelled=seen.labelled,
                learned=seen.codes,
                recipe=self._recipe,
            )
        )

    def _to_learn(self, given: dict[int, int]) -> tuple[Rows, Rows, Floats]:
        """Return the rows to learn from, their codes and weights: people's, then machines'."""
        codes = self._people(given)
        people = np.flatnonzero(codes >= 0)
        machine = np.flatnonzero((codes < 0) & (self.told.machine >= 0) & ~self.told.barred)
        if len(machine) > MACHINE_ROWS:
            rng = np.random.default_rng([self._job.seed, 4])
            machine = np.sort(rng.choice(machine, MACHINE_ROWS, replace=False))
        share = min(1.0, MACHINE_WEIGHT / max(len(machine), 1))
        weights = np.concatenate([np.ones(len(people)), np.full(len(machine), share)])
        found = np.concatenate([codes[people], self.told.machine[machine]])
        return np.concatenate([people, machine]), found, weights

    def _people(self, given: dict[int, int]) -> Rows:
        """Return the code of each row that people labelled and may be learned from, else -1."""
        codes = self.told.people.copy()
        codes[list(given)] = list(given.values())
        codes[self.told.barred] = -1
        return codes

    def _eligible(self, given: dict[int, int]) -> Rows:
        """Return the rows that may be asked, one of those that look the same."""
        free = (self.told.people < 0) & ~self.told.barred
        free[list(given)] = False
        known = self._deck.kinds[list(given)]
        free &= ~np.isin(self._deck.kinds, known)
        rows = np.flatnonzero(free)
        _, first = np.unique(self._deck.kinds[rows], return_index=True)
        return np.asarray(np.sort(rows[first]), dtype=np.int64)

    def _modelled(self, seen: Seen, weights: Floats) -> Seen:
        k, seed = len(self._classes), self._job.seed
        if self._recipe is None or len(seen.codes) >= GROWTH * self._compared_at:
            found, _ = classifier.select(seen.labelled, seen.codes, k, "auto", seed, weights)
            self._recipe, self._compared_at = found, len(seen.codes)
        model = classifier.fit(seen.labelled, seen.codes, self._recipe, seed, weights)
        parts = [
            classifier.probabilities(model, seen.features[start : start + CHUNK], k)
            for start in range(0, max(seen.features.shape[0], 1), CHUNK)
        ]
        return seen._replace(probabilities=np.concatenate(parts), estimator=model)


def _reason(seen: Seen, place: int, strategy: str, score: float) -> str:
    """Return why a row is asked: the strategy's own words, else the two likeliest classes."""
    if place in seen.reasons or seen.probabilities is None:
        return seen.reasons.get(place, "")
    return pick_reasons.reason(strategy, score, seen.probabilities[place], seen.classes)


def _guesses(seen: Seen, eligible: Rows, rows: int) -> tuple[Rows, Floats]:
    codes, confidence = np.full(rows, -1, dtype=np.int64), np.zeros(rows)
    if seen.probabilities is not None:
        codes[eligible], confidence[eligible] = likeliest(seen.probabilities)
    return codes, confidence
