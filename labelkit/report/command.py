"""`labelkit report`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit import console
from labelkit.command.declare import command
from labelkit.errors import UsageError
from labelkit.io.streams import is_stream

if TYPE_CHECKING:
    from labelkit.job.job import Job


@command(
    "report", uses=("text", "classes", "unknown_label", "answers", "gold", "id", "target_accuracy")
)
def report(
    job: "Job",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.html", help="Where to write.")
    ] = None,
) -> None:
    """Make one HTML page of a labelled file: verdict, sources, cost, accuracy, what to do next.

    INPUT is the output of any command, and beside it, if there are any: models of train (their
    figures) and the curves of simulate --csv. The page is one file, loads nothing, and holds
    excerpts of the rows that are worth a look. Accuracy is claimed from audit rows alone, or
    from --gold; any other figure says biased.

    Example:
      labelkit report build/final.csv -o build/report.html --gold gold
    """
    if output is None or not (is_stream(output) or output.suffix.lower() in (".html", ".htm")):
        raise UsageError("report needs -o FILE.html, the page to write (-o - is stdout)")
    from labelkit.report import run
    from labelkit.verdict import messages

    excerpts, conclusion = run.report(job, output)
    job.print_summary(
        f"{job.rows:,} rows, excerpts of {excerpts:,} in the page", output=str(output)
    )
    messages.close(conclusion, None)
    console.detail("open it in a browser; it needs no network")
