"""All requests asked in one asyncio process: each once, none twice, every answer kept."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from labelkit import console
from labelkit.errors import BudgetReached, LabelkitError
from labelkit.io import ledger
from labelkit.llm.answers.reply_labels import is_cut_off
from labelkit.llm.client.claims import Requests
from labelkit.llm.client.cost_meter import Meter, cost, most_tokens_in
from labelkit.llm.client.failure_limits import FailureLimits
from labelkit.llm.client.question import Provider, Question, Reply, Request
from labelkit.llm.client.rate_limiter import Pace
from labelkit.llm.client.response_cache import Answer, Cache, digest

Item = TypeVar("Item")
Found = TypeVar("Found")
# A pause asked for by the server that is longer than this ends the run: it can go on later.
LONGEST_WAIT = 300.0
LONGER_EACH_TIME, LONGEST_PAUSE = 1.25, 30.0
CLAIMED_POLL = 0.05
STOPPED: Reply = {"failed": "stopped"}


class Interrupted(LabelkitError):
    """A signal asked to stop: nothing more is sent, what is on its way is waited for."""


@dataclass
class Sent:
    """The requests for one question that ended without an answer, but may have been billed.

    `before` are those of runs that are gone.
    """

    before: list[Requests]
    faults: list[Reply] = field(default_factory=list)
    held: float = 0.0


@dataclass
class Asker:
    """Asks a provider through the cache, inside the limits."""

    provider: Provider
    cache: Cache
    meter: Meter
    run: ledger.Run
    pace: Pace = field(default_factory=Pace)
    retries: int = 4
    advance: Callable[..., None] = lambda n, note="": None
    stopped: LabelkitError | None = None
    from_cache: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)  # by key: why it shall not be asked
    given_up: dict[str, str] = field(default_factory=dict)  # by key: why no answer came
    under_way: dict[str, "asyncio.Future[Reply]"] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)  # rows: labelled, unusable, cut, failed

    def __post_init__(self) -> None:
        self.limits = FailureLimits(self.meter)

    def key(self, request: Request) -> str:
        """Return the cache key: everything that shapes a finished answer, never the API key."""
        shaping = {name: value for name, value in request.items() if name != "max_tokens"}
        return digest([self.provider.identity, self.provider.facts, shaping])

    async def each(
        self,
        items: Sequence[Item],
        work: Callable[[Item], Awaitable[Found]],
        rows: Callable[[Item], int] = lambda item: 1,
        order: Sequence[int] | None = None,
    ) -> list[Found]:
        """Return what `work` makes of each item, in order; as many at once as the pace allows.

        What `work` asks goes through `ask` or `put`; `rows` tells the progress how many an item
        is, `order` which are begun first. BudgetReached at the limit or after too many failures in
        a row, LabelkitError when the endpoint refuses all: every answer that came is in the cache
        then.
        """
        found: dict[int, Found] = {}
        todo = iter(range(len(items)) if order is None else order)

        async def worker() -> None:
            for place in todo:
                item = items[place]
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
        """Put a question as `ask` does.

        `{"failed": why, "outdated": True}` where another run has answered some of its rows.
        """
        key = question.key
        known = self._known(question)
        if known is not None:
            return known
        if key in self.under_way:
            return await asyncio.shield(self.under_way[key])
        coming: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.under_way[key] = coming
        reply = STOPPED
        try:
            reply = await self._claimed(question)
        finally:
            del self.under_way[key]
            coming.set_result(reply)
        return reply

    def _known(self, question: Question) -> Reply | None:
        """Return a reply that is there already, also the reason of one that was refused before."""
        key = question.key
        if key in self.refused:
            return {"failed": self.refused[key]}
        kept = self.cache.get(key, question.limit)
        if kept is None:
            return None
        if "failed" in kept.reply or key in self.asked or key in self.from_cache:
            return kept.reply
        self.from_cache.add(key)
        self.meter.recall(kept.reply, kept.dollars)
        return kept.reply

    async def _claimed(self, question: Question) -> Reply:
        """Ask where no other run asks the same; else wait for what comes of that."""
        keys = question.row_keys
        while (before := self.cache.claim(keys)) is None:
            self.advance(0, "waiting for another run that asks the same")
            await self.pace.sleep(CLAIMED_POLL)
            if self.stopped is not None:
                return STOPPED
            known = self._known(question)
            if known is not None:
                return known
        known = self._known(question)
        if known is None and any(self.cache.has(key, question.room) for key in question.keys):
            known = {"failed": "another run has answered some of these rows", "outdated": True}
        reply = await self._ask(question, before) if known is None else known
        # Not where this was cancelled: then a later run knows what may have been billed.
        self.cache.claims.give_back(keys)
        return reply

    async def _ask(self, question: Question, before: list[Requests]) -> Reply:
        if self.stopped is not None:
            return STOPPED
        sent = Sent(before)
        try:
            reply = await self._attempts(question, sent)
        except LabelkitError as error:
            # The other workers finish what they have sent (it will be paid for), then all stop.
            self.stop(error)
            reply = STOPPED
        if sent.before or sent.faults:
            await self._book(question, sent)
        await self.meter.free(sent.held)
        if "failed" in reply and reply is not STOPPED:
            self._count_failure(question, reply)
        return reply

    def stop(self, why: LabelkitError) -> None:
        """Send nothing more."""
        self.stopped = self.stopped or why
        self.pace.end()

    async def _attempts(self, question: Question, sent: Sent) -> Reply:
        left, told_to_wait, tries, why = self.retries, self.retries * 4, 0, ""
        failed_at = 0.0
        while True:
            reply = await self._once(question, sent)
            if reply is None or (self.stopped is not None and "again" in reply):
                return STOPPED
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

    async def _once(self, question: Question, sent: Sent) -> Reply | None:
        """Make one attempt when its turn has come; None where the run has ended before."""
        request = question.request
        held = await self.meter.hold(request)
        billed = False
        try:
            since = await self.pace.enter(self.meter.expects(request))
            if since is None:
                return None
            before = dict(self.provider.facts)
            self._note_sent(question, sent, 1)
            try:
                reply = await self.provider.ask(request)
            finally:
                self.pace.leave()
            if "again" in reply or "failed" in reply:
                billed = bool(reply.get("billed"))
                if billed:
                    sent.faults.append(reply)
                    sent.held += held
                self._note_sent(question, sent, 0)
                return reply | {"went": since} if "again" in reply else reply
            self.limits.in_a_row = 0  # before it is written, which others do not wait for
            self.pace.served(since, reply.pop("pause", 0.0))
            if self.provider.facts != before:  # what shaped the answer has been learned by it
                question = replace(question, key=self.key(request))
            await self._keep(question, reply, sent)
            return reply
        finally:
            if not billed:
                await self.meter.free(held)

    def _note_sent(self, question: Question, sent: Sent, more: int) -> None:
        """Write down how many requests may be billed, for whoever finds this process gone."""
        times = len(sent.faults) + more
        most = self.meter.could_cost(question.request) * times
        self.cache.claims.sent(question.row_keys[0], self.run, self.meter.price, times, most)

    async def _keep(self, question: Question, reply: Reply, sent: Sent) -> None:
        answers = question.answers(reply)
        self.asked.update(key for key, _ in answers)
        lost = self._lost(sent, reply)
        every = [self._entry(reply, len(answers)), *lost]
        also = sum(entry.dollars or 0.0 for entry in lost) / len(answers)
        cut = question.limit if is_cut_off(reply) else None
        await self.cache.put([self.answer(key, part, cut, also) for key, part in answers], every)
        self.cache.claims.booked(question.row_keys)
        self.meter.count(question.request, reply, len(answers))
        self._count_lost(lost)
        sent.before, sent.faults = [], []

    def answer(self, key: str, reply: Reply, cut: int | None, also: float = 0.0) -> Answer:
        """Return a reply as the cache keeps it; `also` is paid for requests that were lost."""
        dollars = self.meter.cost(reply)
        return Answer(key, reply, None if dollars is None else dollars + also, cut)

    async def _book(self, question: Question, sent: Sent) -> None:
        """Book requests of which nothing was heard at the most that they can have cost."""
        most = {"tokens_in": most_tokens_in(question.request), "tokens_out": question.limit}
        lost = self._lost(sent, most)
        await self.cache.put([], lost)
        self.cache.claims.booked(question.row_keys)
        self._count_lost(lost)

    def _lost(self, sent: Sent, like: Mapping[str, Any]) -> list[ledger.Entry]:
        """Return what lost requests cost: as much as `like`, where they do not say themselves.

        At the price of the run that sent them; at this run's where that one knew none.
        """
        lost = [self._entry({**like, **fault}, 0) for fault in sent.faults]
        for requests in sent.before:
            run = self.run._replace(name=requests.run)
            price = requests.price or self.meter.price
            lost += [_entry(run, like, 0, cost(like, price))] * requests.times
        return lost

    def _count_lost(self, lost: Sequence[ledger.Entry]) -> None:
        for entry in lost:
            if entry.run == self.run:
                self.meter.add_unconfirmed(entry.tokens_in, entry.tokens_out, entry.dollars)

    def _entry(self, reply: Mapping[str, Any], answers: int) -> ledger.Entry:
        return _entry(self.run, reply, answers, self.meter.cost(reply))

    def _count_failure(self, question: Question, reply: Reply) -> None:
        why, error = str(reply["failed"]), None
        if not reply.get("gave_up"):
            self.refused[question.key] = why
            if not question.numbers:  # several rows that are refused together are asked apart
                error = self.limits.row_refused(why)
        else:
            self.given_up[question.key] = why
            # A row without an answer in a run that finished says nothing about the endpoint.
            if not self.cache.failed_before(question.key):
                error = self.limits.endpoint_failed(why)
        if error is not None:
            self.stop(error)

    def row_read(self, request: Request, reply: Reply, reason: str) -> None:
        """Count what came of a row: a label, or the reason why not; may stop the run."""
        cut_off = is_cut_off(reply)
        if "failed" in reply:
            self.outcomes["failed"] += 1
            return
        self.outcomes["cut" if reason and cut_off else "unusable" if reason else "labelled"] += 1
        if not reason or self.key(request) in self.asked:
            self._judge(reason, cut_off, int(request["max_tokens"]))

    def unmatched(self, question: Question, reply: Reply) -> None:
        """Count a paid reply about several rows that cannot be taken apart; may stop the run."""
        if question.key in self.asked:
            reason = "the answer does not match the rows"
            self._judge(reason, is_cut_off(reply), question.room)

    def _judge(self, reason: str, cut_off: bool, room: int) -> None:
        if not reason:
            self.pace.full_speed()
        error = self.limits.answered(reason, cut_off, room)
        if error is not None:
            self.stop(error)

    def keep_failures(self, run_is_done: bool) -> None:
        """Keep what was refused, and where the run is done, what got no answer.

        Not where nothing was answered: then it is the endpoint that fails, not the rows.
        """
        if not self.meter.answers and not self.from_cache:
            return
        refused = [Answer(key, {"failed": why}, 0.0) for key, why in self.refused.items()]
        self.cache.put_all(refused, [])
        if run_is_done:
            self.cache.remember_failures(self.given_up)


def _entry(
    run: ledger.Run, reply: Mapping[str, Any], answers: int, dollars: float | None
) -> ledger.Entry:
    tokens = int(reply.get("tokens_in", 0)), int(reply.get("tokens_out", 0))
    return ledger.Entry(run, answers, *tokens, dollars)


def _after(retries: int) -> str:
    return f" (after {console.count(retries, 'retries')})" if retries else ""


def summary(meter: Meter, asker: Asker) -> dict[str, float | None]:
    """Return the counts of a run for history and summary; dollars None where not known."""
    known = meter.known_dollars
    return {
        "asked": meter.answers,
        "requests": meter.requests,
        "from_cache": len(asker.from_cache),
        "tokens_in": meter.tokens_in,
        "tokens_out": meter.tokens_out,
        "dollars": None if meter.spent is None else round(meter.spent, 9),
        "dollars_from_cache": None if known is None else round(known, 9),
        **({"unconfirmed_requests": meter.unconfirmed} if meter.unconfirmed else {}),
    }
