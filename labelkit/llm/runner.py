"""A run: distinct texts in, labels out; through the chat or through the local model."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit import console
from labelkit.config import plugins
from labelkit.errors import LabelkitError, UsageError
from labelkit.io import ledger
from labelkit.llm.answers import class_prior, reply_labels
from labelkit.llm.answers.parse import Answer
from labelkit.llm.answers.reply_labels import Labelled, labelled, read, voted, worth_asking_again
from labelkit.llm.client.batch_jobs import Batch
from labelkit.llm.client.cost_meter import Meter, Price
from labelkit.llm.client.failure_limits import spread
from labelkit.llm.client.interruption import Interruption, interruptible
from labelkit.llm.client.prefetch import Ahead
from labelkit.llm.client.progress import Progress, silent_rows
from labelkit.llm.client.providers.capabilities import left_out
from labelkit.llm.client.providers.openai import redacted, secrets_of
from labelkit.llm.client.question import Provider, Question, Reply, Request
from labelkit.llm.client.rate_limiter import Pace
from labelkit.llm.client.response_cache import Cache, digest
from labelkit.llm.client.scheduler import Asker, Interrupted
from labelkit.llm.options import Settings
from labelkit.llm.prompts import chat as prompt
from labelkit.llm.prompts import completion
from labelkit.llm.prompts.chat import Task
from labelkit.llm.prompts.few_shot import Examples
from labelkit.stats.ties import NO_CLASS, likeliest

# Labels by people from which on the small model's leaning is fitted instead of balanced away.
ENOUGH_LABELS, ENOUGH_A_CLASS = 30, 3


@dataclass
class Run:
    """All that a run needs; `notes` collects what the user should know afterwards."""

    task: Task
    settings: Settings
    examples: Examples
    cache: Cache
    meter: Meter
    entry: ledger.Run
    noun: str = "Text"
    codes: NDArray[np.int32] | None = None
    groups: NDArray[np.int64] | None = None
    advance: Callable[..., None] = lambda n, note="": None
    notes: list[str] = field(default_factory=list)
    asker: Asker | None = None
    batch_price: Price | None = None

    def label(self, texts: Sequence[str]) -> list[Labelled]:
        """Return what the model says of each of these distinct texts.

        BudgetReached at a limit or after too many failures, LabelkitError when no answer can be
        had; KeyboardInterrupt passes through. Every answer that came is in the cache then.
        """
        with interruptible() as interruption:
            return asyncio.run(self._label(texts, interruption))

    async def _label(self, texts: Sequence[str], interruption: Interruption) -> list[Labelled]:
        provider = self.connect()
        try:
            asker = self.asker = self._asker(provider)
            total = len(texts) * len(self.settings.passes)
            asker.advance = Progress(self.advance, asker, total)
            interruption.watch(
                lambda: asker.stop(Interrupted("interrupted")), lambda: asker.pace.in_flight
            )
            try:
                answers = await self._answers(texts)
            except LabelkitError:
                asker.keep_failures(run_is_done=False)
                raise
            asker.keep_failures(run_is_done=True)
            return answers
        finally:
            await provider.close()

    async def _answers(self, texts: Sequence[str]) -> list[Labelled]:
        if self.settings.local:
            return await self._local(texts)
        # Each pass shares the asker; several are several answers to the same questions.
        answers = [await replace(self, settings=told)._chat(texts) for told in self.settings.passes]
        return [voted(each) for each in zip(*answers, strict=True)]

    def _secrets(self) -> list[str]:
        return secrets_of(self.settings.base_url or "", self.settings.key)

    def connect(self, asks: bool = True) -> Provider:
        """Return the provider, not yet spoken to; one that nobody `asks` needs no key."""
        told = self.settings
        if told.local:
            local: Provider = plugins.load("provider", "local")(told.model)
            return local
        if told.replay:
            replay: Provider = plugins.load("provider", "replay")(told.model)
            return replay
        chat: Provider = plugins.load("provider", "openai")(
            told.model, told.base_url, told.key, told.timeout, asks=asks
        )
        return chat

    def _asker(self, provider: Provider) -> Asker:
        return Asker(
            provider,
            self.cache,
            self.meter,
            self.entry,
            # One server with one slot: asked in file order, its answers are the same each time.
            pace=Pace(1) if self.settings.local else self.settings.pace(),
            retries=self.settings.retries,
        )

    def model_name(self) -> str:
        """Return what the column of models gets."""
        if not self.settings.free or self.asker is None:
            return self.settings.model
        return str(self.asker.provider.identity["model"])

    def unanswered(self, texts: Sequence[str]) -> tuple[Iterator[Request], int, str]:
        """Return the chat requests to come, how many texts they are about, where they would go."""
        provider: Any = self.connect(asks=False)
        try:
            self.recall(provider)
            asker = self._asker(provider)
            stated = self.states_confidence(provider.facts)
            each = [replace(self, settings=told) for told in self.settings.passes]
            ahead = [run.ahead(asker, stated) for run in each]
            left = [way.left(texts) for way in ahead]
            requests = (
                question.request
                for way, some in zip(ahead, left, strict=True)
                for question in way.questions(some)
            )
            return requests, sum(map(len, left)), provider.where
        finally:
            asyncio.run(provider.close())

    # --- through the chat -------------------------------------------------------------------

    def task_for(self, text: str) -> Task:
        """Return the task with the examples that may stand beside this text."""
        return replace(self.task, examples=self.examples.beside(text))

    def chat_request(self, text: str, state_confidence: bool) -> Request:
        """Return what the chat model is asked about one text."""
        told = self.settings
        return {
            "messages": prompt.messages(
                self.task_for(text), text, told.rationale, state_confidence
            ),
            "schema": prompt.schema(self.task.classes, told.rationale, state_confidence),
            "temperature": told.temperature,
            "max_tokens": told.room,
            "logprobs": told.confidence not in ("verbalised", "samples"),
            **({"sample": told.sample} if told.sample else {}),
        } | ({"together": told.rows_per_request} if told.rows_per_request > 1 else {})

    def states_confidence(self, facts: dict[str, Any]) -> bool:
        """Tell whether the model has to state its confidence, as its tokens do not tell it."""
        told = self.settings.confidence
        return told == "verbalised" or (told == "auto" and not facts["logprobs"])

    def recall(self, provider: Any) -> None:
        """Give a chat provider what earlier runs learned of its endpoint."""
        facts = self.cache.facts(digest(provider.identity))
        if facts is not None:
            provider.facts, provider.settled = facts, True

    async def _chat(self, texts: Sequence[str]) -> list[Labelled]:
        asker = self.asker
        assert asker is not None
        provider: Any = asker.provider
        self.recall(provider)
        if not provider.settled:
            await self._settle(texts)
        self._note_what_is_left_out(provider)
        if self.settings.confidence == "logprob" and not provider.facts["logprobs"]:
            raise UsageError(
                f"{self.settings.model} gives no log-probabilities: use --confidence auto or "
                "--confidence verbalised"
            )
        stated = self.states_confidence(provider.facts)
        asker.pace.begin_slowly()
        await self._answer_ahead(texts, stated)

        async def label(text: str) -> Labelled:
            request = self.chat_request(text, stated)
            reply = await asker.ask(request)
            answer = read(reply, self.task.classes)
            if "failed" not in reply and worth_asking_again(reply, answer):
                reply, answer = await self._second(request, reply, answer)
            asker.row_read(request, reply, "" if answer.label is not None else answer.reason)
            asked = request["messages"]
            row = labelled(reply, answer, self.task.classes, asked, by_tokens=not stated)
            return row._replace(error=redacted(row.error, self._secrets()))

        try:
            return await asker.each(texts, label, order=spread(len(texts)))
        except LabelkitError:
            # All that was asked is refused: perhaps another server by now. Learn anew next time.
            if asker.refused and not self.meter.answers and not asker.from_cache:
                self.cache.remember(digest(provider.identity), None)
            raise

    def _note_what_is_left_out(self, provider: Any) -> None:
        asked = left_out(provider.facts) if provider.settled and not self.settings.replay else []
        note = f"asked without {', '.join(asked)}: the endpoint refuses it or does not give it"
        if asked and note not in self.notes:
            self.notes.append(note)

    def ahead(self, asker: Asker, stated: bool) -> Ahead:
        """Return how several rows are asked in one request."""
        return Ahead(
            asker,
            lambda text: self.chat_request(text, stated),
            self.task_for,
            self.settings.rows_per_request,
            self.settings.rationale,
            stated,
        )

    async def _answer_ahead(self, texts: Sequence[str], stated: bool) -> None:
        """Bring answers into the cache by requests about several rows, or by a batch job."""
        asker, told = self.asker, self.settings
        assert asker is not None
        ahead = self.ahead(asker, stated)
        if not told.batch_api:
            self._warn_of_jobs(ahead, texts)
        if told.rows_per_request == 1 and not told.batch_api:
            return
        left = ahead.left(texts)
        asker.advance(len(texts) - len(left))
        if told.batch_api:
            await self._by_batch(asker, list(ahead.questions(left)))
        elif left:
            await ahead.together(left)
        asker.advance = silent_rows(asker.advance)

    def _warn_of_jobs(self, ahead: Ahead, texts: Sequence[str]) -> None:
        """Say, while it can be stopped, that a batch job will answer what is about to be asked."""
        jobs = self.cache.jobs(digest(ahead.asker.provider.identity)).values()
        coming = {key for told in jobs for _, keys, *_ in told["lines"].values() for key in keys}
        twice = len(coming & set(ahead.keys_left(texts))) if coming else 0
        if twice:
            console.warn(
                f"{console.count(twice, 'of these texts', 'are')} in a batch job that is not "
                "collected yet, and are "
                "paid once more now; with --batch-api the same command collects them"
            )

    async def _by_batch(self, asker: Asker, questions: Sequence[Question]) -> None:
        provider: Any = asker.provider
        if not questions:
            return
        jobs = provider.jobs()
        try:
            price = self.batch_price or self.meter.price
            scope = digest(provider.identity)
            await Batch(asker, jobs, scope, price, self.settings.wait).answer(questions)
        finally:
            await jobs.close()

    async def _second(self, request: Request, reply: Reply, answer: Answer) -> tuple[Reply, Answer]:
        """Ask once more, with the reason why the answer cannot be used."""
        assert self.asker is not None
        told = prompt.again(request["messages"], reply["text"], answer.reason)
        second = await self.asker.ask(request | {"messages": told})
        better = read(second, self.task.classes)
        return (reply, answer) if better.label is None else (second, better)

    async def _settle(self, texts: Sequence[str]) -> None:
        """Ask the first rows alone until the endpoint has shown what it understands."""
        assert self.asker is not None
        provider: Any = self.asker.provider
        advance = self.asker.advance
        self.asker.advance = silent_rows(advance)
        for text in texts[:3]:
            (reply,) = await self.asker.ask_all([self.chat_request(text, False)])
            if provider.settled:
                self.cache.remember(digest(provider.identity), provider.facts)
                break
            if reply.get("gave_up"):
                why = str(reply["failed"])
                raise LabelkitError(why if provider.where in why else f"{provider.where}: {why}")
        self.asker.advance = advance

    # --- through the local model ------------------------------------------------------------

    def local_request(self, text: str, wording: str) -> Request:
        """Return what the local model is asked about one text."""
        return completion.request(self.task_for(text), self.noun, wording, text)

    async def _local(self, texts: Sequence[str]) -> list[Labelled]:
        asker = self.asker
        assert asker is not None
        if not texts:
            return []
        advance = asker.advance
        asker.advance = silent_rows(advance)
        first = texts[: completion.WORDING_ROWS]
        tried = [
            self.local_request(text, wording) for text in first for wording in completion.WORDINGS
        ]
        replies = await asker.ask_all(tried)
        table = self._scores(replies).reshape(len(first), len(completion.WORDINGS), -1)
        usable = ~np.isnan(table).any(axis=(1, 2))
        by_wording = {
            wording: table[usable, place] for place, wording in enumerate(completion.WORDINGS)
        }
        wording = class_prior.best_wording(by_wording) if usable.any() else completion.WORDINGS[0]
        self.notes.append(
            f"asked as {wording!r}, the best of {', '.join(completion.WORDINGS)} "
            f"on the first {console.count(len(first), 'texts')}"
        )
        asker.advance = advance
        replies = await asker.ask_all([self.local_request(text, wording) for text in texts])
        scores = self._scores(replies)
        good = np.asarray(~np.isnan(scores).any(axis=1), dtype=np.bool_)
        probabilities = np.zeros_like(scores)
        probabilities[good] = self._calibrated(scores[good], good)
        codes, sure = likeliest(probabilities)
        found = []
        for place, reply in enumerate(replies):
            if not good[place]:
                found.append(Labelled("", 0.0, str(reply.get("failed", "no score"))))
                continue
            code, confidence = int(codes[place]), float(sure[place])
            if code == NO_CLASS:
                found.append(Labelled("", 0.0, reply_labels.TIE))
                continue
            found.append(Labelled(self.task.classes[code], confidence))
        return found

    def _calibrated(
        self, scores: NDArray[np.float64], good: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        codes = self.codes[good] if self.codes is not None else np.full(len(scores), -1, np.int32)
        counts = np.bincount(codes[codes >= 0], minlength=len(self.task.classes))
        if counts.sum() >= ENOUGH_LABELS and counts.min() >= ENOUGH_A_CLASS:
            self.notes.append(
                f"the model's leaning was fitted on {console.count(counts.sum(), 'labels')} by "
                "people"
            )
            groups = self.groups[good] if self.groups is not None else None
            return class_prior.fitted(scores, codes, groups)
        self.notes.append(
            f"the model's leaning was balanced away over {console.count(len(scores), 'texts')}, "
            "as if all classes "
            f"were equally common; {ENOUGH_LABELS} labels by people (--label) would fit it"
        )
        return class_prior.balanced(scores)

    def _scores(self, replies: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
        nothing = dict.fromkeys(self.task.classes, np.nan)
        return np.array(
            [
                [reply.get("scores", nothing)[name] for name in self.task.classes]
                for reply in replies
            ],
            dtype=np.float64,
        ).reshape(len(replies), len(self.task.classes))
