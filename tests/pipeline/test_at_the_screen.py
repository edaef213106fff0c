"""pipeline --annotate in a real terminal: the full screen opens, is left half way, and goes on."""

import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import BASE, cells, truth

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

ARGS = (*BASE, "--functions", "lfs.py", "--stages", "weak-label,query,people,decide", "-n", "5",
        "--audit", "5")  # fmt: skip
ASKED = 10
KEYS = {"BAD": "1", "GOOD": "2"}
PATIENCE = 120.0


class Terminal:
    """A terminal in which the pipeline asks."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._started = folder, 0

    def tmux(self, *args: str) -> str:
        command = ["tmux", "-S", str(self._folder / f"tmux.{self._started}"), *args]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def start(self, done: int) -> None:
        """Run the pipeline until it shows a row of the batch."""
        line = shlex.join([sys.executable, "-m", "labelkit", "pipeline", *ARGS, "--annotate"])
        self.tmux("kill-server")
        self._started += 1  # the old one may take a moment to be gone
        self.tmux("new-session", "-d", "-x", "120", "-y", "40", "-c", str(self._folder),
                  f"{line}; echo code $?; sleep 600")  # fmt: skip
        self.wait(f"{done} of {ASKED}")

    def label(self, keys: list[str], done: int) -> None:
        """Press the key of each row's class, as a person who reads it."""
        for key in keys:
            self.wait(f"id {key}")
            self.tmux("send-keys", KEYS[truth(int(key))])
        self.wait(f"{done + len(keys)} of {ASKED}")

    def shown(self) -> str:
        return self.tmux("capture-pane", "-p", "-J", "-S", "-200")

    def wait(self, words: str) -> str:
        """Return what is shown as soon as the words are."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            shown = re.sub(r"\s+", " ", self.shown())
            if words in shown:
                return shown
            time.sleep(0.05)
        raise AssertionError(self.shown())


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    found = Terminal(tmp_path)
    yield found
    found.tmux("kill-server")


def _answered() -> dict[str, str]:
    return dict(cells("work/answers-1.csv", "id", "label"))


@pytest.mark.slow
def test_the_screen_opens_is_left_half_way_and_goes_on(
    terminal: Terminal, labelkit: Callable[..., Any], reviews: None
) -> None:
    assert labelkit("pipeline", *ARGS).code == 3  # so that the rows are known
    rows = [key for (key,) in cells("work/batch-1.csv", "id")]

    terminal.start(0)
    terminal.label(rows[:3], 0)
    terminal.tmux("send-keys", "q")
    said = terminal.wait("code 3")
    assert f"people are needed: {ASKED - 3} rows of work/batch-1.csv not labelled yet" in said
    assert "or go on with what is there: labelkit pipeline" in said
    assert list(_answered()) == rows[:3]
    assert not Path("labelled.csv").exists()

    terminal.start(3)
    terminal.label(rows[3:5], 3)
    terminal.tmux("send-keys", "C-c")
    said = terminal.wait("code 3")
    assert f"{ASKED - 5} rows of work/batch-1.csv not labelled yet" in said
    assert list(_answered()) == rows[:5]

    terminal.start(5)
    terminal.label(rows[5:], 5)
    terminal.wait("Done: every row is answered")
    terminal.tmux("send-keys", "q")
    said = terminal.wait("code 0")
    assert "pipeline: " in said
    labels = {key: label for key, label in cells("labelled.csv", "id", "label") if label}
    assert labels == {key: truth(int(key)) for key in sorted(rows)}
