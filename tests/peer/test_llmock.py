"""PyPI's llmock judges how we retry: it finds no fault; and its Batch API, whole and killed."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .conftest import Peer, program, running

Rows = Callable[[], list[dict[str, str]]]


def start(*more: str) -> list[str]:
    return [program("LABELKIT_LLMOCK"), "serve", "--log-level", "warning", *more]


@pytest.fixture
def llmock() -> Iterator[Peer]:
    with running(start()) as peer:
        yield peer


def verdict(peer: Peer, calls: int = 1) -> Any:
    found = peer.call("/_llmock/verdict")
    assert found["calls"] >= calls
    return found["passed"], found["findings"]


def test_scripted_faults(llmock: Peer, labelkit: Callable[..., Any], rows: Rows) -> None:
    faults = [
        {"type": "reply", "text": '{"label": "NEGATIVE"}'},  # the row that tries the endpoint
        {"type": "reply", "text": '{"label": "NEGATIVE"}'},
        {"type": "fail", "status": 429, "retry_after": 1, "times": 2},
        {"type": "fail", "status": 500, "times": 3},
        {"type": "fail", "status": 503, "retry_after": 1, "times": 1},
        {"type": "delay", "seconds": 4},
        {"type": "reply", "text": '{"label": "POSI', "finish_reason": "length"},
    ]
    llmock.call("/_llmock/scenario", {"behaviors": faults})
    result = labelkit(*llmock.arguments(60, "--concurrency", "8", "--timeout", "2"))
    assert result.code == 0, result.err
    unlabelled = [row["llm_error"] for row in rows() if not row["llm_label"]]
    assert unlabelled == ["the answer was cut off (finish_reason=length); see --max-tokens"]
    assert verdict(llmock, calls=60) == (True, [])


@pytest.mark.parametrize("concurrency", [[], ["--concurrency", "32"]])
def test_random_faults(labelkit: Callable[..., Any], rows: Rows, concurrency: list[str]) -> None:
    rates = ["429=0.1", "500=0.05", "503=0.05"]
    with running(start(*(part for rate in rates for part in ("--error-rate", rate)))) as peer:
        result = labelkit(*peer.arguments(100, "--retries", "8", *concurrency))
        assert result.code == 0, result.err
        assert all(row["llm_label"] for row in rows())
        assert verdict(peer, calls=100) == (True, [])


def test_requests_a_minute(labelkit: Callable[..., Any], rows: Rows) -> None:
    with running(start("--rpm", "600")) as peer:
        result = labelkit(*peer.arguments(60, "--rpm", "600"))
        assert result.code == 0, result.err
        assert all(row["llm_label"] for row in rows())
        found = peer.call("/_llmock/verdict")
        assert (found["passed"], found["faults_injected"]) == (True, 0)


def test_a_batch_job(llmock: Peer, labelkit: Callable[..., Any], rows: Rows) -> None:
    result = labelkit(*llmock.arguments(50, "--batch-api"))
    assert result.code == 0, result.err
    assert all(row["llm_label"] for row in rows())
    assert verdict(llmock) == (True, [])


def test_a_batch_job_of_a_killed_client(
    llmock: Peer, labelkit: Callable[..., Any], rows: Rows
) -> None:
    arguments = llmock.arguments(50, "--batch-api")
    process = subprocess.Popen([sys.executable, "-m", "labelkit", *arguments])
    deadline = time.monotonic() + 60
    while not jobs(llmock):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    result = labelkit(*arguments)
    assert result.code == 0, result.err
    assert all(row["llm_label"] for row in rows())
    assert len(jobs(llmock)) == 1


def jobs(peer: Peer) -> list[Any]:
    return list(peer.call("/v1/batches")["data"])
