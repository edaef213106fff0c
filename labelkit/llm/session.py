"""A model ready to be asked about some rows: what it is told, what is known, what it may cost."""

import asyncio
import math
import os
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit import console
from labelkit.config import costs
from labelkit.config.label_text import ClassReader
from labelkit.data.labels import Labels
from labelkit.errors import UsageError
from labelkit.io import ledger
from labelkit.job.job import Job
from labelkit.llm import inputs
from labelkit.llm.answers.evaluation import Known, calibrated
from labelkit.llm.answers.reliability import AS_GIVEN
from labelkit.llm.answers.reply_labels import Labelled
from labelkit.llm.client import cost_meter
from labelkit.llm.client.providers import openai
from labelkit.llm.client.response_cache import Cache, digest
from labelkit.llm.client.scheduler import summary
from labelkit.llm.inputs import Rows
from labelkit.llm.options import Settings
from labelkit.llm.prompts import completion
from labelkit.llm.remaining_requests import Expected, expected_of
from labelkit.llm.runner import Run
from labelkit.llm.variants.variant import Variant


@dataclass
class Given:
    """What all models of one command share; `askings` are those that were asked so far."""

    job: Job
    classes: tuple[str, ...]
    people: Labels
    cache: Cache
    askings: list["Asking"] = field(default_factory=list)
    warned_of: set[str] = field(default_factory=set)  # base URLs

    @property
    def answers(self) -> int:
        """The answers of this command that are on disk."""
        return sum(asking.run.meter.answers for asking in self.askings)

    @property
    def dollars(self) -> float:
        """What this command has spent."""
        return sum(asking.run.meter.dollars for asking in self.askings)

    def all_asked(self) -> None:
        """Note that no model is left to ask: the next --refresh asks all of them anew.

        Not before: what the first has said again is not asked once more for the second.
        """
        for asking in self.askings:
            self.cache.end_refresh(asking.scope)


@dataclass
class Asking:
    """One model, asked about the distinct texts of some rows."""

    variant: Variant
    run: Run
    rows: Rows
    known: Known
    price: cost_meter.Price | None
    scope: str  # by which a --refresh that was stopped is known again
    way: str = AS_GIVEN  # how confidence was calibrated

    def label(self, given: Given) -> list[Labelled]:
        """Return the answers about the distinct texts, their confidence calibrated."""
        job, run, wanted = given.job, self.run, self.variant.wanted
        run.meter = _meter(job, self, given.dollars)
        _warn_of_unpriced(job, run)
        if wanted.refresh:
            run.cache.begin_refresh(self.scope)
        found = self._answers()
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
                f"confidence through {self.way}, learned on "
                f"{console.count(self.known.count, 'known rows')} (each judged by the others)"
            )
        return found

    def _answers(self) -> list[Labelled]:
        run, texts = self.run, self.rows.texts
        if not texts:
            return []
        total = len(texts) * len(run.settings.passes)
        with console.progress(f"asking {console.clean(run.settings.model)}", total) as advance:
            run.advance = advance
            return run.label(texts)

    def check(self) -> None:
        """Raise what keeps the model from being asked at all: no key, no file, no address."""
        asyncio.run(self.run.connect().close())

    def expected(self) -> Expected:
        """Return what is left to ask, and about what it would cost."""
        if self.variant.wanted.refresh:
            self.run.cache.begin_refresh(self.scope, noted=False)
        return expected_of(self.run, self.rows, self.price)

    def counts(self) -> dict[str, Any]:
        """Return requests, tokens and dollars (None: not known)."""
        return dict(summary(self.run.meter, self.run.asker)) if self.run.asker is not None else {}


def prepare(given: Given, variant: Variant, chosen: NDArray[np.bool_] | None) -> Asking:
    """Return a model ready to be asked about the chosen rows (None: all).

    UsageError names the model or its file where there are several.
    """
    try:
        return _prepare(given, variant, chosen)
    except UsageError as error:
        if not variant.name:
            raise
        raise UsageError(f"{variant.given}: {error}") from error


def _prepare(given: Given, variant: Variant, chosen: NDArray[np.bool_] | None) -> Asking:
    job, classes, people = given.job, given.classes, given.people
    wanted, task = variant.wanted, variant.task
    settings = wanted.settings()
    _warn_of_clear_text(given, settings.base_url)
    told = inputs.task_of(task, classes)
    template = inputs.template_of(job, wanted.template, told)
    writer = inputs.Writer(job, template, settings.local)
    rows = inputs.rows_of(job, writer, chosen)
    known = inputs.known(job, people, rows, classes)
    noun = job.text[0] if template is None and len(job.text) == 1 else ""
    reader = ClassReader(classes)
    fixed = [(writer.example(each["text"]), reader.read(each["label"])) for each in task.examples]
    price = _price(wanted.price, settings.free)
    run = Run(
        replace(told, preface=template.preface) if template else told,
        settings,
        inputs.examples(
            job, fixed, wanted.few_shot, wanted.few_shot_by, classes, people, writer, rows.texts
        ),
        given.cache,
        cost_meter.Meter(None, None),
        _run_of(job, settings),
        noun=completion.text_noun(noun, told.name),
        codes=known.codes,
        groups=known.groups,
    )
    if wanted.batch_price is not None:
        run.batch_price = cost_meter.read_price(wanted.batch_price, "--batch-price")
    scope = digest([settings.model, settings.base_url, classes, job.options["input"]])
    asking = Asking(variant, run, rows, known, price, scope)
    run.meter = _meter(job, asking, given.dollars)
    given.askings.append(asking)
    return asking


def _warn_of_clear_text(given: Given, base_url: str | None) -> None:
    if base_url is None or not openai.is_in_clear(base_url) or base_url in given.warned_of:
        return
    given.warned_of.add(base_url)
    console.warn(f"{openai.shown(base_url)} {openai.IN_CLEAR}")


def _run_of(job: Job, settings: Settings) -> ledger.Run:
    """Return whose money is spent: this run's, of the task, for the file that it began with."""
    source = job.original_input
    name = f"{time.time_ns()}-{os.getpid()}"
    return ledger.Run(name, job.ledger_task, source, settings.model)


def _price(price: str | None, free: bool) -> cost_meter.Price | None:
    if free:
        return cost_meter.Price(0.0, 0.0)
    return None if price is None else cost_meter.read_price(price)


def _meter(job: Job, asking: Asking, spent: float) -> cost_meter.Meter:
    """Return a meter with what a model may cost: what is left of --max-cost and of the budget.

    `spent` dollars of this command are gone already, for other models.
    """
    wanted, run = asking.variant.wanted, asking.run
    if wanted.max_cost is not None and not wanted.max_cost >= 0:
        raise UsageError(f"--max-cost {wanted.max_cost:g}: give dollars, 0 or more")
    if asking.price is not None:
        run.cache.name_price(run.entry, asking.price.tokens_in, asking.price.tokens_out)
    limit, said = None, f"--max-cost {wanted.max_cost or 0:g}"
    if wanted.max_cost is not None:
        limit = max(0.0, wanted.max_cost - spent)
        said += f" (the models before have spent ${spent:.4f} of it)" if spent else ""
    budget = _budget(job)
    left = math.inf
    if budget is not None:
        before = run.cache.spent(run.entry)
        left = max(0.0, budget - before.dollars)
        if limit is None or left < limit:
            limit = left
            said = f"[cost] budget {budget:g} (${before.dollars:.4f} of it are spent already)"
    if limit is not None and asking.price is None:
        raise cost_meter.needs_price(
            "--max-cost" if wanted.max_cost is not None else "[cost] budget", run.settings.model
        )
    if limit is None or math.isinf(left):
        return cost_meter.Meter(asking.price, limit, said)
    spare = left - limit
    others = run.cache.spent_by_others(run.entry)

    def elsewhere() -> float:
        return max(0.0, run.cache.spent_by_others(run.entry) - others - spare)

    return cost_meter.Meter(asking.price, limit, said, elsewhere)


def _budget(job: Job) -> float | None:
    try:
        return costs.budget(job.task.cost)
    except UsageError as error:
        raise UsageError(f"{job.task_path}: {error}") from None


def _warn_of_unpriced(job: Job, run: Run) -> None:
    tokens = run.cache.spent(run.entry).unpriced_tokens
    if tokens and costs.budget(job.task.cost) is not None:
        console.warn(
            f"[cost] budget: {console.count(tokens, 'tokens')} of earlier runs have no price, so "
            "what they cost is not counted; a run of the same model with --price names it"
        )
