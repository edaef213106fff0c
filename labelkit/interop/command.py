"""The commands export and import."""

from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.command.declare import command
from labelkit.config import plugins

if TYPE_CHECKING:
    from labelkit.job.job import Job

To = Annotated[
    str, typer.Option("--to", metavar="|".join(plugins.names("to")), help="Output format.")
]
From = Annotated[
    str,
    typer.Option(
        "--from", metavar="|".join(plugins.names("from")), help="The tool that wrote the file."
    ),
]
Show = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Another column to show beside the text (repeatable)."),
]
Blind = Annotated[
    bool, typer.Option("--blind", help="Leave out suggested labels, which can bias people.")
]
LabelField = Annotated[
    str | None,
    typer.Option(
        "--label-field",
        metavar="NAME",
        help="Field with the classes, if it is not the one that export wrote: a control of Label "
        "Studio, a question of Argilla, a column of a table.",
    ),
]
Annotator = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Name of the annotator, where the file has none."),
]


@command(
    "export",
    uses=("output", "text", "classes", "unknown_label", "label", "id", "where"),
)
def export(job: "Job", to: To, show: Show = None, blind: Blind = False) -> None:
    """Write rows as tasks for another labelling tool, or as a Hugging Face dataset.

    A task shows the text columns (and those of --show) and a suggested label with its confidence
    (from query, a language model or rules), if there is one. Existing labels are exported as
    answers. Each task has its row's key, by which import matches the answers to the rows.
    label-studio: also writes the labelling interface, FILE.config.xml. csv: for spreadsheets;
    cells that look like formulas are escaped. hf: a folder with all columns.

    Example:
      labelkit export sample_data/reviews.csv -o build/tasks.json --to label-studio \\
        --classes NEGATIVE,POSITIVE
    """
    from labelkit.interop.tasks import export as work

    work(job, to, show or [], blind)


@command("import", uses=("output", "classes", "unknown_label", "id"), inputs="one")
def import_answers(
    job: "Job",
    origin: From,
    label_field: LabelField = None,
    annotator: Annotator = None,
) -> None:
    """Convert answers from another labelling tool to the answers file that merge reads.

    Reads JSON (also JSON_MIN, CSV) of Label Studio, JSON lines of Prodigy (db-out) and doccano,
    JSON of Argilla, a filled-in table, a dataset. If a person answered a row several times, the
    latest answer counts; a skip is kept as an answer without a label. A label that is not a class
    is an error.

    Example:
      labelkit import sample_data/answers.csv -o build/imported.csv --from csv
    """
    from labelkit.interop.importing import import_answers as work

    work(job, origin, label_field, annotator)
