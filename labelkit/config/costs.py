"""The cost of labels in dollars and human hours, with set-up."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

from labelkit import console
from labelkit.errors import UsageError


class Prices(NamedTuple):
    """The table [cost] of the task file; None: unknown."""

    human_label: float | None  # dollars for one label of a person
    seconds: float | None  # a person's seconds for one label
    setup: dict[str, float]  # a person's minutes by command
    hourly_rate: float | None = None  # dollars for an hour of a person

    @property
    def label(self) -> float | None:
        """Dollars for one human label, at the seconds in [cost]."""
        return self.dollars_of(1, self.seconds)

    def dollars_of(self, labels: int, seconds: float | None) -> float | None:
        """Return the dollars for labels that took `seconds` in all: by hour, else by label."""
        if self.hourly_rate is not None and seconds is not None:
            return self.hourly_rate * seconds / 3600
        return None if self.human_label is None else self.human_label * labels

    def hour(self, seconds_a_label: float | None) -> float | None:
        """Return the dollars per hour: [cost] hourly_rate, else from the price of a label.

        `seconds_a_label` is the measured time; None: not measured.
        """
        if self.hourly_rate is not None:
            return self.hourly_rate
        seconds = seconds_a_label or self.seconds
        return (
            self.human_label * 3600 / seconds if self.human_label is not None and seconds else None
        )


class Merged(NamedTuple):
    """The answers that a run of merge read."""

    files: frozenset[str]  # the answers files
    answers: int
    new: int  # rows that had no label before
    seconds: float | None  # for all answers and skipped rows; None: unknown


class Work(NamedTuple):
    """Human work for the labels of a file: answers, labels, seconds in all.

    A row that was answered several times has one label and several answers. The seconds include
    skipped rows; None: not measured.
    """

    answers: int
    labels: int
    seconds: float | None

    @property
    def words(self) -> str:
        """A text for messages: `people: 28 answers, 27 labels`."""
        answers = (
            f"{console.count(self.answers, 'answers')}, " if self.answers != self.labels else ""
        )
        return f"people: {answers}{console.count(self.labels, 'labels')}"


class Line(NamedTuple):
    """One line of a cost table; None: unknown."""

    what: str
    dollars: float | None
    hours: float | None


def prices(cost: Mapping[str, Any]) -> Prices:
    """Return the prices in the table [cost]; raises UsageError if a value is not a number."""
    setup = cost.get("setup_minutes", {})
    if not isinstance(setup, Mapping):
        raise UsageError("[cost] setup_minutes must be a table, as in { weak-label = 60 }")
    minutes = {str(name): _number(f"setup_minutes.{name}", value) for name, value in setup.items()}
    label, seconds, rate = (
        None if key not in cost else _number(key, cost[key])
        for key in ("human_label", "human_seconds", "hourly_rate")
    )
    return Prices(label, seconds, minutes, rate)


FREE_MODELS = ("local", "replay")  # they run on this machine, or read a file


def is_free(model: str) -> bool:
    """Return whether a model costs nothing: `local`, `local:PATH`, `replay:FILE`."""
    return model.partition(":")[0] in FREE_MODELS


def token_price(text: str, option: str = "--price") -> tuple[float, float]:
    """Return dollars per million tokens in and out; raises UsageError if not `IN,OUT`."""
    try:
        tokens_in, tokens_out = (float(part) for part in text.split(","))
    except ValueError:
        tokens_in = tokens_out = -1.0
    if not (0 <= tokens_in < inf and 0 <= tokens_out < inf):
        raise UsageError(
            f"{option} {text!r}: give dollars per million tokens in and out, as in 0.15,0.60"
        )
    return tokens_in, tokens_out


def budget(cost: Mapping[str, Any]) -> float | None:
    """Return [cost] budget in dollars, None if not set."""
    return _number("budget", cost["budget"]) if "budget" in cost else None


def labels(cost: Mapping[str, Any]) -> int | None:
    """Return [cost] labels, the limit of human labels, None if not set."""
    if "labels" not in cost:
        return None
    number = _number("labels", cost["labels"])
    if number != int(number):
        raise UsageError(f"[cost] labels = {number}: give a whole number")
    return int(number)


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < inf:
        raise UsageError(f"[cost] {key} = {value!r}: give a number of 0 or more")
    return float(value)


def merged_in(steps: Iterable[Mapping[str, Any]]) -> list[Merged]:
    """Return the runs of merge in the history of a file that wrote the column `label`."""
    runs = []
    for step in steps:
        options, counts = step.get("options") or {}, step.get("counts") or {}
        if step.get("command") == "merge" and not options.get("as_name"):
            files = frozenset(map(str, options.get("answers_files") or []))
            seconds = (step.get("cost") or {}).get("people_seconds")
            runs.append(
                Merged(files, int(counts.get("answers", 0)), int(counts.get("new", 0)), seconds)
            )
    return runs


def work(merges: Sequence[Merged], labels: int, seconds_a_label: float | None) -> Work:
    """Return the human work for a file with `labels` human labels.

    If answers were merged again after more had been added, the later merge counts. Labels that did
    not come from a merge count as one answer each.
    """
    latest = [
        run
        for index, run in enumerate(merges)
        if not any(run.files <= later.files for later in merges[index + 1 :])
    ]
    others = max(0, labels - sum(run.new for run in merges))
    answers = sum(run.answers for run in latest) + others
    if seconds_a_label is None:
        return Work(answers, labels, None)
    timed = (seconds_a_label * m.answers if m.seconds is None else m.seconds for m in latest)
    return Work(answers, labels, sum(timed) + seconds_a_label * others)


def people(price: Prices, labels: int, what: str, seconds: float | None = None) -> Line:
    """Return the cost of human labels; `seconds` is their measured time in all, None if unknown."""
    if seconds is None and price.seconds is not None:
        seconds = price.seconds * labels
    hours = None if seconds is None else seconds / 3600
    return Line(what, price.dollars_of(labels, seconds), hours) if labels else Line(what, 0.0, 0.0)


def missing_of_people(price: Prices, *lines: Line) -> str:
    """Return the keys of [cost] needed to know the cost of human work in `lines`; '' for none.

    With an hourly rate dollars follow from hours.
    """
    keys = []
    if any(line.hours is None for line in lines):
        keys.append("human_seconds")
    if price.hourly_rate is None and any(line.dollars is None for line in lines):
        keys.append("human_label or hourly_rate (dollars)")
    return ", and ".join(keys)


def language_model(runs: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the total cost of llm-label runs; None if a part is unknown.

    Each run names its ledger and the ledger's content at that time: the cost of all runs of the
    task on the same data file, stopped runs included. The entry with most tokens is the latest.
    For a run without a ledger its own cost counts.
    """
    costs_without_ledger: list[float | None] = []
    latest: dict[str, tuple[int, bool, float | None]] = {}
    for run in runs:
        if "ledger" not in run:
            costs_without_ledger.append(run.get("dollars", 0.0))
        else:
            name, dollars = str(run["ledger"]), run["ledger_dollars"]
            entry = (int(run["ledger_tokens"]), dollars is not None, dollars)
            latest[name] = max(latest.get(name, entry), entry, key=lambda candidate: candidate[:2])
    return add_up([*costs_without_ledger, *(dollars for _, _, dollars in latest.values())])


def paid_by(steps: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the cost of language models in the steps of a file's history; None: unknown."""
    return language_model(
        step.get("cost", {}) for step in steps if step.get("command") == "llm-label"
    )


def setting_up(
    price: Prices, commands: Iterable[str], seconds_a_label: float | None = None
) -> Line:
    """Return the cost of set-up, once per command, at the hourly rate of labelling."""
    hours = sum(price.setup.get(name, 0.0) for name in set(commands)) / 60
    if not hours:
        return Line("setting up", 0.0, 0.0)
    hour = price.hour(seconds_a_label)
    return Line("setting up", None if hour is None else hours * hour, hours)


def total(lines: Iterable[Line]) -> Line:
    """Return the sum; unknown if a part is unknown."""
    every = list(lines)
    dollars, hours = add_up(line.dollars for line in every), add_up(line.hours for line in every)
    return Line("in all", dollars, hours)


def shown(*figures: float | None) -> list[float | str]:
    """Return figures for a cost table, with `unknown` for None."""
    return ["unknown" if figure is None else figure for figure in figures]


def add_up(parts: Iterable[float | None]) -> float | None:
    """Return the sum; None if a part is unknown."""
    values = list(parts)
    return None if None in values else sum(part for part in values if part is not None)
