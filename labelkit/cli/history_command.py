"""`labelkit history`: the steps that made a file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from labelkit import console
from labelkit.command.declare import command
from labelkit.errors import LabelkitError
from labelkit.io import history


@command("history", inputs="one")
def show_history(
    job: Any,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the steps that made a file, with their counts, cost and time.

    Example:
      labelkit history build/final.csv
    """
    path = Path(job.options["input"])
    steps = history.read(path)
    if not steps:
        place = history.path_for(path)
        why = f"holds none; make {path.name} again" if place.exists() else "does not exist"
        raise LabelkitError(f"no history of {path} ({place.name} {why})")
    if as_json:
        console.data_json({"schema": history.SCHEMA, "steps": steps})
        return
    rows = [
        [*map(step.get, ("when", "command")), _facts(step), step.get("seconds")] for step in steps
    ]
    console.data_table(["when", "command", "what", "seconds"], rows)


def _facts(step: dict[str, Any]) -> str:
    facts = {**step.get("counts", {}), **step.get("cost", {})}
    return " · ".join(
        f"{value:,} {name}" if isinstance(value, int | float) else f"{name} {value}"
        for name, value in facts.items()
    )
