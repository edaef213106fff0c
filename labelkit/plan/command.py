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
    model: Annotated[str | None, typer.Option(help="The language model to price.")] = None,
    price: Annotated[
        str | None, typer.Option(metavar="IN,OUT", help="Its dollars per million tokens.")
    ] = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Default: within a point of the best mix."),
    ] = None,
    labels: Annotated[
        int | None,
        typer.Option(metavar="N", help="The most labels by people. Default: [cost] labels."),
    ] = None,
    audit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Rows at random for people in each mix, to judge by. Default: 100, or a fifth of "
            "the rows if that is less.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell which techniques fit a data file, at what cost, before anything is spent.

    It asks what a person would ask: are there labels, can rules cover it, is the task defined, is
    a language model good enough, how many hours have people? Then it prices each mix by [cost] of
    the task file and tries it out on the rows whose labels are known (column label, or --gold),
    people's rows picked as query would. It names the cheapest mix that reaches the target within
    [cost] budget and labels, and prints the pipeline that does it. With --target-accuracy it also
    tries what pipeline does by that option. Nothing is sent anywhere and nothing is made up: where
    a figure cannot be known, it says what to run to know it.

    Example:
      labelkit plan sample_data/reviews.csv --task sample_data/labelkit.toml --gold gold \\
        --features tfidf
    """
    from labelkit.plan import run

    drawn = min(100, job.rows // 5) if audit is None else audit
    wanted = run.Wanted(functions, model, price, target_accuracy, labels, drawn, as_json)
    run.plan(job, wanted)
