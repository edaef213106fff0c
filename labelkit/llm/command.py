"""The command llm-label."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labelkit.command.declare import command

if TYPE_CHECKING:
    from labelkit.job.job import Job


@command(
    "llm-label",
    prefix="llm",
    annotates=True,
    instead_of_output=("tried", "dry_run", "show_prompt"),
    uses=("text", "classes", "unknown_label", "label", "answers", "gold", "id", "cache"),
    groups={
        "Prompt": (
            "template",
            "few_shot",
            "few_shot_by",
            "rationale",
            "rows_per_request",
            "temperature",
            "max_tokens",
        ),
        "Several models": ("cascade", "unsure", "tried", "as_json"),
        "Confidence": ("confidence", "samples", "threshold", "target_accuracy", "batch"),
        "Requests": (
            "concurrency",
            "rpm",
            "tpm",
            "batch_api",
            "batch_price",
            "wait",
            "retries",
            "timeout",
            "refresh",
        ),
    },
)
def llm_label(
    job: "Job",
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The model's name at the endpoint; local is a small one on this machine, "
            "local:PATH any GGUF file; replay:FILE takes the answers from a file.",
            show_default=False,
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="An OpenAI-compatible endpoint. Default: OPENAI_BASE_URL, else OpenAI. "
            "The key comes from OPENAI_API_KEY only.",
        ),
    ] = None,
    cascade: Annotated[
        str | None,
        typer.Option(
            metavar="CHEAP,STRONG",
            help="Ask the first model about all rows, the next where it is unsure. A name that "
            "ends in .toml is a task file with what is different for it ([task], [llm-label]).",
        ),
    ] = None,
    unsure: Annotated[
        str,
        typer.Option(
            metavar="P|auto",
            help="Below which confidence --cascade asks the next model; auto: the lowest that "
            "reaches --target-accuracy on the known rows.",
        ),
    ] = "0.8",
    tried: Annotated[
        list[str] | None,
        typer.Option(
            "--try",
            metavar="FILE.toml|MODEL",
            help="Compare prompts and models on the rows of --gold, and write nothing; repeats. "
            "Each is a model's name, or a task file with what is different.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The table of --try as JSON.")] = False,
    template: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Your own prompt: a text with $COLUMN where a cell goes (also $classes, "
            "$guidelines, $edge_cases of the task file).",
        ),
    ] = None,
    few_shot: Annotated[
        int, typer.Option(metavar="N", help="Show N rows that people labelled as examples.")
    ] = 0,
    few_shot_by: Annotated[
        str,
        typer.Option(
            metavar="WAY",
            help="Which rows: balanced (the classes in turn), fixed (at random), diverse (unlike "
            "each other), nearest (for each row those most like it).",
        ),
    ] = "balanced",
    rationale: Annotated[
        bool, typer.Option("--rationale", help="Also ask for a reason, before the label.")
    ] = False,
    confidence: Annotated[
        str,
        typer.Option(
            metavar="auto|logprob|samples|verbalised",
            help="Where confidence comes from: token probabilities, the agreement of several "
            "answers, or the model's own word. auto: the first that the model gives.",
        ),
    ] = "auto",
    samples: Annotated[
        int | None,
        typer.Option(metavar="K", help="Ask K times; the label is what most answers say."),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="auto|P",
            help="From which confidence on labels stand; auto: the lowest that reaches "
            "--target-accuracy on the known rows (people's labels, --gold; no audit rows).",
        ),
    ] = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="For --threshold auto (default: 0.95), and for the verdict (default: 0.9).",
        ),
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the rows below --threshold there, for people."),
    ] = None,
    temperature: Annotated[
        float, typer.Option(metavar="T", help="0 gives the likeliest answer.")
    ] = 0.0,
    max_tokens: Annotated[
        int | None, typer.Option(metavar="N", help="The most that an answer may have.")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="The most requests at once. Default: found out, up to 64.",
            show_default=False,
        ),
    ] = None,
    rpm: Annotated[
        float | None, typer.Option(metavar="N", help="The most requests a minute.")
    ] = None,
    tpm: Annotated[
        float | None, typer.Option(metavar="N", help="The most tokens a minute.")
    ] = None,
    rows_per_request: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Ask about N rows in one request: the guidelines are paid for once. Answers are "
            "matched back by number; where they do not match, fewer rows are asked.",
        ),
    ] = 1,
    batch_api: Annotated[
        bool,
        typer.Option(
            "--batch-api",
            help="Hand all in as a batch job, mostly at half price, within 24 hours. The same "
            "command finds the job again.",
        ),
    ] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait/--no-wait", help="Wait for the batch job, or leave and come back."),
    ] = True,
    retries: Annotated[int, typer.Option(metavar="N", help="Of a request that failed.")] = 4,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="For one request.")] = 60.0,
    price: Annotated[
        str | None,
        typer.Option(
            metavar="IN,OUT",
            help="Dollars per million tokens: 0.15,0.60; of a --cascade one each: 0.15,0.60/2.5,10",
        ),
    ] = None,
    batch_price: Annotated[
        str | None,
        typer.Option(metavar="IN,OUT", help="The price of --batch-api. Default: --price."),
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(metavar="DOLLARS", help="Stop before this run costs more (exit 5)."),
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask again also what was answered before.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked and what it would cost.")
    ] = False,
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", help="Show what is sent for the first row, then end.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Spend more than a dollar without asking.")
    ] = False,
) -> None:
    """Label rows by a large language model.

    The model is told the classes, what they mean, the guidelines and the examples of the task
    file, and one row's text. Every answer is kept in .labelkit before it is counted: a run that
    was stopped goes on without paying twice. A row without a usable answer gets the reason in
    llm_error.

    Example:
      labelkit llm-label sample_data/reviews.csv -o build/llm.csv --model local --sample 5 \\
        --classes NEGATIVE,POSITIVE
    """
    from labelkit.llm import options, run

    run.llm_label(
        job,
        options.Wanted(
            model=model,
            base_url=base_url,
            template=template,
            few_shot=few_shot,
            few_shot_by=few_shot_by,
            rationale=rationale,
            confidence=confidence,
            temperature=temperature,
            max_tokens=max_tokens,
            concurrency=concurrency,
            rpm=rpm,
            tpm=tpm,
            rows_per_request=rows_per_request,
            batch_api=batch_api,
            wait=wait,
            batch_price=batch_price,
            refresh=refresh,
            retries=retries,
            timeout=timeout,
            price=price,
            max_cost=max_cost,
            dry_run=dry_run,
            show_prompt=show_prompt,
            yes=yes,
            samples=samples,
            threshold=threshold,
            target_accuracy=target_accuracy,
            batch=batch,
            cascade=cascade,
            unsure=unsure,
        ),
        tried or (),
        as_json,
    )
