"""The stages of an update: those of the old run, once, on new rows alone, and an audit of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labelkit import console
from labelkit.errors import UsageError
from labelkit.pipeline import runner
from labelkit.pipeline import stages as pipeline
from labelkit.pipeline.stages import Stage
from labelkit.update.content import UNLIKE
from labelkit.update.earlier_run import EarlierRun
from labelkit.update.rows import DRIFT, IS_NEW

_BY_PEOPLE = ("query", "people")
_OF_RULES = ("weak-label", "llm-label")


def make(
    run: EarlierRun, source: Path, labelled: Path, options: dict[str, Any], drifted: bool
) -> list[Stage]:
    """Return the stages that label the new rows of `source`, and write `labelled`.

    `options` are those of update; `drifted` tells whether some rows are unlike the old ones.
    """
    shared, own = options_of(run, options)
    rounds = audit_rounds(run, options)
    names = _names(run, len(rounds))
    own["stages"] = ",".join(names)
    planned = pipeline.make_plan(
        [str(source)], labelled, options["work_dir"], run.task, shared, own
    )
    planned = _with_audits(planned, rounds)
    return [_on_new_rows(stage, run, planned, drifted) for stage in planned]


def audit_rounds(run: EarlierRun, options: dict[str, Any]) -> list[int]:
    """Return how many rows each round of the audit asks for: a larger --audit goes on.

    Rounds that people have answered in the work directory stay as they are.
    """
    folder, total = options["work_dir"], options["audit"]
    before = runner.last_run(folder).get("audits", []) if runner.is_work_dir(folder) else []
    who = "oracle" if run.own.get("oracle") else "answers"
    is_answered = [(folder / f"{who}-{i}.csv").exists() for i in range(1, len(before) + 1)]
    kept = list(before[: is_answered.index(False) if False in is_answered else len(before)])
    return [*kept, *([total - sum(kept)] if total > sum(kept) else [])]


def _with_audits(planned: Sequence[Stage], rounds: Sequence[int]) -> list[Stage]:
    """Return the stages where each query draws the rows of its round."""
    left, found = iter(rounds), []
    for stage in planned:
        args = [*stage.args]
        if stage.name == "query":
            args[args.index("--audit") + 1] = str(next(left))
        found.append(stage._replace(args=args))
    return found


def options_of(run: EarlierRun, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options that the stages share, and those of the pipeline, for the update.

    The stages' files are comma-separated UTF-8, whatever the data is.
    """
    shared = {**run.options, "delimiter": None, "encoding": "utf-8", "answers": None}
    shared |= {name: options[name] for name in ("quiet", "summary")}
    shared["seed"] = options["seed"] or run.options["seed"]
    shared |= {"id": options["id"] or run.options.get("id"), "cache": run.cache_dir()}
    largest = max(audit_rounds(run, options), default=0)
    own = {**run.own, "n": 0, "audit": largest, "rounds": None}
    own |= {name: options[name] for name in ("max_cost", "base_url") if options[name] is not None}
    own["yes"] = options["yes"] or own["yes"]
    if console.MASK in str(own["base_url"]):
        raise UsageError(
            f"the old run's endpoint {own['base_url']} holds a secret, which is not kept; give "
            f"--base-url"
        )
    return shared, own


def _names(run: EarlierRun, rounds: int) -> list[str]:
    """Return the old run's stages once: rules first, then people in rounds, then the decision."""
    chosen = pipeline.chosen_stages(run.options, run.own, run.task)
    names = [*dict.fromkeys(name for name in chosen if name not in (*_BY_PEOPLE, "train"))]
    names = [*(name for name in names if name != "decide"), "decide"]
    if run.own.get("target_accuracy") is not None and "llm-label" in names:
        names.insert(names.index("llm-label"), "decide")  # says which rows go to the model
    at = max((i + 1 for i, name in enumerate(names) if name in _OF_RULES), default=0)
    return [*names[:at], *_BY_PEOPLE * rounds, *names[at:]]


def _on_new_rows(stage: Stage, run: EarlierRun, planned: Sequence[Stage], drifted: bool) -> Stage:
    """Return a stage that acts on new rows only; rules are weighed on all, which costs nothing."""
    if stage.name not in ("llm-label", "query", "decide"):
        return stage
    args, own = _without_where(stage.args)
    own = own or str(run.task.table(stage.args[0]).get("where") or "")
    if stage.name == "llm-label" and any(
        before.name == "decide" and before.number < stage.number for before in planned
    ):
        own = 'final_route == "llm"'
    if drifted and stage.name == "llm-label" and own:
        # The rules learned nothing about rows unlike the old ones.
        own = f"({own}) or {DRIFT} >= {UNLIKE}"
    return stage._replace(args=[*args, "--where", f"{IS_NEW} and ({own})" if own else IS_NEW])


def _without_where(args: Sequence[str]) -> tuple[list[str], str]:
    """Return the words of a command without --where, and its expression."""
    if "--where" not in args:
        return [*args], ""
    at = args.index("--where")
    return [*args[:at], *args[at + 2 :]], args[at + 1]
