"""The command find-noise."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.command.declare import Classifier, command

if TYPE_CHECKING:
    from labelkit.job.job import Job


class Fix(StrEnum):
    """What is done about flagged labels; nothing is ever corrected silently."""

    exclude = "exclude"


@command(
    "find-noise",
    prefix="noise",
    annotates=True,
    uses=(
        *("text", "classes", "unknown_label", "label", "answers", "gold", "group"),
        *("features", "column", "from_proba", "id", "cache"),
    ),
    instead_of_output=("explain",),
)
def find_noise(
    job: "Job",
    method: Annotated[
        str,
        typer.Option(
            help="How labels are judged: ensemble, knn (nearest rows alone), a filter of cleanlab "
            "(confident-learning, prune-by-class, prune-by-noise-rate, both, predicted-differs, "
            "low-normalized-margin, low-self-confidence, confidence-weighted-entropy), or your own "
            "file.py:function(given, probabilities) -> quality, flag."
        ),
    ] = "ensemble",
    n: Annotated[
        int | None,
        typer.Option(
            "-n",
            metavar="N",
            help="Flag just N labels, the likeliest errors first: what people have time for.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write the flagged rows for people, likeliest errors first.",
            show_default=False,
        ),
    ] = None,
    classifier: Annotated[
        Classifier, typer.Option(help="One model that judges; auto: several views.")
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
            help="Also write P(given | true) and P(true | given) (.csv, .json), with --by of each "
            "source too.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Also count the errors of each source or annotator that the column names.",
            show_default=False,
        ),
    ] = None,
    explain: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY",
            help="Show all that speaks for and against the label of a row; repeats.",
            show_default=False,
        ),
    ] = None,
    fail_on_issues: Annotated[
        bool, typer.Option("--fail-on-issues", help="End with exit code 4 if a label is flagged.")
    ] = False,
) -> None:
    """Find the labels that are probably wrong.

    Several models (words, meaning, nearest rows; other columns) that did not see a row or a
    duplicate of it say what it is. People's labels of audit rows are neither judged nor learned
    from; there the label that a machine gave is judged. Labels in machines' columns (final_label of
    decide foremost) are judged by all sources, weighed by the human labels of the file, from ten of
    these on. None of them is flagged where a model of the rows does not clearly set the sources
    right on human labels more often than it misleads them; it says so. noise_quality is the
    probability that the label is right (of labels with 0.2 about one in five is), noise_suggested
    the likeliest class, noise_reason says who doubts a flagged label and why.

    Example:
      labelkit find-noise sample_data/reviews.csv -o build/noise.csv --label gold
    """
    from labelkit.noise import run

    run.find_noise(
        job,
        run.Wanted(
            method=method,
            n=n,
            batch=batch,
            classifier=classifier.value,
            exclude=fix is Fix.exclude,
            matrix=matrix,
            by=by,
            explain=tuple(explain or ()),
            fail_on_issues=fail_on_issues,
        ),
    )
