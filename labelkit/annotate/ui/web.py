"""The page in a browser: the same session as on the terminal, for one person on this machine.

It is served on loopback alone, under an address that holds a secret of this run, and to requests
that name this server and come from its own page. What goes through is one small JSON object a
decision; the page and its two companions are files of the package and ask nobody else.
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
from labelkit.annotate.comparison import Context
from labelkit.annotate.session import Session
from labelkit.annotate.ui.highlight import Highlighter
from labelkit.annotate.ui.row_state import card, classes, guide_shown
from labelkit.annotate.ui.text import NO_GUIDE, Guide
from labelkit.errors import LabelkitError, UsageError

HOST = "127.0.0.1"
LONGEST_BODY = 64 << 10
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
    """What a request gets."""

    status: HTTPStatus
    kind: str
    body: bytes


def run(
    session: Session, highlighter: Highlighter, context: Context, guide: Guide, port: int = 0
) -> None:
    """Serve the page until the person finishes there, or presses Ctrl-C in the terminal.

    Raises LabelkitError where the port is not free.
    """
    desk = Desk(session, highlighter, context, guide)
    server = start(desk, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    console.say(f"annotate: open {server.address} in a browser (Ctrl-C here ends it)")
    try:
        while not desk.ended.wait(1.0):
            pass
    finally:
        desk.close()
        server.shutdown()
        server.server_close()


class Desk:
    """The session, one request at a time: what the page asks for, and what it is told."""

    def __init__(
        self,
        session: Session,
        highlighter: Highlighter,
        context: Context,
        guide: Guide = NO_GUIDE,
    ) -> None:
        self._session, self._highlighter, self._context = session, highlighter, context
        self._guide = guide
        self._lock = threading.Lock()
        self._revision = 0
        self._is_seen = self._closed = False
        self.ended = threading.Event()

    def look(self) -> dict[str, Any]:
        """Return the row that is asked, classes, guidelines; the first row's time begins now."""
        with self._lock:
            if not self._is_seen:
                self._session.show(self._session.current)
                self._is_seen = True
            named = classes(self._session.classes)
            return {**self._card(), "classes": named, "guide": guide_shown(self._guide)}

    def do(self, asked: dict[str, Any]) -> tuple[HTTPStatus, dict[str, Any]]:
        """Do what the page asks for; return the row that is asked then, and what was done.

        Nothing is done of what was decided on another row than the one that is asked now (a
        second window, an answer that got lost on its way).
        """
        with self._lock:
            if self._closed:
                return HTTPStatus.GONE, {"error": "NOT SAVED: labelkit has ended here"}
            if asked.get("seen") != self._revision:
                why = "this page was behind (another window?); here is the row that is asked now"
                return HTTPStatus.CONFLICT, {**self._card(), "error": why}
            act = ACTS.get(str(asked.get("do")))
            if act is None:
                why = f"{console.clean(asked.get('do'))!r} cannot be asked for"
                return HTTPStatus.BAD_REQUEST, {**self._card(), "error": why}
            try:
                done = act(self._session, asked)
            except LabelkitError as error:
                is_ours = isinstance(error, UsageError)
                status = HTTPStatus.BAD_REQUEST if is_ours else HTTPStatus.INSUFFICIENT_STORAGE
                return status, {**self._card(), "error": str(error)}
            self._revision += 1
            told = {**self._card(), "done": done}
            if asked["do"] == "finish":
                self._closed = told["ended"] = True
            return HTTPStatus.OK, told

    def close(self) -> None:
        """Take no more decisions; one that is being written is waited for."""
        with self._lock:
            self._closed = True

    def _card(self) -> dict[str, Any]:
        shown = card(self._session, self._highlighter, self._context)
        return {"revision": self._revision, **shown}


# -- decisions ----------------------------------------------------------------------------------


def _label(session: Session, asked: dict[str, Any]) -> str:
    key = _key(session)
    label = str(asked.get("label"))
    session.decide(label)
    return f"{key}: {console.clean(label, 60)}"


def _accept(session: Session, asked: dict[str, Any]) -> str:
    key = _key(session)
    suggestion = session.about().suggestion
    if suggestion is None:
        raise UsageError("there is no guess to take")
    session.decide(suggestion.label)
    return f"{key}: {console.clean(suggestion.label, 60)}"


def _skip(session: Session, asked: dict[str, Any]) -> str:
    key = _key(session)
    session.skip()
    return f"{key}: skipped"


def _undo(session: Session, asked: dict[str, Any]) -> str:
    return "nothing to undo" if session.undo() is None else "undone"


def _flag(session: Session, asked: dict[str, Any]) -> str:
    _key(session)
    return "flagged" if session.flag() else "no longer flagged"


def _note(session: Session, asked: dict[str, Any]) -> str:
    _key(session)
    text = str(asked.get("note") or "")
    session.note(text)
    return "noted" if text.strip() else "the note is gone"


def _copies(session: Session, asked: dict[str, Any]) -> str:
    session.with_copies = bool(asked.get("together"))
    return ""


def _key(session: Session) -> str:
    """Return the key of the current row; raises UsageError at the end, where there is none."""
    if session.current is None:
        raise UsageError("no row is asked any more; undo brings the last one back")
    return console.clean(session.deck.keys[session.current], 40)


ACTS: dict[str, Callable[[Session, dict[str, Any]], str]] = {
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
    """Serves one desk on loopback, at `address`."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self, desk: Desk, port: int) -> None:
        super().__init__((HOST, port), _Handler)
        self.desk = desk
        self.token = secrets.token_urlsafe(24)
        number = self.server_port
        self.hosts = {f"{HOST}:{number}", f"localhost:{number}"}
        self.origins = {f"http://{host}" for host in self.hosts}
        self.address = f"http://{HOST}:{number}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a browser go away in the middle of an answer."""
        import sys

        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def start(desk: Desk, port: int) -> Server:
    """Return the server, bound; raises LabelkitError where the port is not free."""
    try:
        return Server(desk, port)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise LabelkitError(
            f"port {port} of {HOST} cannot be used: {why}; leave --port out for a free one"
        ) from None


class _Handler(BaseHTTPRequestHandler):
    """Checks who asks, then hands the desk what is asked."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120

    def do_GET(self) -> None:
        """Give the page, its companions, or the state."""
        name = self._allowed()
        if name is None:
            return
        if name in PAGE:
            file, kind = PAGE[name]
            content = resources.files("labelkit.annotate.ui").joinpath("static", file).read_bytes()
            self._give(Reply(HTTPStatus.OK, kind, content))
        elif name == "state":
            self._give(_told(HTTPStatus.OK, self.server.desk.look()))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def do_HEAD(self) -> None:
        """Give the headers of the page and its companions; the state is for GET alone."""
        name = self._allowed()
        if name == "state":
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "HEAD is not answered here")
        elif name is not None:
            self.do_GET()

    def do_POST(self) -> None:
        """Do what the page asks for."""
        name = self._allowed()
        if name is None:
            return
        if name != "do":
            return self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
        if self.headers.get("Origin") is None:
            return self._refuse(HTTPStatus.FORBIDDEN, "the request does not tell its origin")
        if self.headers.get_content_type() != "application/json":
            return self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "JSON is asked for")
        size = self.headers.get("Content-Length") or ""
        if not size.isdecimal() or int(size) > LONGEST_BODY:
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request is too long")
        try:
            asked = json.loads(self.rfile.read(int(size)))
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict):
            return self._refuse(HTTPStatus.BAD_REQUEST, "this is no JSON object")
        status, told = self.server.desk.do(asked)
        self._give(_told(status, told))
        if told.get("ended"):  # not before the page has heard of it
            self.server.desk.ended.set()
        return None

    def _allowed(self) -> str | None:
        """Return what is asked for below the secret; refuse, and return None, who may not ask."""
        host = self.headers.get_all("Host") or []
        origin = self.headers.get("Origin")
        site = self.headers.get("Sec-Fetch-Site", "none")
        token, _, name = self.path.removeprefix("/").partition("/")
        wrong = ""
        if len(host) != 1 or host[0].lower() not in self.server.hosts:
            wrong = "the host is not this machine"
        elif origin is not None and origin not in self.server.origins:
            wrong = "the origin is another page"
        elif site not in ("none", "same-origin"):
            # A page of another site may link here, and gets nothing.
            wrong = "the request comes from another site"
        elif not hmac.compare_digest(token.encode(), self.server.token.encode()):
            wrong = "the secret in the address is wrong or of an earlier run"
        if wrong:
            self._refuse(HTTPStatus.FORBIDDEN, f"{wrong}; open the address that labelkit printed")
            return None
        return name.partition("?")[0]

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request, or of another method, with the headers of all answers."""
        status = HTTPStatus(code)
        self._refuse(status, message or status.phrase)

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True  # a body that was not read may follow
        self._give(Reply(status, "text/plain; charset=utf-8", f"{why}\n".encode()))

    def _give(self, reply: Reply) -> None:
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
        """Name no versions."""
        return "labelkit"

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal for words to the person, and the secret out of it."""


def _told(status: HTTPStatus, what: dict[str, Any]) -> Reply:
    # Lone surrogates of broken cells are no UTF-8: ASCII escapes carry them.
    return Reply(status, "application/json", json.dumps(what).encode("ascii"))
