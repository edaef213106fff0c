"""A verdict brought to people, to the summary, and to the command that takes the best step."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from labelkit import console
from labelkit.command import next_steps
from labelkit.config import costs
from labelkit.config.task_file import Task
from labelkit.io.files import next_to
from labelkit.verdict import alarms as checks
from labelkit.verdict import judge, steps, summary
from labelkit.verdict.alarms import Alarm
from labelkit.verdict.evidence import Evidence
from labelkit.verdict.judge import Target, Verdict
from labelkit.verdict.steps import Step


class File(NamedTuple):
    """The labelled file that steps go on with.

    `path` is empty where nothing is written, `labels` are its columns of labels, `confidence` the
    one of confidences, `leave_out` returns the command that does without some sources. `seconds` is
    what a label took people, None where it was not measured.
    """

    options: Mapping[str, Any]
    task: Task
    path: str
    labels: Sequence[str]
    confidence: str
    leave_out: Callable[[Sequence[str]], str | None] = lambda sources: None
    seconds: float | None = None


class Conclusion(NamedTuple):
    """The verdict with all that belongs to it; `command` takes the step, '' for none."""

    verdict: Verdict
    target: Target
    evidence: Evidence
    alarms: list[Alarm]
    step: Step | None
    command: str


def conclude(
    evidence: Evidence, target: Target, file: File, more: Sequence[Alarm] = ()
) -> Conclusion:
    """Return what is to be said of labels, and the best step as a command that runs.

    `more` alarms are known from elsewhere.
    """
    alarms = [*checks.raised(evidence), *more]
    verdict = judge.judge(evidence, alarms, target)
    prices = costs.prices(file.task.cost)
    prices = prices._replace(seconds=file.seconds or prices.seconds)
    step = steps.best(evidence, alarms, verdict, target, prices)
    typed = _command(step, file) if step is not None else ""
    return Conclusion(verdict, target, evidence, alarms, step, typed)


def _command(step: Step, file: File) -> str:
    if step.kind == summary.LEAVE_OUT:
        return file.leave_out(step.sources) or ""
    if file.path in ("", "-"):
        return ""
    words = [file.path, "-o", str(next_to(file.path, "query"))]
    if step.kind == summary.ASK_AUDIT:
        words += ["-n", "0", "--audit", str(step.rows), "--batch", _new_name("audit.csv")]
    else:
        by = ["--strategy", f"by-column:{file.confidence}", "--audit", "0"]
        words += ["-n", str(step.rows), *(by if step.kind == summary.ASK_DOUBTFUL else [])]
        words += ["--batch", _new_name("todo.csv")]
        words += [word for name in file.labels for word in ("--label", name)]
    words += next_steps.words_of("answers", file.options.get("answers") or [])
    return next_steps.command(file.options, file.task, "query", *words)


def _new_name(name: str) -> str:
    """Return the name of a batch that is not there yet: people may have filled in that one."""
    path, number = Path(name), 2
    while path.exists():
        path = Path(name).with_stem(f"{Path(name).stem}-{number}")
        number += 1
    return str(path)


def close(conclusion: Conclusion, otherwise: str | None) -> None:
    """Say how it ended: alarms, verdict, best step, and what to type.

    `otherwise` is the command that goes on with the labels as they are. Inside another command,
    which says how all of it ended, only alarms are said.
    """
    if console.is_within():
        summary.warn(plain(conclusion))
        return
    summary.tell(plain(conclusion))
    if conclusion.command:
        more = f"go on with the labels as they are: {otherwise}" if otherwise else ""
        console.next_step(conclusion.command, more)
    elif otherwise:
        console.next_step(otherwise)


def plain(conclusion: Conclusion) -> dict[str, Any]:
    """Return it for the summary."""
    figure, step = conclusion.evidence.figure, conclusion.step
    return {
        "verdict": conclusion.verdict.word,
        "because": conclusion.verdict.because,
        "target": conclusion.target.share,
        "target_is_default": conclusion.target.is_default,
        "figure": None if figure is None else _rounded(figure._asdict()),
        "alarms": [_rounded(each._asdict()) for each in conclusion.alarms],
        "next": None if step is None else _step(step, conclusion.command),
    }


def _step(step: Step, command: str) -> dict[str, Any]:
    figures = {name: getattr(step, name) for name in ("rows", "dollars", "hours", "gain", "width")}
    about = {"kind": step.kind, "text": step.text, "command": command}
    return {**about, "sources": list(step.sources), **_rounded(figures)}


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _rounded(value)
        if isinstance(value, Mapping)
        else round(value, 6)
        if isinstance(value, float)
        else value
        for name, value in values.items()
    }
