"""What labels cost in money and in people's hours, set-up included, beside all by hand."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

from labelkit import console
from labelkit.errors import UsageError


class Prices(NamedTuple):
    """What the table [cost] of the task file says; None is not known."""

    human_label: float | None  # dollars for one label of a person
    seconds: float | None  # a person's seconds for one label
    setup: dict[str, float]  # a person's minutes by command
    hourly_rate: float | None = None  # dollars for an hour of a person

    @property
    def label(self) -> float | None:
        """Dollars for one label of a person, at the seconds that [cost] names."""
        return self.dollars_of(1, self.seconds)

    def dollars_of(self, labels: int, seconds: float | None) -> float | None:
        """Return what labels cost that took so many seconds in all: by the hour, else by label."""
        if self.hourly_rate is not None and seconds is not None:
            return self.hourly_rate * seconds / 3600
        return None if self.human_label is None else self.human_label * labels

    def hour(self, seconds_a_label: float | None) -> float | None:
        """Return the dollars for an hour: [cost] hourly_rate, else what labels cost an hour.

        `seconds_a_label` are as measured; None: not measured.
        """
        if self.hourly_rate is not None:
            return self.hourly_rate
        seconds = seconds_a_label or self.seconds
        return (
            self.human_label * 3600 / seconds if self.human_label is not None and seconds else None
        )


class Merged(NamedTuple):
    """What a run of merge says of the answers that it read."""

    files: frozenset[str]  # of the answers
    answers: int
    new: int  # rows that had no label before
    seconds: float | None  # of all answers and of rows that were skipped; None: not known


class Work(NamedTuple):
    """What people did for the labels that a file has: answers, labels, seconds in all.

    A row that is asked again has one label and several answers. Seconds of rows that were skipped
    are in it; None: not measured.
    """

    answers: int
    labels: int
    seconds: float | None

    @property
    def words(self) -> str:
        """What is said of it: `28 answers, 27 labels`."""
        answers = (
            f"{console.count(self.answers, 'answers')}, " if self.answers != self.labels else ""
        )
        return f"people: {answers}{console.count(self.labels, 'labels')}"


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
    label, seconds, rate = (
        None if key not in cost else _number(key, cost[key])
        for key in ("human_label", "human_seconds", "hourly_rate")
    )
    return Prices(label, seconds, minutes, rate)


FREE_MODELS = ("local", "replay")  # they run on this machine, or come out of a file


def is_free(model: str) -> bool:
    """Tell whether nobody is paid for a model: `local`, `local:PATH`, `replay:FILE`."""
    return model.partition(":")[0] in FREE_MODELS


def token_price(text: str, option: str = "--price") -> tuple[float, float]:
    """Return dollars per million tokens in and out; UsageError where they are not `IN,OUT`."""
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


def merged_in(steps: Iterable[Mapping[str, Any]]) -> list[Merged]:
    """Return the runs of merge in the history of a file, those of the column `label`."""
    found = []
    for step in steps:
        options, counts = step.get("options") or {}, step.get("counts") or {}
        if step.get("command") == "merge" and not options.get("as_name"):
            files = frozenset(map(str, options.get("answers_files") or []))
            seconds = (step.get("cost") or {}).get("people_seconds")
            found.append(
                Merged(files, int(counts.get("answers", 0)), int(counts.get("new", 0)), seconds)
            )
    return found


def work(merges: Sequence[Merged], labels: int, seconds_a_label: float | None) -> Work:
    """Return what people did, of a file with so many labels.

    Where answers were merged again with more of them, the later merge counts. Labels that came
    without a merge are an answer each.
    """
    latest = [
        one
        for place, one in enumerate(merges)
        if not any(one.files <= later.files for later in merges[place + 1 :])
    ]
    others = max(0, labels - sum(one.new for one in merges))
    answers = sum(one.answers for one in latest) + others
    if seconds_a_label is None:
        return Work(answers, labels, None)
    timed = (seconds_a_label * m.answers if m.seconds is None else m.seconds for m in latest)
    return Work(answers, labels, sum(timed) + seconds_a_label * others)


def people(price: Prices, labels: int, what: str, seconds: float | None = None) -> Line:
    """Return the line of people's labels; `seconds` is what they took in all, where measured."""
    if seconds is None and price.seconds is not None:
        seconds = price.seconds * labels
    hours = None if seconds is None else seconds / 3600
    return Line(what, price.dollars_of(labels, seconds), hours) if labels else Line(what, 0.0, 0.0)


def missing_of_people(price: Prices, *lines: Line) -> str:
    """Return what has to be named in [cost] to know these lines of people's work; '' for nothing.

    An hourly rate makes dollars of hours.
    """
    named = []
    if any(line.hours is None for line in lines):
        named.append("human_seconds")
    if price.hourly_rate is None and any(line.dollars is None for line in lines):
        named.append("human_label or hourly_rate (dollars)")
    return ", and ".join(named)


def language_model(runs: Iterable[Mapping[str, Any]]) -> float | None:
    """Return what runs of llm-label cost together; None where a part of it is not known.

    Each names the ledger that it is in, and what that ledger held then: all runs of its task about
    the same data file, those that were stopped among them. The one with most tokens is the latest.
    Of a run that names no ledger, its own cost counts.
    """
    alone: list[float | None] = []
    latest: dict[str, tuple[int, bool, float | None]] = {}
    for run in runs:
        if "ledger" not in run:
            alone.append(run.get("dollars", 0.0))
        else:
            name, dollars = str(run["ledger"]), run["ledger_dollars"]
            entry = (int(run["ledger_tokens"]), dollars is not None, dollars)
            latest[name] = max(latest.get(name, entry), entry, key=lambda known: known[:2])
    return add_up([*alone, *(dollars for _, _, dollars in latest.values())])


def paid_by(steps: Iterable[Mapping[str, Any]]) -> float | None:
    """Return what a language model cost in the steps of a file's history; None: not known."""
    return language_model(
        step.get("cost", {}) for step in steps if step.get("command") == "llm-label"
    )


def setting_up(
    price: Prices, commands: Iterable[str], seconds_a_label: float | None = None
) -> Line:
    """Return the line of what was set up, for each command once, at the rate of labelling."""
    hours = sum(price.setup.get(name, 0.0) for name in set(commands)) / 60
    if not hours:
        return Line("setting up", 0.0, 0.0)
    hour = price.hour(seconds_a_label)
    return Line("setting up", None if hour is None else hours * hour, hours)


def total(lines: Iterable[Line]) -> Line:
    """Return the sum; not known where a part is not known."""
    every = list(lines)
    dollars, hours = add_up(line.dollars for line in every), add_up(line.hours for line in every)
    return Line("in all", dollars, hours)


def shown(*figures: float | None) -> list[float | str]:
    """Return figures as a table of costs shows them: never nothing, and never 0 for `unknown`."""
    return ["unknown" if figure is None else figure for figure in figures]


def add_up(parts: Iterable[float | None]) -> float | None:
    """Return the sum; None where a part is not known."""
    every = list(parts)
    return None if None in every else sum(part for part in every if part is not None)
