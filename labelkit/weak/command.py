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


@command(
    "weak-label",
    prefix="weak",
    annotates=True,
    uses=("text", "classes", "unknown_label", "label", "answers", "gold", "id", "jobs"),
    tables=("rule",),
)
def weak_label(
    job: "Job",
    functions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.py", help="A Python file of labeling functions. It is executed."
        ),
    ] = None,
    from_votes: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMNS",
            help="Columns that hold votes made elsewhere ('lf_*'; repeats): a class, its number "
            "in the class order, or empty or -1 to abstain.",
        ),
    ] = None,
    label_model: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="How votes become a label: majority, snorkel, or file.py:function."
        ),
    ] = "majority",
    prior: Annotated[
        str | None,
        typer.Option(metavar="A=P,B=Q", help="Expected share of each class: a=0.3,b=0.7."),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Also write the probability of each class.")
    ] = False,
    votes: Annotated[
        bool, typer.Option("--votes", help="Also write the vote of each function.")
    ] = False,
    lf_report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write the summary of the functions (.csv, .json, .txt)."
        ),
    ] = None,
    on_lf_error: Annotated[
        OnLfError,
        typer.Option(help="Where a function raises: stop, or abstain and count."),
    ] = OnLfError.stop,
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
