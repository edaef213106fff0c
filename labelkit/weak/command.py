"""The command weak-label."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.command.declare import command

if TYPE_CHECKING:
    from labelkit.job.job import Job


class OnLfError(StrEnum):
    """What happens where a labeling function raises."""

    stop = "stop"
    abstain = "abstain"


Functions = Annotated[
    Path | None,
    typer.Option(metavar="FILE.py", help="A Python file of labeling functions. It is executed."),
]
FromVotes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMNS",
        help="Columns that hold votes made elsewhere ('lf_*'; repeats): a class, its number in "
        "the class order, or empty or -1 to abstain.",
    ),
]
Keyword = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CLASS=A,B C",
        help="A rule without a file: vote CLASS where the text has one of these words or phrases "
        "(repeats).",
    ),
]
LabelModel = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="How votes become a label: auto, dawid-skene, majority, snorkel, hyper, or "
        "file.py:function. auto weighs the functions by votes, texts and people's labels, and "
        "falls back to majority where the classes would drift away from the votes.",
    ),
]
Prior = Annotated[
    str | None, typer.Option(metavar="A=P,B=Q", help="Expected share of each class: a=0.3,b=0.7.")
]
Proba = Annotated[
    bool,
    typer.Option(
        "--proba",
        help="Also write the probability of each class, empty where nothing voted: soft labels, "
        "from which train --from-proba weak_proba_ learns.",
    ),
]
Votes = Annotated[bool, typer.Option("--votes", help="Also write the vote of each function.")]
Propagate = Annotated[
    bool,
    typer.Option(
        "--propagate",
        help="Learn a model from the reliable weak labels; it labels the rows without a vote and "
        "overrules votes. The column source tells: vote, or model.",
    ),
]
LfReport = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Also write how the functions vote (.html, .csv, .json, .txt): coverage, conflicts, "
        "estimated accuracy; with --gold or people's labels also accuracy and marginal gain. Of "
        "many rows of many classes, some rows drawn at random give the estimates and the gain.",
    ),
]
ErrorsOf = Annotated[
    str | None,
    typer.Option(
        metavar="FUNCTION",
        help="Write to --errors the rows that this function gets wrong; without known labels, "
        "those where others contradict it.",
    ),
]
Errors = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Where --errors-of writes, with all votes.")
]
Explain = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY",
        help="Show why the row with this key has its label: the votes, the label's probability "
        "without each, and what each adds to its log-odds (repeats).",
    ),
]
Suggest = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Propose N keyword rules for rows that no function covers, as TOML to paste; learned "
        "from known labels (never audit rows), else from confident weak labels.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print --explain as JSON.")]
LfTimeout = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0,
        help="The longest that a function may take for one row (vectorised: for each 1,000 rows); "
        "code in C is stopped when it comes back to Python; 0: no limit.",
    ),
]
OnError = Annotated[
    OnLfError, typer.Option(help="Where a function raises: stop, or abstain and count.")
]


@command(
    "weak-label",
    prefix="weak",
    annotates=True,
    uses=(
        *("text", "classes", "unknown_label", "label", "answers", "gold", "id", "jobs"),
        *("features", "column", "cache", "target_accuracy"),
    ),
    tables=("rule",),
    instead_of_output=("lf_report", "errors_of", "explain", "suggest"),
    groups={
        "Label model": ("label_model", "prior", "propagate", "proba", "votes"),
        "Reports": ("lf_report", "errors_of", "errors", "explain", "as_json"),
        "Errors of functions": ("on_lf_error", "lf_timeout"),
    },
)
def weak_label(
    job: "Job",
    functions: Functions = None,
    keyword: Keyword = None,
    from_votes: FromVotes = None,
    label_model: LabelModel = "auto",
    prior: Prior = None,
    proba: Proba = False,
    votes: Votes = False,
    propagate: Propagate = False,
    lf_report: LfReport = None,
    on_lf_error: OnError = OnLfError.stop,
    lf_timeout: LfTimeout = 10.0,
    errors_of: ErrorsOf = None,
    errors: Errors = None,
    explain: Explain = None,
    suggest: Suggest = None,
    as_json: AsJson = False,
) -> None:
    """Label rows by labeling functions, rules and votes made elsewhere.

    Functions come from --functions, rules from [[weak-label.rule]] in the task file and from
    --keyword. Their votes are combined by the label model; a row on which none votes gets no label
    and confidence 0.

    While functions are being written, -o may be left out with --lf-report, --errors-of, --explain
    and --suggest: what the last two show is then the data on stdout, else it goes to stderr.

    Examples:
      labelkit weak-label sample_data/reviews.csv -o build/weak.csv \\
        --functions sample_data/lfs.py --classes NEGATIVE,POSITIVE
      labelkit weak-label sample_data/reviews.csv --gold gold --suggest 10
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
            propagate=propagate,
            lf_report=lf_report,
            on_lf_error=on_lf_error.value,
            lf_timeout=lf_timeout,
            keyword=tuple(keyword or ()),
            errors_of=errors_of,
            errors=errors,
            explain=tuple(explain or ()),
            suggest=suggest,
            as_json=as_json,
        ),
    )
