"""The command merge."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.command.declare import command

if TYPE_CHECKING:
    from labelkit.job.job import Job


class Prefer(StrEnum):
    """Which answer counts where people disagree."""

    latest = "latest"
    majority = "majority"
    consensus = "consensus"


@command(
    "merge",
    prefix="label",
    annotates=True,
    uses=("classes", "unknown_label", "id"),
    inputs="one",
)
def merge(
    job: "Job",
    answers_files: Annotated[
        list[Path],
        typer.Argument(
            metavar="ANSWERS", help="What annotate, import or a batch holds.", show_default=False
        ),
    ],
    batch: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="The rows that were asked for, as query wrote them; repeats. Answers to other "
            "rows are left out, and counted.",
        ),
    ] = None,
    prefer: Annotated[
        Prefer,
        typer.Option(
            help="Which answer counts where people disagree; consensus weighs each person by how "
            "often the others agree, and writes label_confidence."
        ),
    ] = Prefer.latest,
    again: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --prefer consensus: also write the rows to ask one more person, those less "
            "sure than 0.9, least sure first.",
        ),
    ] = None,
    spreadsheet_keys: Annotated[
        bool,
        typer.Option(
            "--spreadsheet-keys",
            help="Match keys that a spreadsheet changed: 1 or 1.0 for 00001, 1E+05, dates.",
        ),
    ] = False,
    ignore_unknown: Annotated[
        bool, typer.Option("--ignore-unknown", help="Leave out answers whose key is unknown.")
    ] = False,
) -> None:
    """Bring people's answers into the file, by key.

    Writes label, label_origin, label_annotator, and what else the answers tell (label_seconds,
    label_note, label_flag). A later file, and a later line of a file, is newer and wins. Labels
    already there stay where no answer comes; with --where only the rows it names are changed.

    Example:
      labelkit merge sample_data/reviews.csv sample_data/answers.csv -o build/merged.csv
    """
    from labelkit.merge import run as work

    work.merge(job, answers_files, batch or [], prefer.value, not ignore_unknown, again)
