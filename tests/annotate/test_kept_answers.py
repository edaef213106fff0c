"""What a person has answered is found again: after a hang-up, a kill, a new task file."""

import csv
import json
import os
import pty
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelkit.data.answers_journal import journal_path, unwritten

CLASSES = ("--classes", "good,bad")
ROWS = 30


@pytest.fixture
def batch(write: Any) -> Path:
    """A batch in a folder, and the data that it is of."""
    lines = [f"k{i},some words {i}" for i in range(ROWS)]
    write("data.csv", "\n".join(["id,text", *lines]) + "\n")
    checked = [f"{line},,query" for line in lines]
    path: Path = write("work/todo.csv", "\n".join(["id,text,row_check,label_origin", *checked, ""]))
    return path


def start(*args: object) -> subprocess.Popen[str]:
    """Run annotate by lines; its stderr is read to see how far it is."""
    command = [sys.executable, "-m", "labelkit", "annotate", *map(str, args)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer(process: subprocess.Popen[str], n: int, before: int = 0) -> None:
    """Answer rows and wait until the next one is shown."""
    assert process.stdin is not None and process.stderr is not None
    process.stdin.write("1\n" * n)
    process.stdin.flush()
    line = " "
    while line and f"── {before + n} of" not in line:
        line = process.stderr.readline()
    assert line


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def labels(path: str | Path) -> int:
    """Return how many labels an answers file holds."""
    with Path(path).open(newline="") as stream:
        return sum(row["label"] != "" for row in csv.DictReader(stream))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_writes_the_answers(batch: Path, labelkit: Any, number: int) -> None:
    process = start(batch, *CLASSES, "--summary", "s.json")
    answer(process, 3)
    process.send_signal(number)
    said = process.communicate()[1]
    assert process.returncode == 128 + number, said
    assert labels("work/todo.answers.csv") == 3
    assert json.loads(Path("s.json").read_text())["labels"] == 3
    done = labelkit("merge", "data.csv", "work/todo.answers.csv", "-o", "m.csv")
    assert done.code == 0, done.err


def test_a_program_that_ignores_the_hang_up_goes_on(batch: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start(batch, *CLASSES)
    finally:
        signal.signal(signal.SIGHUP, before)
    answer(process, 1)
    process.send_signal(signal.SIGHUP)
    process.communicate("1\n")
    assert (process.returncode, labels("work/todo.answers.csv")) == (0, 2)


def test_a_terminal_that_is_closed_writes_the_answers(batch: Path) -> None:
    child, screen = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        command = [sys.executable, "-m", "labelkit", "annotate", str(batch), *CLASSES]
        os.execv(sys.executable, command)
    journal = journal_path(Path("work/todo.answers.csv"))
    for typed in range(1, 4):
        while not journal.exists():
            os.read(screen, 4096)
        os.write(screen, b"1")
        while journal.read_bytes().count(b'"do": "label"') < typed:
            os.read(screen, 4096)
    os.close(screen)
    os.waitpid(child, 0)
    assert labels("work/todo.answers.csv") == 3
    assert unwritten(Path("work/todo.answers.csv")) is None


def test_the_answers_are_never_far_behind(batch: Path) -> None:
    process = start(batch, *CLASSES)
    answer(process, 25)
    kill(process)
    assert labels("work/todo.answers.csv") == 20
    newer = unwritten(Path("work/todo.answers.csv"))
    assert newer is not None and (newer.decisions, newer.edited) == (5, False)


READERS: dict[str, Callable[[str], list[str]]] = {
    "merge": lambda a: ["merge", "data.csv", a, "-o", "out.csv"],
    "decide": lambda a: ["decide", "data.csv", "-o", "out.csv", "--answers", a],
    "query": lambda a: ["query", "data.csv", "-o", "out.csv", "--answers", a, *CLASSES],
    "train": lambda a: ["train", "data.csv", "-o", "out.model", "--answers", a, *CLASSES],
    "import": lambda a: ["import", a, "-o", "out.csv", "--from", "csv"],
    "export": lambda a: ["export", a, "-o", "out.csv", "--to", "csv", "--text", "label"],
    "evaluate": lambda a: ["evaluate", a, "--gold", "label"],
}


@pytest.mark.parametrize("written", [0, 2])
def test_every_reader_refuses_answers_that_are_older_than_their_journal(
    batch: Path, labelkit: Any, written: int
) -> None:
    answers = "work/todo.answers.csv"
    if written:
        start(batch, *CLASSES).communicate("1\n" * written)
    process = start(batch, *CLASSES)
    answer(process, 4, written)
    done = labelkit(*READERS["merge"](answers))
    assert done.code == 1 and "has it open: leave it with q" in done.err
    kill(process)
    for args in READERS.values():
        done = labelkit(*args(answers))
        assert done.code == 1 and not Path("out.csv").exists()
        assert "(and leave with q): " in done.err
    line = done.err.split("(and leave with q): ")[1]
    assert labelkit(*shlex.split(line)[1:], stdin="q\n").code == 0
    assert labels(answers) == written + 4
    done = labelkit(*READERS["merge"](answers))
    assert done.code == 0, done.err


def test_answers_that_were_edited_meanwhile_are_kept_too(batch: Path, labelkit: Any) -> None:
    start(batch, *CLASSES).communicate("1\n1\n")
    process = start(batch, *CLASSES)
    answer(process, 1, 2)
    kill(process)
    path = Path("work/todo.answers.csv")
    path.write_text(path.read_text().replace("good", "bad"))
    done = labelkit("merge", "data.csv", path, "-o", "out.csv")
    assert done.code == 1 and "mv work/todo.answers.csv work/todo.answers.edited.csv" in done.err
    path.rename("work/todo.answers.edited.csv")
    assert labelkit("annotate", batch, *CLASSES, stdin="q\n").code == 0
    assert (labels(path), labels("work/todo.answers.edited.csv")) == (3, 2)


def test_edited_answers_without_newer_ones_are_used(batch: Path, labelkit: Any) -> None:
    start(batch, *CLASSES).communicate("1\n1\n")
    path = Path("work/todo.answers.csv")
    path.write_text(path.read_text().replace("good", "bad"))
    assert labelkit("merge", "data.csv", path, "-o", "out.csv").code == 0


def test_a_task_file_that_appears_later_loses_no_answer(batch: Path, write: Any) -> None:
    process = start(batch, *CLASSES)
    answer(process, 3)
    kill(process)
    write("labelkit.toml", '[task]\nclasses = ["good", "bad"]\n')
    said = start(batch).communicate("q\n")[1]
    assert "── 3 of 30" in said
    assert labels("work/todo.answers.csv") == 3


def test_two_folders_of_one_task_keep_their_answers_apart(write: Any, batch: Path) -> None:
    write("labelkit.toml", '[task]\nclasses = ["good", "bad"]\n')
    other: Path = write("other/todo.csv", batch.read_text().replace("words", "phrases"))
    for path, n in ((batch, 1), (other, 2), (batch, 1)):
        process = start(path)
        process.communicate("1\n" * n)
        assert process.returncode == 0
    assert (labels("work/todo.answers.csv"), labels("other/todo.answers.csv")) == (2, 2)


def test_no_journal_no_complaint(write: Any) -> None:
    path: Path = write("a.csv", "id,label\n1,x\n")
    assert unwritten(path) is None
    write("a.csv.journal.jsonl", "not ours\n")
    assert unwritten(path) is None
