"""What llm-label does: the rows' texts gathered, asked, and written back as columns."""

import os
import shlex
import time
from dataclasses import replace
from typing import Any

import numpy as np

from labelkit import columns, console
from labelkit.errors import UsageError
from labelkit.files import next_to
from labelkit.job import Job
from labelkit.llm import completion, cost, gather, outlook
from labelkit.llm.answers import Labelled
from labelkit.llm.ask import summary
from labelkit.llm.cache import Cache, digest
from labelkit.llm.gather import Rows
from labelkit.llm.run import Run
from labelkit.llm.settings import Settings, Wanted

EMPTY = Labelled("", 0.0, "the text is empty")


def llm_label(job: Job, wanted: Wanted) -> None:
    """Label the chosen rows of a job by a language model and write the output."""
    settings = wanted.settings()
    price = _price(wanted, settings)
    people = gather.people(job)
    classes = tuple(job.classes or people.classes)
    completion.check_classes(classes)
    run, rows = _run(job, wanted, settings, classes, people)
    try:
        _limit(job, wanted, run, price)
        if wanted.show_prompt:
            return _show_prompt(run, rows)
        refresh = digest([settings.model, settings.base_url, classes, job.options["input"]])
        if wanted.refresh:
            run.cache.begin_refresh(refresh, noted=not wanted.dry_run)
        if wanted.dry_run:
            return outlook.tell(job, run, rows, outlook.expected_of(run, rows, price))
        if price is not None and console.can_ask() and not wanted.yes:
            outlook.consent(run, outlook.expected_of(run, rows, price))
        started = time.monotonic()
        with console.progress(
            f"asking {console.clean(settings.model)}", len(rows.texts)
        ) as advance:
            run.advance = advance
            found = run.label(rows.texts) if rows.texts else []
        run.cache.end_refresh(refresh)
    except KeyboardInterrupt:
        console.note(
            f"llm-label: {run.meter.answers:,} answers of this run are kept: the same command "
            "goes on from here"
        )
        raise
    finally:
        run.cache.close()
    _write(job, run, rows, found, time.monotonic() - started)
    return None


def _price(wanted: Wanted, settings: Settings) -> cost.Price | None:
    if wanted.max_cost is not None and not wanted.max_cost >= 0:
        raise UsageError(f"--max-cost {wanted.max_cost:g}: give dollars, 0 or more")
    if wanted.price is not None:
        return cost.read_price(wanted.price)
    return cost.Price(0.0, 0.0) if settings.free else None


def _run(
    job: Job, wanted: Wanted, settings: Settings, classes: tuple[str, ...], people: columns.Labels
) -> tuple[Run, Rows]:
    told = gather.task_of(job, classes)
    template = gather.template_of(job, wanted.template, told)
    writer = gather.Writer(job, template, settings.local)
    rows = gather.rows_of(job, writer)
    noun = job.text[0] if template is None and len(job.text) == 1 else ""
    run = Run(
        replace(told, preface=template.preface) if template else told,
        settings,
        gather.examples(
            job, wanted.few_shot, wanted.few_shot_by, classes, people, writer, rows.texts
        ),
        Cache(job.cache_dir),
        cost.Meter(None, None),
        name=f"{time.time_ns()}-{os.getpid()}",
        noun=completion.text_noun(noun, told.name),
        codes=gather.codes(people, rows, classes),
        ledger=told.name or str(job.task_path or ""),
    )
    if wanted.batch_price is not None:
        run.batch_price = cost.read_price(wanted.batch_price, "--batch-price")
    return run, rows


def _limit(job: Job, wanted: Wanted, run: Run, price: cost.Price | None) -> None:
    """Set what this run may cost: --max-cost, and what is left of the task's budget."""
    limit, said = wanted.max_cost, f"--max-cost {wanted.max_cost or 0:g}"
    budget = job.task.cost.get("budget")
    if budget is not None:
        spent = run.cache.spent(run.ledger)
        left = max(0.0, float(budget) - spent)
        if limit is None or left < limit:
            limit = left
            said = f"[cost] budget {float(budget):g} (earlier runs have spent ${spent:.4f} of it)"
    if limit is not None and price is None:
        raise cost.needs_price(
            "--max-cost" if wanted.max_cost is not None else "[cost] budget", run.settings.model
        )
    run.meter = cost.Meter(price, limit, said)


def _show_prompt(run: Run, rows: Rows) -> None:
    text = rows.texts[0] if rows.texts else "(no row is chosen)"
    if run.settings.local:
        asked = run.local_request(text, completion.WORDINGS[0])
        lines = [*asked["prompt"].splitlines()]
        lines.append(f"(one of: {', '.join(asked['words'].values())})")
        lines.append(
            f"(the last line's noun is the best of {', '.join(completion.WORDINGS)} "
            f"on the first {completion.WORDING_ROWS} texts)"
        )
    else:
        lines = []
        for message in run.chat_request(text, run.settings.confidence == "verbalised")["messages"]:
            lines += [f"[{message['role']}]", *message["content"].splitlines(), ""]
    for line in lines:
        console.note(console.clean(line, 2000))


def _write(job: Job, run: Run, rows: Rows, found: list[Labelled], seconds: float) -> None:
    outcomes: list[Labelled | None] = [
        found[place] if place >= 0 else (EMPTY if empty else None)
        for place, empty in zip(rows.places.tolist(), rows.empty.tolist(), strict=True)
    ]
    model = run.model_name()
    written: dict[str, Any] = {
        "label": [item.label or None if item else None for item in outcomes],
        "confidence": np.array(
            [
                np.nan if not item or item.confidence is None else item.confidence
                for item in outcomes
            ]
        ),
        "model": [model if item else None for item in outcomes],
        "error": [item.error or None if item else None for item in outcomes],
    }
    if run.settings.rationale:
        written["rationale"] = [item.rationale or None if item else None for item in outcomes]
    looked = [item for item in outcomes if item]
    labelled = sum(bool(item.label) for item in looked)
    job.count(
        rows=len(looked),
        distinct=len(rows.texts),
        labelled=labelled,
        errors=len(looked) - labelled,
        **({"model": model} if looked else {}),
    )
    counts = dict(summary(run.meter, run.asker)) if run.asker is not None else {}
    job.cost(**counts)
    job.figures({"notes": run.notes})
    import pyarrow as pa

    kinds = {name: pa.float64() if name == "confidence" else pa.string() for name in written}
    job.annotate(
        {
            job.column(name): pa.array(values, kinds[name], from_pandas=True)
            for name, values in written.items()
        }
    )
    outlook.after_trial(job, run, seconds)
    _say(job, run, looked, labelled, counts)


def _say(job: Job, run: Run, looked: list[Labelled], labelled: int, counts: dict[str, Any]) -> None:
    for note in run.notes:
        console.note(f"llm-label: {note}")
    errors: dict[str, int] = {}
    for item in looked:
        if item.error:
            errors[item.error] = errors.get(item.error, 0) + 1
    for error, times in sorted(errors.items(), key=lambda pair: (-pair[1], pair[0]))[:3]:
        console.note(f"llm-label: {times:,} × {console.clean(error, 160)}")
    parts = [f"{len(looked):,} rows", f"{labelled:,} labelled"]
    if len(looked) > labelled:
        parts.append(f"{len(looked) - labelled:,} without a label (see {job.column('error')})")
    parts.append(
        f"{counts.get('asked', 0):,} asked, {counts.get('from_cache', 0):,} from the cache"
    )
    parts.append(f"{counts.get('tokens_in', 0):,} tokens in, {counts.get('tokens_out', 0):,} out")
    if run.settings.free:
        parts.append("no cost: on this machine")
    elif run.meter.price is None:
        parts.append("cost unknown (--price IN,OUT)")
    else:
        parts.append(f"${run.meter.dollars:.4f}")
    job.closing(" · ".join(parts), then=_next(job))


def _next(job: Job) -> str | None:
    if job.output in ("", "-"):
        return None
    asked = shlex.join(["labelkit", "query", job.output, "-o", str(next_to(job.output, "query"))])
    label = shlex.quote(job.column("label"))
    return f"{asked} -n 60 --audit 40 --label label --label {label} --batch todo.csv"
