"""The commands query and simulate."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.command.declare import Classifier, command

if TYPE_CHECKING:
    from labelkit.job.job import Job


@command(
    "query",
    prefix="query",
    annotates=True,
    uses=(
        *("text", "classes", "unknown_label", "label", "answers", "gold", "group"),
        *("features", "column", "from_proba", "id", "cache", "jobs"),
    ),
)
def query(
    job: "Job",
    n: Annotated[int, typer.Option("-n", "--n", metavar="N", help="Rows to pick.")] = 50,
    audit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Also draw N rows at random, before the others: never learned from, only they "
            "tell how accurate labels are. By itself the default strategy draws one row in ten "
            "of -n; --audit 0 draws none.",
            show_default=False,
        ),
    ] = None,
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
            help="How rows are picked: default (coverage while labels are few, then "
            "diverse for two classes and informative for more), coverage, informative, diverse, "
            "uncertainty (also called least-confidence), margin, entropy, committee, bald, random, "
            "modal-uncertainty, modal-margin, modal-entropy (the same by modAL), ranked-batch "
            "(modAL's), by-column:COLUMN (lowest number first), disagreement:weak_label,llm_label "
            "(where columns differ), relabel (what find-noise flagged), or your own as "
            "file.py:function.",
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
    balance: Annotated[
        bool,
        typer.Option(
            "--balance",
            help="Guard rare classes: the next row is one that the model takes for the class "
            "with the fewest labels.",
        ),
    ] = False,
    classifier: Annotated[
        Classifier, typer.Option(help="The model that learns; auto compares them.")
    ] = Classifier.auto,
    stop_when: Annotated[
        list[str] | None,
        typer.Option(
            "--stop-when",
            metavar="RULE",
            help="End with exit code 6 where it holds: kappa=.99, gain=0.1 (points that the next "
            "batch buys), accuracy=.9, accuracy-low=.85, uncertainty=.05 or labels=500; with "
            "commas all must hold; repeats, then any.",
            show_default=False,
        ),
    ] = None,
    price_per_label: Annotated[
        float | None,
        typer.Option(
            "--price-per-label",
            metavar="DOLLARS",
            help="What a person's label costs. Default: [cost] human_label of the task file.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Pick the rows that are worth a person's time.

    May be asked: rows whose `label` is empty, whatever other columns say. Learned from: --label
    columns (label llm_label: people's label first, else the machine's), audit rows never.
    query_rank numbers the picked rows, query_reason says why each was picked, query_score is
    there for every row without a label.

    Each round tells how accurate the model is (by audit rows alone), whether its predictions
    still change, and what the next batch is expected to buy for its price.

    Example:
      labelkit query sample_data/reviews.csv -o build/queried.csv -n 20 --audit 20 --gold gold
    """
    from labelkit.active import query as run
    from labelkit.active.options import Wanted

    run.query(
        job,
        Wanted(
            n=n,
            audit=audit,
            batch=batch,
            strategy=strategy,
            stratify=stratify,
            classifier=classifier.value,
            balance=balance,
            stop_when=tuple(stop_when or ()),
            price=price_per_label,
        ),
    )


class Metric(StrEnum):
    """What the curves show."""

    accuracy = "accuracy"
    macro_f1 = "macro-f1"


@command(
    "simulate",
    uses=(
        *("text", "classes", "unknown_label", "label", "gold", "group"),
        *("features", "column", "id", "cache", "jobs", "where"),
    ),
)
def simulate(
    job: "Job",
    strategies: Annotated[
        str,
        typer.Option(
            metavar="A,B",
            help="Strategies of query to compare with random; one with a comma in quotes.",
        ),
    ] = "default,margin",
    labels: Annotated[int, typer.Option(metavar="N", help="Labels that each may ask for.")] = 500,
    per_round: Annotated[
        str,
        typer.Option(
            "--per-round",
            metavar="N,N",
            help="Rows asked before the model learns anew; several show what batching costs.",
        ),
    ] = "20",
    seeds: Annotated[
        int,
        typer.Option(metavar="N", help="Times that all is played, with other held-out rows."),
    ] = 5,
    metric: Annotated[Metric, typer.Option(help="What the curves show.")] = Metric.accuracy,
    classifier: Annotated[
        Classifier,
        typer.Option(help="The model that learns; auto compares them, slowly."),
    ] = Classifier.logistic,
    balance: Annotated[
        bool, typer.Option("--balance", help="Strategies guard rare classes, as query --balance.")
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write every point of every run.", show_default=False),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Draw the learning curves: .svg or .png.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show on a file with known labels how many labels a strategy saves.

    Each strategy asks as query would, the known labels answer, and after each round the model is
    judged on rows held out. Every seed holds out other rows, the same for all strategies. random
    is always played, and on to twice the labels: what it needs to match the others. --features
    a,b and --per-round 1,20 compare these too. auto reads texts by a sentence embedding where it
    is installed and the file is not long.

    Example:
      labelkit simulate sample_data/reviews.csv --gold gold --labels 100 --seeds 2
    """
    from labelkit.active.simulate import run as work

    work.simulate(
        job,
        work.Wanted(
            strategies=work.names(strategies),
            labels=labels,
            per_round=work.numbers("--per-round", per_round),
            seeds=seeds,
            metric=metric.value.replace("-", "_"),
            classifier=classifier.value,
            csv=csv,
            plot=plot,
            as_json=as_json,
            balance=balance,
        ),
    )
