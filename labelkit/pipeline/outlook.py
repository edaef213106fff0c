"""plan: questions answered, mixes priced and tried out, the best named."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labelkit import bill, console
from labelkit.errors import LabelkitError, UsageError
from labelkit.pipeline import mixes, questions
from labelkit.pipeline.mixes import Facts, Line
from labelkit.pipeline.pilot import LLM, WEAK, Pilot, figures_of, known_of, run_quietly
from labelkit.pipeline.questions import Asked, Seen

if TYPE_CHECKING:
    from labelkit.job import Job


class Wanted(NamedTuple):
    """The options of plan."""

    functions: Path | None
    model: str | None
    price: str | None
    target: float | None
    audit: int
    as_json: bool


def plan(job: "Job", wanted: Wanted) -> None:
    """Print the plan as tables or JSON, and say what to type next."""
    if wanted.target is not None and not 0 < wanted.target < 1:
        raise UsageError(f"--target-accuracy {wanted.target}: give a share between 0 and 1")
    if wanted.audit < 0:
        raise UsageError(f"--audit {wanted.audit}: give a number of rows")
    if not job.rows:
        raise LabelkitError(f"{job.source.name} has no rows, so there is nothing to plan")
    seen = _seen(job, wanted)
    asked = questions.asked(seen)
    lines = mixes.lines(seen.facts, seen.found)
    best = mixes.best(lines, wanted.target)
    found = _plain(seen, asked, lines, best)
    job.figures(found)
    if wanted.as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        _print(seen, asked, lines)
    _close(job, seen, lines, best, wanted.target)


def _seen(job: "Job", wanted: Wanted) -> Seen:
    known = known_of(job)
    voters = questions.voters_of(job, wanted.functions, wanted.model)
    with tempfile.TemporaryDirectory(prefix="labelkit-plan-") as name:
        folder = Path(name)
        dollars, trouble = _llm_dollars(job, wanted, folder) if LLM in voters else (None, "")
        pilot = Pilot(job, known, folder, wanted.functions)
        if WEAK in voters:
            pilot.read_rules()
        found = pilot.measure(voters)
        has_llm = pilot.has_llm_labels()
    facts = Facts(job.rows, wanted.audit, bill.prices(job.task.cost), dollars, voters)
    return Seen(job, known, facts, found, wanted.functions, trouble, has_llm)


def _llm_dollars(job: "Job", wanted: Wanted, folder: Path) -> tuple[float | None, str]:
    """Return what the language model would cost by a dry run, or why that is not known."""
    if not (wanted.model or job.task.table("llm-label").get("model")):
        return None, "name the model (--model) to see what all rows would cost"
    summary = folder / "llm.json"
    task = ["--task", str(job.task_path)] if job.task_path else ["--no-task"]
    args = ["llm-label", job.options["input"], "-o", str(folder / "llm.csv"), *task, "--dry-run"]
    args += ["--model", wanted.model] if wanted.model else []
    args += ["--price", wanted.price] if wanted.price else []
    args += ["--classes", str(job.options["classes"])] if job.options["classes"] else []
    args += [part for text in job.options["text"] or [] for part in ("--text", text)]
    args += ["--summary", str(summary), "--quiet", "--cache", str(folder / "cache")]
    args += ["--where", "", "--gold", ""]
    try:
        run_quietly(args, job)
    except LabelkitError as error:
        return None, str(error)
    dollars = figures_of(summary).get("dollars")
    if dollars is None:
        return None, "give --price IN,OUT (dollars per million tokens)"
    return float(dollars), ""


_HEADER = ["mix", "labels by people", "dollars", "hours", "accuracy", "low", "high"]


def _shown(line: Line) -> list[Any]:
    figure = [None] * 3 if line.accuracy is None else [float(value) for value in line.accuracy]
    return [line.mix, line.labels, line.dollars, line.hours, *figure]


def _print(seen: Seen, asked: list[Asked], lines: list[Line]) -> None:
    for one in asked:
        print(f"{one.question:<34}{one.answer:<19}{console.clean(one.why, 400)}")
    print()
    header = [*_HEADER]
    if seen.found.figures and seen.known.biased:
        header[4] += " (biased)"
    console.data_table(header, [_shown(line) for line in lines])


def _plain(seen: Seen, asked: list[Asked], lines: list[Line], best: Line | None) -> dict[str, Any]:
    names = [name.replace(" ", "_") for name in _HEADER]
    return {
        "schema": 1,
        "rows": seen.facts.rows,
        "questions": [one._asdict() for one in asked],
        "measured_on": seen.known.basis if seen.found.figures else None,
        "measured_rows": seen.found.rows if seen.found.figures else 0,
        "biased": seen.known.biased,
        "mixes": [dict(zip(names, map(_rounded, _shown(line)), strict=True)) for line in lines],
        "best": best.mix if best else None,
    }


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _close(
    job: "Job", seen: Seen, lines: list[Line], best: Line | None, target: float | None
) -> None:
    measured = [line for line in lines if line.accuracy is not None]
    for one in questions.asked(seen):
        if one.run:
            console.note(f"{one.question} {one.answer}; to know more: {one.run}")
    if not measured:
        job.closing("no accuracy can be foretold: no known labels to try the mixes on")
        return
    console.note(
        f"accuracy is of all rows, people's own labels counted as right, from "
        f"{seen.found.rows:,} {seen.known.basis}; rows for people were picked at random there, "
        f"query picks better ones"
    )
    _tell_budget(job, best)
    if best is None or best.accuracy is None:
        top = max(measured, key=lambda line: line.accuracy.value if line.accuracy else 0.0)
        value = top.accuracy.value if top.accuracy else 0.0
        job.closing(f"no mix reaches {target}: the best is {top.mix}, {value:.3f}")
        return
    how = "within a point of the best" if target is None else f"reaches {target}"
    cost = "" if best.dollars is None else f" · ${best.dollars:,.2f}"
    job.closing(f"{best.mix} {how} for least: {best.accuracy.value:.3f}{cost}")


def _tell_budget(job: "Job", best: Line | None) -> None:
    budget = job.task.cost.get("budget")
    if budget is None or best is None or best.dollars is None or best.dollars <= float(budget):
        return
    console.warn(
        f"[cost] budget = {budget}: {best.mix} costs ${best.dollars:,.2f}, "
        f"${best.dollars - float(budget):,.2f} more"
    )
