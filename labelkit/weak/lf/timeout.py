"""A limit on how long a labeling function may think about one row."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

CHECKS = 5  # in the time of one limit


class TookTooLong(BaseException):
    """Raised inside the function; no Exception, so that its own `except Exception` lets it pass."""


class Stopwatch:
    """Interrupts Python code, regular expressions included, that gets no further for `seconds`.

    A timer looks a few times in that time whether the work went on, so that a row costs nothing.
    Only the main thread can be interrupted; elsewhere there is no limit. 0 means no limit.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._progress: Callable[[], int] | None = None
        self._seen = -1
        self._checks = 0
        self._most = CHECKS

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
    def watching(self, progress: Callable[[], int], times: float = 1.0) -> Iterator[None]:
        """Raise TookTooLong in the block when `progress()` stays the same for `times` limits."""
        self._seen, self._checks, self._most = -1, 0, max(1, round(CHECKS * times))
        self._progress = progress
        try:
            yield
        finally:
            self._progress = None

    def _check(self, *_: object) -> None:
        if self._progress is None:
            return
        now = self._progress()
        if now != self._seen:
            self._seen, self._checks = now, 0
            return
        self._checks += 1
        if self._checks >= self._most:
            self._checks = 0
            raise TookTooLong
