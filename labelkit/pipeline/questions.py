"""The questions that tell which techniques fit: an answer, why, and what to type to know more."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from labelkit.files import next_to
from labelkit.pipeline.mixes import Facts
from labelkit.pipeline.pilot import FEWEST, LLM, WEAK, Known, Measured, Mix
from labelkit.pipeline.steered import Sent

if TYPE_CHECKING:
    from labelkit.job import Job

_MOSTLY = 0.5  # labels on so many rows are worth cleaning before new ones are made
_COVERED = 0.3  # rules that vote on fewer rows leave the work to others


class Asked(NamedTuple):
    """A question of the decision tree with its answer; `run` tells more where something is open."""

    question: str
    answer: str
    why: str
    run: str = ""


class Seen(NamedTuple):
    """What was found out before the questions are answered."""

    job: "Job"
    known: Known
    facts: Facts
    found: Measured
    functions: Path | None
    llm_trouble: str  # why the language model cannot be priced
    has_llm: bool  # the file holds labels of a language model
    sent: dict[Mix, Sent]  # what is sent where on the way to the target accuracy


def asked(seen: Seen) -> list[Asked]:
    """Return the questions, answered."""
    return [_labels(seen), _rules(seen), _task(seen), _llm(seen), _people(seen)]


def _source(seen: Seen) -> str:
    return str(seen.job.source.name)


def _labels(seen: Seen) -> Asked:
    question = "are there labels already?"
    n, rows = seen.known.rows, seen.facts.rows
    if not n:
        audit = ["-n", "50", "--audit", str(seen.facts.audit), "--batch", "todo.csv"]
        why = "without any, no accuracy can be measured: label some, then plan again"
        return Asked(question, "no", why, _command(seen, "query", "query", *audit))
    why = f"{n:,} of {rows:,} rows; figures are from {seen.found.rows:,} {seen.known.basis}"
    why += _doubted(seen)
    if n < 2 * FEWEST:
        more = ["-n", "50", "--audit", str(seen.facts.audit), "--batch", "todo.csv"]
        return Asked(question, "too few", why, _command(seen, "query", "query", *more))
    if n >= _MOSTLY * rows and not seen.job.options.get("gold") and not _doubted(seen):
        told = f"{why}; where they may be wrong, find that out first"
        return Asked(question, "yes, most", told, _command(seen, "find-noise", "noise"))
    return Asked(question, "yes, some", why)


def _doubted(seen: Seen) -> str:
    """Return how many labels find-noise doubts, where it has looked."""
    if not seen.job.source.has("noise_flag"):
        return ""
    flags = seen.job.source.texts("noise_flag")
    judged = int((flags != "").sum())
    wrong = int((flags == "true").sum())
    return f"; find-noise doubts {wrong:,} of {judged:,} labels"


def _rules(seen: Seen) -> Asked:
    question = "can rules cover it?"
    covered = seen.found.covered
    if covered is None:
        why = "no rule is written yet (--functions, or [[weak-label.rule]] in the task file)"
        suggest = shlex.join(["labelkit", "weak-label", _source(seen), "--suggest", "5"])
        run = (
            suggest
            if seen.known.rows >= FEWEST
            else shlex.join(["labelkit", "init", _source(seen)])
        )
        return Asked(question, "not known", why, run)
    answer = "yes" if covered >= 1 - _COVERED else "partly" if covered >= _COVERED else "hardly"
    return Asked(question, answer, f"they vote on {covered:.0%} of the rows of a sample")


def _task(seen: Seen) -> Asked:
    question = "is the task well defined?"
    task, classes = seen.job.task, seen.job.classes or []
    missing = [] if classes else ["classes"]
    missing += [] if task.guidelines else ["guidelines"]
    missing += [] if classes and set(task.descriptions) >= set(classes) else ["descriptions"]
    missing += [] if task.examples else ["examples"]
    if not missing:
        return Asked(question, "yes", "classes, guidelines, a description of each class, examples")
    why = f"the task file lacks {', '.join(missing)}: a language model and people both read them"
    run = "" if task.path else shlex.join(["labelkit", "init", _source(seen)])
    return Asked(question, "not yet" if "classes" in missing else "partly", why, run)


def _llm(seen: Seen) -> Asked:
    question = "is a language model good enough?"
    if LLM not in seen.facts.voters:
        trial = _pilot(seen, "--model", "NAME")
        return Asked(question, "not known", "no model is named (--model, or [llm-label])", trial)
    price = "price not known" if seen.facts.llm is None else f"${seen.facts.llm:,.2f} for all rows"
    why = f"{price}{': ' if seen.llm_trouble else ''}{seen.llm_trouble}"
    if seen.has_llm:
        return Asked(question, "see below", f"{why}; its labels in the file are measured")
    run = _pilot(seen)
    return Asked(question, "not known", f"{why}; a trial on rows with known labels tells", run)


def _pilot(seen: Seen, *more: str) -> str:
    target = str(next_to(_source(seen), "pilot"))
    words = ["labelkit", "llm-label", _source(seen), "-o", target, *more, *_task_words(seen)]
    if "gold" in seen.job.task.content.get("task", {}):
        words += ["--gold", ""]  # it would be calibrated on what is to judge it
    column = seen.job.options.get("gold") or "label"
    if seen.known.rows and seen.known.rows < seen.facts.rows:
        words += ["--where", f"not `{column}` is empty"]
    return f"{shlex.join(words)} && {shlex.join(['labelkit', 'plan', target, *_task_words(seen)])}"


def _people(seen: Seen) -> Asked:
    question = "how many hours have people?"
    price, rows = seen.facts.price, seen.facts.rows
    if price.label is None or price.seconds is None:
        why = "[cost] of the task file names no human_label (dollars) and human_seconds"
        return Asked(question, "not known", why)
    hours = rows * price.seconds / 3600
    why = f"all {rows:,} rows by hand: {hours:,.1f} hours, ${rows * price.label:,.2f}"
    setup = sum(price.setup.get(name, 0.0) for name in ("weak-label", "llm-label")) / 60
    if hours <= setup:
        return Asked(question, "label all by hand", f"{why}, less than setting up ({setup:.1f} h)")
    return Asked(question, "see below", why)


def _command(seen: Seen, command: str, word: str, *more: str) -> str:
    words = ["labelkit", command, _source(seen), "-o", str(next_to(_source(seen), word)), *more]
    return shlex.join([*words, *_task_words(seen)])


def _task_words(seen: Seen) -> list[str]:
    options = seen.job.options
    return ["--task", str(options["task"])] if options.get("task") else []


def voters_of(job: "Job", functions: Path | None, model: str | None) -> tuple[str, ...]:
    """Return who could vote: rules where some are given, a language model where one is named."""
    weak, llm = job.task.table("weak-label"), job.task.table("llm-label")
    found = []
    if functions or {"functions", "rule", "keyword", "from-votes"} & set(weak):
        found.append(WEAK)
    if model or "model" in llm or job.source.has("llm_label"):
        found.append(LLM)
    return tuple(found)
