"""The questions that tell which techniques fit: an answer, why, and what to type to know more."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from labelkit.data.columns import RELABEL
from labelkit.io import history
from labelkit.plan import command_lines, pilot
from labelkit.plan.language_models import Model
from labelkit.plan.seen import Seen
from labelkit.plan.trials import FEWEST, LLM, WEAK

if TYPE_CHECKING:
    from labelkit.job.job import Job

_MOSTLY = 0.5  # labels on so many rows are worth cleaning before new ones are made
_COVERED = 0.3  # rules that vote on fewer rows leave the work to others
_SMALL, _LARGE = 300, 5000  # rows


class Asked(NamedTuple):
    """A question of the decision tree with its answer; `run` tells more where something is open."""

    question: str
    answer: str
    why: str
    run: str = ""


def asked(seen: Seen) -> list[Asked]:
    """Return the questions, answered."""
    return [_size(seen), _labels(seen), _rules(seen), _task(seen), _llm(seen), _people(seen)]


def _size(seen: Seen) -> Asked:
    job, rows = seen.job, seen.facts.rows
    classes = len(seen.classes) or len(set(seen.known.values[~seen.known.barred].tolist()) - {""})
    answer = "small" if rows < _SMALL else "large" if rows > _LARGE else "medium"
    parts = [f"{rows:,} rows", f"{classes} classes" if classes else "classes not known"]
    if job.has_text():
        lengths = [len(text) for name in job.text for text in job.source.texts(name)[:1000]]
        median = float(np.median(lengths)) * len(job.text) if lengths else 0.0
        parts.append(f"a text has {median:,.0f} characters (median of the first rows)")
    return Asked("how large is it?", answer, ", ".join(parts))


def _labels(seen: Seen) -> Asked:
    question = "are there labels already?"
    n, rows = seen.known.rows, seen.facts.rows
    if not n:
        why = "without any, no accuracy can be measured: label some, then plan again"
        if not seen.classes:
            return Asked(question, "no", f"{why}; the task needs its classes first")
        return Asked(question, "no", why, pilot.of_people(seen) if pilot.first(seen) else "")
    why = f"{n:,} of {rows:,} rows; figures are from {seen.found.rows:,} {seen.known.basis}"
    doubts = _doubts(seen)
    if doubts is not None:
        why += f"; find-noise doubts {doubts[0]:,} of {doubts[1]:,} labels"
    if n < 2 * FEWEST and not seen.all_labelled:
        return Asked(question, "too few", why, pilot.of_people(seen))
    if n < _MOSTLY * rows or seen.job.options.get("gold"):
        return Asked(question, "yes, some", why)
    if doubts is None:
        told = f"{why}; where they may be wrong, find that out first"
        return Asked(
            question, "yes, most", told, command_lines.line(seen.job, "find-noise", "noise")
        )
    look = ["--strategy", "relabel", "-n", str(min(pilot.ROUND, doubts[0])), "--audit", "0"]
    return Asked(question, "yes, most", why, pilot.by_people(seen.job, *look) if doubts[0] else "")


def _doubts(seen: Seen) -> tuple[int, int] | None:
    """Return how many labels find-noise doubts that no person has looked at since, of how many."""
    source = seen.job.source
    if not source.has("noise_flag"):
        return None
    flags = source.texts("noise_flag")
    doubted = flags == "true"
    if source.has("label_origin"):
        doubted &= source.texts("label_origin") != RELABEL
    return int(doubted.sum()), int((flags != "").sum())


def _rules(seen: Seen) -> Asked:
    question = "can rules cover it?"
    covered = seen.found.covered
    if covered is None:
        why = "no rule is written yet (--functions, or [[weak-label.rule]] in the task file)"
        if seen.known.rows >= FEWEST and seen.job.has_text():
            run = command_lines.command(
                seen.job, "weak-label", command_lines.source(seen.job), "--suggest", "5"
            )
            return Asked(question, "not known", why, run)
        return Asked(question, "not known", why, _starting(seen))
    answer = "yes" if covered >= 1 - _COVERED else "partly" if covered >= _COVERED else "hardly"
    return Asked(question, answer, f"they vote on {covered:.0%} of the rows of a sample")


def _task(seen: Seen) -> Asked:
    question = "is the task well defined?"
    task, classes = seen.job.task, seen.classes
    described = {name for name, words in task.descriptions.items() if words.strip()}
    missing = [] if classes or seen.known.rows else ["classes"]
    missing += [] if task.guidelines.strip() else ["guidelines"]
    missing += [] if classes and described >= set(classes) else ["descriptions"]
    missing += [] if task.examples else ["examples"]
    if not missing:
        return Asked(question, "yes", "classes, guidelines, a description of each class, examples")
    where = f"the task file lacks {', '.join(missing)}"
    if task.path is None:
        where = f"without a task file there are no {', '.join(missing[:-1])} and {missing[-1]}"
    why = f"{where}: a language model and people both read them"
    return Asked(question, "not yet" if "classes" in missing else "partly", why, _starting(seen))


def _starting(seen: Seen) -> str:
    """Return the command that writes a task file, where there is none."""
    if seen.job.task.path:
        return ""
    return command_lines.command(seen.job, "init", command_lines.source(seen.job))


def _llm(seen: Seen) -> Asked:
    question = "is a language model good enough?"
    if not seen.job.has_text() and not seen.facts.models:
        why = "no column reads like a text that it could judge (--text COLUMN)"
        return Asked(question, "not known", why)
    if not seen.facts.models:
        why = "no model is named (--model NAME --price IN,OUT, or [llm-label]): the bundled one "
        why += "(--model local) runs offline and costs nothing"
        run = pilot.of_models(seen, {"": Model("local")}) if seen.known.rows else ""
        return Asked(question, "not known", why, run)
    whys = [_of_model(seen, key, model) for key, model in seen.facts.models.items()]
    why = "; ".join(whys)
    if not seen.to_try:
        return Asked(question, "see below", why)
    why += "; a pilot on rows that people label tells"
    run = pilot.of_models(seen, seen.to_try) if seen.known.rows else ""
    return Asked(question, "not known", why, run)


def _of_model(seen: Seen, key: str, model: Model) -> str:
    words = [] if model.dollars is None else [f"${model.dollars:,.2f} for all rows"]
    budget = seen.limits.dollars
    if model.dollars is not None and budget is not None and model.dollars > budget:
        words.append(f"more than the budget of ${budget:,.2f}")
    words += [model.trouble] if model.trouble else []
    words.append("its labels in the file are measured" if key in seen.measured
                 else "its accuracy is not known")  # fmt: skip
    name = model.name or f"column {model.prefix}_label"
    return f"{name}: {', '.join(words)}{_waiting(seen, model)}"


def _waiting(seen: Seen, model: Model) -> str:
    hours = llm_hours(seen.job)
    if hours is None or len(seen.facts.models) > 1 or not model.prefix:
        return ""
    time = f"{hours:,.1f} hours" if hours >= 1 else f"{60 * hours:,.0f} minutes"
    return f", {time} of waiting at the pace of its run in the file's history"


def llm_hours(job: "Job") -> float | None:
    """Return how long a language model takes for all rows, if it labelled some of this file.

    None where the file's history holds no run, or one of so few rows, or with answers that were
    there before.
    """
    for step in reversed(history.read(Path(command_lines.source(job)))):
        if step.get("command") == "llm-label":
            asked = step.get("counts", {}).get("distinct") or 0
            if asked < FEWEST or step.get("cost", {}).get("from_cache"):
                return None
            return float(step["seconds"]) / asked * job.rows / 3600
    return None


def _people(seen: Seen) -> Asked:
    question = "how many hours have people?"
    price, rows, limits = seen.facts.price, seen.facts.rows, seen.limits
    if price.label is None or price.seconds is None:
        why = "what does a label cost? [cost] human_label (dollars) and human_seconds are not told"
        return Asked(question, "not known", f"{why}{_most(seen)}", _starting(seen))
    hours = rows * price.seconds / 3600
    why = f"all {rows:,} rows by hand: {hours:,.1f} hours, ${rows * price.label:,.2f}{_most(seen)}"
    setup = sum(price.setup.get(name, 0.0) for name in ("weak-label", "llm-label")) / 60
    if hours <= setup and limits.labels is None:
        return Asked(question, "label all by hand", f"{why}, less than setting up ({setup:.1f} h)")
    return Asked(question, "see below", why)


def _most(seen: Seen) -> str:
    """Return what people may give at most, as the end of a sentence."""
    words, limits, price = "", seen.limits, seen.facts.price.label
    if limits.dollars is not None:
        words += f"; the budget of ${limits.dollars:,.2f}"
        words += f" buys {limits.dollars / price:,.0f} labels" if price else " is all there is"
    if limits.labels is not None:
        words += f"; people give {limits.labels:,} labels at most"
    return words or "; no budget is named ([cost] budget, [cost] labels)"


def voters_of(job: "Job", functions: Path | None, models: int) -> tuple[str, ...]:
    """Return who could vote: rules where some are given, a language model where one is named."""
    weak = job.task.table("weak-label")
    found = []
    if functions or {"functions", "rule", "keyword", "from-votes"} & set(weak):
        found.append(WEAK)
    if models:
        found.append(LLM)
    return tuple(found)
