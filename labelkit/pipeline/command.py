"""The command pipeline."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labelkit import console
from labelkit.command.declare import command
from labelkit.command.next_steps import same
from labelkit.config import costs, task_file
from labelkit.config.label_text import split_classes
from labelkit.errors import UsageError
from labelkit.io.streams import is_stream

if TYPE_CHECKING:
    from labelkit.pipeline.people import Oracle
    from labelkit.pipeline.stages import Stage


@command(
    "pipeline",
    inputs="files",
    uses=("text", "classes", "id", "group", "gold", "answers", "features", "cache"),
    job=False,
    groups={
        "Labels by people": (
            "n",
            "audit",
            "rounds",
            "labels",
            "target_accuracy",
            "annotate",
            "show",
            "oracle",
        ),
    },
)
def pipeline(
    options: dict[str, Any],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The labelled file.")
    ],
    work_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the stages' files stand.")
    ] = None,
    stages: Annotated[
        str | None, typer.Option(metavar="A,B", help="Default: all that the task file admits.")
    ] = None,
    functions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Labeling functions, for weak-label.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The language model, for llm-label.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Its endpoint, for llm-label.")] = None,
    price: Annotated[
        str | None,
        typer.Option(metavar="IN,OUT", help="Its dollars per million tokens, for llm-label."),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(metavar="DOLLARS", help="Budget of llm-label.")
    ] = None,
    n: Annotated[
        int | None, typer.Option("-n", metavar="N", help="Rows for people a round.")
    ] = None,
    audit: Annotated[
        int | None, typer.Option(metavar="N", help="Random rows for people, to judge by.")
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Rounds of query and people: rows are picked by the labels so far, people label "
            "them, the next are picked.  [default: 1]",
        ),
    ] = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Send doubtful rows to the language model or to people, for the least money.",
        ),
    ] = None,
    labels: Annotated[
        int | None,
        typer.Option(metavar="N", help="The most labels by people. Default: [cost] labels."),
    ] = None,
    oracle: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="A rehearsal: this column answers in people's place."),
    ] = None,
    annotate: Annotated[
        bool,
        typer.Option("--annotate", help="Where people are needed, ask at once and go on."),
    ] = False,
    show: Annotated[
        str | None,
        typer.Option("--print", metavar="sh|make", help="Show the commands instead of running."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Spend without asking.")] = False,
) -> None:
    """Run all stages of a task; run it again and it goes on where it was.

    Stages: weak-label, llm-label, query, people, decide, find-noise (it judges what is decided),
    decide, train. Where people's labels are needed it stops with exit code 3 and says what to do;
    with --annotate it asks at once, as labelkit annotate does, and goes on when all rows are
    answered. Stages are skipped whose inputs (files that labeling functions open or import too),
    options and versions have not changed. At the end a table tells what each stage labelled, cost
    and is worth; report.html in DIR shows all.

    After weak-label the language model reads the rows without a weak label and those with
    weak_confidence below 0.8; [llm-label] where of the task file names others ("true": all).

    At the end a verdict on the labels (see labelkit decide), and the command line of the step that
    gains most.

    With --target-accuracy the least sure rows go to the language model or to people, whichever
    takes more errors away for a dollar ([cost] human_label, budget, labels), until so many labels
    are expected to be right.

    Example:
      labelkit pipeline sample_data/reviews.csv -o build/labelled.csv --work-dir build/work \\
        --classes NEGATIVE,POSITIVE --functions sample_data/lfs.py
    """
    if work_dir is None:
        raise UsageError("pipeline needs --work-dir DIR, the folder for what the stages leave")
    if any(map(is_stream, [*options["input"], str(output)])):
        raise UsageError("pipeline resumes by files; give files instead of - or a pipe")
    if oracle is not None:
        _check_oracle(oracle, options, show)
        options["gold"] = oracle  # hidden from all that learns
    if annotate:
        _check_annotate(oracle, options, show)
    from labelkit.pipeline import output_checks as targets
    from labelkit.pipeline import people, runner, target
    from labelkit.pipeline import stages as plan
    from labelkit.pipeline.label_budget import Limit

    own = {
        "stages": stages, "functions": functions, "model": model, "base_url": base_url,
        "max_cost": max_cost, "price": price, "n": n, "audit": audit, "yes": yes, "oracle": oracle,
        "target_accuracy": target_accuracy, "labels": labels, "rounds": rounds,
    }  # fmt: skip
    path = None if options["no_task"] else options["task"] or task_file.path_in([])
    loaded = task_file.load(Path(path)) if path else task_file.NO_TASK
    costs.prices(loaded.cost)
    costs.budget(loaded.cost)
    planned = plan.make_plan(options["input"], output, work_dir, loaded, options, own)
    _check_gold(options["gold"], planned)
    targets.check(planned, work_dir, options["input"], loaded, options["summary"])
    if show is not None:
        _print(show, planned, work_dir, loaded.path)
        return
    for name in options["input"]:
        if not Path(name).exists():
            raise UsageError(f"there is no file {name}")
    targets.make_folder(work_dir, output, options["summary"])
    again = same()
    kept = runner.run_of(work_dir, output, options, own)
    about = runner.About(options["input"], loaded.name, split_classes(options["classes"]), kept)
    asking = people.Asking(again, _oracle(oracle, options), annotate)
    ran = runner.run(planned, work_dir, loaded, asking, about)
    figures = runner.summaries(planned, work_dir)
    names, limit = plan.chosen_stages(options, own, loaded), Limit(loaded, own)
    words = ["labelkit", *sys.argv[1:]]
    if rounds is not None:  # the next round is one more of them
        words = target.with_option(words, "--rounds", str(names.count("query") + 1))
    next_round = target.NextRound(words, names, limit.later_round, limit.most)
    verdict = target.verdict(planned, figures, next_round)
    given = None
    if ran or options["summary"]:
        from labelkit.pipeline import waterfall  # knows tables, which take longer than all the rest

        given = waterfall.of(planned, loaded, options)
    if options["summary"]:
        from labelkit.io import output_checks

        told = {"stages": figures, "verdict": verdict}
        told |= {"waterfall": given.plain()} if given else {}
        output_checks.write_summary(options["summary"], {"command": "pipeline"}, told)
    if ran:
        from labelkit.pipeline import summary

        summary.show(planned, figures, loaded, options)
        waterfall.show(given, planned)
        console.note(f"pipeline: {ran} of {console.count(len(planned), 'stages')} run -> {output}")
    else:
        console.note(
            f"pipeline: nothing to do, all {console.count(len(planned), 'stages', 'are')} "
            f"fresh -> {output}"
        )
    target.close(planned, figures, next_round, verdict)


def _oracle(column: str | None, options: dict[str, Any]) -> "Oracle | None":
    from labelkit.pipeline.people import Oracle

    read = (options["input"], options["id"], options["delimiter"], options["encoding"])
    return None if column is None else Oracle(column, *read)


def _check_gold(gold: str | None, planned: "Sequence[Stage]") -> None:
    if gold == "label" and any(stage.answers is not None for stage in planned):
        raise UsageError(
            "--gold label: the human labels of this pipeline go to the column 'label'; rename the "
            "gold column"
        )


def _check_oracle(oracle: str, options: dict[str, Any], show: str | None) -> None:
    if options["gold"] not in (None, oracle):
        raise UsageError(f"--oracle {oracle} is the truth too; leave --gold {options['gold']} out")
    if options["answers"]:
        raise UsageError("--oracle plays the person whose --answers are given; leave one out")
    if show is not None:
        raise UsageError("--print shows commands, and none of them plays a person; leave --oracle "
                         "out")  # fmt: skip


def _check_annotate(oracle: str | None, options: dict[str, Any], show: str | None) -> None:
    given = {"--oracle": oracle, "--answers": options["answers"], "--print": show}
    for other, value in given.items():
        if value:
            raise UsageError(f"--annotate asks a person while it runs; leave {other} out")


def _print(kind: str, planned: "Sequence[Stage]", folder: Path, task: Path | None) -> None:
    from labelkit.pipeline import runner, stages

    if kind not in ("sh", "make"):
        raise UsageError(f"--print {kind!r}: choose sh or make")
    if kind == "sh":
        text = stages.as_shell(planned, folder)
    else:
        text = stages.as_make(planned, folder, task, runner.files_read(folder))
    sys.stdout.write(text)
