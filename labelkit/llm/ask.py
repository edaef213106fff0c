"""All requests asked in one asyncio process: each once, none twice, every answer kept."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from labelkit.errors import BudgetReached, LabelkitError
from labelkit.llm.cache import Cache, digest
from labelkit.llm.cost import Meter

Request = dict[str, Any]
Reply = dict[str, Any]
# A pause asked for by the server that is longer than this ends the run: it can go on later.
LONGEST_WAIT = 300.0
FAILURES_IN_A_ROW = 10


class Provider(Protocol):
    """What a provider's `connect` returns."""

    identity: dict[str, Any]
    facts: dict[str, Any]

    async def ask(self, request: Request) -> Reply:
        """Make one attempt.

        The reply is an answer (`tokens_in`, `tokens_out` and the provider's own fields), or
        `{"again": why, "wait": seconds or None, "all": bool}` for a passing fault (`all`: the
        others should wait too), or `{"failed": why}` when only this request cannot be answered.
        LabelkitError when no request can be.
        """

    async def close(self) -> None:
        """End the connection."""


@dataclass
class Patience:
    """One back-off for all workers: who is told to wait makes everybody wait."""

    until: float = 0.0
    strikes: int = 0

    async def turn(self) -> None:
        """Wait until asking is welcome."""
        while (left := self.until - time.monotonic()) > 0:
            await asyncio.sleep(left)

    def hold(self, seconds: float | None) -> None:
        """Make everybody wait so long; without a number, longer at each strike."""
        if time.monotonic() >= self.until:  # answers to requests sent before the pause: one strike
            self.strikes += 1
        pause = seconds if seconds is not None else min(0.5 * 2.0**self.strikes, 30.0)
        self.until = max(self.until, time.monotonic() + pause)


@dataclass
class Asker:
    """Asks a provider through the cache, inside the limits."""

    provider: Provider
    cache: Cache
    meter: Meter
    run: str
    task: str = ""
    concurrency: int = 8
    retries: int = 4
    advance: Callable[..., None] = lambda n, note="": None
    patience: Patience = field(default_factory=Patience)
    stopped: LabelkitError | None = None
    failed_in_a_row: int = 0
    from_cache: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)

    def key(self, request: Request) -> str:
        """Return the cache key: everything that shapes the answer, never the key to the door."""
        return digest([self.provider.identity, self.provider.facts, request])

    async def ask_all(self, requests: Sequence[Request]) -> list[Reply]:
        """Return the replies in order; equal requests are asked once.

        A reply is an answer or `{"failed": why}`. BudgetReached at the limit or after too many
        failures in a row, LabelkitError when the endpoint refuses all: every answer that came
        is in the cache then.
        """
        keys = [self.key(request) for request in requests]
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        replies: dict[str, Reply] = {}
        waiting = []
        for key in dict.fromkeys(keys):
            known = self.cache.get(key)
            if known is None:
                waiting.append(key)
            else:
                replies[key] = known
        self.from_cache |= replies.keys() - self.asked
        repeats = len(keys) - len(waiting)
        if repeats:
            self.advance(repeats)
        todo = iter(waiting)

        async def work() -> None:
            for key in todo:
                if self.stopped is not None:
                    return
                replies[key] = await self._ask(requests[first[key]])
                self.advance(1)

        workers = [work() for _ in range(min(self.concurrency, len(waiting)))]
        await asyncio.gather(*workers)
        if self.stopped is not None:
            raise self.stopped
        return [replies[key] for key in keys]

    async def _ask(self, request: Request) -> Reply:
        reply: Reply = {"failed": "stopped"}
        try:
            reply = await self._attempts(request)
        except LabelkitError as error:
            # The other workers finish what they have sent (it will be paid for), then all stop.
            self.stopped = self.stopped or error
            return reply
        if "failed" in reply:
            self._count_failure(str(reply["failed"]))
        else:
            self.failed_in_a_row = 0
        return reply

    async def _attempts(self, request: Request) -> Reply:
        left, told_to_wait, tries, why = self.retries, self.retries * 4, 0, ""
        while True:
            await self.patience.turn()
            if self.stopped is not None:
                return {"failed": why or "stopped"}
            reply = await self._once(request)
            tries += 1
            if "again" not in reply:
                return reply
            why, wait = str(reply["again"]), reply.get("wait")
            if wait is not None and wait > LONGEST_WAIT:
                raise BudgetReached(
                    f"the endpoint asks to wait {wait:.0f} seconds ({why}). All answers are "
                    "kept: the same command goes on from here later."
                )
            if reply.get("all"):
                told_to_wait -= 1
                self.patience.hold(wait)
                self.advance(0, f"told to wait ({why[:60]})")
            else:
                left -= 1
                await asyncio.sleep(wait if wait is not None else self._pause(left))
            nobody_served = self.patience.strikes > self.retries * 2
            if left < 0 or told_to_wait < 0 or (reply.get("all") and nobody_served):
                return {"failed": why + _after(tries - 1), "gave_up": True}

    def _pause(self, left: int) -> float:
        return 0.0 if left < 0 else float(min(0.25 * 2 ** (self.retries - left - 1), 8.0))

    async def _once(self, request: Request) -> Reply:
        held = await self.meter.hold(request)
        try:
            reply = await self.provider.ask(request)
            if "again" not in reply and "failed" not in reply:
                self.patience.strikes = 0
                key = self.key(request)
                self.asked.add(key)
                self.cache.put(
                    key,
                    reply,
                    run=self.run,
                    task=self.task,
                    model=str(self.provider.identity.get("model", "")),
                    dollars=self.meter.cost(reply),
                )
                self.meter.count(request, reply)
            return reply
        finally:
            await self.meter.free(held)

    def _count_failure(self, why: str) -> None:
        self.failed_in_a_row += 1
        if self.stopped is not None or self.failed_in_a_row < FAILURES_IN_A_ROW:
            return
        if self.meter.answers:
            self.stopped = BudgetReached(
                f"stopped after {self.failed_in_a_row} failures in a row; the last: {why}. "
                f"All {self.meter.answers:,} answers of this run are kept: the same command "
                "goes on from here."
            )
        else:
            self.stopped = LabelkitError(
                f"no answer came, after {self.failed_in_a_row} failures in a row; the last: {why}"
            )


def _after(retries: int) -> str:
    return f" (after {retries} retr{'y' if retries == 1 else 'ies'})" if retries else ""


def summary(meter: Meter, asker: Asker) -> Mapping[str, float]:
    """Return the counts of a run for history and summary."""
    return {
        "asked": meter.answers,
        "from_cache": len(asker.from_cache),
        "tokens_in": meter.tokens_in,
        "tokens_out": meter.tokens_out,
        "dollars": round(meter.dollars, 6),
    }
