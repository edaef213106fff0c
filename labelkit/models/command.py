"""The commands train, predict and evaluate."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.command.declare import Classifier, command

if TYPE_CHECKING:
    from labelkit.job.job import Job

_LEARNING = (
    "output",
    "text",
    "classes",
    "unknown_label",
    "label",
    "answers",
    "from_proba",
    "gold",
    "target_accuracy",
    "group",
    "features",
    "column",
    "id",
    "cache",
    "where",
)


class RobustBy(StrEnum):
    """What is done about labels that may be wrong."""

    prune = "prune"
    forward = "forward"


@command("train", uses=_LEARNING)
def train(
    job: "Job",
    classifier: Annotated[
        Classifier, typer.Option(help="The model; auto compares them by cross-validation.")
    ] = Classifier.auto,
    robust: Annotated[
        bool,
        typer.Option(
            "--robust", help="For labels a tenth or more of which may be wrong: --robust-by prune."
        ),
    ] = False,
    robust_by: Annotated[
        RobustBy | None,
        typer.Option(
            help="prune: labels that look wrong are not learned from; forward: the model corrects "
            "for P(given | true).",
            show_default=False,
        ),
    ] = None,
    noise_matrix: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="P(given | true) as find-noise --matrix wrote it. Default: estimated.",
        ),
    ] = None,
    weight: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="How much each row counts: a confidence, or noise_quality. Empty counts 1.",
        ),
    ] = None,
    smoothing: Annotated[
        float,
        typer.Option(metavar="SHARE", min=0, max=0.9, help="Label smoothing, such as 0.1."),
    ] = 0.0,
    mixup: Annotated[
        float, typer.Option(metavar="ALPHA", min=0, help="Mixup of rows, such as 0.2.")
    ] = 0.0,
) -> None:
    """Train a model on the labels and save it, without pickle, with its card.

    Rows whose noise_use is false and rows drawn for an audit are not learned from; accuracy is
    claimed from the audit rows alone. With --where only these rows are learned from. Soft labels
    come from --from-proba; a hard label of the same row goes before them. --gold measures the
    model on the rows with a gold label that it did not learn from.

    Example:
      labelkit train build/final.csv -o build/reviews.model --label final_label
    """
    from labelkit.models import train as work

    by = robust_by.value if robust_by else ("prune" if robust else "")
    work.train(job, work.Wanted(classifier.value, by, noise_matrix, weight, smoothing, mixup))


@command(
    "predict",
    prefix="model",
    annotates=True,
    first=("model",),
    uses=("cache",),
)
def predict(
    job: "Job",
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="What train saved.", show_default=False)
    ],
    proba: Annotated[
        bool, typer.Option("--proba", help="Also write the probability of each class.")
    ] = False,
    features: Annotated[
        str,
        typer.Option(
            metavar="embedding:NAME",
            help="Allow the model to load this embedding: your own file.py:function, which runs "
            "its code, or sentence-transformers:MODEL.",
            show_default=False,
        ),
    ] = "auto",
) -> None:
    """Label a file by a model that train saved; the file streams past.

    A model file runs no code. An embedding that is your own file, or that a library may download,
    is loaded only where --features names it again.

    Example:
      labelkit predict build/reviews.model sample_data/reviews.csv -o build/predicted.csv
    """
    from labelkit.models import predict as work

    work.predict(job, model, proba, features)


@command("evaluate", uses=("label", "answers", "gold", "classes", "unknown_label", "id", "where"))
def evaluate(
    job: "Job",
    compare: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Which of two label columns is better (McNemar)."),
    ] = None,
    annotators: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMNS",
            help="Judge people by each other: their columns ('ann_*' or a,b), or the one column "
            "that names who gave the label of each row (then --id names the item).",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Compare label columns with gold and with each other.

    Without --label all label columns are compared; without --gold and --answers they are compared
    with each other only. By what people labelled (--answers, or --gold label) accuracy comes from
    the audit rows; figures from rows that were picked for another reason say that they are biased.
    With --annotators:
    Krippendorff's alpha, the quality of each person by the crowd model, the items whose consensus
    is least sure, and with --gold how right the consensus is. Of a person's answers to one item
    the last counts.

    Example:
      labelkit evaluate build/final.csv --gold gold --label weak_label --label final_label
    """
    from labelkit.models.evaluate import run

    run.evaluate(job, compare, annotators, as_json)
