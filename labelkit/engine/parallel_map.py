"""The same function over many parts: in this process or in several, with the same result."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import Any

from labelkit import console
from labelkit.errors import LabelkitError

WAITING = 2  # parts read ahead for each process

_function: Callable[[Any], Any] | None = None  # of this process, where it works for another


def in_order(
    make: Callable[..., Callable[[Any], Any]],
    arguments: tuple[Any, ...],
    parts: Iterable[Any],
    jobs: int,
) -> Iterator[Any]:
    """Yield `make(*arguments)(part)` for each part, in order; `make` runs once in each process.

    A few parts only are held at a time. What the function raises is raised here. Raises
    LabelkitError where a process dies.
    """
    if jobs <= 1:
        yield from map(make(*arguments), parts)
        return
    # A forked child could wait for ever for a lock that a thread of Arrow held.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, initializer=_prepare, initargs=(make, arguments))
    try:
        waiting: deque[Future[Any]] = deque()
        for part in parts:
            waiting.append(pool.submit(_work, part))
            if len(waiting) >= jobs * WAITING:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise LabelkitError(
            f"one of {console.count(jobs, 'processes')} died (out of memory?); --jobs 1 runs "
            "everything in one"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare(make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
    global _function
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says what was interrupted
    threading.Thread(target=_end_with_parent, daemon=True).start()
    console.hide_library_warnings()
    _function = make(*arguments)


def _work(part: Any) -> Any:
    assert _function is not None
    return _function(part)


def _end_with_parent() -> None:
    """End this process when its parent is gone, which a killed parent cannot ask for."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
