"""Commands run in this process on files of their own, without their words."""

import contextlib
import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit import console
from labelkit.errors import LabelkitError
from labelkit.io import table

if TYPE_CHECKING:
    from labelkit.job.job import Job


def opened(path: Path) -> table.Table:
    """Return a file that a command wrote."""
    return table.Table([path])


def run_quietly(args: list[str], job: "Job") -> None:
    """Run a command in this process without its words; raises LabelkitError as it does."""
    from labelkit.command.invoke import run

    try:
        # What a command warns of is about its own little file, not the user's.
        with contextlib.redirect_stderr(io.StringIO()):
            code = run(args)
    finally:
        console.set_level(bool(job.options["quiet"]), bool(job.options["verbose"]))
    if code != 0:
        raise LabelkitError(f"labelkit {args[0]} ended with exit code {code}")


def quoted(classes: Sequence[str]) -> str:
    """Return classes as --classes takes them."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(classes)
    return line.getvalue()


def figures_of(path: Path) -> dict[str, Any]:
    """Return the figures that a command wrote with --summary."""
    return dict(json.loads(path.read_text("utf-8")))
