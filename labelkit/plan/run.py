"""plan: questions answered, mixes priced and tried out, the best named."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labelkit import console
from labelkit.config import costs
from labelkit.errors import LabelkitError, UsageError
from labelkit.plan import command_lines, mixes, questions
from labelkit.plan.choice import Choice, choose
from labelkit.plan.mixes import Facts, Line
from labelkit.plan.questions import Asked, Seen
from labelkit.plan.routed_trial import Aim, Sent, steered
from labelkit.plan.trials import LLM, WEAK, Mix, Pilot, figures_of, known_of, run_quietly

if TYPE_CHECKING:
    from labelkit.job.job import Job


class Wanted(NamedTuple):
    """The options of plan."""

    functions: Path | None
    model: str | None
    price: str | None
    target: float | None
    labels: int | None
    audit: int  # rows at random for people in each mix
    as_json: bool


def plan(job: "Job", wanted: Wanted) -> None:
    """Print the plan as tables or JSON, and say what to type next."""
    if wanted.target is not None and not 0 < wanted.target < 1:
        raise UsageError(f"--target-accuracy {wanted.target}: give a share between 0 and 1")
    if wanted.audit < 0:
        raise UsageError(f"--audit {wanted.audit}: give a number of rows")
    if wanted.labels is not None and wanted.labels < 0:
        raise UsageError(f"--labels {wanted.labels}: give a number of 0 or more")
    if not job.rows:
        raise LabelkitError(f"{job.source.name} has no rows, so there is nothing to plan")
    labels = costs.labels(job.task.cost) if wanted.labels is None else wanted.labels
    limits = mixes.Limits(costs.budget(job.task.cost), labels)
    seen = _seen(job, wanted)
    asked = questions.asked(seen)
    lines = mixes.lines(seen.facts, seen.found)
    lines += mixes.steered_lines(seen.facts, seen.sent)
    choice = choose(lines, wanted.target, limits)
    found = _plain(seen, asked, lines, wanted) | choice.plain()
    job.figures(found)
    if wanted.as_json:
        console.data_json(found)
    else:
        _print(seen, asked, lines)
    _close(job, seen, asked, choice, wanted)


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
        facts = Facts(job.rows, wanted.audit, costs.prices(job.task.cost), dollars, voters)
        likely = mixes.to_try_with_noise(mixes.lines(facts, found), wanted.target)
        found = found._replace(counts=found.counts | pilot.with_find_noise(likely))
        sent = _sent(pilot, facts, wanted) if found.counts else {}
    return Seen(job, known, facts, found, wanted.functions, trouble, has_llm, sent)


def _sent(pilot: Pilot, facts: Facts, wanted: Wanted) -> dict[Mix, Sent]:
    """Return what pipelines do that go on until the target is expected."""
    if wanted.target is None:
        return {}
    row_price = pilot.job.task.table("decide").get("price-per-row")
    aim = Aim(wanted.target, facts.rows, facts.audit, facts.price.label, row_price)
    return steered(pilot, facts.voters, aim)


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
    for option in ("delimiter", "encoding"):
        args += [f"--{option}", job.options[option]] if job.options[option] else []
    args += ["--summary", str(summary), "--quiet", "--cache", str(folder / "cache")]
    args += ["--where", "true", "--gold", ""]
    try:
        run_quietly(args, job)
    except LabelkitError as error:
        return None, str(error)
    dollars = figures_of(summary).get("dollars")
    if dollars is None:
        return None, "give --price IN,OUT (dollars per million tokens)"
    return float(dollars), ""


def command(seen: Seen, mix: Mix, wanted: Wanted) -> str:
    """Return the pipeline that does a mix, as it is typed."""
    job, target = seen.job, command_lines.beside(seen.job, "labelled")
    stages = [*mixes.commands_of(mix), "train"]
    if not mix.people + wanted.audit:
        stages = [name for name in stages if name not in ("query", "people")]
    words = [command_lines.source(job), "-o", target, "--work-dir", f"{target}.work"]
    words += ["--stages", ",".join(stages)]
    if "query" in stages:
        words += ["-n", str(mix.people), "--audit", str(wanted.audit)]
    words += ["--target-accuracy", f"{mix.target:g}"] if mix.target else []
    words += [] if wanted.labels is None else ["--labels", str(wanted.labels)]
    if wanted.functions and WEAK in mix.voters:
        words += ["--functions", str(wanted.functions)]
    if wanted.model and LLM in mix.voters:
        words += ["--model", wanted.model]
    other = _other_column(job)
    words += ["--gold", other] if other else []
    return command_lines.command(job, "pipeline", *words)


def _other_column(job: "Job") -> str:
    """Return the column of labels where pipeline would not take it for one but for a feature."""
    named = [name for name in job.options.get("label") or [] if name != "label"]
    return named[0] if named and not job.options.get("gold") else ""


def _hint(seen: Seen, mix: Mix) -> str:
    """Return what has to be changed for the pipeline to be this mix, if anything has."""
    other = _other_column(seen.job)
    if other:
        return (
            f"pipeline takes people's labels from the column label: rename {other} to it, and they "
            f"count; as it stands, {other} only measures"
        )
    # pipeline lets the model read what the rules leave doubtful, unless the task file says which.
    where = seen.job.task.table("llm-label").get("where")
    reads_all = where == "true" or (where is None and WEAK not in mix.voters)
    if LLM not in mix.voters or mix.target or reads_all != mix.doubtful:
        return ""
    if mix.doubtful:
        return f"for this mix take where = {where!r} out of [llm-label] in the task file"
    return "for this mix put where = 'true' under [llm-label] in the task file"


_HEADER = ["mix", "labels by people", "set-up", "dollars", "per 1,000 rows", "hours", "accuracy",
           "low", "high"]  # fmt: skip
_KEYS = ["mix", "labels_by_people", "set_up", "dollars", "per_1000_rows", "hours", "accuracy",
         "low", "high"]  # fmt: skip


def _shown(line: Line, rows: int) -> list[Any]:
    figure = [None] * 3 if line.accuracy is None else [float(value) for value in line.accuracy]
    each = None if line.dollars is None else 1000 * line.dollars / rows
    return [line.mix, line.labels, line.set_up, line.dollars, each, line.hours, *figure]


def _print(seen: Seen, asked: list[Asked], lines: list[Line]) -> None:
    for one in asked:
        console.data_line(f"{one.question:<34}{one.answer:<19}{console.clean(one.why, 400)}")
    console.data_line()
    header = [*_HEADER]
    if seen.found.counts and seen.known.biased:
        header[_KEYS.index("accuracy")] += " (biased)"
    rows = [_shown(line, seen.facts.rows) for line in lines]
    told = [place for place in range(len(header)) if any(row[place] is not None for row in rows)]
    if _priceless(seen):
        told.remove(_KEYS.index("set_up"))
    console.data_table([header[i] for i in told], [[row[i] for i in told] for row in rows])


def _priceless(seen: Seen) -> bool:
    """Tell whether nothing is known of costs, so that no column tells them."""
    return seen.facts.price.label is None and not seen.facts.price.setup


def _plain(seen: Seen, asked: list[Asked], lines: list[Line], wanted: Wanted) -> dict[str, Any]:
    shown = [map(_rounded, _shown(line, seen.facts.rows)) for line in lines]
    told = [dict(zip(_KEYS, values, strict=True)) for values in shown]
    for line, one in zip(lines, told, strict=True):
        mix = None if questions.all_labelled(seen) else line.made_of
        one["run"] = None if mix is None else command(seen, mix, wanted)
    return {
        "schema": 1,
        "rows": seen.facts.rows,
        "questions": [one._asdict() for one in asked],
        "measured_on": seen.known.basis if seen.found.counts else None,
        "measured_rows": seen.found.rows if seen.found.counts else 0,
        "biased": seen.known.biased,
        "llm_hours": _rounded(questions.llm_hours(seen.job)),
        "mixes": told,
    }


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _close(job: "Job", seen: Seen, asked: list[Asked], choice: Choice, wanted: Wanted) -> None:
    first = _first(seen, asked) if not seen.found.counts or questions.all_labelled(seen) else None
    for run in dict.fromkeys(one.run for one in asked if one.run not in ("", first)):
        about = " ".join(one.question for one in asked if one.run == run)
        console.note(f"{about} to know more: {run}")
    if not seen.found.counts:
        job.closing(_nothing(seen), then=first)
        return
    console.note(
        f"accuracy is of all rows, people's own labels counted as right; tried out on "
        f"{seen.found.rows:,} {seen.known.basis}, as far as these are right; people's rows were "
        f"picked there as query would"
    )
    if questions.all_labelled(seen):
        job.closing("each row has a label: the table tells what it would have taken otherwise",
                    then=first)  # fmt: skip
        return
    for line in choice.short:
        console.warn(line)
    then = None
    if choice.best is not None and choice.best.made_of is not None:
        then = command(seen, choice.best.made_of, wanted)
        hint = _hint(seen, choice.best.made_of)
        if hint:
            console.note(hint)
        if choice.best.made_of.target:
            console.note(_range(seen, choice.best.made_of, wanted))
    job.closing(choice.words, then=then)


def _range(seen: Seen, mix: Mix, wanted: Wanted) -> str:
    """Return how far the trials are apart in what they send to people."""
    sent, first = seen.sent[mix], mix.people + wanted.audit
    least, most = (
        first + round((seen.facts.rows - first) * share) for share in (sent.least, sent.most)
    )
    return (
        f"how many rows go to people hangs on how sure the first {mix.people:,} labels leave the "
        f"others: {least:,} to {most:,} labels in the trials"
    )


def _nothing(seen: Seen) -> str:
    n = seen.known.rows
    few = f"{n:,} known labels of one class, or too few," if n else "no known labels"
    return f"no accuracy can be foretold: {few} to try the mixes on"


def _first(seen: Seen, asked: list[Asked]) -> str | None:
    """Return what to type first: without labels and classes a task goes no further."""
    task = [one for one in asked if one.answer == "not yet" and not seen.known.rows]
    return next((one.run for one in [*task, *asked] if one.run), None)
