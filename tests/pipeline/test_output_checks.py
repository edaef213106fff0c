"""Where a pipeline writes: never over what it reads, keeps or makes, and never too late to say."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import BASE, answer

SHORT = ("--classes", "BAD,GOOD", "--functions", "lfs.py", "--stages",
         "weak-label,query,people,decide", "-n", "8", "--audit", "4", "--features",
         "tfidf")  # fmt: skip


@pytest.fixture
def run(labelkit: Any, reviews: None) -> Any:
    def pipeline(*args: str, output: str = "labelled.csv", work: str = "work") -> Any:
        return labelkit("pipeline", "reviews.csv", "-o", output, "--work-dir", work, *SHORT, *args)

    return pipeline


@pytest.fixture
def answered(run: Any, begin: Any) -> None:
    """A pipeline that waits for people, whose answers have come."""

    def until() -> None:
        assert run().code == 3
        answer()

    begin("a short pipeline that is answered", until)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("reviews.csv", "-o reviews.csv is the input; give another name"),
        ("work/../reviews.csv", "is the input"),
        ("work/1-weak-label.csv", "-o work/1-weak-label.csv is what stage"),
        ("work/batch-1.csv", "-o work/batch-1.csv is what stage"),
        ("work/answers-1.csv", "is where people's answers are kept"),
        ("lfs.py", "-o lfs.py is what stage 1-weak-label reads"),
        ("labelkit.toml", "-o labelkit.toml is the task file"),
    ],
)
def test_an_output_that_would_replace_something(
    output: str, message: str, run: Any, answered: None
) -> None:
    Path("labelkit.toml").write_text('[task]\nname = "films"\n')
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    found = run(output=output)
    assert (found.code, found.out) == (2, "")
    assert message in found.err
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_answers_that_are_given_are_no_output(run: Any, write: Any) -> None:
    write("mine.csv", "id,label\n001,GOOD\n")
    found = run("--answers", "mine.csv", output="mine.csv")
    assert found.code == 2
    assert "-o mine.csv is where people's answers are kept" in found.err


@pytest.mark.parametrize(
    ("summary", "message"),
    [
        ("reviews.csv", "--summary reviews.csv is the input"),
        ("labelled.csv", "--summary labelled.csv is the output"),
        ("labelled.csv.history.json", "is the history of the output"),
        ("work/answers-1.csv", "is where people's answers are kept"),
        ("work/pipeline.json", "is where the pipeline keeps what it has done"),
        ("work/2-query.summary.json", "is the summary of stage 2-query"),
    ],
)
def test_a_summary_that_would_replace_something(
    summary: str, message: str, run: Any, answered: None
) -> None:
    answers = Path("work/answers-1.csv").read_bytes()
    found = run("--summary", summary)
    assert (found.code, found.out) == (2, "")
    assert message in found.err
    assert Path("work/answers-1.csv").read_bytes() == answers


@pytest.mark.parametrize("option", ["-o", "--summary"])
def test_a_folder_that_is_missing_is_told_before_anything_runs(option: str, run: Any) -> None:
    name = {"-o": "none/out.csv", "--summary": "none/figures.json"}[option]
    found = run(output=name) if option == "-o" else run(option, name)
    assert found.code == 1
    assert f"{name} cannot be written: there is no folder none (mkdir -p none)" in found.err
    assert not Path("work").exists()


def test_the_output_may_stand_in_the_work_directory(run: Any) -> None:
    assert run(output="work/out.csv").code == 3
    answer()
    assert run("--summary", "work/figures.json", output="work/out.csv").code == 0
    assert json.loads(Path("work/figures.json").read_text())["command"] == "pipeline"
    assert "nothing to do" in run(output="work/out.csv").err


def test_a_work_directory_that_is_none(run: Any, write: Any) -> None:
    write("work", "")
    found = run()
    assert (found.code, found.err.count("error:")) == (2, 1)
    assert "--work-dir work is a file; name a folder" in found.err
    Path("link").symlink_to("nowhere")
    found = run(work="link")
    assert found.code == 2
    assert "--work-dir link is a link to nothing" in found.err


def test_what_is_not_writable(run: Any, write: Any, monkeypatch: Any) -> None:
    write("file", "")
    found = run(work="file/work")
    assert found.code == 1
    assert "--work-dir file/work cannot be made: Not a directory" in found.err
    Path("work").mkdir()
    # Root may write everywhere, whatever the mode says.
    allowed, closed = os.access, ""

    def writable(path: Any, mode: int) -> bool:
        return (str(path) != closed or mode != os.W_OK) and allowed(path, mode)

    monkeypatch.setattr(os, "access", writable)
    if Path("/proc/version").exists():
        found = run(output="/proc/labelled.csv")
        assert (found.code, "/proc/labelled.csv cannot be written" in found.err) == (1, True), (
            found.err
        )
    closed = "work"
    found = run()
    assert found.code == 1
    assert "--work-dir work is not writable; name another folder" in found.err
    assert list(Path("work").iterdir()) == []


def test_nothing_is_left_in_a_folder_of_something_else(run: Any, write: Any) -> None:
    write("work/thesis.txt", "years of work")
    assert run().code == 2
    assert [path.name for path in Path("work").iterdir()] == ["thesis.txt"]


DAMAGED = (
    "", "[]", '{"stages": [], "files": 3}', '{"stages": {"1-weak-label": {}}}',
    '{"stages": {"1-weak-label": 3}}', '{"files": {"reviews.csv": []}}',
    '{"about": {"inputs": 3}}', '{"schema": 1, "about": {',
)  # fmt: skip


def test_a_damaged_state_is_told_and_made_anew(run: Any, answered: None) -> None:
    answers = Path("work/answers-1.csv").read_bytes()
    assert run().code == 0
    told = "work/pipeline.json cannot be read; all stages run again, people's answers"
    for damaged in DAMAGED:
        Path("work/pipeline.json").write_text(damaged)
        found = run()
        assert found.code == 0, (damaged, found.err)
        assert told in found.err, damaged
        assert Path("work/answers-1.csv").read_bytes() == answers, damaged
        assert "nothing to do" in run().err, damaged


def test_only_the_pipeline_says_what_to_type_next(labelkit: Any, reviews: None) -> None:
    args = (
        "pipeline",
        *BASE,
        "--functions",
        "lfs.py",
        "--stages",
        "weak-label,query,people,decide",
    )
    assert "next: " not in labelkit(*args).err
    answer()
    assert "next: " not in labelkit(*args).err
