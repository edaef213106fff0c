"""The whole chain in one command: run, wait for people, go on, resume, print itself."""

import csv
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import BASE, LFS, ROUND, ROWS, answer, truth

COMMAND = [sys.executable, "-m", "labelkit", "pipeline", *BASE, *ROUND]


def outputs() -> dict[str, bytes]:
    """The labelled data of the output and of each stage, without what is told of times."""
    paths = [Path("labelled.csv"), *sorted(Path("work").glob("*.csv"))]
    return {str(path): path.read_bytes() for path in paths}


def test_it_waits_for_people_goes_on_and_then_has_nothing_to_do(pipeline: Any) -> None:
    asked = pipeline()
    assert (asked.code, asked.out) == (3, ""), asked.err
    assert "people are needed: work/batch-1.csv holds the rows to label" in asked.err
    asks = "\nlabel them: labelkit annotate work/batch-1.csv -o work/answers-1.csv"
    assert asks in asked.err
    assert "save it as work/answers-1.csv\nthen go on: labelkit" in asked.err
    assert not Path("labelled.csv").exists()
    with Path("work/batch-1.csv").open(newline="") as stream:
        batch = list(csv.DictReader(stream))
    assert len(batch) == 20
    assert sum(row["label_origin"] == "audit" for row in batch) == 12
    assert {row["label"] for row in batch} == {""}

    answer()
    done = pipeline()
    assert done.code == 0, done.err
    assert "[1-weak-label]" not in done.err, "what is fresh is skipped"
    with Path("labelled.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == [f"{i:03d}" for i in range(ROWS)]
    people = [row for row in rows if row["label"]]
    assert len(people) == 20
    assert {row["final_source"] for row in people} == {"people"}
    assert all(row["final_label"] == truth(int(row["id"])) for row in people)
    assert Path("work/final.model").exists()
    page = Path("work/report.html").read_text("utf-8")
    for words in ("Labels of labelled.csv", "12 audit rows", "lf_warm", "Trained models"):
        assert words in page
    for words in ("labels by source", "people: 20 labels", "all 60 by hand", "12 audit rows"):
        assert words in done.err

    before = {path: path.stat().st_mtime_ns for path in Path("work").rglob("*")}
    again = pipeline()
    assert again.code == 0
    assert "pipeline: nothing to do, all 7 stages are fresh -> labelled.csv" in again.err
    assert not pipeline("-q").err, "saying less is no change"
    after = {path: path.stat().st_mtime_ns for path in Path("work").rglob("*")}
    assert after == before


def test_with_nothing_to_do_no_data_library_is_loaded(
    pipeline: Any, labelkit_process: Any, finished: None
) -> None:
    again = labelkit_process("pipeline", *BASE, *ROUND, PYTHONPROFILEIMPORTTIME="1")  # fmt: skip
    assert "pipeline: nothing to do" in again.err
    loaded = {line.split("|")[-1].strip() for line in again.err.splitlines() if "|" in line}
    assert "labelkit.pipeline.runner" in loaded
    assert not loaded & {"numpy", "pandas", "pyarrow", "scipy", "sklearn", "openai"}


def test_a_change_runs_again_what_depends_on_it(pipeline: Any, finished: None) -> None:
    Path("lfs.py").write_text(LFS + "\ndef lf_grim(text):\n    return 'BAD' if 'grim' in text "
                              "else None\n")  # fmt: skip
    changed = pipeline()
    assert changed.code == 0, changed.err
    assert "[1-weak-label]" in changed.err
    answer(mistakes=1)
    changed = pipeline()
    assert changed.code == 0, changed.err
    assert "[1-weak-label]" not in changed.err
    assert "[2-query]" not in changed.err
    assert "[3-people]" in changed.err
    assert "[5-decide]" in changed.err


@pytest.mark.slow
def test_the_printed_script_and_makefile_do_the_same(pipeline: Any, finished: None) -> None:
    once = outputs()
    bin_folder = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}

    script = pipeline("--print", "sh")
    assert script.code == 0
    assert script.out.startswith("#!/bin/sh\nset -eu\nmkdir -p work\nlabelkit weak-label reviews")
    Path("run.sh").write_text(script.out)
    _forget_outputs()
    subprocess.run(["sh", "run.sh"], check=True, capture_output=True, env=env)
    assert outputs() == once

    Path("Makefile").write_text(pipeline("--print", "make").out)
    _forget_outputs()
    made = subprocess.run(["make"], check=True, capture_output=True, text=True, env=env)
    assert outputs() == once
    assert made.stdout.count("labelkit ") == 7
    idle = subprocess.run(["make"], check=True, capture_output=True, text=True, env=env)
    assert "labelkit" not in idle.stdout
    time.sleep(0.05)
    Path("work/answers-1.csv").touch()
    remade = subprocess.run(["make"], check=True, capture_output=True, text=True, env=env)
    assert [line.split()[1] for line in remade.stdout.splitlines()] == [
        "merge", "find-noise", "decide", "train", "report",
    ]  # fmt: skip


def _forget_outputs() -> None:
    answers = Path("work/answers-1.csv").read_bytes()
    shutil.rmtree("work")
    for path in Path().glob("labelled.csv*"):
        path.unlink()
    Path("work").mkdir()
    Path("work/answers-1.csv").write_bytes(answers)
    Path("work/pipeline.json").write_text("{}")


@pytest.mark.parametrize(
    ("stage", "moment"),
    [
        pytest.param("1-weak-label", 0.0, marks=pytest.mark.slow),
        pytest.param("2-query", 0.2, marks=pytest.mark.slow),
        ("4-find-noise", 0.0),
        pytest.param("6-train", 0.1, marks=pytest.mark.slow),
    ],
)
def test_killed_at_any_moment_it_goes_on(
    stage: str, moment: float, pipeline: Any, tmp_path: Path, finished: None
) -> None:
    once = outputs()
    _forget_outputs()
    process = subprocess.Popen(COMMAND, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    # Answers may lie there before the batch does: the keys are what counts.
    for line in process.stderr:
        if line.startswith(f"[{stage}]"):
            break
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    gone_on = pipeline()
    assert gone_on.code == 0, gone_on.err
    assert outputs() == once


@pytest.mark.parametrize(
    "stage",
    [
        pytest.param("1-weak-label", marks=pytest.mark.slow),
        pytest.param("4-find-noise", marks=pytest.mark.slow),
        "6-train",
    ],
)
def test_interrupted_in_a_stage_it_says_so_and_goes_on(
    stage: str, pipeline: Any, asked: None
) -> None:
    answer()
    process = subprocess.Popen([*COMMAND, "--seed", "1"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(f"[{stage}]"):
            process.send_signal(signal.SIGINT)
            break
    said = process.stderr.read()
    assert process.wait() == 130, said
    assert said.splitlines()[-1].startswith("error: interrupted; no output was written")
    assert f"pipeline: interrupted in stage {stage}; what the stages before" in said
    assert not Path("labelled.csv").exists() or stage == "6-train"
    assert pipeline("--seed", "1").code == 0


def test_two_runs_in_one_folder_are_refused(pipeline: Any) -> None:
    Path("work").mkdir()
    with Path("work/pipeline.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        found = pipeline()
    assert found.code == 1
    assert "error: another pipeline is running in work; wait for it" in found.err


def test_a_stage_that_fails_is_named(pipeline: Any) -> None:
    Path("lfs.py").write_text("def lf_a(row)\n    return None\n")
    found = pipeline()
    assert found.code in (1, 2)
    assert "error: stage 1-weak-label: lfs.py" in found.err
    assert not Path("labelled.csv").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--stages", "weak-lable"), "'weak-lable' is not a stage; did you mean 'weak-label'?"),
        (("--stages", "people,query"), "people answer what query asks; put query before people"),
        (("--stages", "query,train"), "train needs labels; put a stage that labels before it"),
        (("--stages", "train"), "train needs labels"),
        (("--print", "bat"), "--print 'bat': choose sh or make"),
    ],
)
def test_plans_that_cannot_be(args: tuple[str, ...], message: str, pipeline: Any) -> None:
    found = pipeline(*args)
    assert (found.code, found.out) == (2, "")
    assert message in found.err


def test_a_folder_of_something_else_is_left_alone(pipeline: Any, write: Any) -> None:
    write("work/thesis.txt", "years of work")
    found = pipeline()
    assert found.code == 2
    assert "work is not a work directory of labelkit and not empty (thesis.txt)" in found.err
    assert Path("work/thesis.txt").read_text() == "years of work"


def test_no_work_dir_and_no_file(labelkit: Any, reviews: None) -> None:
    found = labelkit("pipeline", "reviews.csv", "-o", "o.csv")
    assert found.code == 2
    assert "pipeline needs --work-dir DIR" in found.err
    found = labelkit("pipeline", "none.csv", "-o", "o.csv", "--work-dir", "work")
    assert found.code == 2
    assert "there is no file none.csv" in found.err


def test_the_task_file_gives_stages_and_their_options(labelkit: Any, reviews: None) -> None:
    Path("labelkit.toml").write_text(
        '[task]\nclasses = ["BAD", "GOOD"]\n[cost]\nhuman_label = 1\nhuman_seconds = 36\n'
        '[weak-label]\nfunctions = "lfs.py"\n[query]\nn = 4\naudit = 3\n'
        '[pipeline]\nstages = ["weak-label", "query", "people", "decide"]\n'
    )
    args = ("pipeline", "reviews.csv", "-o", "labelled.csv", "--work-dir", "work")
    asked = labelkit(*args)
    assert asked.code == 3, asked.err
    answer()
    done = labelkit(*args)
    assert done.code == 0, done.err
    assert "people: 7 labels" in done.err
    cost = next(line for line in done.err.splitlines() if line.startswith("people: 7 labels"))
    assert cost.split()[-2:] == ["7.000", "0.070"]
    Path("labelkit.toml").write_text('[pipeline]\nstagess = ["decide"]\n')
    found = labelkit(*args)
    assert found.code == 2
    assert "labelkit.toml, line 2: [pipeline] 'stagess' is not a known key; did you mean" in (
        found.err
    )


def test_gold_measures_and_teaches_nothing(labelkit: Any, reviews: None) -> None:
    stages = ("--stages", "llm-label,query,people,decide", "--model", "local", "--print", "sh")
    lines = labelkit("pipeline", *BASE, *stages, "--gold", "gold").out.splitlines()
    asked, decided = (
        next(line for line in lines if f"labelkit {name} " in line)
        for name in ("llm-label", "decide")
    )
    assert "--gold" not in asked and "--gold gold" in decided
    Path("labelkit.toml").write_text('[task]\ngold = "gold"\n')
    lines = labelkit("pipeline", *BASE, *stages).out.splitlines()
    assert "--gold ''" in next(line for line in lines if "labelkit llm-label " in line)


def test_a_column_plays_the_person_in_a_rehearsal(labelkit: Any, reviews: None) -> None:
    lines = Path("reviews.csv").read_text().splitlines()
    told = [lines[0] + ",said", *(f"{line},{truth(int(line[:3]))}" for line in lines[1:])]
    Path("reviews.csv").write_text("\n".join(told) + "\n")
    stages = ("--stages", "weak-label,query,people,decide", "-n", "8", "--audit", "12")
    args = ("pipeline", *BASE, "--functions", "lfs.py", *stages, "--oracle", "said")
    done = labelkit(*args)
    assert done.code == 0, done.err
    assert "people: 20 labels" in done.err and "from 12 audit rows" in done.err
    with Path("labelled.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    people = [row for row in rows if row["label"]]
    assert sorted(row["label_origin"] for row in people) == ["audit"] * 12 + ["query"] * 8
    assert all(row["label"] == row["said"] for row in people)
    assert {row["label_annotator"] for row in people} == {"oracle"}
    again = labelkit(*args)
    assert "nothing to do" in again.err


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--gold", "label"), 2, "--oracle said is the truth too; leave --gold label out"),
        (("--answers", "a.csv"), 2, "--oracle plays the person whose --answers are given"),
        (("--print", "sh"), 2, "none of them plays a person; leave --oracle out"),
    ],
)
def test_rehearsals_that_cannot_be(
    args: tuple[str, ...], code: int, message: str, pipeline: Any
) -> None:
    found = pipeline("--oracle", "said", *args)
    assert (found.code, found.out) == (code, "")
    assert message in found.err


def test_a_rehearsal_needs_its_column(pipeline: Any) -> None:
    found = pipeline("--oracle", "sad")
    assert found.code == 1
    assert "'sad'" in found.err
