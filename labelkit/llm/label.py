"""What llm-label does: the rows' texts gathered, asked, and the answers judged."""

import os
import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from labelkit import columns, console
from labelkit.errors import UsageError
from labelkit.job import Job
from labelkit.llm import aims, completion, cost, gather, outlook, write
from labelkit.llm.answers import Labelled
from labelkit.llm.cache import Cache, digest
from labelkit.llm.gather import Rows
from labelkit.llm.judge import Known, calibrated
from labelkit.llm.reliability import AS_GIVEN
from labelkit.llm.run import Run
from labelkit.llm.settings import Settings, Wanted


def llm_label(job: Job, wanted: Wanted) -> None:
    """Label the chosen rows of a job by a language model and write the output."""
    people = gather.people(job)
    classes = _classes(job, people)
    asking = prepare(job, wanted, classes, people, job.chosen)
    run, rows = asking.run, asking.rows
    try:
        aim = aims.aim_of(job, wanted, asking.known)
        _limit(job, wanted, run, asking.price)
        if wanted.show_prompt:
            return _show_prompt(run, rows)
        refresh = digest([run.settings.model, run.settings.base_url, classes, job.options["input"]])
        if wanted.refresh:
            run.cache.begin_refresh(refresh, noted=not wanted.dry_run)
        if wanted.dry_run:
            return outlook.tell(job, run, rows, outlook.expected_of(run, rows, asking.price))
        if asking.price is not None and console.can_ask() and not wanted.yes:
            outlook.consent(run, outlook.expected_of(run, rows, asking.price))
        started = time.monotonic()
        found = asking.label()
        run.cache.end_refresh(refresh)
    except KeyboardInterrupt:
        console.note(
            f"llm-label: {run.meter.answers:,} answers of this run are kept: the same command "
            "goes on from here"
        )
        raise
    finally:
        run.cache.close()
    write.write(job, asking, found, aim, time.monotonic() - started)
    return None


@dataclass
class Asking:
    """A model ready to be asked about some rows, with what is known of them."""

    run: Run
    rows: Rows
    known: Known
    price: cost.Price | None
    way: str = AS_GIVEN  # how confidence was calibrated

    def label(self) -> list[Labelled]:
        """Return the answers about the distinct texts, their confidence calibrated."""
        run, texts = self.run, self.rows.texts
        if not texts:
            return []
        total = len(texts) * len(run.settings.passes)
        with console.progress(f"asking {console.clean(run.settings.model)}", total) as advance:
            run.advance = advance
            found = run.label(texts)
        if run.meter.read_in_part:
            run.notes.append(
                f"{run.meter.read_in_part:,} long requests were counted as fewer tokens than they "
                "can have: the endpoint may read only a part of them (Ollama: raise num_ctx)"
            )
        if run.settings.local:  # whose leaning was seen to already
            return found
        found, self.way = calibrated(found, self.known, run.task.classes)
        if self.way != AS_GIVEN:
            run.notes.append(
                f"confidence through {self.way}, learned on {self.known.count:,} known rows "
                "(each judged by the others)"
            )
        return found


def _classes(job: Job, people: columns.Labels) -> tuple[str, ...]:
    gold = job.gold() if not job.classes else None
    seen = set(people.classes) | (
        {str(label) for label in gold if label} if gold is not None else set()
    )
    classes = tuple(job.classes or sorted(seen))
    completion.check_classes(classes)
    return classes


def _price(wanted: Wanted, settings: Settings) -> cost.Price | None:
    if wanted.max_cost is not None and not wanted.max_cost >= 0:
        raise UsageError(f"--max-cost {wanted.max_cost:g}: give dollars, 0 or more")
    if wanted.price is not None:
        return cost.read_price(wanted.price)
    return cost.Price(0.0, 0.0) if settings.free else None


def prepare(
    job: Job,
    wanted: Wanted,
    classes: tuple[str, ...],
    people: columns.Labels,
    chosen: NDArray[np.bool_] | None,
) -> Asking:
    """Return the model that is wanted, ready to be asked about the chosen rows."""
    settings = wanted.settings()
    price = _price(wanted, settings)
    told = gather.task_of(job, classes)
    template = gather.template_of(job, wanted.template, told)
    writer = gather.Writer(job, template, settings.local)
    rows = gather.rows_of(job, writer, chosen)
    known = gather.known(job, people, rows, classes)
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
        codes=known.codes,
        groups=known.groups,
        ledger=told.name or str(job.task_path or ""),
    )
    if wanted.batch_price is not None:
        run.batch_price = cost.read_price(wanted.batch_price, "--batch-price")
    return Asking(run, rows, known, price)


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
