"""What labels cost in money and in people's hours, set-up included, beside all by hand."""

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any, NamedTuple

from labelkit.errors import UsageError


class Prices(NamedTuple):
    """What the table [cost] of the task file tells; None is not known."""

    label: float | None  # dollars for one label of a person
    seconds: float | None  # a person's seconds for one label
    setup: dict[str, float]  # a person's minutes by command

    @property
    def hour(self) -> float | None:
        """Dollars for an hour of a person's work."""
        if self.label is None or not self.seconds:
            return None
        return self.label * 3600 / self.seconds


class Line(NamedTuple):
    """One line of a bill; None is not known."""

    what: str
    dollars: float | None
    hours: float | None


def prices(cost: Mapping[str, Any]) -> Prices:
    """Return what the table [cost] tells; raises UsageError where a value is no number."""
    setup = cost.get("setup_minutes", {})
    if not isinstance(setup, Mapping):
        raise UsageError("[cost] setup_minutes must be a table, as in { weak-label = 60 }")
    minutes = {str(name): _number(f"setup_minutes.{name}", value) for name, value in setup.items()}
    label, seconds = (
        None if key not in cost else _number(key, cost[key])
        for key in ("human_label", "human_seconds")
    )
    return Prices(label, seconds, minutes)


def budget(cost: Mapping[str, Any]) -> float | None:
    """Return the dollars of [cost] budget, None where it has none."""
    return _number("budget", cost["budget"]) if "budget" in cost else None


def labels(cost: Mapping[str, Any]) -> int | None:
    """Return the most labels by people, [cost] labels, None where it has none."""
    if "labels" not in cost:
        return None
    found = _number("labels", cost["labels"])
    if found != int(found):
        raise UsageError(f"[cost] labels = {found}: give a whole number")
    return int(found)


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < inf:
        raise UsageError(f"[cost] {key} = {value!r}: give a number of 0 or more")
    return float(value)


def people(price: Prices, labels: int, what: str, seconds: float | None = None) -> Line:
    """Return the line of people's labels; `seconds` is what they took in all, where measured."""
    if seconds is None and price.seconds is not None:
        seconds = price.seconds * labels
    hours = None if seconds is None else seconds / 3600
    dollars = None if price.label is None else price.label * labels
    return Line(what, dollars, hours) if labels else Line(what, 0.0, 0.0)


def language_model(runs: Iterable[Mapping[str, Any]]) -> float:
    """Return what runs of llm-label cost together, in the order in which they were made.

    What a run took from the cache was paid by the runs before it, or by one that was interrupted
    and told nobody.
    """
    dollars = 0.0
    for run in runs:
        dollars = max(dollars, float(run.get("dollars_from_cache", 0.0)))
        dollars += float(run.get("dollars", 0.0))
    return dollars


def paid_by(steps: Iterable[Mapping[str, Any]]) -> float:
    """Return what a language model cost in the steps of a file's history."""
    return language_model(
        step.get("cost", {}) for step in steps if step.get("command") == "llm-label"
    )


def setting_up(price: Prices, commands: Iterable[str]) -> Line:
    """Return the line of what was set up, for each command once."""
    hours = sum(price.setup.get(name, 0.0) for name in set(commands)) / 60
    if not hours:
        return Line("setting up", 0.0, 0.0)
    return Line("setting up", None if price.hour is None else hours * price.hour, hours)


def total(lines: Iterable[Line]) -> Line:
    """Return the sum; not known where a part is not known."""
    every = list(lines)
    dollars = [line.dollars for line in every]
    hours = [line.hours for line in every]
    return Line(
        "in all",
        None if None in dollars else sum(d for d in dollars if d is not None),
        None if None in hours else sum(h for h in hours if h is not None),
    )
