"""When to stop asking for labels: signs taken from the models of the labels, and rules on them.

Whoever asks people in rounds takes the signs after each round and hands them to the rules.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.errors import UsageError, listing, nearest
from labelkit.ml.learning_curve import Gain
from labelkit.stats import metrics
from labelkit.stats.metrics import Figure

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

KAPPA_MARKS = (0.9, 0.95, 0.99)
ROUNDS = 3  # that kappa is the mean of (Bloodgood and Vijay-Shanker 2009)
FEWEST_AUDITS = 30  # that an accuracy may be told reached from
SMALL_GAIN = 0.01  # points a label, under which more are not worth asking by themselves
MOST_COMPARED = 5_000  # rows that predictions are compared on


class Signs(NamedTuple):
    """What is known after a round; None where it is not known.

    `kappas` compare the predictions of each round's model with the round's before, the newest
    last, three at most. `uncertainty` is the mean of 1 - confidence over rows without a label.
    """

    labels: int
    accuracy: Figure | None = None
    audits: int = 0
    kappas: tuple[float, ...] = ()
    uncertainty: float | None = None
    gain: Gain | None = None

    @property
    def kappa(self) -> float | None:
        """The mean over the last three rounds; None before there are three."""
        return _mean(self.kappas) if len(self.kappas) >= ROUNDS else None


class Rule(NamedTuple):
    """One condition of --stop-when: a sign's name and the number that it must reach."""

    name: str
    number: float

    def __str__(self) -> str:
        return f"{self.name}={self.number:g}"


class _Sign(NamedTuple):
    value: Callable[[Signs], float | None]
    rises: bool  # whether a higher value is nearer to the end
    most: float
    unknown: str  # why the value may not be known


_SIGNS: dict[str, _Sign] = {
    "kappa": _Sign(
        lambda s: s.kappa, True, 1.0, f"the models of {ROUNDS + 1} rounds are needed"
    ),
    "gain": _Sign(
        lambda s: None if s.gain is None else s.gain.points, False, 100.0,
        "the labels are too few for a learning curve, or not all people's",
    ),
    "accuracy": _Sign(
        lambda s: None if s.accuracy is None or s.audits < FEWEST_AUDITS else s.accuracy.value,
        True, 1.0, f"labels of {FEWEST_AUDITS} audit rows are needed",
    ),
    "accuracy-low": _Sign(
        lambda s: None if s.accuracy is None else s.accuracy.low, True, 1.0,
        "there are no labels of audit rows",
    ),
    "uncertainty": _Sign(lambda s: s.uncertainty, False, 1.0, "there is no model yet"),
    "labels": _Sign(lambda s: float(s.labels), True, float("inf"), ""),
}  # fmt: skip
NAMES = tuple(_SIGNS)


def rules(given: Sequence[str]) -> list[list[Rule]]:
    """Return the rules of --stop-when: any of the list stops, all of whose conditions hold.

    Raises UsageError for a condition that is not known or can never hold.
    """
    return [[_rule(part.strip(), text) for part in text.split(",")] for text in given]


def _rule(text: str, whole: str) -> Rule:
    name, _, number = (part.strip() for part in text.partition("="))
    option = f"--stop-when {whole}"
    if name not in _SIGNS:
        raise UsageError(
            f"{option}: {name!r} is no sign to stop by{nearest(name, NAMES)} "
            f"(choices: {listing(NAMES)}; as in kappa=.99)"
        )
    try:
        value = float(number)
    except ValueError:
        raise UsageError(f"{option}: {name} needs a number, as in {_EXAMPLES[name]}") from None
    most = _SIGNS[name].most
    if not 0 <= value <= most:
        share = f"; {value:g} % is {name}={value / 100:g}" if most == 1 < value <= 100 else ""
        above = "" if most == float("inf") else f" to {most:g}"
        raise UsageError(f"{option}: {name} goes from 0{above}{share}")
    return Rule(name, value)


_EXAMPLES = {
    "kappa": "kappa=.99",
    "gain": "gain=0.1 (points that the next batch is expected to buy)",
    "accuracy": "accuracy=.9",
    "accuracy-low": "accuracy-low=.85 (the lower end of its interval)",
    "uncertainty": "uncertainty=.05",
    "labels": "labels=500",
}


def reached(wanted: Sequence[Sequence[Rule]], signs: Signs) -> str:
    """Return which rule is reached, in words; '' where none is."""
    for rule in wanted:
        if all(_holds(each, signs) for each in rule):
            return " and ".join(f"{_state(each, signs)} ({each})" for each in rule)
    return ""


def not_yet(wanted: Sequence[Sequence[Rule]], signs: Signs) -> list[str]:
    """Return for each rule that is not reached what it still waits for."""
    return [
        f"--stop-when {','.join(map(str, rule))}: not yet, "
        + ", ".join(_state(each, signs) for each in rule if not _holds(each, signs))
        for rule in wanted
    ]


def _holds(rule: Rule, signs: Signs) -> bool:
    sign = _SIGNS[rule.name]
    value = sign.value(signs)
    if value is None:
        return False
    return value >= rule.number if sign.rises else value <= rule.number


def _state(rule: Rule, signs: Signs) -> str:
    sign = _SIGNS[rule.name]
    value = sign.value(signs)
    if value is None:
        return f"{rule.name} is not known ({sign.unknown})"
    points = " points" if rule.name == "gain" else ""
    shown = f"{value:,.0f}" if rule.name == "labels" else f"{value:.3g}"
    return f"{rule.name} is {shown}{points}"


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 9)  # that of .98, .99 and 1 is .99


def kappa(before: Codes, now: Codes, n_classes: int) -> float | None:
    """Return Cohen's kappa between the classes that two models give the same rows.

    None where either gives every row the same class: a model that has seen nothing of the others
    is no sign that it has settled.
    """
    if len(np.unique(before)) < 2 or len(np.unique(now)) < 2:
        return None
    return float(metrics.kappa(metrics.confusion(before, now, n_classes)))


def price_of_label(given: float | None, cost: Mapping[str, Any]) -> float | None:
    """Return what a person's label costs in dollars: the given price, else that of [cost]."""
    price = cost.get("human_label") if given is None else given
    if price is None:
        return None
    if not isinstance(price, int | float) or not 0 <= price < float("inf"):
        named = "[cost] human_label" if given is None else "--price-per-label"
        raise UsageError(f"{named} {price}: give a number of dollars, 0 or more")
    return float(price)


def uncertainty(probabilities: Floats) -> float | None:
    """Return the mean of 1 - confidence; None without rows."""
    return float(1.0 - probabilities.max(axis=1).mean()) if len(probabilities) else None


def some_rows(rows: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the places of the rows that models are compared on: all, or a sample of many."""
    if rows <= MOST_COMPARED:
        return np.arange(rows)
    rng = np.random.default_rng([seed, 10])
    return np.sort(rng.choice(rows, MOST_COMPARED, replace=False))


def told(signs: Signs, price: float | None) -> list[str]:
    """Return the lines that tell what is known, each a sentence; the last says stop or go on."""
    lines = [_accuracy(signs), _settled(signs), _unsure(signs), _advice(signs, price)]
    return [line for line in lines if line]


def _accuracy(signs: Signs) -> str:
    found = signs.accuracy
    if found is None:
        return ""
    return (
        f"accuracy {found.value:.1%} ({found.low:.1%} to {found.high:.1%}), by the labels of "
        f"{console.count(signs.audits, 'audit rows')}"
    )


def _settled(signs: Signs) -> str:
    if not signs.kappas:
        return ""
    mean, rounds = _mean(signs.kappas), len(signs.kappas)
    over = [mark for mark in KAPPA_MARKS if mean >= mark]
    mark = f"over the mark {over[-1]:g}" if over else f"under the mark {KAPPA_MARKS[0]:g}"
    return (
        f"predictions: kappa {signs.kappas[-1]:.3f} with the model before the newest labels"
        f"{f', {mean:.3f} over {rounds} rounds' if rounds > 1 else ''} "
        f"({mark} of {', '.join(f'{each:g}' for each in KAPPA_MARKS)})"
    )


def _unsure(signs: Signs) -> str:
    if signs.uncertainty is None:
        return ""
    return f"uncertainty of the rows without a label: {signs.uncertainty:.3f} (mean 1 - confidence)"


def _advice(signs: Signs, price: float | None) -> str:
    gain = signs.gain
    if gain is None:
        return ""
    cost = "" if price is None else f" for ${price * gain.labels:,.2f}"
    return (
        f"another {console.count(gain.labels, 'labels', 'are')} expected to buy {gain.points:+.1f} "
        f"points ({gain.low:+.1f} to {gain.high:+.1f}; biased){cost}: {_verdict(signs, gain)}"
    )


def _verdict(signs: Signs, gain: Gain) -> str:
    if gain.points >= SMALL_GAIN * gain.labels:
        return "go on"
    if signs.kappas and signs.kappas[-1] < KAPPA_MARKS[0]:
        return "go on, predictions still change"
    return "stop"


def summary(signs: Signs) -> dict[str, Any]:
    """Return the signs for the summary and the history."""
    accuracy, gain = signs.accuracy, signs.gain
    return {
        "audit_accuracy": None if accuracy is None else list(accuracy),
        "audit_labels": signs.audits,
        "kappas": list(signs.kappas),
        "uncertainty": signs.uncertainty,
        "biased_gain": None if gain is None else gain._asdict(),
    }
