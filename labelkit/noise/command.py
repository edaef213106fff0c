"""The command find-noise."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.options import command

if TYPE_CHECKING:
    from labelkit.job import Job


class Fix(StrEnum):
    """What is done about flagged labels; nothing is ever corrected silently."""

    exclude = "exclude"


class Classifier(StrEnum):
    """What kind of model judges."""

    auto = "auto"
    logistic = "logistic"
    forest = "forest"
    boosting = "boosting"


@command(
    "find-noise",
    prefix="noise",
    annotates=True,
    uses=(
        *("text", "classes", "unknown_label", "label", "answers", "gold", "group"),
        *("features", "column", "from_proba", "id", "cache"),
    ),
)
def find_noise(
    job: "Job",
    method: Annotated[
        str | None,
        typer.Option(
            help="How labels are flagged: confident-learning (default for two classes), "
            "prune-by-noise-rate (default for more), predicted-differs, or file.py:function.",
            show_default=False,
        ),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option(
            "-n",
            metavar="N",
            help="Flag just N labels, the likeliest errors first: what people have time for.",
            show_default=False,
        ),
    ] = None,
    classifier: Annotated[
        Classifier, typer.Option(help="The model that judges; auto compares them.")
    ] = Classifier.auto,
    fix: Annotated[
        Fix | None,
        typer.Option(
            help="exclude: also write noise_use, false where flagged; `train` obeys it.",
            show_default=False,
        ),
    ] = None,
    matrix: Annotated[
        Path | None,
        typer.Option(
            help="Also write P(given | true) and P(true | given) (.csv, .json).",
            show_default=False,
        ),
    ] = None,
    fail_on_issues: Annotated[
        bool, typer.Option("--fail-on-issues", help="End with exit code 4 if a label is flagged.")
    ] = False,
) -> None:
    """Find the labels that are probably wrong.

    Each label is judged by a model that saw neither its row nor a duplicate of it. Labels of
    audit rows are neither judged nor learned from. noise_quality ranks the labels (lower is more
    likely wrong), noise_suggested is the likeliest class, noise_reason says why a label is flagged.

    Example:
      labelkit find-noise sample_data/reviews.csv -o build/noise.csv --label gold
    """
    from labelkit.noise import run

    run.find_noise(
        job,
        run.Wanted(
            method=method,
            n=n,
            classifier=classifier.value,
            exclude=fix is Fix.exclude,
            matrix=matrix,
            fail_on_issues=fail_on_issues,
        ),
    )
