"""Real servers on loopback that the tests ask."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Chat(BaseHTTPRequestHandler):
    """An OpenAI-compatible endpoint: the second class for texts with `word`, else the first."""

    protocol_version = "HTTP/1.1"
    word = "warm"
    classes = ("BAD", "GOOD")
    asked: tuple[list[str], ...] = ()

    def do_GET(self) -> None:
        self._answer({"object": "list", "data": [{"id": "tiny", "object": "model"}]})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)
        for texts in self.asked:
            texts.append(str(asked["messages"][-1]["content"]))
        message = {"role": "assistant", "content": self.reply(asked)}
        self._answer(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 0,
                "model": "tiny",
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            }
        )

    def reply(self, asked: Mapping[str, Any]) -> str:
        """Return what the model says to a request."""
        said = str(asked["messages"][-1]["content"])
        return json.dumps({"label": self.classes[self.word in said], "confidence": 0.9})

    def _answer(self, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def chat_server(
    word: str = "warm",
    classes: tuple[str, str] = ("BAD", "GOOD"),
    asked: list[str] | None = None,
    reply: Callable[[Mapping[str, Any]], str] | None = None,
) -> Iterator[str]:
    """Yield the base URL of a chat endpoint on a free port of loopback.

    What it is asked is added to `asked`; `reply` makes another answer of the request's body.
    """
    own = {} if reply is None else {"reply": lambda _, body: reply(body)}
    texts = () if asked is None else (asked,)
    handler = type("_Handler", (_Chat,), {"word": word, "classes": classes, "asked": texts, **own})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
