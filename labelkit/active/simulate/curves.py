"""From the curves of single runs to what they say together: gain over random, labels saved."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.active.simulate.active_learning_run import Curve

Floats = npt.NDArray[np.float64]

RANDOM = "random"
METRICS = ("accuracy", "macro_f1")


class Setting(NamedTuple):
    """What is compared: a strategy with its features and its rows a round."""

    strategy: str
    features: str
    per_round: int


class Summary(NamedTuple):
    """The curves of one setting: seeds x points, beside random's of the same seeds."""

    setting: Setting
    labels: list[int]
    values: dict[str, Floats]
    figures: dict[str, Any]


def summarise(curves: Sequence[Curve], metric: str, budget: int) -> list[Summary]:
    """Return a summary of each setting, in the order of the curves.

    Points beyond the budget (random runs on, to see what it needs to match) count in no mean.
    """
    settings: dict[Setting, list[Curve]] = {}
    for curve in curves:
        run = curve.run
        setting = Setting(run.strategy, run.features, run.per_round)
        settings.setdefault(setting, []).append(curve)
    found = []
    for setting, own in settings.items():
        # Rows at random are the same however many are drawn at a time.
        key = next(s for s in settings if s.strategy == RANDOM and s.features == setting.features)
        found.append(_summary(setting, own, settings[key], metric, budget))
    return found


def _summary(
    setting: Setting, own: list[Curve], random: list[Curve], metric: str, budget: int
) -> Summary:
    points = sum(labels <= budget for labels in own[0].labels)
    values = {m: np.array([getattr(curve, m)[:points] for curve in own]) for m in METRICS}
    base = np.array([getattr(curve, metric) for curve in random])
    mine = values[metric]
    gains = (mine - base[:, :points]).mean(axis=1)
    labels = own[0].labels[:points]
    final, random_final = mine[:, -1].mean(), base[:, points - 1].mean()
    figures: dict[str, Any] = {
        "auc": float(mine.mean()),
        "auc_sd": float(mine.mean(axis=1).std(ddof=1)) if len(mine) > 1 else 0.0,
        "final": float(final),
        "accuracy_auc": float(values["accuracy"].mean()),
        "macro_f1_auc": float(values["macro_f1"].mean()),
        "accuracy_final": float(values["accuracy"][:, -1].mean()),
        "macro_f1_final": float(values["macro_f1"][:, -1].mean()),
        "gain": float(gains.mean()),
        "gain_interval": interval(gains),
        "seeds_ahead": int((gains > 0).sum()),
        "seeds": len(gains),
        "labels_to_match_random": first_at(labels, mine.mean(axis=0), random_final),
        "random_labels_to_match": first_at(random[0].labels, base.mean(axis=0), final),
    }
    if setting.strategy == RANDOM:
        for name in ("gain", "gain_interval", "seeds_ahead"):
            figures[name] = None
    return Summary(setting, labels, values, figures)


def first_at(labels: Sequence[int], means: Floats, target: float) -> int | None:
    """Return the labels at the first point where the mean over seeds is at least the target."""
    reached = np.flatnonzero(means >= target - 1e-9)
    return int(labels[int(reached[0])]) if len(reached) else None


def interval(values: Floats) -> list[float] | None:
    """Return the 95 % interval of the mean by Student's t; None for a single value."""
    if len(values) < 2:
        return None
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)
    return [float(values.mean()) - half, float(values.mean()) + half]


def bands(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the mean of each point and the ends of its band, one standard deviation each way."""
    mean = values.mean(axis=0)
    sd = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(len(mean))
    return mean, mean - sd, mean + sd
