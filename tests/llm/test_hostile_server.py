"""Whatever a server sends: each row has a label or a reason, or the run ends with a plain error."""

import copy
import gzip
import itertools
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import rows_of

GOOD: dict[str, Any] = {
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": '{"label": "ham"}'},
            "finish_reason": "stop",
            "logprobs": {"content": [{"token": "ham", "logprob": -0.1, "top_logprobs": []}]},
        }
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3},
}
ODD_VALUES = [None, True, -1, 1e308, 10**400, "", "\ud800", "\x1b[2J", [], {}, [[]], {"label": 5}]
STATUS_LINES = [
    *(f"HTTP/1.1 {code} X" for code in (200, 200, 200, 204, 301, 308, 400, 401, 404, 429, 500)),
    "HTTP/1.0 200 OK", "HTTP/9.9 200 OK", "HTTP/1.1 999 ", "HTTP/1.1 -1 X", "SSH-2.0-x", "",
]  # fmt: skip
HEADERS = [
    "Retry-After: 0", "Retry-After: nan", "Content-Encoding: gzip", "Content-Type: text/html",
    "Content-Type: application/json; charset=utf-16", "Transfer-Encoding: chunked",
    "Location: http://127.0.0.1:1/", "x-ratelimit-reset-requests: 1e999", "Set-Cookie: \x00",
    "no colon", "Content-Length: 3", "Content-Length: 99999", "Connection: close",
]  # fmt: skip
SEEDS = itertools.count()


def mutated(draw: random.Random) -> bytes:
    """Return an answer of which a part is not as it should be."""
    body = copy.deepcopy(GOOD)
    for _ in range(draw.randint(0, 2)):
        places = list(_places(body))
        holder, name = draw.choice(places)
        if draw.random() < 0.3:
            del holder[name]
        else:
            holder[name] = copy.deepcopy(draw.choice(ODD_VALUES))
    payload = draw.choice([json.dumps(body).encode(), json.dumps(body).encode(), b"<html>", b""])
    head = [draw.choice(STATUS_LINES), *draw.sample(HEADERS, draw.choice([0, 0, 1, 2]))]
    if not any(line.startswith(("Content-Length", "Transfer")) for line in head):
        head.append(f"Content-Length: {len(payload)}")
    whole = "\r\n".join(head).encode() + b"\r\n\r\n" + payload
    if draw.random() < 0.2:
        return whole[: draw.randrange(len(whole) + 1)]
    if draw.random() < 0.2:
        place = draw.randrange(len(whole))
        return whole[:place] + draw.randbytes(3) + whole[place + 3 :]
    return whole


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    names = value if isinstance(value, dict) else range(len(value))
    for name in list(names):
        yield value, name
        if isinstance(value[name], (dict, list)):
            yield from _places(value[name])


class RawServer:
    """Answers each connection with the bytes of `answers` in turn, then closes it."""

    def __init__(self) -> None:
        self.answers: Callable[[], tuple[float, bytes]] = lambda: (0.0, b"")
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                received = b""
                while not received.endswith(b"}"):
                    received += connection.recv(65536) or b"}"
                delay, answer = self.answers()
                time.sleep(delay)
                connection.sendall(answer)
            except OSError:
                return


@pytest.fixture(scope="module")
def raw_server() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.socket.close()


def check_any_answers(labelkit: Callable[..., Any], server: RawServer, draw: random.Random) -> None:
    some = [(draw.choice([0.0] * 9 + [0.6]), mutated(draw)) for _ in range(4)]
    answers = itertools.cycle(some)
    lock = threading.Lock()

    def answer() -> tuple[float, bytes]:
        with lock:
            return next(answers)

    server.answers = answer
    Path("some.csv").write_text("".join(f"{cell}\n" for cell in ["body", "a", "b", "c"]))
    number = next(SEEDS)
    done = labelkit(
        "llm-label", "some.csv", "-o", "out.csv", "--text", "body", "--classes", "ham,spam",
        "--base-url", server.url, "--model", "m", "--retries", "0", "--timeout", "0.5",
        "--cache", str(number),
    )  # fmt: skip
    assert done.code in {0, 1, 5}, done.err
    assert "internal error" not in done.err and "Traceback" not in done.err, done.err
    assert "\x1b" not in done.err
    if done.code == 0:
        assert all(row["llm_label"] or row["llm_error"] for row in rows_of("out.csv"))
    else:
        assert done.err.strip()
        assert not Path("out.csv").exists()
    Path("out.csv").unlink(missing_ok=True)


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_end_is_not_read_to_its_end(
    labelkit: Callable[..., Any], raw_server: RawServer, packed: bool
) -> None:
    body = b" " * 17 * 2**20
    head = "HTTP/1.1 200 OK\r\n"
    if packed:
        body, head = gzip.compress(body * 8), head + "Content-Encoding: gzip\r\n"
    whole = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    raw_server.answers = lambda: (0.0, whole)
    Path("some.csv").write_text("body\na\n")
    done = labelkit(
        "llm-label", "some.csv", "-o", "out.csv", "--text", "body", "--classes", "ham,spam",
        "--base-url", raw_server.url, "--model", "m", "--retries", "0",
    )  # fmt: skip
    assert done.code == 1 and "is longer than 16 MB" in done.err


def test_a_header_of_other_bytes_than_ascii(
    labelkit: Callable[..., Any], raw_server: RawServer
) -> None:
    content = json.dumps({"choices": [{"message": {"content": "spam"}}]}).encode()
    head = b"HTTP/1.1 200 OK\r\nX-From: caf\xe9 \x85\r\nContent-Length: %d\r\n\r\n" % len(content)
    raw_server.answers = lambda: (0.0, head + content)
    Path("some.csv").write_text("body\na\n")
    done = labelkit(
        "llm-label", "some.csv", "-o", "out.csv", "--text", "body", "--classes", "ham,spam",
        "--base-url", raw_server.url, "--model", "m", "--retries", "0",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert [row["llm_label"] for row in rows_of("out.csv")] == ["spam"]


FEW = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(seed=st.integers(0, 2**32))
def test_any_answers_of_a_server_end_in_a_label_a_reason_or_a_plain_error(
    labelkit: Callable[..., Any], raw_server: RawServer, seed: int
) -> None:
    check_any_answers(labelkit, raw_server, random.Random(seed))


@pytest.mark.slow
@settings(FEW, max_examples=150)
@given(seed=st.integers(0, 2**32))
def test_very_many_answers_end_in_a_label_a_reason_or_a_plain_error(
    labelkit: Callable[..., Any], raw_server: RawServer, seed: int
) -> None:
    check_any_answers(labelkit, raw_server, random.Random(seed))
