"""The command annotate."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.command.declare import command

if TYPE_CHECKING:
    from labelkit.command.declare import Unopened


class Redo(StrEnum):
    """Which rows are shown again."""

    flagged = "flagged"
    skipped = "skipped"


Show = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Another column to show beside the text (repeatable)."),
]
Highlight = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WORD",
        help="Highlight this word or phrase (repeatable). Words in the task file's rules are "
        "highlighted too.",
    ),
]
Blind = Annotated[
    bool,
    typer.Option("--blind", help="Show no suggestions and comparisons, which can bias people."),
]
RedoOption = Annotated[
    Redo | None, typer.Option("--redo", help="Show the flagged or the skipped rows again.")
]
Annotator = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Name of the annotator. Default: the account's name."),
]
LabelsOption = Annotated[
    int | None, typer.Option("--labels", metavar="N", min=1, help="Stop after N labels in all.")
]
Minutes = Annotated[
    float | None, typer.Option(metavar="M", min=0, help="Stop M minutes after the start.")
]
StopWhen = Annotated[
    list[str] | None,
    typer.Option(
        "--stop-when",
        metavar="RULE",
        help="Stop a live session, with exit code 6, when the rule is reached: kappa=.99, "
        "gain=0.1, accuracy=.9 and so on, as in query.",
    ),
]
Audit = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help="Number of random audit rows, shown first and never used for training; they measure "
        "accuracy. Default: 30, or a fifth of --labels if that is less. Not for a batch.",
    ),
]
Strategy = Annotated[
    str,
    typer.Option(metavar="NAME", help="Query strategy for a data file, as in query."),
]
InOrder = Annotated[
    bool, typer.Option("--in-order", help="Show the rows in file order, as for a batch.")
]
Plain = Annotated[bool, typer.Option("--plain", help="Line prompts, also on a terminal.")]
Web = Annotated[
    bool,
    typer.Option(
        "--web",
        help="Label in a browser page, for one person on this machine.",
    ),
]
Port = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, max=65535, help="Port for --web. Default: a free one."),
]
StartOver = Annotated[
    bool, typer.Option("--start-over", help="Rename earlier answers and start again.")
]


@command(
    "annotate",
    uses=(
        "output",
        "text",
        "classes",
        "unknown_label",
        "id",
        "gold",
        "features",
        "column",
        "cache",
    ),
    inputs="one",
    unopened=True,
    groups={
        "Which rows are shown": (
            "audit",
            "strategy",
            "in_order",
            "redo",
            "start_over",
            "stop_when",
            "minutes",
        ),
        "How they are shown": ("show", "highlight", "blind", "plain", "web", "port"),
    },
)
def annotate(
    unopened: "Unopened",
    show: Show = None,
    highlight: Highlight = None,
    blind: Blind = False,
    redo: RedoOption = None,
    annotator: Annotator = None,
    labels: LabelsOption = None,
    stop_when: StopWhen = None,
    minutes: Minutes = None,
    audit: Audit = None,
    strategy: Strategy = "default",
    in_order: InOrder = False,
    plain: Plain = False,
    web: Web = False,
    port: Port = None,
    start_over: StartOver = False,
) -> None:
    """Label rows by hand: one row per screen, one key per label.

    Digits give a label, Enter accepts the suggestion, Backspace undoes (also answers of earlier
    sessions), Space skips, f flags, n adds a note, / finds a class, ? shows the keys and the task
    file's guidelines, class descriptions, hard cases and examples. Each answer is saved before
    the next row is shown; run the same command again to continue. Without a terminal each line
    of stdin answers a row: a number, a class, or a command (? lists them). With --web the same
    keys, and buttons for touch, work in a browser page.

    For a file that is not a batch of query, annotate shows random audit rows first, then the rows
    that a query strategy selects with a model, which is trained in the background. At the end it
    writes the labelled file (DATA.labelled.csv) and the model (DATA.model) beside the answers.

    merge reads the answers (by default todo.answers.csv for todo.csv).

    Example:
      labelkit annotate sample_data/reviews.csv -o build/hand.csv --labels 100 \\
        --classes NEGATIVE,POSITIVE
    """
    from labelkit.annotate import run as work
    from labelkit.annotate.options import AnnotateOptions
    from labelkit.annotate.row_order import Limits

    work.annotate(
        unopened,
        AnnotateOptions(
            show=tuple(show or ()),
            highlight=tuple(highlight or ()),
            blind=blind,
            redo=redo.value if redo else None,
            annotator=annotator,
            limits=Limits(labels, minutes),
            audit=audit,
            strategy=strategy,
            in_order=in_order,
            plain=plain,
            web=web,
            port=port,
            start_over=start_over,
            stop_when=tuple(stop_when or ()),
        ),
    )
