"""A limit on how long a labeling function may think about one row."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator

CHECKS = 5  # in the time of one limit
# A function that goes on after so many interruptions of one row, or of so many rows, catches
# everything.
MOST_RAISES, MOST_ROWS = 3, 5


class TookTooLong(BaseException):
    """Raised inside the function; no Exception, so that its own `except Exception` lets it pass.

    `seconds` is how long the row took until then.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Stopwatch:
    """Interrupts Python code, regular expressions included, that gets no further for `seconds`.

    A timer looks a few times in that time whether the work went on, so that a row costs nothing.
    Code in C is interrupted when it comes back to Python. Only the main thread can be interrupted;
    elsewhere there is no limit. 0 means no limit.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._progress: Callable[[], int] | None = None
        self._give_up: Callable[[], None] | None = None
        self._raised: list[int] = []
        self._seen, self._raises = -1, 0
        self._since = self._last = 0.0  # when this progress was first seen; the last check
        self._limit = seconds

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Keep the timer going inside the block."""
        main = threading.current_thread() is threading.main_thread()
        if not self.seconds or not main or not hasattr(signal, "setitimer"):
            yield
            return
        before = signal.signal(signal.SIGALRM, self._check)
        signal.setitimer(signal.ITIMER_REAL, self.seconds / CHECKS, self.seconds / CHECKS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    @contextlib.contextmanager
    def watching(
        self,
        progress: Callable[[], int],
        times: float = 1.0,
        give_up: Callable[[], None] | None = None,
    ) -> Iterator[list[int]]:
        """Raise TookTooLong in the block when `progress()` stays the same for `times` limits.

        Yields a list that gets the progress at which it was raised: code may catch it and go on.
        Where it does so again and again, `give_up` is called.
        """
        raised: list[int] = []
        self._raised = raised
        self._seen, self._raises, self._limit = progress(), 0, self.seconds * times
        self._since = self._last = time.monotonic()
        self._progress, self._give_up = progress, give_up
        try:
            yield raised
        finally:
            self._progress = self._give_up = None

    def _check(self, *_: object) -> None:
        clock, before = time.monotonic(), self._last
        self._last = clock
        if self._progress is None:
            return
        now = self._progress()
        # A check that comes late was kept waiting by code in C, which runs since it was due.
        due = before + self.seconds / CHECKS
        if now != self._seen:
            self._seen, self._since, self._raises = now, min(due, clock), 0
        took = clock - self._since
        if took < self._limit:
            return
        self._raises += 1
        if now not in self._raised[-1:]:
            self._raised.append(now)
        too_often = self._raises > MOST_RAISES or len(self._raised) > MOST_ROWS
        if too_often and self._give_up is not None:
            self._give_up()
        raise TookTooLong(took)
