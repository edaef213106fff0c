"""The command decide."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.options import command

if TYPE_CHECKING:
    from labelkit.job import Job


class Policy(StrEnum):
    """How the voters that are not people are brought to one label."""

    combine = "combine"
    priority = "priority"


@command(
    "decide",
    prefix="final",
    annotates=True,
    uses=(
        *("text", "classes", "unknown_label", "label", "answers", "gold", "group"),
        *("features", "column", "from_proba", "id", "cache"),
    ),
)
def decide(
    job: "Job",
    policy: Annotated[
        Policy,
        typer.Option(
            help="combine: weigh the voters by the rows that people labelled; priority: the first "
            "confident one of --order."
        ),
    ] = Policy.combine,
    order: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="The voters for priority: columns, or weak, llm, model. Default: the order of "
            "--label, else llm, weak, others, model.",
            show_default=False,
        ),
    ] = None,
    own_model: Annotated[
        bool,
        typer.Option(
            "--own-model/--no-own-model",
            help="combine: learn a model from all that is decided; it votes where people labelled "
            "10 rows or more, and fills. Default: do.",
            show_default=False,
        ),
    ] = True,
    threshold: Annotated[float, typer.Option(help="How sure a voter must be for priority.")] = 0.6,
) -> None:
    """Choose one label a row from all sources: people first, then the other voters.

    People's labels stand in the column label (or in --answers). Voters are weak_label, llm_label
    and columns that were written --as another name, with their confidences and probabilities
    beside them; --label names others. They are weighed by the rows that people labelled, audit
    rows aside. A model learned from people's labels and from what the voters decide (out of fold)
    votes too where people labelled at least 10 rows, and fills the rows where nobody speaks.
    model_label fills the rows that nobody else labelled.

    A label that find-noise flagged counts as hardly more than a guess, and the model that votes
    hardly learns from it; people's stays. Accuracy is claimed only from audit rows, for all
    labels: people's count as right. final_label is empty, with confidence 0, where voters cannot
    tell.

    Example:
      labelkit decide build/weak.csv -o build/final.csv --answers sample_data/answers.csv
    """
    from labelkit.decide import run

    run.decide(
        job, run.Wanted(policy=policy.value, order=order, threshold=threshold, own_model=own_model)
    )
