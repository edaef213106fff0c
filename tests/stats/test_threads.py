"""The numerical libraries on one thread."""

import sys
import types

import numpy  # noqa: F401  # its library is among those that are limited
from threadpoolctl import threadpool_info, threadpool_limits

from labelkit.stats import threads
from labelkit.stats.threads import one_thread


def counts() -> set[int]:
    return {library["num_threads"] for library in threadpool_info()}


def test_one_thread_within_and_as_before_after() -> None:
    with threadpool_limits(2):
        before = counts()
        with one_thread():
            assert counts() == {1}
        assert counts() == before


def test_the_libraries_are_looked_for_anew_only_after_an_import(monkeypatch) -> None:
    monkeypatch.setattr(threads, "_found", threads._found)  # what is found here is forgotten
    with one_thread():
        pass
    looks = []
    monkeypatch.setattr(
        "threadpoolctl.ThreadpoolController._load_libraries", lambda self: looks.append(1)
    )
    with one_thread():
        pass
    assert looks == []
    monkeypatch.setitem(sys.modules, "a_new_library", types.ModuleType("a_new_library"))
    with one_thread():
        pass
    assert looks == [1]
