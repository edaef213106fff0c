"""A real endpoint on loopback, started anew for each test that asks for it."""

import contextlib
import csv
import functools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labelkit.llm.client.response_cache import Cache


@functools.cache
def _starter() -> subprocess.Popen[bytes]:
    """Return the process that starts endpoints; it ends with this process."""
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("chat_server.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


class ChatServer:
    """The running server: where it is, what it saw, what it shall do."""

    def __init__(self) -> None:
        starter = _starter()
        assert starter.stdin is not None and starter.stdout is not None
        starter.stdin.write(b"start\n")
        starter.stdin.flush()
        self.pid, self.port = map(int, starter.stdout.readline().split())
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def control(self, **settings: Any) -> None:
        self._call("/control", json.dumps(settings).encode())

    @property
    def seen(self) -> dict[str, Any]:
        return dict(json.loads(self._call("/seen", None)))

    def _call(self, path: str, data: bytes | None) -> bytes:
        address = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(urllib.request.Request(address, data)) as answer:
            return bytes(answer.read())

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            while True:
                os.kill(self.pid, signal.SIGKILL)
                time.sleep(0.002)


@pytest.fixture
def chat_server() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.stop()


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    opened = Cache(tmp_path)
    yield opened
    opened.close()


def rows_of(path: str) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def label(labelkit: Callable[..., Any], chat_server: ChatServer) -> Callable[..., Any]:
    """Run llm-label on a file against the loopback endpoint, into out.csv."""

    def run(name: object, *more: object) -> Any:
        endpoint = ["--base-url", chat_server.url, "--model", "tiny-1"]
        return labelkit("llm-label", name, "-o", "out.csv", *endpoint, *more)

    return run
