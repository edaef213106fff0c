"""plan: questions answered, a pilot proposed, mixes priced and tried out, the best named."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labelkit import console
from labelkit.config import costs
from labelkit.errors import LabelkitError, UsageError
from labelkit.plan import advice, command_lines, language_models, mixes, pilot, questions
from labelkit.plan.choice import Choice, Floor, choose, floor_of
from labelkit.plan.language_models import Model
from labelkit.plan.mixes import Facts, Limits, Line
from labelkit.plan.pilot import Pilot
from labelkit.plan.questions import Asked
from labelkit.plan.routed_trial import Aim, Sent, steered
from labelkit.plan.seen import Seen
from labelkit.plan.trials import FEWEST, LLM, WEAK, Known, Mix, Trials, known_of

if TYPE_CHECKING:
    from labelkit.job.job import Job

_AUDIT, _AUDIT_PART = 100, 5  # audit rows where nothing is said: so many, or that part of the rows
_AUDIT_OF_BUDGET = 3  # but no more than that part of the labels that can be had


class Options(NamedTuple):
    """The options of plan."""

    functions: Path | None
    models: list[str]
    prices: list[str]
    target: float | None
    floor: float | None
    labels: int | None
    audit: int | None  # rows at random for people in each mix; None: as many as fit
    as_json: bool


class Found(NamedTuple):
    """All that a plan says: questions, mixes, the one to name, the pilot to do first."""

    asked: list[Asked]
    lines: list[Line]
    choice: Choice
    first: Pilot | None
    techniques: tuple[str, str]
    floor: Floor


def plan(job: "Job", options: Options) -> None:
    """Print the plan as tables or JSON, and say what to type next."""
    _check(job, options)
    seen = _seen(job, options)
    lines = mixes.lines(seen.facts, seen.found, seen.limits)
    lines += mixes.steered_lines(seen.facts, seen.sent)
    floor = _floor(seen.known, options)
    choice = choose(lines, options.target, seen.limits, floor)
    first = pilot.first(seen)
    techniques = advice.techniques(seen, choice)
    found = Found(questions.asked(seen), lines, choice, first, techniques, floor)
    plain = _plain(seen, found, options)
    job.figures(plain)
    if options.as_json:
        console.data_json(plain)
    else:
        _print(seen, found)
    _close(job, seen, found, options)


def _check(job: "Job", options: Options) -> None:
    for name, share in (("--target-accuracy", options.target), ("--floor", options.floor)):
        if share is not None and not 0 < share < 1:
            raise UsageError(f"{name} {share}: give a share between 0 and 1")
    if options.audit is not None and options.audit < 0:
        raise UsageError(f"--audit {options.audit}: give a number of rows")
    if options.labels is not None and options.labels < 0:
        raise UsageError(f"--labels {options.labels}: give a number of 0 or more")
    if not job.rows:
        raise LabelkitError(f"{job.source.name} has no rows, so there is nothing to plan")


def _limits(job: "Job", options: Options) -> Limits:
    labels = costs.labels(job.task.cost) if options.labels is None else options.labels
    return Limits(costs.budget(job.task.cost), labels)


def _floor(known: Known, options: Options) -> Floor:
    """Return the accuracy below which nothing is named: --floor, else by the largest class."""
    if options.floor is not None:
        return Floor(options.floor, "--floor")
    counts = Counter(label for label in known.values[~known.barred].tolist() if label)
    return floor_of(max(counts.values()) / counts.total()) if counts else Floor()


def _audit(job: "Job", options: Options, limits: Limits, label: float | None) -> int:
    """Return how many audit rows a mix has: a part of what can be had, unless it is said."""
    if options.audit is not None:
        return options.audit
    most = [job.rows // _AUDIT_PART]
    most += [] if limits.labels is None else [limits.labels // _AUDIT_OF_BUDGET]
    if limits.dollars is not None and label:
        most.append(int(limits.dollars / label) // _AUDIT_OF_BUDGET)
    return min(_AUDIT, *most)


def _seen(job: "Job", options: Options) -> Seen:
    known = known_of(job)
    models = language_models.models_of(job, options.models, options.prices)
    voters = questions.voters_of(job, options.functions, len(models))
    limits, price = _limits(job, options), costs.prices(job.task.cost)
    audit = _audit(job, options, limits, price.label)
    with tempfile.TemporaryDirectory(prefix="labelkit-plan-") as name:
        folder = Path(name)
        classes = language_models.classes_to_ask(job, known.classes())
        by_key = _by_key([language_models.priced(job, one, classes, folder) for one in models])
        prefixes = {key: model.prefix for key, model in by_key.items() if model.prefix}
        trials = Trials(job, known, folder, options.functions, prefixes)
        if WEAK in voters:
            trials.read_rules()
        found = trials.measure(voters)
        facts = Facts(job.rows, audit, price, by_key, voters)
        lines = mixes.lines(facts, found, limits)
        likely = mixes.to_try_with_noise(lines, found.counts, options.target, limits)
        counts = mixes.that_gain(found.counts | trials.with_find_noise(likely))
        found = found._replace(counts=counts)
        sent = _sent(trials, facts, options) if found.counts else {}
        measured = [key for key in prefixes if trials.has_labels_of(key)]
    typed = options.audit is not None
    return Seen(job, known, facts, found, options.functions, measured, sent, limits, typed)


def _by_key(models: list[Model]) -> dict[str, Model]:
    """Return the models by the names that mixes have for them: an empty one if it is the only."""
    if len(models) == 1:
        return {"": models[0]}
    return {model.name or model.prefix: model for model in models}


def _sent(trials: Trials, facts: Facts, options: Options) -> dict[Mix, Sent]:
    """Return what pipelines do that go on until the target is expected."""
    if options.target is None:
        return {}
    row_price = trials.job.task.table("decide").get("price-per-row")
    aim = Aim(options.target, facts.rows, facts.audit, facts.price.label, row_price)
    return steered(trials, facts.voters, aim)


def command(seen: Seen, mix: Mix, options: Options) -> str:
    """Return the pipeline that does a mix, as it is typed."""
    job, target = seen.job, command_lines.beside(seen.job, "labelled")
    stages = [*mixes.commands_of(mix), "train"]
    people, audit = _to_give(seen, mix)
    if not people + audit:
        stages = [name for name in stages if name not in ("query", "people")]
    words = [command_lines.source(job), "-o", target, "--work-dir", f"{target}.work"]
    words += ["--stages", ",".join(stages)]
    if "query" in stages:
        words += ["-n", str(people), "--audit", str(audit)]
    words += ["--target-accuracy", f"{mix.target:g}"] if mix.target else []
    words += [] if options.labels is None else ["--labels", str(options.labels)]
    if options.functions and WEAK in mix.voters:
        words += ["--functions", str(options.functions)]
    if LLM in mix.voters:
        words += seen.facts.models[mix.model].words(job)
    other = _other_column(job)
    words += ["--gold", other] if other else []
    return command_lines.command(job, "pipeline", *words)


def _to_give(seen: Seen, mix: Mix) -> tuple[int, int]:
    """Return the labels that people have yet to give: those picked, and audit rows."""
    picked, audit = seen.in_file
    return max(0, mix.people - picked), max(0, seen.facts.audit - audit)


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
           "low", "high", "basis"]  # fmt: skip
_KEYS = ["mix", "labels_by_people", "set_up", "dollars", "per_1000_rows", "hours", "accuracy",
         "low", "high", "basis"]  # fmt: skip
_PRINTED = (0, 30, 100, 200, 400, 800)  # labels by people; further ones double


def _shown(line: Line, rows: int) -> list[Any]:
    figure = [None] * 3 if line.accuracy is None else [float(value) for value in line.accuracy]
    each = None if line.dollars is None else 1000 * line.dollars / rows
    basis = None if line.accuracy is None else "extrapolated" if line.extrapolated else "trial"
    if line.made_of is None and line.accuracy is not None:
        basis = "by definition"
    shown = [line.mix, line.labels, line.set_up, line.dollars, each, line.hours, *figure]
    return [*shown, basis]


def _print(seen: Seen, found: Found) -> None:
    for one in found.asked:
        console.data_line(f"{one.question:<34}{one.answer:<19}{console.clean(one.why, 1000)}")
    answer, why = found.techniques
    console.data_line(f"{'so which techniques?':<34}{answer}")
    if why:
        console.data_line(f"{'':<34}{console.clean(why, 1000)}")
    console.data_line()
    header = [*_HEADER]
    if seen.found.counts and seen.known.biased:
        header[_KEYS.index("accuracy")] += " (biased)"
    rows = [_shown(line, seen.facts.rows) for line in _printed(seen, found)]
    told = [place for place in range(len(header)) if any(row[place] is not None for row in rows)]
    if _priceless(seen):
        told.remove(_KEYS.index("set_up"))
    console.data_table([header[i] for i in told], [[row[i] for i in told] for row in rows])


def _printed(seen: Seen, found: Found) -> list[Line]:
    """Return the lines of the table: what was tried, then in steps up to the limits."""
    known = [line for line in found.lines if line.made_of is not None and seen.limits.allow(line)]
    last = {line.made_of._replace(people=0): line for line in known if line.made_of}
    tried = {mix.people for mix in seen.found.counts}
    return [
        line
        for line in found.lines
        if line.made_of is None
        or line.accuracy is None
        or line.made_of.target
        or line.made_of.people in tried
        or line in (found.choice.best, last.get(line.made_of._replace(people=0)))
        or (_is_step(line.made_of.people) and seen.limits.allow(line))
    ]


def _is_step(people: int) -> bool:
    """Tell whether a number of labels is printed: 800, 1,500, 3,000, 6,000, 12,000 and so on."""
    while people >= 10_000:
        people //= 10
    return people in (*_PRINTED, 1500, 3000, 6000)


def _priceless(seen: Seen) -> bool:
    """Tell whether nothing is known of costs, so that no column tells them."""
    return seen.facts.price.label is None and not seen.facts.price.setup


def _plain(seen: Seen, found: Found, options: Options) -> dict[str, Any]:
    shown = [map(_rounded, _shown(line, seen.facts.rows)) for line in found.lines]
    told = [dict(zip(_KEYS, values, strict=True)) for values in shown]
    for line, one in zip(found.lines, told, strict=True):
        mix = None if seen.all_labelled else line.made_of
        one["run"] = None if mix is None else command(seen, mix, options)
    best = found.choice.best
    used = [] if best is None or best.made_of is None else advice.techniques_of(best.made_of)
    return {
        "schema": 1,
        "rows": seen.facts.rows,
        "questions": [one._asdict() for one in found.asked],
        "techniques": {"use": found.techniques[0], "why": found.techniques[1], "commands": used},
        "pilot": None if found.first is None else found.first._asdict(),
        "models": [_model(model) for model in seen.facts.models.values()],
        "floor": _rounded(found.floor.value) if seen.found.counts else None,
        "measured_on": seen.known.basis if seen.found.counts else None,
        "measured_rows": seen.found.rows if seen.found.counts else 0,
        "biased": seen.known.biased,
        "llm_hours": _rounded(questions.llm_hours(seen.job)),
        "mixes": told,
        **found.choice.plain(),
    }


def _model(model: Model) -> dict[str, Any]:
    tokens = {} if model.tokens is None else dict(zip(("in", "out"), model.tokens, strict=True))
    return {
        "model": model.name,
        "dollars": _rounded(model.dollars),
        "tokens": tokens or None,
        "not_known": model.trouble or None,
        "column": f"{model.prefix}_label" if model.prefix else None,
    }


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _close(job: "Job", seen: Seen, found: Found, options: Options) -> None:
    first, choice = _first(seen, found), found.choice
    for run in dict.fromkeys(one.run for one in found.asked if one.run not in ("", first)):
        about = " ".join(one.question for one in found.asked if one.run == run)
        console.note(f"{about} to know more: {run}")
    if not seen.found.counts:
        console.note(_nothing(seen))
        use = f"use {found.techniques[0]}"
        if seen.classes and not seen.all_labelled:
            use += f"; too few labels can be had for a pilot, which takes {FEWEST}"
        job.print_summary(_pilot_first(found) or use, then=first)
        return
    console.note(
        f"accuracy is of all rows, people's own labels counted as right; tried out on "
        f"{seen.found.rows:,} {seen.known.basis}, as far as these are right; people's rows were "
        f"picked there as query would; what more labels give is extrapolated from that"
    )
    if seen.all_labelled:
        text = "each row has a label: the table tells what it would have taken otherwise"
        job.print_summary(text, then=first)
        return
    for line in (*choice.short, *([choice.cheaper] if choice.cheaper else [])):
        console.note(line)
    then = _run_of(seen, choice, options)
    if found.first is not None:
        if choice.words:
            console.note(f"without the pilot: {choice.words}{f': {then}' if then else ''}")
        job.print_summary(_pilot_first(found), then=first)
        return
    job.print_summary(choice.words, then=then or first)


def _run_of(seen: Seen, choice: Choice, options: Options) -> str | None:
    """Return the command that does what is named, with what else has to be known of it."""
    if choice.best is None:
        return None
    if choice.best.made_of is None:
        return command_lines.command(seen.job, "annotate", command_lines.source(seen.job))
    hint = _hint(seen, choice.best.made_of)
    if hint:
        console.note(hint)
    there = sum(seen.in_file)
    if there:
        more = sum(_to_give(seen, choice.best.made_of))
        console.note(
            f"{there:,} of these labels are in the file already and are paid for: {more:,} are "
            "left to give"
        )
    if choice.best.made_of.target:
        console.note(_range(seen, choice.best.made_of))
    return command(seen, choice.best.made_of, options)


def _pilot_first(found: Found) -> str:
    first = found.first
    if first is None:
        return ""
    return f"pilot first: {first.what} ({first.cost}): decides {first.decides}"


def _range(seen: Seen, mix: Mix) -> str:
    """Return how far the trials are apart in what they send to people."""
    sent, first = seen.sent[mix], mix.people + seen.facts.audit
    least, most = (
        first + round((seen.facts.rows - first) * share) for share in (sent.least, sent.most)
    )
    return (
        f"how many rows go to people depends on how sure the first {mix.people:,} labels leave the "
        f"others: {least:,} to {most:,} labels in the trials"
    )


def _nothing(seen: Seen) -> str:
    n = seen.known.rows
    few = f"{n:,} known labels of one class, or too few," if n else "no known labels"
    return f"no accuracy can be estimated: {few} to try the mixes on"


def _first(seen: Seen, found: Found) -> str | None:
    """Return what to type first: the pilot; without labels and classes a task goes no further."""
    if found.first is not None:
        return found.first.run
    if seen.found.counts and not seen.all_labelled and found.choice.best is not None:
        return None
    task = [one for one in found.asked if one.answer == "not yet" and not seen.known.rows]
    return next((one.run for one in [*task, *found.asked] if one.run), None)
