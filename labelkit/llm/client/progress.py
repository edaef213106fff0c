"""What a run tells while it goes: the rate, what it has cost, what is left, what went wrong."""

import time
from collections import deque
from collections.abc import Callable

from labelkit import console
from labelkit.llm.client.scheduler import Asker

TELL_SECONDS = 0.2
RATE_SECONDS = 15.0


class Progress:
    """Stands between the asker and the progress line: many small steps in, few updates out."""

    def __init__(
        self,
        tell: Callable[..., None],
        asker: Asker,
        total: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell, self._asker, self._total, self._clock = tell, asker, total, clock
        self._done = self._untold = 0
        self._told_at = clock()
        # Rows done at some times of the last seconds; what came from the cache counts as done
        # before, or the rate would promise too much.
        self._seen: deque[tuple[float, int]] = deque([(clock(), 0)])

    def __call__(self, rows: int = 1, note: str = "") -> None:
        """Count rows; tell when it is time, and at once what a person should know."""
        self._done += rows
        self._untold += rows
        now = self._clock()
        if note or now - self._told_at >= TELL_SECONDS:
            self._tell(self._untold, note or self.state(now))
            self._untold, self._told_at = 0, now

    def state(self, now: float) -> str:
        """Return the rate, the cost, the time left and the errors in one line."""
        asker, answers = self._asker, self._asker.meter.answers
        self._seen.append((now, answers))
        while len(self._seen) > 2 and now - self._seen[0][0] > RATE_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        rate = (answers - before) / max(now - since, 1e-3)
        parts = [f"{rate:,.0f} rows/s" if rate >= 10 else f"{rate:.1f} rows/s"]
        if asker.meter.price is not None and asker.meter.dollars:
            parts.append(f"${asker.meter.dollars:.4f}")
        if rate > 0 and self._total > self._done:
            parts.append(f"{duration((self._total - self._done) / rate)} left")
        parts.append(f"{asker.pace.in_flight} at once")
        if asker.limits.failures:
            parts.append(console.count(asker.limits.failures, "errors"))
        return " · ".join(parts)


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:,.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"


def silent_rows(tell: Callable[..., None]) -> Callable[..., None]:
    """Return what tells of waiting but counts no row: the rows are counted elsewhere."""
    return lambda rows, note="": tell(0, note)
