"""The command annotate."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.command.declare import command

if TYPE_CHECKING:
    from labelkit.command.declare import Unopened


class Redo(StrEnum):
    """Which answers are asked again."""

    flagged = "flagged"
    skipped = "skipped"


Show = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Show this column beside the text; repeats."),
]
Highlight = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WORD",
        help="Mark this word or phrase; repeats. Words of the task file's rules are marked too.",
    ),
]
Blind = Annotated[
    bool, typer.Option("--blind", help="Show no guess and no comparison: they sway people.")
]
RedoOption = Annotated[
    Redo | None, typer.Option("--redo", help="Ask the flagged or the skipped rows again.")
]
Annotator = Annotated[
    str | None, typer.Option(metavar="NAME", help="Who labels. Default: the account's name.")
]
LabelsWanted = Annotated[
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
        help="Stop a live session, with exit code 6, where it holds: kappa=.99, gain=0.1, "
        "accuracy=.9 and so on, as in query.",
    ),
]
Audit = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help="Rows drawn at random that are asked first and never learned from: accuracy is "
        "claimed from them. Default: 30, or a fifth of --labels if that is less. Not of a batch.",
    ),
]
Strategy = Annotated[
    str,
    typer.Option(metavar="NAME", help="What picks the rows of a data file, as in query."),
]
InOrder = Annotated[
    bool, typer.Option("--in-order", help="Ask the rows as they stand, as those of a batch are.")
]
Plain = Annotated[bool, typer.Option("--plain", help="Line prompts, also on a terminal.")]
Web = Annotated[
    bool,
    typer.Option(
        "--web",
        help="Ask in a page in the browser, for one person on this machine.",
    ),
]
Port = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, max=65535, help="Port of the page of --web. Default: a free one."
    ),
]
StartOver = Annotated[
    bool, typer.Option("--start-over", help="Set earlier answers aside (renamed) and begin anew.")
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
        "Which rows are asked": (
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
    labels: LabelsWanted = None,
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
    """Label rows by hand: one row a screen, one key a label.

    Digits label and go on, Enter takes the guess, Backspace undoes (also what an earlier session
    did), Space skips, f flags, n notes, / finds a class, ? shows the keys and what the task file
    tells people: guidelines, descriptions of the classes, hard cases, examples. Each answer is on
    the disk before the next row is shown; the same command goes on where it stopped. Without a
    terminal each line of stdin answers a row: a number, a class, or a command (? lists them).
    With --web the same keys, and buttons for touch, work in a page in the browser.

    A file that is no batch of query is taught from: audit rows are asked first, then the rows that
    teach most, while a model learns along in the background; beside the answers it leaves the
    labelled file (DATA.labelled.csv) and the model (DATA.model).

    The answers (default: todo.csv gives todo.answers.csv) are what merge reads.

    Example:
      labelkit annotate sample_data/reviews.csv -o build/hand.csv --labels 100 \\
        --classes NEGATIVE,POSITIVE
    """
    from labelkit.annotate import run as work
    from labelkit.annotate.options import Wanted
    from labelkit.annotate.session import Limits

    work.annotate(
        unopened,
        Wanted(
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
