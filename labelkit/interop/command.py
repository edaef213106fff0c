"""The commands export and import."""

from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.command.declare import command
from labelkit.config import plugins

if TYPE_CHECKING:
    from labelkit.job.job import Job

To = Annotated[
    str, typer.Option("--to", metavar="|".join(plugins.names("to")), help="Whose format.")
]
From = Annotated[
    str, typer.Option("--from", metavar="|".join(plugins.names("from")), help="Whose file it is.")
]
Show = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Show people this column beside the text; repeats."),
]
Blind = Annotated[bool, typer.Option("--blind", help="Send no guesses along: they sway people.")]
LabelField = Annotated[
    str | None,
    typer.Option(
        "--label-field",
        metavar="NAME",
        help="Where the classes are, if not where export put the question: the control of Label "
        "Studio, the question of Argilla, the column of a table.",
    ),
]
Annotator = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Who labelled, where the file does not tell."),
]


@command(
    "export",
    uses=("output", "text", "classes", "unknown_label", "label", "id", "where"),
)
def export(job: "Job", to: To, show: Show = None, blind: Blind = False) -> None:
    """Write rows as tasks for the tool where people label, or as a Hugging Face dataset.

    A task shows the text columns (and those of --show), and what is supposed already: the guess
    of query, of a language model, of rules, with its confidence. Labels that the file has go along
    as answers. Each task carries its row's key, so that what people say finds its row again.
    label-studio: also writes the labelling interface beside, FILE.config.xml. csv: for a
    spreadsheet, no cell of which is run as a formula. hf: a folder with all columns.

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
    """Turn what people said in another tool into the answers that merge reads.

    Takes what the tool exports: JSON (also JSON_MIN, CSV) of Label Studio, JSON lines of Prodigy
    (db-out) and doccano, JSON of Argilla, a filled-in table, a dataset. Of several answers of one
    person to a row the latest counts; a skip is kept as an answer without label. Labels that are
    no class are refused.

    Example:
      labelkit import sample_data/answers.csv -o build/imported.csv --from csv
    """
    from labelkit.interop.importing import bring as work

    work(job, origin, label_field, annotator)
