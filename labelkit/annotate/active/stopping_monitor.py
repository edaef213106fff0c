"""Watches the models of a live session: how good they are, whether they have settled."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.ml import classifier, stopping
from labelkit.ml.learning_curve import Known, expected_gain
from labelkit.ml.stopping import Rule, Signs
from labelkit.stats import metrics

Codes = npt.NDArray[np.int64]

ROUND = 20  # labels between two models that are compared


class Moment(NamedTuple):
    """A model and what it says: `codes` of all rows of the file, -1 where nothing is supposed.

    `said` and `truth` are of the audit rows that a person labelled; `labels` is how many of
    people's labels it knows, `weighed` whether it learned from a machine's as well.
    """

    labels: int
    weighed: bool
    features: Any  # of the rows that may be asked
    probabilities: npt.NDArray[np.float64]
    codes: Codes
    said: Codes
    truth: Codes
    labelled: Any
    learned: Codes
    recipe: classifier.Recipe


class Watch:
    """Takes the signs as models come; every twenty labels two models are compared."""

    def __init__(self, rules: Sequence[Sequence[Rule]], seed: int) -> None:
        self.rules, self._seed = rules, seed
        self.signs = Signs(0)
        self._codes: Codes | None = None
        self._labels = 0

    def reached(self) -> str:
        """Return which rule is reached, '' while none is."""
        return stopping.reached(self.rules, self.signs)

    def look(self, now: Moment) -> None:
        """Take the signs of a model."""
        accuracy = metrics.accuracy(now.truth, now.said) if len(now.truth) else None
        signs = self.signs._replace(
            labels=now.labels,
            accuracy=accuracy,
            audits=len(now.truth),
            uncertainty=stopping.uncertainty(now.probabilities),
        )
        if self._codes is None or now.labels - self._labels >= ROUND:
            signs = signs._replace(kappas=self._kappas(now), gain=None)
            if not now.weighed:
                some = stopping.some_rows(len(now.probabilities), self._seed)
                classes = now.probabilities.shape[1]
                known = Known(now.labelled, now.learned, None, classes, now.recipe, self._seed)
                signs = signs._replace(gain=expected_gain(known, now.features[some], ROUND))
            self._codes, self._labels = now.codes, now.labels
        self.signs = signs

    def _kappas(self, now: Moment) -> tuple[float, ...]:
        if self._codes is None:
            return ()
        both = (self._codes >= 0) & (now.codes >= 0)
        classes = now.probabilities.shape[1]
        newest = stopping.kappa(self._codes[both], now.codes[both], classes)
        earlier = self.signs.kappas
        return () if newest is None else (*earlier, newest)[-stopping.ROUNDS :]
