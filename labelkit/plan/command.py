"""The command plan."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.command.declare import command

if TYPE_CHECKING:
    from labelkit.job.job import Job


@command(
    "plan",
    inputs="one",
    uses=("text", "classes", "unknown_label", "label", "gold", "id", "features", "cache"),
)
def plan(
    job: "Job",
    functions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Labeling functions to try.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A language model to price and compare; repeats."),
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(
            metavar="IN,OUT",
            help="Its dollars per million tokens; repeats, in the order of --model, or as "
            "MODEL=IN,OUT.",
        ),
    ] = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Default: within a point of the best mix."),
    ] = None,
    floor: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Never recommend a mix below this accuracy. Default: ten points above the share "
            "of the largest class, at most half of what is left above it.",
            show_default=False,
        ),
    ] = None,
    labels: Annotated[
        int | None,
        typer.Option(metavar="N", help="The most labels by people. Default: [cost] labels."),
    ] = None,
    audit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Rows at random for people in each mix, to judge by. Default: 100, at most a "
            "fifth of the rows and a third of the labels that the budget buys.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell which techniques fit a data file, at what cost, before anything is spent.

    It asks what a person would ask: are there labels, can rules cover it, is the task defined, is
    a language model good enough, how many hours have people? It ends in techniques to use and,
    where something is open that little money tells, in a pilot to do first.

    Each mix is priced by [cost] of the task file and tried out on the rows whose labels are known
    (column label, or --gold), people's rows picked as query would; more labels than were tried, up
    to what the budget buys, are extrapolated and marked so. It recommends the cheapest mix that
    reaches the target, or that is within a point of the best, within [cost] budget and labels, and
    prints the pipeline that does it. With --target-accuracy it also tries what pipeline does by
    that option. Nothing is sent anywhere, no key is needed, and nothing is made up: where a figure
    cannot be known, it says what to run to know it.

    Example:
      labelkit plan sample_data/reviews.csv --task sample_data/labelkit.toml --gold gold \\
        --features tfidf
    """
    from labelkit.plan import run

    options = run.Options(
        functions, model or [], price or [], target_accuracy, floor, labels, audit, as_json
    )
    run.plan(job, options)
