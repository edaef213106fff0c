"""One prompt and one model of several: those of --try, and those of --cascade."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from labelkit.command.introspect import from_task_file
from labelkit.config import task_file as tasks
from labelkit.config.label_text import split_classes
from labelkit.config.task_file import Task
from labelkit.errors import UsageError, listing
from labelkit.job.job import Job
from labelkit.llm.options import Wanted

# What belongs to the command as a whole, not to one of its models.
_OF_THE_COMMAND = (
    "threshold", "target_accuracy", "batch", "max_cost", "dry_run", "show_prompt", "yes",
    "refresh", "wait", "cascade", "unsure",
)  # fmt: skip
_SPELLED = {"tried": "try", "as_json": "json"}
_SAME_FOR_ALL = ("text", "label", "answers", "gold", "id", "where", "sample")


class Variant(NamedTuple):
    """A model and what it is told."""

    name: str
    wanted: Wanted
    task: Task
    given: str = ""  # its name, or its file


def typed(job: Job, name: str, value: str | None) -> bool:
    """Tell whether an option was given on the command line, which goes before the task file."""
    told = job.task.table(job.name).get(name)
    by_file = ",".join(map(str, told)) if isinstance(told, list) else told
    return value is not None and value != by_file


def single(job: Job, wanted: Wanted) -> Variant:
    """Return the one model of the command line."""
    return Variant("", wanted, job.task)


def tried(job: Job, wanted: Wanted, given: Sequence[str]) -> list[Variant]:
    """Return those of --try: a task file that says what is different, or a model's name."""
    if not all(one.strip() for one in given):
        raise UsageError("--try '': give a task file or the name of a model")
    return _named([_read(job, wanted, one, "--try") for one in given])


def cascaded(job: Job, wanted: Wanted, given: str) -> list[Variant]:
    """Return those of --cascade, in their order, each with its own price."""
    names = [name.strip() for name in given.split(",")]
    if len(names) < 2 or not all(names):
        raise UsageError(
            f"--cascade {given!r}: give two models or task files or more, the cheapest first: "
            "cheap,strong"
        )
    prices = (wanted.price or "").split("/") if wanted.price else [None]
    if len(prices) not in (1, len(names)):
        raise UsageError(
            f"--price {wanted.price!r}: one for all models, or one for each of the {len(names)} of "
            "--cascade with / between: 0.15,0.60/2.5,10"
        )
    each = prices * len(names) if len(prices) == 1 else prices
    priced = [replace(wanted, price=price) for price in each]
    return _named(
        [_read(job, one, name, "--cascade") for one, name in zip(priced, names, strict=True)]
    )


def classes_of(variants: Sequence[Variant]) -> list[str]:
    """Return the classes that the task files name, where they agree; empty where none does."""
    found = {tuple(each.task.content.get("task", {}).get("classes", ())) for each in variants}
    given = sorted(found - {()})
    if len(given) > 1:
        raise UsageError(
            f"the task files name different classes: {listing(map(str, given))}; the same rows can "
            "be labelled by the same classes only"
        )
    return list(given[0]) if given else []


def _named(variants: list[Variant]) -> list[Variant]:
    names = [variant.name for variant in variants]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{listing(twice)} is named twice: each must have a name of its own")
    return variants


def _read(job: Job, wanted: Wanted, given: str, option: str) -> Variant:
    if not given.endswith(".toml"):
        return Variant(given, replace(wanted, model=given), job.task, given)
    path = Path(given)
    job.also_reads(path)
    own = tasks.load(path)
    options = from_task_file("llm-label", path)
    known = {field.name for field in fields(Wanted)} - set(_OF_THE_COMMAND)
    _check(job, path, options, known, option)
    if own.content.get("cost", {}) != {} and own.cost != job.task.cost:
        raise UsageError(
            f"{path}: [cost] is the same for all of {option}: give it in labelkit.toml"
        )
    told = job.task.content.get("task", {}) | own.content.get("task", {})
    mine = {name: value for name, value in options.items() if name in known}
    both = Task(path, job.task.content | {"task": told})
    return Variant(path.stem, replace(wanted, **mine), both, given)


def _check(job: Job, path: Path, options: dict[str, Any], known: set[str], option: str) -> None:
    for name, value in options.items():
        if name in known or (name in _SAME_FOR_ALL and value == job.options.get(name)):
            continue
        if name == "classes" and job.classes in (None, split_classes(value)):
            continue
        shown = _SPELLED.get(name, name.replace("_", "-"))
        raise UsageError(
            f"{path}: {shown!r} is the same for all of {option}: give it on the command line or "
            "in labelkit.toml"
        )
