"""The command weak-label."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.options import command

if TYPE_CHECKING:
    from labelkit.job import Job


class OnLfError(StrEnum):
    """What happens where a labeling function raises."""

    stop = "stop"
    abstain = "abstain"


Functions = Annotated[
    Path | None,
    typer.Option(metavar="FILE.py", help="A Python file of labeling functions. It is executed."),
]
FromVotes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMNS",
        help="Columns that hold votes made elsewhere ('lf_*'; repeats): a class, its number in "
        "the class order, or empty or -1 to abstain.",
    ),
]
LabelModel = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="How votes become a label: majority, snorkel, or file.py:function."
    ),
]
Prior = Annotated[
    str | None, typer.Option(metavar="A=P,B=Q", help="Expected share of each class: a=0.3,b=0.7.")
]
Proba = Annotated[bool, typer.Option("--proba", help="Also write the probability of each class.")]
Votes = Annotated[bool, typer.Option("--votes", help="Also write the vote of each function.")]
LfReport = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Also write the summary of the functions (.csv, .json, .txt)."
    ),
]
OnError = Annotated[
    OnLfError, typer.Option(help="Where a function raises: stop, or abstain and count.")
]


@command(
    "weak-label",
    prefix="weak",
    annotates=True,
    uses=("text", "classes", "unknown_label", "label", "answers", "gold", "id", "jobs"),
    tables=("rule",),
)
def weak_label(
    job: "Job",
    functions: Functions = None,
    from_votes: FromVotes = None,
    label_model: LabelModel = "majority",
    prior: Prior = None,
    proba: Proba = False,
    votes: Votes = False,
    lf_report: LfReport = None,
    on_lf_error: OnError = OnLfError.stop,
) -> None:
    """Label rows by labeling functions, rules and votes made elsewhere.

    Functions come from --functions, rules from [[weak-label.rule]] in the task file. Their votes
    are combined by the label model; a row on which none votes gets no label and confidence 0.

    Example:
      labelkit weak-label sample_data/reviews.csv -o build/weak.csv --functions sample_data/lfs.py
    """
    from labelkit.weak import run

    run.weak_label(
        job,
        run.Wanted(
            functions=functions,
            from_votes=tuple(from_votes or ()),
            label_model=label_model,
            prior=prior,
            proba=proba,
            votes=votes,
            lf_report=lf_report,
            on_lf_error=on_lf_error.value,
        ),
    )
