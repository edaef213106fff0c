"""Trains a model in the background from the answers so far, and ranks the unlabelled rows."""

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.annotate.active.stopping_monitor import ModelSnapshot, StoppingMonitor
from labelkit.annotate.rows import RowTable
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

BATCH_PICKS = (
    10  # rows that a strategy selects as a batch; the others follow in the order of their scores
)
CHUNK = 8_192
EMBEDDING_CHUNK = 512  # texts embedded at a time; leaving waits for one such chunk at most
GROWTH = 1.5  # model selection is repeated when the number of labels has grown by this factor
MAX_MACHINE_ROWS, MACHINE_WEIGHT = (
    5_000,
    50.0,
)  # machine labels together weigh at most 50 human labels


NEED_NO_MODEL = ("default", "coverage", "random")

NO_ANSWERS: Mapping[int, int] = MappingProxyType({})


class StrategyInput(NamedTuple):
    """The input of a query strategy: features of the pool, and the labelled rows and model."""

    features: Any
    probabilities: Floats | None
    labelled: Any
    codes: npt.NDArray[np.int64]
    estimator: Any
    classes: list[str]
    reasons: dict[int, str]


class Ranking(NamedTuple):
    """Rows in the order in which to show them, the reasons, and predictions for all rows.

    `codes` and `confidence` have an item for each row of the file, code -1 for no prediction.
    """

    rows: Rows
    reasons: dict[int, str]
    codes: Rows
    confidence: Floats
    labels: int  # number of answers that it was made from


class KnownLabels(NamedTuple):
    """Labels from before the session: a class code per row, by people and machines (-1: none).

    `excluded` rows are never trained on and never queried: audit rows and their duplicates.
    """

    people: npt.NDArray[np.int64]
    machine: npt.NDArray[np.int64]
    excluded: npt.NDArray[np.bool_]


class _Stopped(Exception):
    """Raised in the thread when the session has ended."""


class Learner:
    """A thread that makes a new ranking after each update; only the latest update counts.

    `ranking` is the latest one, None before the first; `failure` is the error that stopped the
    thread; `monitor` is updated with each model.
    """

    def __init__(
        self,
        job: "Job",
        table: RowTable,
        classes: list[str],
        known_labels: KnownLabels,
        name: str,
        monitor: StoppingMonitor,
    ) -> None:
        self._job, self._table, self._classes, self.known_labels = job, table, classes, known_labels
        self.monitor = monitor
        self._name = name
        self._strategy = plugins.load("strategy", name)
        self._asks_a_model = name in plugins.names("strategy") and name not in NEED_NO_MODEL
        self.ranking: Ranking | None = None
        self.failure: Exception | None = None
        self._answers: dict[int, int] | None = None
        self._audits: dict[int, int] = {}
        self._matrix: Any = None
        self._recipe: classifier.Recipe | None = None
        self._compared_at = 0
        self._wake, self._idle = threading.Event(), threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self, answers: Mapping[int, int], audits: Mapping[int, int] = NO_ANSWERS) -> None:
        """Start the thread with the answers of earlier sessions."""
        self.update(answers, audits)
        self._thread.start()

    def update(self, answers: Mapping[int, int], audits: Mapping[int, int] = NO_ANSWERS) -> None:
        """Make a new ranking from these answers (row to class code); `audits` only test it."""
        self._answers, self._audits = dict(answers), dict(audits)
        self._idle.clear()
        self._wake.set()

    def wait(self) -> None:
        """Wait until the ranking includes the latest update, or the thread has ended."""
        while not self._idle.wait(0.5) and self._thread.is_alive():
            pass

    def stop(self) -> None:
        """End the thread after its current step."""
        self._stopped = True
        self._wake.set()
        self._thread.join()

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            answers = self._answers
            if self._stopped or answers is None:
                break
            try:
                with console.unseen():
                    self.ranking = self._rank(answers)
            except _Stopped:
                break
            except Exception as error:  # reported at the end of the session, which goes on
                self.failure = error
                break
            if not self._wake.is_set():
                self._idle.set()
        self._idle.set()

    def _features(self) -> Any:
        """Return the features of all rows, computed once and in chunks, so that keys respond."""
        if self._matrix is None:
            from scipy import sparse

            features = self._unfitted()
            data = self._job.source.read_as(features.kinds)
            features.fit(data)
            size = CHUNK if "embedding" not in features.kind else EMBEDDING_CHUNK
            parts = []
            for start in range(0, max(data.num_rows, 1), size):
                if self._stopped:
                    raise _Stopped
                parts.append(features.matrix(data.slice(start, size)).astype(np.float32))
            is_sparse = sparse.issparse(parts[0])
            self._matrix = sparse.vstack(parts, format="csr") if is_sparse else np.vstack(parts)
        return self._matrix

    def _unfitted(self) -> "Features":
        """Return unfitted features, chosen by the number of labels in the file."""
        n_labels = max(
            (self.known_labels.people >= 0).sum(), (self.known_labels.machine >= 0).sum()
        )
        return model_features.for_labels(self._job, int(n_labels))

    def _rank(self, answers: dict[int, int]) -> Ranking:
        matrix = self._features()
        rows, codes, weights = self._training_rows(answers)
        eligible = self._eligible(answers)
        inputs = StrategyInput(
            matrix[eligible], None, matrix[rows].astype(np.float64), codes, None, self._classes, {}
        )
        if len(np.unique(codes)) > 1:
            inputs = self._fit_model(inputs, weights)
        guesses = _guesses(inputs, eligible, self._table.rows)
        if inputs.estimator is not None:
            n_human_labels = int((self._human_codes(answers)[rows] >= 0).sum())
            self._update_monitor(inputs, guesses[0], n_human_labels)
        scores = np.zeros(len(eligible))
        rng = np.random.default_rng([self._job.seed, 3, len(answers)])
        if len(eligible):
            strategy = self._strategy
            if self._asks_a_model and inputs.probabilities is None:
                strategy = plugins.load("strategy", "coverage")
            scores = np.asarray(strategy(inputs, min(BATCH_PICKS, len(eligible)), rng), np.float64)
        order = np.lexsort((rng.random(len(scores)), -scores))
        return Ranking(
            eligible[order],
            {
                int(eligible[index]): _reason(inputs, int(index), self._name, float(scores[index]))
                for index in order[: 5 * BATCH_PICKS]
            },
            *guesses,
            len(answers),
        )

    def _update_monitor(self, inputs: StrategyInput, codes: Rows, human_labels: int) -> None:
        """Update the stopping monitor with the model and its predictions on audit rows."""
        assert self._recipe is not None
        audits = dict(self._audits)
        rows, k = np.array(list(audits), dtype=np.int64), len(self._classes)
        audit_predictions = classifier.probabilities(
            inputs.estimator, self._matrix[rows], k
        ).argmax(axis=1)
        assert inputs.probabilities is not None
        self.monitor.update(
            ModelSnapshot(
                labels=human_labels,
                weighed=human_labels < len(inputs.codes),
                features=inputs.features,
                probabilities=inputs.probabilities,
                codes=codes,
                audit_predictions=audit_predictions,
                audit_labels=np.array(list(audits.values()), dtype=np.int64),
                labelled=inputs.labelled,
                learned=inputs.codes,
                recipe=self._recipe,
            )
        )

    def _training_rows(self, answers: dict[int, int]) -> tuple[Rows, Rows, Floats]:
        """Return row indices, class codes and weights for training: human labels first."""
        codes = self._human_codes(answers)
        people = np.flatnonzero(codes >= 0)
        machine = np.flatnonzero(
            (codes < 0) & (self.known_labels.machine >= 0) & ~self.known_labels.excluded
        )
        if len(machine) > MAX_MACHINE_ROWS:
            rng = np.random.default_rng([self._job.seed, 4])
            machine = np.sort(rng.choice(machine, MAX_MACHINE_ROWS, replace=False))
        share = min(1.0, MACHINE_WEIGHT / max(len(machine), 1))
        weights = np.concatenate([np.ones(len(people)), np.full(len(machine), share)])
        training_codes = np.concatenate([codes[people], self.known_labels.machine[machine]])
        return np.concatenate([people, machine]), training_codes, weights

    def _human_codes(self, answers: dict[int, int]) -> Rows:
        """Return the class code of each row with a human label for training, else -1."""
        codes = self.known_labels.people.copy()
        codes[list(answers)] = list(answers.values())
        codes[self.known_labels.excluded] = -1
        return codes

    def _eligible(self, answers: dict[int, int]) -> Rows:
        """Return the pool: rows that may be queried, one of each duplicate group."""
        free = (self.known_labels.people < 0) & ~self.known_labels.excluded
        free[list(answers)] = False
        answered_groups = self._table.duplicate_group[list(answers)]
        free &= ~np.isin(self._table.duplicate_group, answered_groups)
        rows = np.flatnonzero(free)
        _, first = np.unique(self._table.duplicate_group[rows], return_index=True)
        return np.asarray(np.sort(rows[first]), dtype=np.int64)

    def _fit_model(self, inputs: StrategyInput, weights: Floats) -> StrategyInput:
        k, seed = len(self._classes), self._job.seed
        if self._recipe is None or len(inputs.codes) >= GROWTH * self._compared_at:
            recipe, _ = classifier.select(inputs.labelled, inputs.codes, k, "auto", seed, weights)
            self._recipe, self._compared_at = recipe, len(inputs.codes)
        model = classifier.fit(inputs.labelled, inputs.codes, self._recipe, seed, weights)
        parts = [
            classifier.probabilities(model, inputs.features[start : start + CHUNK], k)
            for start in range(0, max(inputs.features.shape[0], 1), CHUNK)
        ]
        return inputs._replace(probabilities=np.concatenate(parts), estimator=model)


def _reason(inputs: StrategyInput, index: int, strategy: str, score: float) -> str:
    """Return why a row is queried: the strategy's own reason, else its two likeliest classes."""
    if index in inputs.reasons or inputs.probabilities is None:
        return inputs.reasons.get(index, "")
    return pick_reasons.reason(strategy, score, inputs.probabilities[index], inputs.classes)


def _guesses(inputs: StrategyInput, eligible: Rows, rows: int) -> tuple[Rows, Floats]:
    codes, confidence = np.full(rows, -1, dtype=np.int64), np.zeros(rows)
    if inputs.probabilities is not None:
        codes[eligible], confidence[eligible] = likeliest(inputs.probabilities)
    return codes, confidence
