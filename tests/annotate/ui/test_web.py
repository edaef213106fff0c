"""annotate --web: who may ask the server, what it does, and the command around it."""

import csv
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.annotate.ui import web
from labelkit.annotate.ui.highlight import Highlighter
from labelkit.annotate.ui.row_state import pieces
from labelkit.annotate.ui.text import Guide
from tests.annotate.serving import BATCH, CLASSES, Served, serving

KILLS = int(os.environ.get("LABELKIT_KILLS", "3"))


@pytest.fixture
def served(write: Any) -> Iterator[Served]:
    with serving(write("todo.csv", BATCH), show=["shop"]) as found:
        yield found


# -- who may ask -------------------------------------------------------------------------------


def test_the_page_and_its_companions_ask_nobody_else(served: Served) -> None:
    for name, kind in (("", "text/html"), ("page.css", "text/css"), ("page.js", "text/javascript")):
        status, headers, body = served.request("GET", served.path + name)
        assert (status, headers["Content-Type"].partition(";")[0]) == (200, kind)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert not re.search(rb"https?:|//\w", re.sub(rb"(?m)//( |--).*$", b"", body)), name


def test_it_is_on_loopback_alone(served: Served) -> None:
    assert served.server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 403),
        ("/state", 403),
        ("/wrong/state", 403),
        ("//state", 403),
        ("http://elsewhere.example/{token}/state", 403),
        ("/{token}x/state", 403),
        ("/{TOKEN}/state", 403),
        ("/é/state", 403),
        ("/{token}/todo.csv", 404),
        ("/{token}/../web.py", 404),
        ("/{token}/%2e%2e/web.py", 404),
        ("/{token}//etc/passwd", 404),
        ("/{token}/page.html", 404),
        ("/{token}/do", 404),
    ],
)
def test_a_wrong_secret_and_paths_outside_are_refused(
    served: Served, path: str, status: int
) -> None:
    token = served.server.token
    asked = path.format(token=token, TOKEN=token.swapcase())
    found, headers, body = raw(served, asked)
    assert found == status
    assert "default-src 'none'" in headers
    assert token not in body


def raw(served: Served, path: str) -> tuple[int, str, str]:
    """Ask with the very bytes of a path."""
    port = served.server.server_port
    with socket.create_connection(("127.0.0.1", port), timeout=120) as link:
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data or not data.endswith(b"\n"):
            data += link.recv(65536)
    head, _, body = data.decode().partition("\r\n\r\n")
    return int(head.split()[1]), head, body


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "localhost.evil.example:{port}"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_another_host_or_origin_is_refused(served: Served, headers: dict[str, str]) -> None:
    port = str(served.server.server_port)
    asked = {name: value.format(port=port) for name, value in headers.items()}
    for path in ("", "state"):
        assert served.request("GET", served.path + path, **asked)[0] == 403
    body = json.dumps({"do": "label", "label": "refund", "seen": 0}).encode()
    own = {"Origin": f"http://127.0.0.1:{port}", "Content_Type": "application/json"}
    assert served.request("POST", served.path + "do", body, **own | asked)[0] == 403
    assert served.labels() == {}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"do":"skip","seen":0}', {"Origin": ""}, 403),
        (b'{"do":"skip","seen":0}', {"Content_Type": "text/plain"}, 415),
        (b'{"do":"skip","seen":0}', {"Content_Type": "application/x-www-form-urlencoded"}, 415),
        (b"not json", {}, 400),
        (b"[1]", {}, 400),
        (b"\xff", {}, 400),
        (b"{" * 50_000, {}, 400),
        (b"[" * 50_000, {}, 400),
        (b"x" * 70_000, {}, 413),
        (b'{"do":"skip","seen":0}', {"Content_Length": "nonsense"}, 413),
    ],
)
def test_what_the_page_would_not_send(
    served: Served, body: bytes, headers: dict[str, str], status: int
) -> None:
    own = {
        "Origin": f"http://localhost:{served.server.server_port}",
        "Content_Type": "application/json",
        **headers,
    }
    sent = {name: value for name, value in own.items() if value}
    assert served.request("POST", served.path + "do", body, **sent)[0] == status
    assert served.session.answers == {}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(served: Served, method: str) -> None:
    status, headers, body = served.request(method, served.path + "do")
    assert (status, headers["Content-Type"]) == (501, "text/plain; charset=utf-8")
    assert headers.items() >= web.HEADERS.items()
    assert b"<" not in body


def test_head_gives_the_headers_of_get_and_begins_nothing(served: Served) -> None:
    for name in ("", "page.css", "page.js"):
        status, headers, body = served.request("HEAD", served.path + name)
        _, of_get, page = served.request("GET", served.path + name)
        assert (status, body) == (200, b"")
        assert {**headers, "Date": ""} == {**of_get, "Date": ""}
        assert int(headers["Content-Length"]) == len(page)
    assert served.request("HEAD", served.path + "state")[0] == 405
    assert served.request("HEAD", served.path + "nothing")[0] == 404
    assert served.request("HEAD", "/wrong/")[0] == 403


def test_the_page_is_told_the_guidelines(write: Any) -> None:
    guide = Guide("می\u200cخواهم\n\x1b[1m", {"refund": "Money"}, ["Irony"], [("My phone", "other")])
    batch = BATCH.replace("the same,,other", " ,,other")
    with serving(write("todo.csv", batch), guide=guide) as served:
        assert served.state()["guide"] == {
            "guidelines": "می\u200cخواهم\n·[1m",
            "descriptions": {"refund": "Money"},
            "cases": ["Irony"],
            "examples": [{"text": "My phone", "label": "other"}],
        }
        served.act(do="label", label="other")
        told = served.act(do="label", label="other")[1]
        assert told["texts"][0]["pieces"] == [["(empty)", False]]


# -- decisions -----------------------------------------------------------------------------------


def test_what_the_page_is_told_of_a_row(served: Served) -> None:
    told = served.state()
    assert told["progress"] == "0 of 5"
    assert (told["key_name"], told["key"], told["over"]) == ("id", "r1", "")
    text = "The <script>document.title='owned'</script> parcel "
    assert told["texts"][0]["pieces"] == [[text, False], ["never", True], [" came", False]]
    assert told["fields"] == [{"name": "shop", "pieces": [["A & B", False]], "beside": ""}]
    assert told["guess"] == "guess: refund 0.83"
    assert told["reason"] == "why: margin 0.02"
    assert told["classes"][1] == {"label": "account", "key": "2"}


def test_every_decision_of_the_terminal(served: Served) -> None:
    status, told = served.act(do="accept")
    assert (status, told["done"], told["key"]) == (200, "r1: refund", "r2")
    assert served.act(do="accept")[0] == 400  # there is no guess
    assert served.act(do="flag")[1]["flag"] is True
    assert served.act(do="note", note=" is it? ")[1]["marks"] == "flagged · note: is it?"
    assert served.act(do="skip")[1]["done"] == "r2: skipped"
    assert served.act(do="undo")[1]["key"] == "r2"
    assert served.act(do="label", label="account")[1]["copies"]["together"] is True
    assert served.act(do="copies", together=False)[1]["copies"]["together"] is False
    assert served.act(do="label", label="other")[1]["key"] == "r4"
    served.act(do="label", label="other")
    pieces_of_last = served.state()["texts"][0]["pieces"]
    assert pieces_of_last == [["·[31mred·[0m ·over· می\u200cخواهم\nsecond line", False]]
    told = served.act(do="skip")[1]
    assert (told["key"], told["over"]) == (None, "every row is answered")
    assert served.act(do="label", label="other")[0] == 400
    assert served.act(do="undo")[1]["key"] == "r5"
    assert served.labels() == {"r1": "refund", "r2": "account", "r3": "other", "r4": "other"}


def test_a_label_outside_the_classes_is_refused(served: Served) -> None:
    for label in ("Refund", "", "refund ", None, 1, ["refund"]):
        status, told = served.act(do="label", label=label)
        assert status == 400
        assert "is not one of the classes" in told["error"]
        assert told["key"] == "r1"
    assert served.act(do="grade", label="refund")[0] == 400
    assert served.labels() == {}


def test_a_decision_on_a_row_that_is_no_longer_asked_changes_nothing(served: Served) -> None:
    before = served.state()["revision"]
    served.act(do="label", label="refund")
    for seen in (before, None, "0", before + 7):
        status, told = served.act(do="label", label="other", seen=seen)
        assert (status, told["key"]) == (409, "r2")
        assert "another window" in told["error"]
    assert served.labels() == {"r1": "refund"}


def test_many_windows_at_once_answer_each_row_once(served: Served) -> None:
    def press() -> None:
        for _ in range(6):
            served.act(do="label", label="other")

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(served.labels().values()) == {"other"}
    kept = [e for e in journal_entries() if e["do"] == "label"]
    keys = [key for entry in kept for key in entry["keys"]]
    assert sorted(keys) == ["r1", "r2", "r3", "r4", "r5"]


def journal_entries() -> list[dict[str, Any]]:
    lines = Path("todo.answers.csv.journal.jsonl").read_text().splitlines()[1:]
    return [json.loads(line) for line in lines]


def test_a_full_disk_is_told_at_once_and_nothing_is_claimed_saved(served: Served) -> None:
    served.act(do="label", label="refund")
    with served.full_disk():
        for asked in ({"do": "label", "label": "other"}, {"do": "skip"}, {"do": "undo"},
                      {"do": "flag"}, {"do": "note", "note": "x"}):  # fmt: skip
            status, told = served.act(**asked)
            assert status == 507
            assert told["error"].startswith("NOT SAVED: the disk is full")
            assert (told["key"], told["progress"].split(" · ")[0]) == ("r2", "1 of 5")
            assert "done" not in told
    assert served.act(do="label", label="other")[0] == 200
    assert served.labels() == {"r1": "refund", "r2": "other"}


def test_blind_shows_no_guess(write: Any) -> None:
    with serving(write("todo.csv", BATCH), blind=True) as served:
        assert served.state()["guess"] == ""
        assert served.act(do="accept")[0] == 400


def test_the_first_row_s_time_begins_when_it_is_seen(served: Served) -> None:
    time.sleep(1.0)
    seen = time.monotonic()
    served.state()
    served.act(do="label", label="other")
    at_most = time.monotonic() - seen
    (entry,) = [e for e in journal_entries() if e["do"] == "label"]
    assert entry["seconds"] < at_most + 0.5


@settings(max_examples=60, deadline=None)
@given(st.text(), st.lists(st.text(min_size=1), max_size=4))
def test_pieces_put_together_are_the_text(text: str, words: list[str]) -> None:
    found = pieces(text, Highlighter(words))
    assert "".join(piece for piece, _ in found) == text


# -- the command ---------------------------------------------------------------------------------


def started(*args: str) -> tuple[Any, str]:
    """Run annotate --web; return the process and the address it says."""
    command = [sys.executable, "-m", "labelkit", "annotate", *args, "--web"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    for line in running.stderr:
        found = re.search(r"open (http://127\.0\.0\.1:\d+/[\w-]+/) in a browser", line)
        if found:
            return running, found.group(1)
    raise AssertionError("no address was told")


def post(address: str, **asked: Any) -> dict[str, Any]:
    request = urllib.request.Request(address + "do", json.dumps(asked).encode())
    request.add_header("Content-Type", "application/json")
    request.add_header("Origin", address[: address.index("/", 7)])
    with urllib.request.urlopen(request, timeout=120) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def labels() -> dict[str, str]:
    with Path("todo.answers.csv").open(newline="", encoding="utf-8") as stream:
        return {row["id"]: row["label"] for row in csv.DictReader(stream)}


def test_ctrl_c_in_the_terminal_ends_with_the_closing_line(write: Any) -> None:
    write("todo.csv", BATCH)
    running, address = started("todo.csv", "--classes", ",".join(CLASSES))
    post(address, do="label", label="account", seen=0)
    post(address, do="skip", seen=1)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 0
    assert "annotate: 1 label · 3 rows left · 1 skipped" in said
    assert "next: labelkit annotate " in said
    assert "Traceback" not in said
    assert labels() == {"r1": "account", "r2": ""}  # skipped


def test_killed_at_random_moments_what_the_page_was_told_is_kept(write: Any) -> None:
    rows = "".join(f"r{i},text {i},c{i}\n" for i in range(2_000))
    write("todo.csv", "id,text,row_check\n" + rows)
    rng = random.Random(0)
    told: list[str] = []
    for _ in range(KILLS):
        running, address = started("todo.csv", "--classes", ",".join(CLASSES))
        killing = threading.Timer(rng.random() / 2, running.kill)
        killing.start()
        with suppress(OSError, http.client.HTTPException):
            for seen in range(2_000):
                said = post(address, do="label", label="other", seen=seen)
                told.append(said["done"].partition(":")[0])
        killing.join()
        running.communicate()
        kept = [entry["keys"] for entry in journal_entries() if entry["do"] == "label"]
        assert kept == [[f"r{i}"] for i in range(len(kept))], "in order, none twice"
        assert set(told) <= {key for (key,) in kept}
        assert len(kept) - len(told) <= KILLS, "one a kill at most that the page never heard of"
    again, address = started("todo.csv", "--classes", ",".join(CLASSES))
    assert post(address, do="finish", seen=0)["ended"] is True
    _, said = again.communicate(timeout=120)
    assert again.returncode == 0
    assert f"annotate: {len(kept)} labels" in said
    assert labels() == dict.fromkeys((key for (key,) in kept), "other")


def test_what_cannot_be(write: Any, typed: Any) -> None:
    write("todo.csv", BATCH)
    taken = socket.create_server(("127.0.0.1", 0))
    port = str(taken.getsockname()[1])
    for args, code, message in (
        (["--web", "--plain"], 2, "--web and --plain cannot be combined"),
        (["--port", "8000"], 2, "--port 8000 needs --web"),
        (["--web", "--port", port], 1, f"port {port} of 127.0.0.1 cannot be used"),
    ):
        done = typed("", "todo.csv", "--classes", ",".join(CLASSES), *args)
        assert (done.code, done.out) == (code, "")
        assert message in done.err
    taken.close()
