"""All requests asked in one asyncio process: each once, none twice, every answer kept."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from labelkit.errors import BudgetReached, LabelkitError
from labelkit.llm.client.cost_meter import Meter
from labelkit.llm.client.rate_limiter import Pace
from labelkit.llm.client.response_cache import Answer, Cache, digest
from labelkit.llm.prompts import multi_row

Request = dict[str, Any]
Reply = dict[str, Any]
Item = TypeVar("Item")
Found = TypeVar("Found")
# A pause asked for by the server that is longer than this ends the run: it can go on later.
LONGEST_WAIT = 300.0
FAILURES_IN_A_ROW = 10
LONGER_EACH_TIME, LONGEST_PAUSE = 1.25, 30.0


class Provider(Protocol):
    """What a provider's `connect` returns."""

    identity: dict[str, Any]
    facts: dict[str, Any]

    async def ask(self, request: Request) -> Reply:
        """Make one attempt.

        The reply is an answer (`tokens_in`, `tokens_out` and the provider's own fields; `pause`
        where its headers ask for one), or `{"again": why, "wait": seconds or None, "all": bool,
        "late": bool}` for a passing fault (`all`: the others should wait too; `late`: there may be
        too many at once), or `{"failed": why}` when only this request cannot be answered.
        LabelkitError when no request can be.
        """

    async def close(self) -> None:
        """End the connection."""


@dataclass(frozen=True)
class Question:
    """What is asked in one request: one row, or several, each under its number."""

    request: Request
    key: str
    keys: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()

    def answers(self, reply: Reply) -> list[tuple[str, Reply]]:
        """Return the replies to keep, each by its key; the whole where it cannot be taken apart."""
        parts = multi_row.apart(reply, self.numbers) if self.numbers else None
        return [(self.key, reply)] if parts is None else list(zip(self.keys, parts, strict=True))

    def matches(self, reply: Reply) -> bool:
        """Tell whether a reply can be taken apart into one for each row."""
        return "failed" not in reply and multi_row.apart(reply, self.numbers) is not None


@dataclass
class Asker:
    """Asks a provider through the cache, inside the limits."""

    provider: Provider
    cache: Cache
    meter: Meter
    run: str
    task: str = ""
    pace: Pace = field(default_factory=Pace)
    retries: int = 4
    advance: Callable[..., None] = lambda n, note="": None
    stopped: LabelkitError | None = None
    failed_in_a_row: int = 0
    failures: int = 0
    from_cache: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)  # by key: why it shall not be asked
    under_way: dict[str, "asyncio.Future[Reply]"] = field(default_factory=dict)

    def key(self, request: Request) -> str:
        """Return the cache key: everything that shapes the answer, never the key to the door."""
        return digest([self.provider.identity, self.provider.facts, request])

    async def each(
        self,
        items: Sequence[Item],
        work: Callable[[Item], Awaitable[Found]],
        rows: Callable[[Item], int] = lambda item: 1,
    ) -> list[Found]:
        """Return what `work` makes of each item, in order; as many at once as the pace allows.

        What `work` asks goes through `ask` or `put`; `rows` tells the progress how many an item
        is. BudgetReached at the limit or after too many failures in a row, LabelkitError when the
        endpoint refuses all: every answer that came is in the cache then.
        """
        found: dict[int, Found] = {}
        todo = iter(enumerate(items))

        async def worker() -> None:
            for place, item in todo:
                try:
                    result = await work(item)
                except LabelkitError as error:
                    self.stop(error)
                if self.stopped is not None:
                    return
                found[place] = result
                self.advance(rows(item))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.pace.most, len(items))):
                group.create_task(worker())
        if self.stopped is not None:
            raise self.stopped
        return [found[place] for place in range(len(items))]

    async def ask_all(self, requests: Sequence[Request]) -> list[Reply]:
        """Return the replies in order; raises as `each` does."""
        return await self.each(requests, self.ask)

    async def ask(self, request: Request) -> Reply:
        """Return the reply, from the cache where it is known; equal requests are asked once.

        A reply is an answer or `{"failed": why}`; after the run was stopped, always the latter.
        """
        return await self.put(Question(request, self.key(request)))

    async def put(self, question: Question) -> Reply:
        """Put a question as `ask` does."""
        key = question.key
        known = self.cache.get(key)
        if known is not None:
            if key not in self.asked and key not in self.from_cache:
                self.from_cache.add(key)
                self.meter.recall(known)
            return known
        if key in self.refused:
            return {"failed": self.refused[key]}
        if key in self.under_way:
            return await asyncio.shield(self.under_way[key])
        coming: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.under_way[key] = coming
        reply: Reply = {"failed": "stopped"}
        try:
            reply = await self._ask(question)
        finally:
            del self.under_way[key]
            coming.set_result(reply)
        return reply

    async def _ask(self, question: Question) -> Reply:
        if self.stopped is not None:
            return {"failed": "stopped"}
        try:
            reply = await self._attempts(question)
        except LabelkitError as error:
            # The other workers finish what they have sent (it will be paid for), then all stop.
            self.stop(error)
            return {"failed": "stopped"}
        if "failed" in reply and not reply.get("gave_up"):
            self.refused[question.key] = str(reply["failed"])
        # Several rows that got no answer of use together are asked apart.
        if "failed" in reply and (not question.numbers or reply.get("gave_up")):
            self._count_failure(str(reply["failed"]))
        return reply

    def stop(self, why: LabelkitError) -> None:
        """Send nothing more."""
        self.stopped = self.stopped or why
        self.pace.end()

    async def _attempts(self, question: Question) -> Reply:
        left, told_to_wait, tries, why = self.retries, self.retries * 4, 0, ""
        failed_at = 0.0
        while True:
            reply = await self._once(question)
            if reply is None or (self.stopped is not None and "again" in reply):
                return {"failed": why or "stopped"}
            tries += 1
            if "again" not in reply:
                return reply
            why, wait = str(reply["again"]), reply.get("wait")
            # Longer each time, also where a pause of all has made the last wait long.
            waited = reply["went"] - failed_at if tries > 1 else 0.0
            longer = min(waited * LONGER_EACH_TIME, LONGEST_PAUSE)
            failed_at = self.pace.now()
            if wait is not None and wait > LONGEST_WAIT:
                raise BudgetReached(
                    f"the endpoint asks to wait {wait:.0f} seconds ({why}). All answers are "
                    "kept: the same command goes on from here later."
                )
            if reply.get("all"):
                told_to_wait -= 1
                self.pace.hold(wait)
                self.advance(0, f"told to wait ({why[:60]})")
                if wait is None:
                    await self.pace.sleep(longer)
            else:
                left -= 1
                if reply.get("late"):
                    self.pace.slower()
                await self.pace.sleep(self._pause(left, longer) if wait is None else wait)
            nobody_served = self.pace.strikes > self.retries * 2
            if left < 0 or told_to_wait < 0 or (reply.get("all") and nobody_served):
                return {"failed": why + _after(tries - 1), "gave_up": True}

    def _pause(self, left: int, longer: float) -> float:
        if left < 0:
            return 0.0
        return float(max(min(0.25 * 2 ** (self.retries - left - 1), 8.0), longer))

    async def _once(self, question: Question) -> Reply | None:
        """Make one attempt when its turn has come; None where the run has ended before."""
        request = question.request
        held = await self.meter.hold(request)
        try:
            since = await self.pace.enter(self.meter.expects(request))
            if since is None:
                return None
            before = dict(self.provider.facts)
            try:
                reply = await self.provider.ask(request)
            finally:
                self.pace.leave()
            if "again" not in reply and "failed" not in reply:
                self.failed_in_a_row = 0  # before it is written, which others do not wait for
                self.pace.served(since, reply.pop("pause", 0.0))
                if self.provider.facts != before:  # what shaped the answer has been learned by it
                    question = replace(question, key=self.key(request))
                await self._keep(question, reply)
            return reply if "again" not in reply else reply | {"went": since}
        finally:
            await self.meter.free(held)

    async def _keep(self, question: Question, reply: Reply) -> None:
        answers = question.answers(reply)
        self.asked.update(key for key, _ in answers)
        await self.cache.put(
            [self.answer(key, part, self.meter.cost(part)) for key, part in answers]
        )
        self.meter.count(question.request, reply, len(answers))

    def answer(self, key: str, reply: Reply, dollars: float) -> Answer:
        """Return a reply as the cache keeps it."""
        model = str(self.provider.identity.get("model", ""))
        return Answer(key, reply, self.run, self.task, model, dollars)

    def _count_failure(self, why: str) -> None:
        self.failures += 1
        self.failed_in_a_row += 1
        if self.stopped is not None or self.failed_in_a_row < FAILURES_IN_A_ROW:
            return
        if self.meter.answers:
            error: LabelkitError = BudgetReached(
                f"stopped after {self.failed_in_a_row} failures in a row; the last: {why}. "
                f"All {self.meter.answers:,} answers of this run are kept: the same command "
                "goes on from here."
            )
        else:
            error = LabelkitError(
                f"no answer came, after {self.failed_in_a_row} failures in a row; the last: {why}"
            )
        self.stop(error)


def _after(retries: int) -> str:
    return f" (after {retries} retr{'y' if retries == 1 else 'ies'})" if retries else ""


def summary(meter: Meter, asker: Asker) -> Mapping[str, float]:
    """Return the counts of a run for history and summary."""
    return {
        "asked": meter.answers,
        "requests": meter.requests,
        "from_cache": len(asker.from_cache),
        "tokens_in": meter.tokens_in,
        "tokens_out": meter.tokens_out,
        "dollars": round(meter.dollars, 6),
        "dollars_from_cache": round(meter.recalled(), 6),
    }
