"""A real Label Studio on loopback: tasks go in as a file, people answer, its exports come back."""

import json
import os
import random
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .conftest import program

TOKEN = "0123456789abcdef0123456789abcdef01234567"
AUTHORIZED = {"Authorization": f"Token {TOKEN}"}
CLASSES = ["refund", 'say "no"', "<b>&amp;", "$5 off", "😀", "two\nlines", "=1+1", "x" * 200]
TEXTS = ["plain", 'with "quotes", commas', "<script>1</script>", "two\nlines", "日本 ünïcødé", ""]
ROWS = 500


class Server:
    """A Label Studio that has just been set up, with one user."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        quiet = {"COLLECT_ANALYTICS": "0", "LATEST_VERSION_CHECK": "0", "SENTRY_DSN": ""}
        quiet |= {"FRONTEND_SENTRY_DSN": "", "DJANGO_DB": "sqlite", "HOME": str(folder)}
        user = ["--username", "mira@example.com", "--password", "not-a-secret"]
        user += ["--user-token", TOKEN, "--enable-legacy-api-token"]
        place = ["--data-dir", folder, "--internal-host", "127.0.0.1", "--port", str(port)]
        place += ["--host", self.url]
        start = [program("LABELKIT_LABEL_STUDIO"), "start", "--no-browser"]
        self.process = subprocess.Popen(
            [*start, *user, *place],
            env={**os.environ, **quiet, "LABEL_STUDIO_BASE_DATA_DIR": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 1800  # it sets up its database first
        while not self._answers():
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(1)

    def _answers(self) -> bool:
        try:
            return "id" in self.call("/api/current-user/whoami")
        except urllib.error.HTTPError as error:
            assert error.code not in (401, 403), error.read()
            return False
        except (urllib.error.URLError, ConnectionError, ValueError):
            return False

    def call(self, path: str, data: Any = None) -> Any:
        """Ask the API; data are sent as JSON, a file's path as an upload."""
        body, kind = None, "application/json"
        if isinstance(data, Path):
            head = (
                f'--=\r\nContent-Disposition: form-data; name="f"; filename="{data.name}"\r\n\r\n'
            )
            body, kind = head.encode() + data.read_bytes() + b"\r\n--=--\r\n", "multipart/form-data"
            kind += "; boundary=="
        elif data is not None:
            body = json.dumps(data).encode()
        headers = {"Content-Type": kind, **AUTHORIZED}
        request = urllib.request.Request(self.url + path, body, headers)
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.loads(answer.read() or b"null")

    def download(self, path: str, target: Path) -> None:
        """Write what an address gives to a file."""
        request = urllib.request.Request(
            self.url + path, headers={"Authorization": f"Token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            target.write_bytes(answer.read())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("label-studio"))
    try:
        yield found
    finally:
        found.process.terminate()
        found.process.wait()


class Answer(NamedTuple):
    key: str
    label: str | None
    who: str
    seconds: float


def rows() -> list[dict[str, Any]]:
    """Return rows of every kind: odd keys and texts, guesses, and some labels of mira's."""
    rng, found = random.Random(0), []
    for i in range(ROWS):
        row = {"id": f"{i:04d}" if i % 3 else f"=k<{i}>", "text": f"{rng.choice(TEXTS)} {i}"}
        guess = rng.choice([*CLASSES, ""])
        row |= {"llm_label": guess, "llm_confidence": rng.random() if guess else None}
        given = i % 10 == 0
        label = rng.choice(CLASSES) if given else None
        found.append(row | {"label": label, "label_annotator": "mira" if given else None})
    return found


def answer_all(server: Server, project: int, tasks: Sequence[dict[str, Any]]) -> list[Answer]:
    """Answer through the API as two people do: labels, skips, some rows by both, some by none."""
    rng = random.Random(1)
    other = server.call("/api/users/", {"email": "ben@example.com", "username": "ben"})["id"]
    me = server.call("/api/current-user/whoami")["id"]
    said = []
    for task in tasks:
        for who in rng.choice([[], [me], [me], [other], [me, other]]):
            label = rng.choice([*CLASSES, *CLASSES, None])
            seconds = round(rng.uniform(1, 30), 2)
            value = {"choices": [label]}
            one = {"from_name": "labelkit_label", "to_name": "text", "type": "choices"}
            sent = {"result": [one | {"value": value}] if label else [], "was_cancelled": not label}
            path = f"/api/tasks/{task['id']}/annotations/?project={project}"
            server.call(path, sent | {"lead_time": seconds, "completed_by": who})
            said.append(Answer(task["data"]["row_id"], label, str(who), seconds))
    return said


def read(path: str) -> set[Answer]:
    lines = Path(path).read_text("utf-8").split("\n")
    found = [json.loads(line) for line in lines if line]
    return {
        Answer(a["id"], a["label"], a["label_annotator"], a["label_seconds"]) for a in found
    }  # fmt: skip


def test_500_rows_there_and_back(server: Server, labelkit: Any) -> None:
    data = rows()
    Path("data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data))
    classes = ["--classes", ",".join('"' + name.replace('"', '""') + '"' for name in CLASSES)]
    to = ["-o", "tasks.json", "--to", "label-studio", *classes]
    assert labelkit("export", "data.jsonl", *to).code == 0
    config = Path("tasks.config.xml").read_text()
    project = server.call("/api/projects", {"title": "labelkit", "label_config": config})["id"]
    asked = server.call(f"/api/projects/{project}")["parsed_label_config"]["labelkit_label"]
    assert asked["labels"] == CLASSES
    server.call(f"/api/projects/{project}/import", Path("tasks.json"))
    tasks = server.call(f"/api/tasks?project={project}&page_size={ROWS}&fields=all")["tasks"]
    assert sorted(task["data"]["row_id"] for task in tasks) == sorted(row["id"] for row in data)
    texts = {task["data"]["row_id"]: task["data"]["text"] for task in tasks}
    assert all(texts[row["id"]] == row["text"] for row in data)
    guesses = {t["data"]["row_id"]: t["predictions"] for t in tasks if t["predictions"]}
    assert {key: p[0]["result"][0]["value"]["choices"][0] for key, p in guesses.items()} == {
        row["id"]: row["llm_label"] for row in data if row["llm_label"]
    }
    said = answer_all(server, project, tasks)
    before = [Answer(r["id"], r["label"], "mira", None) for r in data if r["label"]]
    export = f"/api/projects/{project}/export?download_all_tasks=true&exportType="
    server.download(export + "JSON", Path("export.json"))
    result = labelkit("import", "export.json", "-o", "a.jsonl", "--from", "label-studio", *classes)
    assert result.code == 0, result.err
    assert read("a.jsonl") == {*said, *before}
    assert "suggestions accepted" in result.err
    labelled = {one for one in said if one.label}
    for kind, name in (("JSON_MIN", "min.json"), ("CSV", "export.csv"), ("TSV", "export.tsv")):
        server.download(export + kind, Path(name))
        result = labelkit("import", name, "-o", "b.jsonl", "--from", "label-studio", *classes)
        assert result.code == 0, result.err
        assert read("b.jsonl") == {*labelled, *before}, kind
    result = labelkit("merge", "data.jsonl", "a.jsonl", "-o", "merged.jsonl", *classes)
    assert result.code == 0, result.err
    chosen = {one.key: one.label for one in [*before, *said] if one.label}
    merged = [json.loads(line) for line in Path("merged.jsonl").read_text().split("\n") if line]
    assert {row["id"] for row in merged if row["label"]} == set(chosen)


def test_labels_that_are_no_class_are_refused(server: Server, labelkit: Any, write: Any) -> None:
    write("data.csv", "id,text\n7,hello\n")
    to = ["-o", "tasks.json", "--to", "label-studio", "--classes", "refund,other"]
    assert labelkit("export", "data.csv", *to).code == 0
    config = Path("tasks.config.xml").read_text()
    project = server.call("/api/projects", {"title": "refused", "label_config": config})["id"]
    server.call(f"/api/projects/{project}/import", Path("tasks.json"))
    task = server.call(f"/api/tasks?project={project}")["tasks"][0]["id"]
    one = {"from_name": "labelkit_label", "to_name": "text", "type": "choices"}
    # The server takes any label.
    server.call(
        f"/api/tasks/{task}/annotations/", {"result": [one | {"value": {"choices": ["refunt"]}}]}
    )
    server.download(f"/api/projects/{project}/export?exportType=JSON", Path("export.json"))
    from_ = ["--from", "label-studio", "--classes", "refund,other"]
    result = labelkit("import", "export.json", "-o", "a.csv", *from_)
    assert result.code == 1 and not Path("a.csv").exists()
    assert "the label 'refunt' of 1 row" in result.err and "did you mean 'refund'?" in result.err
