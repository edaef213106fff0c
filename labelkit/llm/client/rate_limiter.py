"""When the next request may go: how many at once, how many a minute, one pause for all."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable

# Where the user names no number of requests at once: begin low, grow while it helps.
FIRST_AT_ONCE, MOST_AT_ONCE = 8, 64
# An answer that takes so many times the quickest one waited in a queue of the endpoint's.
QUEUED = 2.5
# A cap of so many a minute may be used in bursts of so many seconds.
BURST_SECONDS = 1.0
LONGEST_GUESS = 30.0


class Pace:
    """The turns of all workers, on one clock.

    `at_once` grows by what was answered without trouble and is halved when the endpoint says that
    it is too much. A pause holds everybody: who is told to wait makes all wait.
    """

    def __init__(
        self,
        at_once: int | None = None,
        rpm: float | None = None,
        tpm: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`at_once` None: found out; `rpm`, `tpm`: requests and tokens a minute, None: no cap."""
        self.most = at_once or MOST_AT_ONCE
        self.at_once = float(at_once or FIRST_AT_ONCE)
        self.in_flight = self.strikes = 0
        self._cap = float(self.most)
        self.until = 0.0
        self._clock = clock
        self._grows_fast = at_once is None
        self._quickest = float("inf")
        self._halved_at = -float("inf")
        self._requests, self._tokens = _Cap(rpm), _Cap(tpm)
        self._queue: deque[asyncio.Future[None]] = deque()
        self._ended = asyncio.Event()

    def begin_slowly(self) -> None:
        """Let few go at once, whatever was asked for, until `full_speed`."""
        self._cap = min(self._cap, FIRST_AT_ONCE)

    def full_speed(self) -> None:
        """Let as many go at once as the endpoint takes."""
        if self._cap < self.most:
            self._cap = float(self.most)
            self._wake()

    def now(self) -> float:
        """Return the time on the clock of the turns."""
        return self._clock()

    async def enter(self, tokens: float) -> float | None:
        """Wait until a request of so many tokens may go; return when it went, None at the end."""
        while not self._ended.is_set():
            if self.in_flight >= int(min(self.at_once, self._cap)):
                await self._freed()
                continue
            now = self._clock()
            left = max(self.until, self._requests.free_at(), self._tokens.free_at()) - now
            if left > 0:
                await self.sleep(left)
                continue
            self.in_flight += 1
            self._requests.take(1, now)
            self._tokens.take(tokens, now)
            return now
        return None

    async def sleep(self, seconds: float) -> None:
        """Wait, but not beyond the end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    def end(self) -> None:
        """Let nothing more go."""
        self._ended.set()
        while self._queue:
            _wake(self._queue.popleft())

    async def _freed(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        await turn

    def leave(self) -> None:
        """Give the turn to the next."""
        self.in_flight -= 1
        self._wake()

    def _wake(self) -> None:
        free = int(min(self.at_once, self._cap)) - self.in_flight
        while free > 0 and self._queue:
            free -= _wake(self._queue.popleft())

    def served(self, since: float, pause: float = 0.0) -> None:
        """Learn from an answer: a pause that its headers ask for, whether more at once helps."""
        self.strikes = 0
        took = self._clock() - since
        self._quickest = min(self._quickest, took)
        if pause > 0:
            self.until = max(self.until, self._clock() + pause)
        if self.at_once < self.most and took <= self._quickest * QUEUED + 0.05:
            self.at_once += 1.0 if self._grows_fast else 1.0 / self.at_once
            self._wake()

    def hold(self, seconds: float | None) -> None:
        """Make everybody wait so long (without a number, longer at each strike), then go slower."""
        now = self._clock()
        if now >= self.until:  # answers to requests sent before the pause: one strike
            self.strikes += 1
        pause = seconds if seconds is not None else min(0.5 * 2.0**self.strikes, LONGEST_GUESS)
        self.until = max(self.until, now + pause)
        self.slower()

    def slower(self) -> None:
        """Halve the requests at once; for those that were on their way together only once."""
        now = self._clock()
        self._grows_fast = False
        if now - self._halved_at >= 1.0:
            self._halved_at = max(now, self.until)
            self.at_once = max(1.0, self.at_once / 2)


def _wake(turn: "asyncio.Future[None]") -> bool:
    if turn.done():  # cancelled meanwhile
        return False
    turn.set_result(None)
    return True


class _Cap:
    """So many a minute, spread evenly but for a short burst."""

    def __init__(self, a_minute: float | None) -> None:
        self._each = (60.0 + BURST_SECONDS) / a_minute if a_minute else 0.0
        self._next = 0.0

    def free_at(self) -> float:
        """Return the time from which the next may go."""
        return self._next - BURST_SECONDS if self._each else 0.0

    def take(self, amount: float, now: float) -> None:
        """Count what goes now."""
        if self._each:
            self._next = max(self._next, now) + amount * self._each
