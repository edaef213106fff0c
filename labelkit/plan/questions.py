"""The questions that tell which techniques fit: an answer, why, and what to type to know more."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from labelkit.data.columns import RELABEL
from labelkit.io import history
from labelkit.plan import command_lines
from labelkit.plan.mixes import Facts
from labelkit.plan.routed_trial import Sent
from labelkit.plan.trials import FEWEST, LLM, WEAK, Known, Measured, Mix

if TYPE_CHECKING:
    from labelkit.job.job import Job

_OF_INIT = ["FIRST_CLASS", "SECOND_CLASS"]  # what init writes where it can tell none
_ROUND = 50  # labels by people that are asked for beside audit rows, where there are too few
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


def all_labelled(seen: Seen) -> bool:
    """Tell whether each row has a label already, so that what is left to do is to look at those."""
    return seen.known.rows == seen.facts.rows and not seen.job.options.get("gold")


def _labels(seen: Seen) -> Asked:
    question = "are there labels already?"
    n, rows = seen.known.rows, seen.facts.rows
    if not n:
        why = "without any, no accuracy can be measured: label some, then plan again"
        if not _classes(seen):
            return Asked(question, "no", f"{why}; the task needs its classes first")
        return Asked(question, "no", why, _asking(seen))
    why = f"{n:,} of {rows:,} rows; figures are from {seen.found.rows:,} {seen.known.basis}"
    doubts = _doubts(seen)
    if doubts is not None:
        why += f"; find-noise doubts {doubts[0]:,} of {doubts[1]:,} labels"
    if n < 2 * FEWEST and not all_labelled(seen):
        return Asked(question, "too few", why, _asking(seen))
    if n < _MOSTLY * rows or seen.job.options.get("gold"):
        return Asked(question, "yes, some", why)
    if doubts is None:
        told = f"{why}; where they may be wrong, find that out first"
        return Asked(
            question, "yes, most", told, command_lines.line(seen.job, "find-noise", "noise")
        )
    look = ["--strategy", "relabel", "-n", str(min(_ROUND, doubts[0])), "--audit", "0"]
    return Asked(question, "yes, most", why, _by_people(seen.job, *look) if doubts[0] else "")


def _asking(seen: Seen) -> str:
    """Return how rows get labels by people, and what then tells more."""
    n = min(_ROUND, seen.facts.rows - seen.facts.audit)
    return _by_people(seen.job, "-n", str(n), "--audit", str(seen.facts.audit))


def _by_people(job: "Job", *how: str) -> str:
    batch, known = command_lines.with_ending(job, ".todo.csv"), command_lines.beside(job, "known")
    answers = command_lines.with_ending(job, ".todo.answers.csv")
    return command_lines.then(
        command_lines.line(job, "query", "query", *how, "--batch", batch),
        command_lines.command(job, "annotate", batch),
        command_lines.command(
            job, "merge", command_lines.beside(job, "query"), answers, "-o", known
        ),
        command_lines.again(job, known),
    )


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


def _classes(seen: Seen) -> list[str]:
    """Return the classes that are named: those which init wrote as an example are none."""
    classes = seen.job.classes or []
    return [] if classes == _OF_INIT else classes


def _task(seen: Seen) -> Asked:
    question = "is the task well defined?"
    task, classes = seen.job.task, _classes(seen)
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
    if not seen.job.has_text() and not seen.has_llm:
        why = "no column reads like a text that it could judge (--text COLUMN)"
        return Asked(question, "not known", why)
    if LLM not in seen.facts.voters:
        why = "no model is named (--model, or [llm-label])"
        if not seen.known.rows:
            return Asked(question, "not known", f"{why}; rows with known labels would judge it")
        why += "; the bundled one runs offline"
        return Asked(question, "not known", why, _pilot(seen, "--model", "local"))
    price = "price not known" if seen.facts.llm is None else f"${seen.facts.llm:,.2f} for all rows"
    why = f"{price}{': ' if seen.llm_trouble else ''}{seen.llm_trouble}{_waiting(seen)}"
    if seen.has_llm:
        return Asked(question, "see below", f"{why}; its labels in the file are measured")
    why += "; a trial on rows with known labels tells"
    return Asked(question, "not known", why, _pilot(seen) if seen.known.rows else "")


def _waiting(seen: Seen) -> str:
    hours = llm_hours(seen.job)
    if hours is None:
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


def _pilot(seen: Seen, *model: str) -> str:
    """Return how a language model labels the rows whose label is known, to be measured by them."""
    job, target = seen.job, command_lines.beside(seen.job, "pilot")
    words = [
        "llm-label",
        command_lines.source(job),
        "-o",
        target,
        *(model or command_lines.model(job)),
    ]
    if "gold" in job.task.content.get("task", {}):
        words += ["--gold", ""]  # it would be calibrated on what is to judge it
    named = job.options.get("label") or ["label"]
    column = job.options.get("gold") or named[0]
    if seen.known.rows and seen.known.rows < seen.facts.rows:
        words += ["--where", f"not `{column}` is empty"]
    elif job.task.table("llm-label").get("where"):
        words += ["--where", "true"]  # the rules that it looks at have not been run
    if not job.classes:
        words += ["--classes", seen.known.classes()]
    return command_lines.then(
        command_lines.command(job, *words), command_lines.again(job, target, *model)
    )


def _people(seen: Seen) -> Asked:
    question = "how many hours have people?"
    price, rows = seen.facts.price, seen.facts.rows
    if price.label is None or price.seconds is None:
        why = "what does a label cost? [cost] human_label (dollars) and human_seconds are not told"
        return Asked(question, "not known", why, _starting(seen))
    hours = rows * price.seconds / 3600
    why = f"all {rows:,} rows by hand: {hours:,.1f} hours, ${rows * price.label:,.2f}"
    setup = sum(price.setup.get(name, 0.0) for name in ("weak-label", "llm-label")) / 60
    if hours <= setup:
        return Asked(question, "label all by hand", f"{why}, less than setting up ({setup:.1f} h)")
    return Asked(question, "see below", why)


def voters_of(job: "Job", functions: Path | None, model: str | None) -> tuple[str, ...]:
    """Return who could vote: rules where some are given, a language model where one is named."""
    weak, llm = job.task.table("weak-label"), job.task.table("llm-label")
    found = []
    if functions or {"functions", "rule", "keyword", "from-votes"} & set(weak):
        found.append(WEAK)
    if model or "model" in llm or job.source.has("llm_label"):
        found.append(LLM)
    return tuple(found)
