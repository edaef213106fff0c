"""What `doctor` is told of an endpoint."""

from labelkit.llm.client.probe import probe
from tests.llm.conftest import ChatServer


def test_a_capable_endpoint(chat_server: ChatServer) -> None:
    assert probe(chat_server.url, None, None)["models"] == ["tiny-1", "tiny-2"]
    found = probe(chat_server.url, "tiny-1", None)
    assert found["reachable"] and found["answers"] == "schema" and found["logprobs"]
    assert not found["error"]


def test_a_poorer_one(chat_server: ChatServer) -> None:
    chat_server.control(schema=False, logprobs=False)
    found = probe(chat_server.url, "tiny-1", None)
    assert (found["answers"], found["schema_binds"], found["logprobs"]) == ("object", False, False)


def test_nobody_there_and_no_key(chat_server: ChatServer) -> None:
    chat_server.stop()
    found = probe(chat_server.url, "tiny-1", None)
    assert not found["reachable"] and found["error"].startswith("cannot reach http://127.0.0.1")
    assert "no key for https://api.openai.com/v1" in probe(None, None, None)["error"]
