"""The command query."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.options import command

if TYPE_CHECKING:
    from labelkit.job import Job


class Classifier(StrEnum):
    """What kind of model learns from the labels so far."""

    auto = "auto"
    logistic = "logistic"
    forest = "forest"
    boosting = "boosting"


@command(
    "query",
    prefix="query",
    annotates=True,
    uses=(
        *("text", "classes", "unknown_label", "label", "answers", "gold", "group"),
        *("features", "column", "from_proba", "id", "cache"),
    ),
)
def query(
    job: "Job",
    n: Annotated[
        int, typer.Option("-n", "--n", metavar="N", help="Rows to pick by the strategy.")
    ] = 50,
    audit: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Also draw N rows at random, before the others: never learned from, only they "
            "tell how accurate labels are.",
        ),
    ] = 0,
    batch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write the picked rows, best first, with an empty label to fill in.",
            show_default=False,
        ),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="How rows are picked: default (coverage while labels are few, then diverse), "
            "coverage, diverse, margin, least-confidence, entropy, random, modal-uncertainty, "
            "modal-margin, modal-entropy, modal-ranked-batch, by-column:COLUMN (lowest number "
            "first), relabel (what find-noise flagged), or your own as file.py:function.",
        ),
    ] = "default",
    stratify: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Pick from the values of a column in turns.",
            show_default=False,
        ),
    ] = None,
    classifier: Annotated[
        Classifier, typer.Option(help="The model that learns; auto compares them.")
    ] = Classifier.auto,
) -> None:
    """Pick the rows that are worth a person's time.

    May be asked: rows whose `label` is empty, whatever other columns say. Learned from: --label
    columns (label llm_label: people's label first, else the machine's), audit rows never.
    query_rank numbers the picked rows, query_reason says why each was picked, query_score is
    there for every row without a label.

    Example:
      labelkit query sample_data/reviews.csv -o build/queried.csv -n 20 --audit 20 --gold gold
    """
    from labelkit.active import run

    run.query(
        job,
        run.Wanted(
            n=n,
            audit=audit,
            batch=batch,
            strategy=strategy,
            stratify=stratify,
            classifier=classifier.value,
        ),
    )
