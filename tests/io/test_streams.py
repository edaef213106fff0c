"""Pipes, FIFOs, devices and open descriptors: read whole, written and not replaced."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from labelkit.errors import LabelkitError
from labelkit.io import streams

TEXT = "id,text\n1,win now\n2,lunch today\n"
OUT = "id,text,weak_label\n1,win now,spam\n2,lunch today,ham\n"
RULES = ("--keyword", "spam=win", "--keyword", "ham=lunch", "--no-task", "-q")


def first_columns(text: str) -> str:
    return "".join(",".join(line.split(",")[:3]) + "\n" for line in text.splitlines())


def feed(path: str | int, text: str) -> threading.Thread:
    def write() -> None:
        with open(path, "w") as stream:
            stream.write(text)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_a_fifo_is_read_whole_and_keeps_its_name_in_messages(labelkit: Any) -> None:
    os.mkfifo("f.csv")
    writer = feed("f.csv", TEXT)
    done = labelkit("weak-label", "f.csv", "-o", "o.csv", *RULES)
    writer.join()
    assert done.code == 0, done.err
    assert first_columns(Path("o.csv").read_text()) == OUT
    os.mkfifo("g.csv")
    writer = feed("g.csv", "id,text\n1\n")
    done = labelkit("weak-label", "g.csv", "-o", "p.csv", *RULES)
    writer.join()
    assert (done.code, "error: g.csv, line 2: 1 cell" in done.err) == (1, True)


def test_the_pipe_of_a_shell_is_read_whole(labelkit: Any) -> None:
    out, into = os.pipe()
    writer = feed(into, TEXT)
    done = labelkit("weak-label", f"/dev/fd/{out}", "-o", "o.csv", *RULES)
    writer.join()
    os.close(out)
    assert done.code == 0, done.err
    assert first_columns(Path("o.csv").read_text()) == OUT


def test_stdin_by_its_path(labelkit: Any) -> None:
    done = labelkit("weak-label", "/dev/stdin", "-o", "o.csv", *RULES, stdin=TEXT)
    assert done.code == 0, done.err
    assert first_columns(Path("o.csv").read_text()) == OUT


def test_answers_of_a_fifo_are_read_whole(labelkit: Any, write: Any) -> None:
    write("in.csv", TEXT)
    os.mkfifo("a.csv")
    writer = feed("a.csv", "id,label\n1,spam\n")
    done = labelkit("merge", "in.csv", "a.csv", "-o", "o.csv")
    writer.join()
    assert done.code == 0, done.err
    assert Path("o.csv").read_text().splitlines()[1].startswith("1,win now,spam")


def test_what_stands_in_stdout_before_and_after_stays(write: Any) -> None:
    write("in.csv", TEXT)
    write("log.txt", "kept\n")
    run = f"{sys.executable} -m labelkit weak-label in.csv -o /dev/stdout {' '.join(RULES)}"
    done = subprocess.run(["bash", "-c", f"(echo before; {run}; echo after) >> log.txt"])
    assert done.returncode == 0
    assert first_columns(Path("log.txt").read_text()) == f"kept\nbefore\n{OUT}after\n"
    assert not Path("/dev/stdout.history.json").exists()
    assert sorted(p.name for p in Path().iterdir()) == ["in.csv", "log.txt"]


def test_another_descriptor_is_written_behind_what_stands_there(labelkit: Any, write: Any) -> None:
    write("in.csv", TEXT)
    log = write("log.txt", "kept\n")
    with log.open("a") as stream:
        Path("link.csv").symlink_to(f"/dev/fd/{stream.fileno()}")
        assert labelkit("weak-label", "in.csv", "-o", "link.csv", *RULES).code == 0
    assert first_columns(log.read_text()) == "kept\n" + OUT
    assert Path("link.csv").is_symlink()
    assert sorted(p.name for p in Path().iterdir()) == ["in.csv", "link.csv", "log.txt"]


def test_a_fifo_is_written(labelkit: Any, write: Any) -> None:
    write("in.csv", TEXT)
    os.mkfifo("o.csv")
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(Path("o.csv").read_text()))
    reader.start()
    done = labelkit("weak-label", "in.csv", "-o", "o.csv", *RULES)
    reader.join()
    assert (done.code, first_columns(found[0])) == (0, OUT)
    assert Path("o.csv").is_fifo()
    assert not Path("o.csv.history.json").exists()


def test_a_device_that_is_full(labelkit: Any, write: Any) -> None:
    write("in.csv", TEXT)
    done = labelkit("weak-label", "in.csv", "-o", "/dev/full", *RULES)
    assert (done.code, done.err) == (
        1,
        "error: no space left for /dev/full: it is incomplete\n",
    )


@pytest.mark.parametrize(
    ("shell", "message"),
    [
        (">/dev/full", "error: stdout cannot be written: No space left on device\n"),
        (">&-", "error: stdout cannot be written: it is closed\n"),
    ],
)
def test_a_stdout_that_takes_nothing_is_a_failure(shell: str, message: str, write: Any) -> None:
    write("in.csv", TEXT)
    command = f"{sys.executable} -m labelkit --help {shell}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, message)


def test_names_of_descriptors(tmp_path: Path) -> None:
    for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        assert (streams.descriptor_of(name), streams.as_dash(name, 1)) == (1, "-")
    assert streams.descriptor_of("/dev/fd/63") == 63
    assert streams.descriptor_of(tmp_path / "1") is None
    (tmp_path / "loop").symlink_to("loop")
    assert streams.descriptor_of(tmp_path / "loop") is None
    with pytest.raises(LabelkitError, match="/dev/fd/987 cannot be read"):
        streams.spooled(Path("/dev/fd/987"))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("pipeline", "f.csv", "-o", "o.csv", "--work-dir", "w"), "pipeline resumes by files"),
        (("annotate", "f.csv", "--classes", "a,b"), "pass the batch as a file"),
    ],
)
def test_who_reads_a_file_again_refuses_a_fifo(
    args: tuple[str, ...], message: str, labelkit: Any
) -> None:
    os.mkfifo("f.csv")
    done = labelkit(*args)
    assert (done.code, message in done.err) == (2, True)
