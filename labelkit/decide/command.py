"""The command decide."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.command.declare import command

if TYPE_CHECKING:
    from labelkit.job.job import Job


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
    groups={
        "Rows for people": (
            "target_accuracy",
            "batch",
            "budget",
            "labels",
            "price_per_label",
            "price_per_row",
        ),
    },
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
    trust: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN=SHARE,…",
            help="Columns of labels from before also vote, believed to be right in that share; "
            "auto: estimated.",
        ),
    ] = None,
    worth: Annotated[
        bool,
        typer.Option(
            "--worth",
            help="Also tell what each step that made the file is worth: the accuracy up to it, and "
            "what leaving it out would give.",
        ),
    ] = False,
    target_accuracy: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Also say in final_route which rows are done, and which go to the llm or to "
            "people so that this accuracy costs least.",
        ),
    ] = None,
    batch: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the rows for people there.")
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            metavar="DOLLARS", help="The most for that. Default: what is left of [cost] budget."
        ),
    ] = None,
    labels: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="The most labels by people for that. Default: what is left of [cost] labels.",
        ),
    ] = None,
    price_per_label: Annotated[
        float | None,
        typer.Option(
            metavar="DOLLARS", help="What a person's label costs. Default: [cost] human_label."
        ),
    ] = None,
    price_per_row: Annotated[
        float | None,
        typer.Option(metavar="DOLLARS", help="What a row costs by the llm. Default: next to 0."),
    ] = None,
) -> None:
    """Choose one label a row from all sources: people first, then the other voters.

    People's labels stand in the column label (or in --answers). Voters are weak_label, llm_label
    and columns that were written --as another name, with their confidences and probabilities
    beside them; --label names others. They are weighed by the rows that people labelled, audit
    rows aside. A model learned from people's labels and from what the voters decide (out of fold)
    votes too where people labelled at least 10 rows, and fills the rows where nobody speaks.
    model_label fills the rows that nobody else labelled.

    Labels from before that may be wrong are nobody's answer: --trust old_label=auto lets that
    column vote too, as sure as people's labels, find-noise or the other voters show it to be right.

    A label that find-noise flagged with a noise_quality below 0.5 gives way to noise_suggested
    (without that column it counts as hardly more than a guess); people's stays. Accuracy is claimed
    only from audit rows, for all labels: people's count as right. final_label is empty, with
    confidence 0, where voters cannot tell.

    At the end a verdict: good enough where the whole 95 % interval of the accuracy reaches the
    target (default 0.9), not yet where it lies below, else cannot tell; with the one step that
    gains most, and a warning where a source or the labels are off.

    With --target-accuracy the least sure rows go where a dollar takes most errors away: to the
    llm where it is surer than the label is (as people's rows show), else to people.

    Example:
      labelkit decide build/weak.csv -o build/final.csv --answers sample_data/answers.csv
    """
    from labelkit.combine import trust as trusting
    from labelkit.combine.sources import PEOPLE
    from labelkit.config import costs
    from labelkit.decide import routing, run

    believed = trusting.parse(trust, PEOPLE)
    job.excluded_columns += believed
    terms = None
    if target_accuracy is not None:
        given = costs.prices(job.task.cost)
        terms = routing.Terms(
            target_accuracy,
            budget,
            labels,
            given.label if price_per_label is None else price_per_label,
            price_per_row,
        )
    wanted = run.Wanted(policy.value, order, threshold, own_model, believed, terms, batch, worth)
    run.decide(job, wanted)
