"""What an endpoint refuses, and whether that is the row, a parameter, the key or the address."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.errors import LabelkitError
from labelkit.llm.answers.reply_labels import labelled, read
from labelkit.llm.client.providers.openai import (
    Endpoint,
    connect,
    is_loopback,
    redacted,
    secrets_of,
)

Body = dict[str, Any]
Answer = tuple[int, Any, dict[str, str]]
SCHEMA = {"type": "object"}
REQUEST: Any = {
    "messages": [
        {"role": "system", "content": "Label it."},
        {"role": "user", "content": "good"},
    ],
    "schema": SCHEMA,
    "temperature": 0.0,
    "max_tokens": 20,
    "logprobs": True,
}
ALL = {"model", "messages", "max_tokens", "temperature", "logprobs", "top_logprobs"}
ALL |= {"response_format"}


def answer(body: Body, label: str = "ham") -> Answer:
    choice: Body = {"message": {"content": f'{{"label": "{label}"}}'}, "finish_reason": "stop"}
    if body.get("logprobs"):
        choice["logprobs"] = {"content": [{"token": label, "logprob": -0.1, "top_logprobs": []}]}
    return 200, {"choices": [choice]}, {}


def refusal(status: int, message: str, **more: Any) -> Answer:
    return status, {"error": {"message": message, **more}}, {}


class Server:
    """A server on loopback whose answers are what `handle` makes of the bodies."""

    def __init__(self) -> None:
        self.handle: Callable[[Body], Answer] = answer
        self.bodies: list[Body] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.drip = 0
        handler = type("Handler", (Handler,), {"owner": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    owner: Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        self.owner.requests.append((self.command, self.path, dict(self.headers)))
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.owner.bodies.append(body)
        status, content, headers = self.owner.handle(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for _ in range(self.owner.drip):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)
            self.wfile.write(json.dumps(content).encode())
        except OSError:
            pass

    def do_GET(self) -> None:
        self.owner.requests.append((self.command, self.path, dict(self.headers)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"data": [{"id": "m"}]}')


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


def ask(server: Server, *requests: Body, **options: Any) -> tuple[list[Body], Endpoint]:
    """Return the replies to requests in turn, and the endpoint that asked."""
    url = options.pop("url", server.url)
    endpoint = connect("m", url, options.pop("key", None), options.pop("timeout", 5.0))

    async def run() -> list[Body]:
        try:
            return [await endpoint.ask(request) for request in requests]
        finally:
            await endpoint.close()

    return asyncio.run(run()), endpoint


def about(text: str) -> Body:
    return REQUEST | {"messages": [REQUEST["messages"][0], {"role": "user", "content": text}]}


ROW_REFUSALS = [
    (400, "The prompt was blocked by the provider's content policy; change it"),
    (400, "the prompt is too long: 9000 tokens"),
    (400, "This model's maximum context length is 8192 tokens"),
    (400, "Bad request"),
    (422, ""),
    (403, "Your input was flagged by moderation"),
]


@pytest.mark.parametrize(("status", "words"), ROW_REFUSALS)
def test_a_row_that_is_refused_fails_alone(server: Server, status: int, words: str) -> None:
    server.handle = lambda body: (
        refusal(status, words) if body["messages"][-1]["content"] == "bad" else answer(body)
    )
    (first, second, third), endpoint = ask(server, about("bad"), about("good"), about("bad"))
    assert first["failed"].startswith(str(status)) and third["failed"] == first["failed"]
    assert second["text"] == '{"label": "ham"}'
    assert set(server.bodies[-2]) == ALL
    assert endpoint.facts["answers"] == "schema" and endpoint.facts["logprobs"]


PARAMETER_REFUSALS = [
    (400, "response_format is not supported", "response_format"),
    (400, "Invalid schema for response_format 'label'", "response_format"),
    (403, "logprobs are not open to users of this model", "logprobs"),
    (403, "You are not allowed to request logprobs from this model", "logprobs"),
    (404, "no backend takes all of these parameters", "logprobs"),
    (404, "No endpoints found that can handle the requested parameters", "response_format"),
    (400, "'temperature' can only be 1 here", "temperature"),
    (400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'", "max_tokens"),
    (400, "Bad request", "temperature"),
    (422, "", "response_format"),
]


@pytest.mark.parametrize(("status", "words", "refused"), PARAMETER_REFUSALS)
def test_a_parameter_that_is_refused_is_left_out(
    server: Server, status: int, words: str, refused: str
) -> None:
    server.handle = lambda body: refusal(status, words) if refused in body else answer(body)
    replies, endpoint = ask(server, about("one"), about("two"))
    assert [reply["text"] for reply in replies] == ['{"label": "ham"}'] * 2
    before = len(server.bodies)
    assert refused not in server.bodies[-1] and endpoint.settled
    assert before <= 8


def test_several_parameters_are_refused_in_turn(server: Server) -> None:
    def handle(body: Body) -> Answer:
        if "max_tokens" in body:
            return refusal(400, "Unsupported parameter", param="max_tokens")
        if "temperature" in body:
            return refusal(400, "Unsupported value", param="temperature")
        return refusal(403, "logprobs are not open") if "logprobs" in body else answer(body)

    server.handle = handle
    (reply,), _ = ask(server, about("one"), key="sk-0123456789abcdef")
    assert reply["text"] == '{"label": "ham"}'
    assert set(server.bodies[-1]) == {"model", "messages", "max_completion_tokens"} | {
        "response_format"
    }


@pytest.mark.parametrize(
    "words",
    [
        "'top_logprobs' may be 5 at most",
        "top_logprobs: expected a value <= 5, but got 20",
        "top_logprobs must be between 0 and 5",
        "Invalid value for top_logprobs",
    ],
)
def test_fewer_alternatives_are_asked_for(server: Server, words: str) -> None:
    server.handle = lambda body: (
        refusal(400, words) if body.get("top_logprobs", 0) > 5 else answer(body)
    )
    (reply,), endpoint = ask(server, about("one"))
    assert reply["tokens"] and server.bodies[-1]["top_logprobs"] == 5
    assert endpoint.facts["logprobs"]


def test_a_role_that_is_refused_is_put_into_the_users_turn(server: Server) -> None:
    server.handle = lambda body: (
        refusal(400, "System role not supported")
        if body["messages"][0]["role"] == "system"
        else answer(body)
    )
    (reply,), _ = ask(server, about("good"))
    assert reply["text"]
    assert server.bodies[-1]["messages"] == [{"role": "user", "content": "Label it.\n\ngood"}]


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_ends_at_once(server: Server, status: int) -> None:
    server.handle = lambda body: refusal(status, "Incorrect API key provided")
    with pytest.raises(LabelkitError, match="refuses the key"):
        ask(server, about("good"), key="sk-0123456789abcdef")
    assert len(server.bodies) == 1


def test_one_deadline_for_a_request(server: Server) -> None:
    server.drip = 60
    (reply,), _ = ask(server, about("good"), timeout=0.3)
    assert reply["again"].endswith("did not answer within 0.3 seconds (see --timeout)")


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_would_drop_the_request_is_an_error(server: Server, status: int) -> None:
    target = "http://127.0.0.1:9/v2/chat/completions"
    server.handle = lambda body: (status, {}, {"Location": target})
    with pytest.raises(LabelkitError, match=r"redirects to http://127\.0\.0\.1:9/v2 "):
        ask(server, about("good"))
    assert [method for method, _, _ in server.requests] == ["POST"]


def test_a_redirect_that_keeps_the_request_is_followed(server: Server) -> None:
    seen: list[Body] = []

    def handle(body: Body) -> Answer:
        seen.append(body)
        moved = (307, {}, {"Location": f"{server.url}/chat/completions?again=1"})
        return moved if len(seen) == 1 else answer(body)

    server.handle = handle
    (reply,), _ = ask(server, about("good"))
    assert reply["text"] and seen[0] == seen[1]


def test_a_query_of_the_base_url_comes_after_the_path(server: Server) -> None:
    url = server.url.removesuffix("/v1") + "/openai/deployments/m/?api-version=2024-06-01\n"
    (reply,), endpoint = ask(server, about("good"), url=url)
    path = "/openai/deployments/m/chat/completions?api-version=2024-06-01"
    assert reply["text"] and server.requests[0][1] == path
    assert "api-version" not in endpoint.where


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks://127.0.0.1:7890/"),
        ("all_proxy", "socks5://127.0.0.1:7890"),
        ("HTTPS_PROXY", "nonsense://x"),
        ("SSL_CERT_FILE", "/nonexistent.pem"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(LabelkitError, match=name):
        connect("m", "https://llm.invalid/v1", "sk-0123456789abcdef", 1.0)


def test_azure_gets_the_key_under_its_own_name() -> None:
    endpoint = connect("m", "https://x.openai.azure.com/openai/v1", "sk-0123456789abcdef", 1.0)
    assert endpoint._client.headers["api-key"] == "sk-0123456789abcdef"
    asyncio.run(endpoint.close())


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["message", "content", "error", "code", "x"]), inner)
    ),
    max_leaves=5,
)
odd_headers = st.fixed_dictionaries(
    {},
    optional={
        "Retry-After": st.sampled_from(["0", "-1", "nan", "1e999", "Wed, 99 Foo"]),
        "Location": st.sampled_from(["", "//", "http://[", "/x", "http://127.0.0.1:1/"]),
        "x-ratelimit-remaining-requests": st.sampled_from(["0", "nan", "x"]),
        "x-ratelimit-reset-requests": st.sampled_from(["1e999", "-1", "5s", "9" * 400]),
        "Content-Encoding": st.sampled_from(["gzip", "br", "x"]),
    },
)
FIELDS = ["choices", "usage", "error", "message", "content", "finish_reason", "logprobs", "refusal"]


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Server]:
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


@settings(max_examples=30, deadline=None)
@given(
    status=st.sampled_from([200, 201, 204, 299, 301, 304, 308, 400, 403, 404, 413, 429, 500, 599]),
    field=st.sampled_from(FIELDS),
    value=anything,
    headers=odd_headers,
)
def test_any_answer_is_read_or_told(
    fuzzed: Server, status: int, field: str, value: Any, headers: dict[str, str]
) -> None:
    body = answer({"logprobs": True})[1]
    choice = body["choices"][0]
    target = next((o for o in (body, choice, choice["message"]) if field in o), body)
    target[field] = value
    fuzzed.handle = lambda _: (status, body, headers)
    try:
        (reply,), _ = ask(fuzzed, about("good"), timeout=2.0)
    except LabelkitError:
        return
    if "text" in reply:
        parsed = read(reply, ["ham", "spam"])
        labelled(reply, parsed, ["ham", "spam"], REQUEST["messages"], True)
    else:
        assert reply.get("again") or reply.get("failed")


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("[::1]", True),
        ("127.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("10.0.0.1", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, is_here: bool) -> None:
    assert is_loopback(f"http://{host}:8000/v1") is is_here


def test_a_server_that_sends_back_what_is_in_the_url_tells_nobody() -> None:
    url = "https://me:pass%77ord@host/v1?api_key=a%2Bbcdefg&api-version=2024-06-01&x=1"
    known = secrets_of(url, "sk-0123456789abcdef")
    said = "no sk-0123456789abcdef, a+bcdefg, a%2Bbcdefg, pass%77ord in 2024-06-01, 1"
    assert redacted(said, known) == "no ***, ***, ***, *** in 2024-06-01, 1"
    assert secrets_of("http://127.0.0.1:8000/v1", "none") == []
