"""Servers made by others, started as programs; without them these tests are skipped.

`make test-peers` installs them into build/peers and names them in the environment.
"""

import csv
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CLASSES = ["--classes", "NEGATIVE,POSITIVE"]


class Peer:
    """A running server on loopback."""

    def __init__(self, command: list[str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.process = subprocess.Popen(
            [*command, "-p", str(self.port), "-h", "127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not self._listens():
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.1)

    def _listens(self) -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.port)) == 0

    def call(self, path: str, data: Any = None) -> Any:
        """Return what the server answers to a question about itself."""
        body = None if data is None else json.dumps(data).encode()
        headers = {"Content-Type": "application/json"}
        address = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(urllib.request.Request(address, body, headers)) as answer:
            return json.loads(answer.read())

    def arguments(self, rows: int, *more: str) -> list[str]:
        """Return the command that labels so many rows of many.csv."""
        lines = [f"row number {number}" for number in range(rows)]
        Path("many.csv").write_text("text\n" + "\n".join(lines) + "\n")
        endpoint = ["--base-url", self.url, "--model", "gpt-4o-mini"]
        return ["llm-label", "many.csv", "-o", "out.csv", *CLASSES, *endpoint, *more]


def program(variable: str) -> str:
    """Return the program that a variable names, or skip the test."""
    found = os.environ.get(variable)
    if not found:
        pytest.skip(f"{variable} is not set (make test-peers sets it)")
    return found


@contextmanager
def running(command: list[str]) -> Iterator[Peer]:
    """Yield the server that a command starts."""
    peer = Peer(command)
    try:
        yield peer
    finally:
        peer.process.terminate()
        peer.process.wait()


@pytest.fixture
def rows() -> Callable[[], list[dict[str, str]]]:
    """Read the output's rows."""

    def read() -> list[dict[str, str]]:
        with open("out.csv", newline="") as file:
            return list(csv.DictReader(file))

    return read
