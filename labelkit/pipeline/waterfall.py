"""The waterfall of a pipeline: what each stage labelled, cost and is worth."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labelkit import console
from labelkit.config import costs, waterfall
from labelkit.config.task_file import Task
from labelkit.config.waterfall import Waterfall
from labelkit.io import history
from labelkit.pipeline.stages import AFTER, Stage
from labelkit.pipeline.summary import BY_PEOPLE, people_in


def of(stages: Sequence[Stage], task: Task, options: Mapping[str, Any]) -> Waterfall | None:
    """Return the waterfall of the labelled file; None where no stage decides."""
    output = [stage.makes[0] for stage in stages if stage.name not in AFTER][-1]
    models = [stage.makes[0] for stage in stages if stage.name == "train"]
    steps = [*history.read(output), *(step for path in models for step in history.read(path)[-1:])]
    if not any(step.get("command") == "decide" for step in steps):
        return None
    return waterfall.made(steps, costs.prices(task.cost), *_by_people(output, options))


def _by_people(output: Path, options: Mapping[str, Any]) -> tuple[int, float | None]:
    from labelkit.io.table import Table

    table = Table([output], delimiter=options["delimiter"], encoding=options["encoding"])
    return people_in(table.texts_of([name for name in BY_PEOPLE if table.has(name)]))


def show(found: Waterfall | None, stages: Sequence[Stage]) -> None:
    """Print the table, and name stages that harmed."""
    if found is None:
        console.note(
            "what each stage gave is not known: no stage decides between the labels (decide)"
        )
        return
    title = waterfall.title(found, "stage")
    console.table(title, waterfall.header(found), waterfall.cells(found))
    for line in waterfall.words(found, _without(stages)):
        console.note(line)


def _without(stages: Sequence[Stage]) -> dict[str, str]:
    """Return the option that leaves out each stage that can be left out alone."""
    names = [stage.name for stage in stages if stage.name != "report"]
    found = {}
    for name in ("weak-label", "llm-label", "find-noise"):
        if names.count(name) == 1:
            # What stood on both sides of it would be decided twice.
            rest = [each for each, _ in itertools.groupby(n for n in names if n != name)]
            found[name] = "--stages " + ",".join(rest)
    return found
