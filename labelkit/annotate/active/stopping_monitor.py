"""Stopping metrics of a live session, measured on each new model."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.ml import classifier, stopping
from labelkit.ml.learning_curve import Known, expected_gain
from labelkit.ml.stopping import Rule, Signs
from labelkit.stats import metrics

Codes = npt.NDArray[np.int64]

ROUND = 20  # labels between two compared models


class ModelSnapshot(NamedTuple):
    """A model with its predictions: class `codes` for all rows of the file, -1 for none.

    `audit_predictions` and `audit_labels` have an item for each labelled audit row; `labels` is
    the number of human labels in training, `weighed` whether machine labels were used as well.
    """

    labels: int
    weighed: bool
    features: Any  # of the pool
    probabilities: npt.NDArray[np.float64]
    codes: Codes
    audit_predictions: Codes
    audit_labels: Codes
    labelled: Any
    learned: Codes
    recipe: classifier.Recipe


class StoppingMonitor:
    """Measures the stopping metrics of each model; compares two models every twenty labels."""

    def __init__(self, rules: Sequence[Sequence[Rule]], seed: int) -> None:
        self.rules, self._seed = rules, seed
        self.signs = Signs(0)
        self._codes: Codes | None = None
        self._labels = 0

    def reached(self) -> str:
        """Return which stopping rule is reached, '' if none."""
        return stopping.reached(self.rules, self.signs)

    def update(self, snapshot: ModelSnapshot) -> None:
        """Measure the stopping metrics of a model."""
        accuracy = (
            metrics.accuracy(snapshot.audit_labels, snapshot.audit_predictions)
            if len(snapshot.audit_labels)
            else None
        )
        signs = self.signs._replace(
            labels=snapshot.labels,
            accuracy=accuracy,
            audits=len(snapshot.audit_labels),
            uncertainty=stopping.uncertainty(snapshot.probabilities),
        )
        if self._codes is None or snapshot.labels - self._labels >= ROUND:
            signs = signs._replace(kappas=self._kappas(snapshot), gain=None)
            if not snapshot.weighed:
                sample = stopping.some_rows(len(snapshot.probabilities), self._seed)
                classes = snapshot.probabilities.shape[1]
                labelled_set = Known(
                    snapshot.labelled, snapshot.learned, None, classes, snapshot.recipe, self._seed
                )
                signs = signs._replace(
                    gain=expected_gain(labelled_set, snapshot.features[sample], ROUND)
                )
            self._codes, self._labels = snapshot.codes, snapshot.labels
        self.signs = signs

    def _kappas(self, snapshot: ModelSnapshot) -> tuple[float, ...]:
        if self._codes is None:
            return ()
        both = (self._codes >= 0) & (snapshot.codes >= 0)
        classes = snapshot.probabilities.shape[1]
        newest = stopping.kappa(self._codes[both], snapshot.codes[both], classes)
        earlier = self.signs.kappas
        return () if newest is None else (*earlier, newest)[-stopping.ROUNDS :]
