"""A real terminal: keys typed into tmux, and a process that is killed without warning."""

import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

KILLS = int(os.environ.get("LABELKIT_KILLS", "3"))
KEYS = {"1": "label", "2": "label", "3": "label", "Space": "skip", "f": "flag", "BSpace": "undo"}
PATIENCE = 120.0
JOURNAL = Path("todo.answers.csv.journal.jsonl")


class Terminal:
    """A terminal of its own in which commands are typed."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux.socket")
        self._folder = folder

    def tmux(self, *args: str) -> str:
        command = ["tmux", "-S", self._socket, *args]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout

    def start(self, *args: str, then: str = "") -> int:
        """Run annotate; return its process once it shows a row."""
        command = [sys.executable, "-m", "labelkit", "annotate", *args]
        self.tmux("kill-server")
        self.tmux("new-session", "-d", "-x", "80", "-y", "24", "-c", str(self._folder),
                  f"{'' if then else 'exec '}{shlex.join(command)}{then}")  # fmt: skip
        self.wait(lambda shown: " of 600" in shown)
        return int(self.tmux("list-panes", "-F", "#{pane_pid}"))

    def type(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def shown(self) -> str:
        return self.tmux("capture-pane", "-p")

    def wait(self, fits: Callable[[str], bool]) -> str:
        """Return what is shown as soon as it fits."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            shown = self.shown()
            if fits(shown):
                return shown
            time.sleep(0.05)
        raise AssertionError(self.shown())


@pytest.fixture
def terminal(tmp_path: Path, write: Any) -> Iterator[Terminal]:
    rows = "".join(f"r{i},this is text {i},c{i}\n" for i in range(600))
    write("todo.csv", "id,text,row_check\n" + rows)
    found = Terminal(tmp_path)
    yield found
    found.tmux("kill-server")


def test_a_screen_that_breaks_off_says_so(terminal: Terminal) -> None:
    terminal.start("todo.csv", "--classes", "a,b", then="; echo code $?; sleep 600")
    terminal.type("1")
    terminal.wait(lambda shown: "1 of 600" in shown)
    terminal.type("-H", "ff")
    shown = terminal.wait(lambda shown: "code 1" in shown)
    assert "the screen failed" in shown
    assert "annotate:" not in shown
    assert [entry["do"] for entry in entries()] == ["label"]


def entries() -> list[dict[str, Any]]:
    if not JOURNAL.exists():
        return []
    lines = JOURNAL.read_text().splitlines()[1:]
    return [entry for entry in map(json.loads, lines) if entry["do"] in KEYS.values()]


def done(shown: str) -> int:
    found = re.search(r"(\d+) of 600", shown)
    assert found, shown
    return int(found[1])


def decided(given: list[dict[str, Any]]) -> int:
    """How many rows have an answer after these entries."""
    past: list[dict[str, Any]] = []
    for entry in given:
        if entry["do"] == "undo":
            past.pop()
        else:
            past.append(entry)
    return sum(entry["do"] in ("label", "skip") for entry in past)


@pytest.mark.slow
def test_killed_at_random_moments_nothing_keyed_is_lost_or_doubled(terminal: Terminal) -> None:
    rng = random.Random(1)
    for _ in range(KILLS):
        before = entries()
        process = terminal.start("todo.csv", "--classes", "good,bad,other")
        assert done(terminal.shown()) == decided(before)
        keys = rng.choices(list(KEYS), weights=[6, 6, 6, 2, 1, 2], k=rng.randint(8, 20))
        depth = sum(-1 if entry["do"] == "undo" else 1 for entry in before)
        sent: list[str] = []
        for key in keys:
            if key == "BSpace" and depth + len(sent) < len(keys):
                key = "1"
            terminal.type(key)
            sent.append(KEYS[key])
        time.sleep(rng.random() * 0.3)
        acknowledged = done(terminal.shown())
        os.kill(process, signal.SIGKILL)
        while JOURNAL.exists() and Path(f"/proc/{process}").exists():
            time.sleep(0.02)
        after = entries()
        fresh = [entry["do"] for entry in after[len(before) :]]
        assert after[: len(before)] == before
        assert fresh == sent[: len(fresh)]
        counts = [decided(after[:n]) for n in range(len(before), len(after) + 1)]
        assert acknowledged in counts
    terminal.start("todo.csv", "--classes", "good,bad,other")
    assert done(terminal.shown()) == decided(entries())
    terminal.type("q")
    until = time.monotonic() + PATIENCE
    while not Path("todo.answers.csv").exists() and time.monotonic() < until:
        time.sleep(0.05)
    answers = Path("todo.answers.csv").read_text().splitlines()[1:]
    keys_of_answers = [line.split(",")[0] for line in answers]
    assert len(keys_of_answers) == len(set(keys_of_answers))


def test_a_line_under_the_screen_tells_what_was_done(terminal: Terminal) -> None:
    command = [sys.executable, "-m", "labelkit", "annotate", "todo.csv", "--classes", "a,b"]
    terminal.tmux("kill-server")
    terminal.tmux("new-session", "-d", "-x", "80", "-y", "24", f"{shlex.join(command)}; cat")
    terminal.wait(lambda shown: "this is text 0" in shown)
    terminal.type("1", "n")
    terminal.wait(lambda shown: "Enter saves" in shown)
    terminal.type("a note", "Enter")
    terminal.wait(lambda shown: "note: a note" in shown)
    terminal.type("C-c")
    terminal.wait(lambda shown: "annotate: 1 label · 599 rows left" in shown)
