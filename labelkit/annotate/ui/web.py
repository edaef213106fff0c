"""The browser page: the same session as in the terminal, for one person on this machine.

The server listens on loopback only, at an address with a secret token, and accepts only requests
from its own page. Each decision is one small JSON object; the page, its style and its script are
files of the package and load nothing from elsewhere.
"""

import hmac
import json
import secrets
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any, NamedTuple

from labelkit import console
from labelkit.annotate.comparison import RowComparison
from labelkit.annotate.session import Session
from labelkit.annotate.ui.highlight import Highlighter
from labelkit.annotate.ui.row_state import classes, guide_state, row_state
from labelkit.annotate.ui.text import NO_GUIDE, Guide
from labelkit.errors import LabelkitError, UsageError

HOST = "127.0.0.1"
MAX_BODY = 64 << 10
PAGE = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Reply(NamedTuple):
    """The response to a request."""

    status: HTTPStatus
    kind: str
    body: bytes


def run(
    session: Session,
    highlighter: Highlighter,
    comparison: RowComparison,
    guide: Guide,
    port: int = 0,
) -> None:
    """Serve the page until the person finishes there, or presses Ctrl-C in the terminal.

    Raises LabelkitError if the port is not free.
    """
    api = AnnotateApi(session, highlighter, comparison, guide)
    server = bind(api, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    console.say(f"annotate: open {server.address} in a browser (Ctrl-C here ends it)")
    try:
        while not api.ended.wait(1.0):
            pass
    finally:
        api.close()
        server.shutdown()
        server.server_close()


class AnnotateApi:
    """The requests of the page on the session, one at a time."""

    def __init__(
        self,
        session: Session,
        highlighter: Highlighter,
        comparison: RowComparison,
        guide: Guide = NO_GUIDE,
    ) -> None:
        self._session, self._highlighter, self._comparison = session, highlighter, comparison
        self._guide = guide
        self._lock = threading.Lock()
        self._revision = 0
        self._is_shown = self._closed = False
        self.ended = threading.Event()

    def state(self) -> dict[str, Any]:
        """Return the current row, classes and guidelines; the first row's time begins now."""
        with self._lock:
            if not self._is_shown:
                self._session.show(self._session.current)
                self._is_shown = True
            named = classes(self._session.classes)
            return {**self._state(), "classes": named, "guide": guide_state(self._guide)}

    def act(self, request: dict[str, Any]) -> tuple[HTTPStatus, dict[str, Any]]:
        """Run an action of the page; return the HTTP status, and the new state and message.

        An action on another row than the current one is refused (from a second window, or after
        a lost response).
        """
        with self._lock:
            if self._closed:
                return HTTPStatus.GONE, {"error": "NOT SAVED: labelkit has ended here"}
            if request.get("seen") != self._revision:
                why = "This page was out of date (another window?). Showing the current row."
                return HTTPStatus.CONFLICT, {**self._state(), "error": why}
            action = ACTIONS.get(str(request.get("do")))
            if action is None:
                why = f"unknown action {console.clean(request.get('do'))!r}"
                return HTTPStatus.BAD_REQUEST, {**self._state(), "error": why}
            try:
                message = action(self._session, request)
            except LabelkitError as error:
                is_ours = isinstance(error, UsageError)
                status = HTTPStatus.BAD_REQUEST if is_ours else HTTPStatus.INSUFFICIENT_STORAGE
                return status, {**self._state(), "error": str(error)}
            self._revision += 1
            reply = {**self._state(), "done": message}
            if request["do"] == "finish":
                self._closed = reply["ended"] = True
            return HTTPStatus.OK, reply

    def close(self) -> None:
        """Accept no more decisions; waits for one that is being written."""
        with self._lock:
            self._closed = True

    def _state(self) -> dict[str, Any]:
        shown = row_state(self._session, self._highlighter, self._comparison)
        return {"revision": self._revision, **shown}


# -- decisions ----------------------------------------------------------------------------------


def _label(session: Session, request: dict[str, Any]) -> str:
    key = _key(session)
    label = str(request.get("label"))
    session.decide(label)
    return f"{key}: {console.clean(label, 60)}"


def _accept(session: Session, request: dict[str, Any]) -> str:
    key = _key(session)
    suggestion = session.row_info().suggestion
    if suggestion is None:
        raise UsageError("no suggestion to accept")
    session.decide(suggestion.label)
    return f"{key}: {console.clean(suggestion.label, 60)}"


def _skip(session: Session, request: dict[str, Any]) -> str:
    key = _key(session)
    session.skip()
    return f"{key}: skipped"


def _undo(session: Session, request: dict[str, Any]) -> str:
    return "nothing to undo" if session.undo() is None else "undone"


def _flag(session: Session, request: dict[str, Any]) -> str:
    _key(session)
    return "flagged" if session.flag() else "no longer flagged"


def _note(session: Session, request: dict[str, Any]) -> str:
    _key(session)
    text = str(request.get("note") or "")
    session.note(text)
    return "note saved" if text.strip() else "note removed"


def _copies(session: Session, request: dict[str, Any]) -> str:
    session.with_copies = bool(request.get("together"))
    return ""


def _key(session: Session) -> str:
    """Return the key of the current row; raises UsageError if there is none."""
    if session.current is None:
        raise UsageError("no more rows; undo returns to the last one")
    return console.clean(session.table.keys[session.current], 40)


ACTIONS: dict[str, Callable[[Session, dict[str, Any]], str]] = {
    "label": _label,
    "accept": _accept,
    "skip": _skip,
    "undo": _undo,
    "flag": _flag,
    "note": _note,
    "copies": _copies,
    "finish": lambda session, asked: "finished",
}


# -- the server ---------------------------------------------------------------------------------


class Server(ThreadingHTTPServer):
    """Serves one AnnotateApi on loopback, at `address`."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self, api: AnnotateApi, port: int) -> None:
        super().__init__((HOST, port), _Handler)
        self.api = api
        self.token = secrets.token_urlsafe(24)
        number = self.server_port
        self.hosts = {f"{HOST}:{number}", f"localhost:{number}"}
        self.origins = {f"http://{host}" for host in self.hosts}
        self.address = f"http://{HOST}:{number}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a connection that the browser closes during a response."""
        import sys

        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def bind(api: AnnotateApi, port: int) -> Server:
    """Return the server, bound to the port; raises LabelkitError if the port is not free."""
    try:
        return Server(api, port)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise LabelkitError(
            f"port {port} of {HOST} cannot be used: {why}; omit --port to use a free one"
        ) from None


class _Handler(BaseHTTPRequestHandler):
    """Checks that a request is allowed, then passes it to the AnnotateApi."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120

    def do_GET(self) -> None:
        """Send the page, its files, or the state."""
        name = self._authorised_path()
        if name is None:
            return
        if name in PAGE:
            file, kind = PAGE[name]
            content = resources.files("labelkit.annotate.ui").joinpath("static", file).read_bytes()
            self._send(Reply(HTTPStatus.OK, kind, content))
        elif name == "state":
            self._send(_json_reply(HTTPStatus.OK, self.server.api.state()))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "not found")

    def do_HEAD(self) -> None:
        """Send the headers of the page and its files; the state supports only GET."""
        name = self._authorised_path()
        if name == "state":
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "HEAD is not allowed for the state")
        elif name is not None:
            self.do_GET()

    def do_POST(self) -> None:
        """Run an action of the page."""
        name = self._authorised_path()
        if name is None:
            return
        if name != "do":
            return self._refuse(HTTPStatus.NOT_FOUND, "not found")
        if self.headers.get("Origin") is None:
            return self._refuse(HTTPStatus.FORBIDDEN, "the request has no Origin header")
        if self.headers.get_content_type() != "application/json":
            return self._refuse(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the content type must be application/json"
            )
        size = self.headers.get("Content-Length") or ""
        if not size.isdecimal() or int(size) > MAX_BODY:
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request is too long")
        try:
            request = json.loads(self.rfile.read(int(size)))
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            return self._refuse(HTTPStatus.BAD_REQUEST, "not a JSON object")
        status, reply = self.server.api.act(request)
        self._send(_json_reply(status, reply))
        if reply.get("ended"):  # after the response was sent
            self.server.api.ended.set()
        return None

    def _authorised_path(self) -> str | None:
        """Return the path after the token; refuse the request, and return None, if not allowed."""
        host = self.headers.get_all("Host") or []
        origin = self.headers.get("Origin")
        site = self.headers.get("Sec-Fetch-Site", "none")
        token, _, name = self.path.removeprefix("/").partition("/")
        refusal = ""
        if len(host) != 1 or host[0].lower() not in self.server.hosts:
            refusal = "the host is not this machine"
        elif origin is not None and origin not in self.server.origins:
            refusal = "the origin is another page"
        elif site not in ("none", "same-origin"):
            # Links from pages of other sites are refused.
            refusal = "the request comes from another site"
        elif not hmac.compare_digest(token.encode(), self.server.token.encode()):
            refusal = "the token in the address is wrong or from an earlier run"
        if refusal:
            self._refuse(HTTPStatus.FORBIDDEN, f"{refusal}; open the address that labelkit printed")
            return None
        return name.partition("?")[0]

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse invalid requests and other methods, with the headers of all responses."""
        status = HTTPStatus(code)
        self._refuse(status, message or status.phrase)

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True  # a body that was not read may follow
        self._send(Reply(status, "text/plain; charset=utf-8", f"{why}\n".encode()))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def version_string(self) -> str:
        """Return a server name without versions."""
        return "labelkit"

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the terminal is for messages, and must not show the token."""


def _json_reply(status: HTTPStatus, content: dict[str, Any]) -> Reply:
    # ASCII escapes, because lone surrogates of broken cells cannot be encoded as UTF-8.
    return Reply(status, "application/json", json.dumps(content).encode("ascii"))
