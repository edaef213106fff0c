"""The Batch API: requests handed in as a file, answers collected hours later, mostly at half price.

A job is on disk before it is handed in, with the keys of the answers that it will bring: whoever
comes back finds it, however the run ended that began it.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Protocol

from labelkit import console
from labelkit.errors import BudgetReached, LabelkitError
from labelkit.io import ledger
from labelkit.llm.answers.reply_labels import is_cut_off
from labelkit.llm.client.cost_meter import Price
from labelkit.llm.client.question import JobGone, Question, Reply
from labelkit.llm.client.response_cache import Answer
from labelkit.llm.client.scheduler import Asker

LINES = 10_000  # a file; providers take 50,000 lines and 200 MB
FIRST_POLL, LONGEST_POLL = 2.0, 60.0
KEPT_AT_ONCE = 500
ENDED = ("completed", "expired", "cancelled")
CLAIMED_POLL = 1.0


class Service(Protocol):
    """A provider's batch endpoint."""

    async def submit(self, lines: Iterable[tuple[str, Mapping[str, Any]]], token: str) -> str:
        """Hand in requests by name; return the job's id."""

    async def find(self, token: str) -> str | None:
        """Return the job that was handed in with this token."""

    async def state(self, job: str) -> dict[str, Any]:
        """Return `status`, `done`, `total`, `files`, `why`; JobGone where there is none."""

    async def answers(self, file: str) -> list[tuple[str, Reply]]:
        """Return what a file of the job holds: a reply for each name, or `{"failed": why}`.

        JobGone where the file is not there any more.
        """


@dataclass
class Batch:
    """One run's dealings with the batch endpoint."""

    asker: Asker
    service: Service
    scope: str
    price: Price | None
    wait: bool = True

    async def answer(self, questions: Sequence[Question]) -> None:
        """Bring the answers to these questions into the cache; raises BudgetReached to go on later.

        What the provider refuses line by line is noted as refused and not asked again. One run at
        a time hands in and collects: another waits, and then finds what that one has done.
        """
        claim = [f"batch {self.scope}"]
        while self.asker.cache.claim(claim) is None:
            if not self.wait:
                raise BudgetReached(
                    "another run is at work on the same batch; the same command goes on later"
                )
            self.asker.advance(0, "waiting for another run with the same batch")
            await self._sleep(CLAIMED_POLL)
        try:
            await self._answer([question for question in questions if self._open(question)])
        finally:
            self.asker.cache.claims.give_back(claim)

    async def _answer(self, left: list[Question]) -> None:
        while left:
            before = self.asker.meter.answers + len(self.asker.refused)
            earlier = await self._jobs_of(left)
            jobs = earlier or await self._hand_in(left)
            if not earlier and not self.wait:
                raise self._later(jobs, "are with the provider now")
            gone = 0
            for token, told in jobs.items():
                gone += not await self._is_collected(token, told, was_set_aside=bool(earlier))
            left = [question for question in left if self._open(question)]
            came = self.asker.meter.answers + len(self.asker.refused) - before
            if left and not came and not (gone and earlier):
                raise BudgetReached(
                    f"the batch job ended without {len(left):,} of its answers. All answers are "
                    "kept: the same command hands the rest in again."
                )

    async def _sleep(self, seconds: float) -> None:
        """Wait; raises why the run has stopped where it does meanwhile."""
        await self.asker.pace.sleep(seconds)
        if self.asker.stopped is not None:
            raise self.asker.stopped

    async def _is_collected(self, token: str, told: Mapping[str, Any], was_set_aside: bool) -> bool:
        """Collect a job; False, and a warning, where the provider has it no more."""
        try:
            await self._collect(token, told, was_set_aside)
        except JobGone as error:
            await self._forget(token, told, error)
            if was_set_aside:
                self.asker.meter.raise_limit(told["most"])
            return False
        return True

    async def _forget(self, token: str, told: Mapping[str, Any], why: JobGone) -> None:
        """Forget a job that is gone; it may have been billed, so the most of it counts as spent."""
        spent = ""
        if told["most"]:
            entry = ledger.Entry(self.asker.run, 0, 0, 0, told["most"])
            await self.asker.cache.put([], [entry])
            self.asker.meter.add_unconfirmed(0, 0, told["most"])
            spent = f"; it may have been billed, so ${told['most']:.4f} count as spent"
        self._note(token, None)
        console.warn(
            f"the batch {told['id']} is gone at the provider ({why}): its {len(told['lines']):,} "
            f"requests are handed in again{spent}"
        )

    def _open(self, question: Question) -> bool:
        """Tell whether a question has neither answer nor refusal (one that has to be split has)."""
        names = question.keys or (question.key,)
        has = self.asker.cache.has
        known = has(question.key, question.limit) or question.key in self.asker.refused
        return not known and not all(has(name, question.room) for name in names)

    async def _jobs_of(self, left: Sequence[Question]) -> dict[str, dict[str, Any]]:
        """Return the jobs that will answer some of these, also those that nobody saw begin."""
        wanted = {key for question in left for key in (question.keys or (question.key,))}
        jobs = {}
        for token, told in self.asker.cache.jobs(self.scope).items():
            if not wanted & {key for _, keys, *_ in told["lines"].values() for key in keys}:
                continue
            if told["id"] is None:  # killed between handing in and noting it
                told["id"] = await self.service.find(token)
                self._note(token, told if told["id"] else None)
            if told["id"]:
                jobs[token] = told
        return jobs

    def _note(self, token: str, told: Mapping[str, Any] | None) -> None:
        self.asker.cache.keep_job(token, self.scope, told)

    async def _hand_in(self, left: Sequence[Question]) -> dict[str, dict[str, Any]]:
        paid_for = self._affordable(left)
        jobs: dict[str, dict[str, Any]] = {}
        for start in range(0, len(paid_for), LINES):
            some = paid_for[start : start + LINES]
            lines = {
                question.key[:32]: [
                    question.key,
                    question.keys or (question.key,),
                    question.numbers,
                    question.limit,
                ]
                for question in some
            }
            token = f"labelkit-{secrets.token_hex(8)}"
            most = [self._could_cost(question) for question in some]
            told: dict[str, Any] = {
                "id": None, "lines": lines, "task": self.asker.run.task, "most": sum(most),
                "price": None if self.price is None else astuple(self.price),
            }  # fmt: skip
            self._note(token, told)
            requests = ((question.key[:32], question.request) for question in some)
            told["id"] = await self.service.submit(requests, token)
            self._note(token, told)
            jobs[token] = told
        return jobs

    def _affordable(self, left: Sequence[Question]) -> list[Question]:
        meter = self.asker.meter
        if self.price is None:
            return list(left)
        room, chosen = meter.left, []
        for question in left:
            room -= self._could_cost(question)
            if room < 0:
                break
            chosen.append(question)
        if not chosen:
            raise meter.reached(self._could_cost(left[0]))
        return chosen

    def _could_cost(self, question: Question) -> float:
        if self.price is None:
            return 0.0
        return self.asker.meter.could_cost(question.request, self.price)

    def _later(self, jobs: Mapping[str, Mapping[str, Any]], what: str) -> BudgetReached:
        lines = sum(len(told["lines"]) for told in jobs.values())
        names = ", ".join(str(told["id"]) for told in jobs.values())
        return BudgetReached(
            f"{console.count(lines, 'requests')} {what} (batch {names}); the same command collects "
            "their answers, which may take up to 24 hours"
        )

    async def _collect(self, token: str, told: Mapping[str, Any], was_set_aside: bool) -> None:
        """Keep what a job brings; outside of the limit what an earlier run has set aside for it."""
        state = await self.service.state(told["id"])
        poll = FIRST_POLL
        while state["status"] not in (*ENDED, "failed"):
            if not self.wait:
                raise self._later({token: told}, f"are not done: {_progress(state)}")
            self.asker.advance(0, f"batch {told['id']}: {_progress(state)}")
            await self._sleep(poll)
            poll = min(poll * 1.5, LONGEST_POLL)
            state = await self.service.state(told["id"])
        if state["status"] == "failed":
            self._note(token, None)
            raise LabelkitError(f"the provider refuses the batch {told['id']}: {state['why']}")
        for file in state["files"]:
            before = self.asker.meter.dollars
            await self._keep(await self.service.answers(file), told)
            if was_set_aside:
                self.asker.meter.raise_limit(self.asker.meter.dollars - before)
        self._note(token, None)

    async def _keep(self, answers: Sequence[tuple[str, Reply]], told: Mapping[str, Any]) -> None:
        # At the price of when it was handed in: a price of today does not change what was spent.
        price = None if told["price"] is None else Price(*told["price"])
        for start in range(0, len(answers), KEPT_AT_ONCE):
            kept: list[Answer] = []
            counted = []
            for name, reply in answers[start : start + KEPT_AT_ONCE]:
                if name not in told["lines"] or reply.get("expired"):
                    continue
                key, keys, numbers, limit = told["lines"][name]
                if "failed" in reply:
                    self.asker.refused[key] = str(reply["failed"])
                    continue
                parts = Question({}, key, tuple(keys), tuple(numbers)).answers(reply)
                self.asker.asked.update(key for key, _ in parts)
                cut = limit if is_cut_off(reply) else None
                kept += [Answer(key, part, _cost(part, price), cut) for key, part in parts]
                counted.append((reply, len(parts)))
            await self.asker.cache.put(
                kept, [self._entry(reply, rows, price) for reply, rows in counted]
            )
            for reply, rows in counted:
                self.asker.meter.add(reply, rows, _cost(reply, price))
                self.asker.advance(rows)

    def _entry(self, reply: Reply, rows: int, price: Price | None) -> ledger.Entry:
        tokens = int(reply.get("tokens_in", 0)), int(reply.get("tokens_out", 0))
        return ledger.Entry(self.asker.run, rows, *tokens, _cost(reply, price))


def _cost(reply: Reply, price: Price | None) -> float | None:
    tokens = reply.get("tokens_in", 0), reply.get("tokens_out", 0)
    return price.dollars(*tokens) if price is not None else None


def _progress(state: Mapping[str, Any]) -> str:
    return f"{state['status']}, {state['done']:,} of {state['total']:,}"
