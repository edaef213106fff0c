"""Which stages run again: those whose files, versions or options have changed, and no others."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelkit.config.task_file import Task
from labelkit.io import history
from labelkit.pipeline import runner, stages

LFS = """
from pathlib import Path

from helper import STALE

WARM = Path(__file__).with_name("warm.txt").read_text().split()

def lf_warm(text):
    return "GOOD" if any(word in text for word in WARM) else None

def lf_stale(text):
    return "BAD" if STALE in text else None

def lf_late(text):
    return "BAD" if open("late.txt").read() in text else None
"""
TASK = """
[task]
text = ["text"]
classes = ["BAD", "GOOD"]
guidelines = "Judge the opinion."
[cost]
human_label = 0.5
[weak-label]
functions = "rules/lfs.py"
"""


@pytest.fixture
def run(labelkit: Any, write: Any) -> Callable[[], list[str]]:
    """Run the pipeline and return the stages that ran."""
    words = ("warm", "stale", "plain")
    rows = [f"{i},a {words[i % 3]} film {i}" for i in range(12)]
    write("data.csv", "\n".join(["id,text", *rows]) + "\n")
    write("labelkit.toml", TASK)
    write("rules/lfs.py", LFS)
    write("rules/helper.py", "STALE = 'stale'\n")
    write("rules/warm.txt", "warm lovely\n")
    write("late.txt", "nowhere")

    def run() -> list[str]:
        sys.modules.pop("helper", None)  # each run is a process of its own elsewhere
        done = labelkit(
            *["pipeline", "data.csv", "-o", "out.csv", "--work-dir", "work"],
            *["--stages", "weak-label,decide"],
        )
        assert done.code == 0, done.err
        lines = [line for line in done.err.splitlines() if line.startswith("[")]
        return [line[1:].split("]")[0] for line in lines]

    return run


@pytest.mark.parametrize("name", ["rules/lfs.py", "rules/warm.txt", "rules/helper.py", "late.txt"])
def test_what_labeling_functions_read_and_import_is_tracked(
    run: Callable[[], list[str]], name: str
) -> None:
    assert run() == ["1-weak-label", "2-decide", "3-report"]
    Path("rules/other.txt").write_text("nobody reads this")
    Path(name).touch()
    assert run() == []
    Path(name).write_text(Path(name).read_text() + "\n")
    assert run()[0] == "1-weak-label"
    assert run() == []


def test_a_changed_price_or_guideline_reruns_what_shows_it_alone(
    run: Callable[[], list[str]],
) -> None:
    run()
    Path("labelkit.toml").write_text(TASK.replace("0.5", "0.7"))
    assert run() == ["3-report"]
    Path("labelkit.toml").write_text(TASK.replace("0.5", "0.7").replace("the opinion", "it all"))
    assert run() == []
    assert run() == []


def test_another_version_of_a_package_reruns_the_stages_that_use_it(
    run: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    versions = {"snorkel": "99"}
    usual = runner._version
    monkeypatch.setattr(runner, "_version", lambda name: versions.get(name) or usual(name))
    assert run() == ["1-weak-label"], "its output is the same, so nothing after it runs"
    versions["scikit-learn"] = "99"
    assert run() == ["1-weak-label", "2-decide"]
    assert run() == []


OPTIONS: dict[str, Any] = {"seed": 0, "features": "embedding:mine.py:embed"}


@pytest.mark.parametrize(
    ("table", "file"),
    [
        ({"answers": ["a.csv", "b.csv"]}, "b.csv"),
        ({"rule": [{"name": "x", "any_of": ["y"], "in_file": "words.txt"}]}, "words.txt"),
        ({"label-model": "model.py:combine"}, "model.py"),
        ({}, "mine.py"),
        ({"lf-report": "report.csv"}, None),
    ],
)
def test_files_in_lists_and_own_code_are_prerequisites(
    write: Any, table: dict[str, Any], file: str | None
) -> None:
    for name in ("a.csv", "b.csv", "words.txt", "model.py", "mine.py", "report.csv"):
        write(name, "x")
    task = Task(Path("labelkit.toml"), {"weak-label": {"functions": "lfs.py", **table}})
    plan = stages.make_plan(
        ["data.csv"], Path("out.csv"), Path("work"), task, OPTIONS, {"stages": "weak-label"}
    )
    reads = set(plan[0].reads)
    assert Path("report.csv") not in reads
    assert file is None or Path(file) in reads


def test_the_printed_makefile_knows_the_task_file_and_who_answers(
    run: Callable[[], list[str]], labelkit: Any
) -> None:
    base = ["pipeline", "data.csv", "-o", "out.csv", "--work-dir", "work"]
    run()
    made = labelkit(*base, "--stages", "weak-label,query,people,decide", "--print", "make").out
    assert "\nwork/1-weak-label.csv: data.csv rules/lfs.py labelkit.toml rules/" in made
    assert " rules/warm.txt" in made and " late.txt" in made
    answers = made[made.index("\nwork/answers-1.csv: | work/2-query.csv\n") :]
    assert answers.splitlines()[2].startswith(
        "\t@echo 'people label work/batch-1.csv: labelkit annotate work/batch-1.csv -o work/ans"
    )
    script = labelkit(*base, "--stages", "weak-label,query,people,decide", "--print", "sh").out
    assert "\ntest -e work/answers-1.csv || { echo 'people label work/batch-1.csv" in script


def test_what_a_users_own_part_reads_stands_in_the_history(
    run: Callable[[], list[str]], labelkit: Any, write: Any
) -> None:
    write("model.py", """
import numpy as np

def combine(votes, n_classes, prior, gold, seed):
    share = float(open("share.txt").read())
    return np.full((len(votes), n_classes), share)
""")  # fmt: skip
    write("share.txt", "0.5")
    done = labelkit("weak-label", "data.csv", "-o", "w.csv", "--label-model", "model.py:combine")
    assert done.code == 0, done.err
    read = history.read(Path("w.csv"))[-1]["inputs"]
    assert {"model.py", "share.txt", "rules/warm.txt", "late.txt"} <= set(read)
