"""`labelkit doctor`: versions, the key's presence, and what an endpoint can do."""

import importlib.metadata
import json
import socket
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from labelkit import __version__
from tests.llm.conftest import ChatServer

Labelkit = Callable[..., Any]
KEY = "sk-very-secret-0123456789"


@pytest.fixture
def chat_server() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.stop()


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let a package look as if it were not installed."""
    version = importlib.metadata.version

    def lack(name: str) -> None:
        def without(asked: str) -> str:
            if asked == name:
                raise PackageNotFoundError(asked)
            return version(asked)

        monkeypatch.setattr(importlib.metadata, "version", without)

    return lack


def table(result: Any) -> dict[str, tuple[str, str]]:
    return {row["what"]: (row["found"], row["note"]) for row in json.loads(result.out)}


def test_versions(labelkit: Labelkit) -> None:
    result = labelkit("doctor")
    assert (result.code, result.err) == (0, "")
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[0] == ["what", "found", "note"]
    assert lines[2] == ["labelkit", __version__]
    assert ["pandas", importlib.metadata.version("pandas")] in lines
    assert ["OPENAI_API_KEY", "not", "set"] in lines
    assert "tokenizers" in result.out and "  for --features embedding\n" in result.out
    assert "endpoint" in result.out and "not tested" in result.out
    assert "…" not in result.out.replace(lines[3][-1], "")  # notes are whole


def test_without_torch(labelkit: Labelkit, lacking: Callable[[str], None]) -> None:
    lacking("torch")
    result = labelkit("doctor", "--json")
    assert result.code == 0
    found = table(result)
    assert found["torch"] == (
        "not installed", "for --label-model snorkel: pytorch.org/get-started/locally",
    )  # fmt: skip
    assert "torch build" not in found


@pytest.mark.parametrize(
    ("version", "build"),
    [
        ("2.13.0+cpu", ("cpu", "")),
        ("2.13.0+cu130", ("cu130", "on Linux the registry default is the large CUDA build")),
    ],
)
def test_the_torch_build(
    labelkit: Labelkit, monkeypatch: pytest.MonkeyPatch, version: str, build: tuple[str, str]
) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: version if name == "torch" else real(name)
    )
    assert table(labelkit("doctor", "--json"))["torch build"] == build


def test_a_missing_package(labelkit: Labelkit, lacking: Callable[[str], None]) -> None:
    lacking("cleanlab")
    result = labelkit("doctor", "--json")
    assert result.code == 1
    assert table(result)["cleanlab"] == ("not installed", "missing: pip install cleanlab")
    assert result.err == (
        "error: missing packages: cleanlab; install them with pip, or reinstall labelkit\n"
    )


def test_nothing_heavy_is_imported(labelkit_process: Labelkit) -> None:
    result = labelkit_process("doctor", PYTHONPROFILEIMPORTTIME="1")
    assert result.code == 0
    loaded = {line.rpartition("|")[2].strip() for line in result.err.splitlines()}
    assert not loaded & {"torch", "pandas", "sklearn", "snorkel", "cleanlab", "openai"}


def test_what_an_endpoint_can_do(labelkit: Labelkit, chat_server: ChatServer) -> None:
    result = labelkit("doctor", "--base-url", chat_server.url, "--model", "tiny-1", "--json")
    assert (result.code, result.err) == (0, "")
    found = table(result)
    assert found["endpoint"] == (chat_server.url, "")
    assert found["reachable"] == ("yes", "")
    assert found["models"] == ("tiny-1, tiny-2", "")
    assert found["answers by"] == ("a JSON schema", "")
    assert found["log-probabilities"] == ("yes", "")
    assert chat_server.seen["requests"] == 1


def test_what_an_endpoint_cannot_do(labelkit: Labelkit, chat_server: ChatServer) -> None:
    asked = ["--base-url", chat_server.url, "--model", "tiny-1", "--json"]
    chat_server.control(binds=False)
    assert table(labelkit("doctor", *asked))["answers by"] == (
        "a JSON schema", "answers may be outside the classes",
    )  # fmt: skip
    chat_server.control(schema=False, logprobs=False)
    found = table(labelkit("doctor", *asked))
    assert found["answers by"] == (
        "a JSON object without a schema", "answers may be outside the classes",
    )  # fmt: skip
    assert found["log-probabilities"] == ("no", "the model states its confidence itself")


def test_without_a_model_nothing_is_paid_for(
    labelkit: Labelkit, chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", chat_server.url)
    found = table(labelkit("doctor", "--json"))
    assert found["models"][0] == "tiny-1, tiny-2"
    assert found["log-probabilities"] == ("not tested", "pass --model to test a model")
    assert chat_server.seen["requests"] == 0


def test_an_unknown_model(labelkit: Labelkit, chat_server: ChatServer) -> None:
    result = labelkit("doctor", "--base-url", chat_server.url, "--model", "tiny-3")
    assert (result.code, result.err) == (
        1,
        f"error: {chat_server.url} has no model 'tiny-3'; did you mean 'tiny-2'? "
        "(it lists: tiny-1, tiny-2)\n",
    )


def test_the_key_is_never_shown(
    labelkit_process: Labelkit, chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat_server.control(key="another")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    asked = ["--base-url", chat_server.url, "--model", "tiny-1"]
    result = labelkit_process("doctor", *asked, "--json")
    assert result.code == 1
    assert table(result)["OPENAI_API_KEY"] == ("set", "")
    assert result.err == (
        f"error: {chat_server.url} refuses the key (401): Incorrect API key provided: ***. "
        "Check OPENAI_API_KEY.\n"
    )
    said = labelkit_process("doctor", *asked, "--debug")
    assert "Traceback" in said.err
    assert KEY not in result.out + result.err + said.out + said.err


def test_nobody_there(labelkit: Labelkit, chat_server: ChatServer) -> None:
    chat_server.stop()
    for more in ([], ["--model", "tiny-1"]):
        started = time.monotonic()
        result = labelkit("doctor", "--base-url", chat_server.url, "--json", *more)
        assert time.monotonic() - started < 60
        assert result.code == 1
        assert table(result)["reachable"] == ("no", "")
        assert result.err == (
            f"error: cannot reach {chat_server.url}: All connection attempts failed; "
            "is it running, and the address right?\n"
        )


def test_an_endpoint_that_never_answers(labelkit: Labelkit) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        result = labelkit("doctor", "--base-url", url, "--timeout", "0.3")
    assert (result.code, result.err) == (
        1, f"error: {url} did not answer within 0.3 seconds (see --timeout)\n",
    )  # fmt: skip
