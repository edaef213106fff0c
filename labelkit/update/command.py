"""The command update."""

from pathlib import Path
from typing import Annotated, Any

import typer

from labelkit.command.declare import command
from labelkit.command.next_steps import same
from labelkit.errors import UsageError
from labelkit.io.streams import is_stream


@command(
    "update",
    inputs="one",
    uses=("id",),
    job=False,
    groups={"Labels by people": ("audit", "annotate"), "Cost": ("max_cost", "yes")},
)
def update(
    options: dict[str, Any],
    earlier: Annotated[
        Path,
        typer.Option(
            "--from",
            metavar="OLD-RUN",
            help="The --work-dir of a pipeline or an update, or the file that it labelled.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The labelled file.", show_default=False
        ),
    ],
    work_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where the stages' files stand. Default: june.work for -o june.csv.",
            show_default=False,
        ),
    ] = None,
    audit: Annotated[
        int, typer.Option(metavar="N", help="New random rows for people, to judge by; 0: none.")
    ] = 40,
    max_cost: Annotated[
        float | None, typer.Option(metavar="DOLLARS", help="Budget of llm-label.")
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Another endpoint of the same language model."),
    ] = None,
    annotate: Annotated[
        bool, typer.Option("--annotate", help="Where people are needed, ask at once and go on.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Spend without asking.")] = False,
) -> None:
    """Label a new file of the same kind as the last run labelled the old one; only new rows cost.

    A row whose key and content are in OLD-RUN keeps its final label, and what people said of it.
    The other rows go through the stages of OLD-RUN, with its rules, task file, language model and
    cached answers. People label --audit N of them, drawn at random and blind: until they have, it
    ends with exit code 3 and says what to do; run again, it goes on, also with a larger --audit.
    Then it tells whether the old accuracy still holds for the new rows, and how far their content,
    their classes and the agreement of their sources are from the old ones. Human labels that the
    new file brings in a column label count.

    Where a model can tell new rows from old ones by their content, the column update_drift says
    how unlike the old rows each new one is (the share of old rows that look less like new ones);
    from 0.99 on the language model is asked of them too, whatever the rules say.

    The column update_row says known, changed (another content under an old key) or new. Without a
    key (--id, a column id) rows are matched by their content alone. DIR is the OLD-RUN of the next
    update.

    Example:
      labelkit update sample_data/reviews.csv --from build/work -o build/june.csv --audit 0
    """
    name = str(options["input"])
    if any(map(is_stream, [name, str(output)])):
        raise UsageError("update resumes by files; give files instead of - or a pipe")
    if audit < 0:
        raise UsageError(f"--audit {audit}: give a number of 0 or more")
    if not Path(name).exists():
        raise UsageError(f"there is no file {name}")
    from labelkit.update import run

    folder = output.with_name(f"{output.name.split('.')[0]}.work") if work_dir is None else work_dir
    own = {
        "work_dir": folder, "audit": audit, "max_cost": max_cost, "base_url": base_url,
        "yes": yes, "annotate": annotate,
    }  # fmt: skip
    run.update(Path(name), earlier, output, {**options, "output": str(output), **own}, same())
