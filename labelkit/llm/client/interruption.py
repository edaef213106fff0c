"""Signals while a model is asked: the first waits for what is paid for, the second ends at once."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from labelkit import console

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_Handler = Callable[[int, FrameType | None], Any] | int | None


class Interruption:
    """What the signals of a run do; nothing outside of the main thread."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def watch(self, stop: Callable[[], None], in_flight: Callable[[], int]) -> None:
        """From here on, let the first signal call `stop`, the second cancel the running task."""
        if threading.current_thread() is not threading.main_thread():
            return
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def interrupt(number: int) -> None:
            self.numbers.append(number)
            if len(self.numbers) > 1:
                task.cancel()
                return
            if in_flight():
                console.note(
                    f"interrupted: waiting for {console.count(in_flight(), 'answers')} that are "
                    "paid for (a second signal ends at once)"
                )
            stop()

        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, interrupt, number)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Yield what takes the signals of a run; at its end the first one does what it did before."""
    main = threading.current_thread() is threading.main_thread()
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before: dict[int, _Handler] = {n: signal.getsignal(n) for n in numbers} if main else {}
    interruption = Interruption()
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
        if interruption.numbers:
            signal.raise_signal(interruption.numbers[0])
