"""export: the rows as tasks for another tool."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labelkit.config import plugins
from labelkit.errors import UsageError
from labelkit.interop.destination import Place
from labelkit.interop.tasks import Tasks

if TYPE_CHECKING:
    from labelkit.job.job import Job


def export(job: "Job", to: str, show: Sequence[str], blind: bool) -> None:
    """Write the rows in a tool's format; raises LabelkitError for what it cannot hold."""
    write = plugins.load("to", to)
    output = job.options.get("output")
    if not output:
        raise UsageError("export needs -o FILE (- for stdout; a folder for --to hf)")
    given = job.options["input"]
    place = Place(str(output), [Path(path) for path in given if path != "-"])
    tasks = Tasks(job, show, blind)
    then = write(tasks, place)
    job.count(
        rows=tasks.rows, guesses=tasks.guesses, labelled=tasks.labelled, classes=len(tasks.classes)
    )
    for path in place.written[:1]:
        job.record(path)
    parts = [
        f"{tasks.rows:,} rows for {to}",
        *([f"{tasks.guesses:,} with a guess"] if tasks.guesses else []),
        *([f"{tasks.labelled:,} labelled already"] if tasks.labelled else []),
        f"{len(tasks.classes):,} classes",
    ]
    job.closing(" · ".join(parts), then=then)
