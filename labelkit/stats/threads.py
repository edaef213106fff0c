"""One thread for the numerical libraries, where more would only wait for each other."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_found: tuple[int, Any] = (0, None)  # how many modules there were; the libraries among them


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS and OpenMP run on one thread within."""
    with _libraries().limit(limits=1):
        yield


def _libraries() -> Any:
    global _found
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    # It reads the map of the memory, which takes longer than a small fit. A library comes by an
    # import.
    if _found[0] != len(sys.modules):
        _found = len(sys.modules), ThreadpoolController()
    return _found[1]
