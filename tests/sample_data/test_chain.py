"""The demo three ways: as a pipeline, as a script and as a Makefile; the labels are the same."""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLE
from tests.servers import chat_server

STAGES = [
    *("weak-label", "llm-label", "query", "merge"),
    *("decide", "find-noise", "decide", "train"),
]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """The sample data with its task, but for the model: an endpoint that answers at once."""
    shutil.copytree(SAMPLE, tmp_path / "sample_data")
    shutil.copy(ROOT / "Makefile", tmp_path)
    task = tmp_path / "sample_data/labelkit.toml"
    with chat_server("good", ("NEGATIVE", "POSITIVE")) as url:
        text = re.sub(r'model = "local".*', f'model = "tiny"\nbase-url = "{url}"', task.read_text())
        task.write_text(text)
        yield tmp_path


def run(project: Path, *command: str) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "OPENAI_API_KEY": "k"}
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def labels(path: Path) -> list[tuple[str, str, str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        names = ("id", "final_label", "final_confidence", "final_source")
        return [tuple(row[name] for name in names) for row in csv.DictReader(stream)]  # type: ignore[misc]


def demo_command() -> list[str]:
    """The command of `make demo`, from the Makefile."""
    recipe = (ROOT / "Makefile").read_text().split("\ndemo:")[1].split("\n\n")[0]
    command = re.search(r"\$\(BIN\)/(labelkit pipeline .*?)\n\t@", recipe, re.S)
    assert command is not None
    return command[1].replace("\\\n", " ").replace("$(DEMO)", "build/demo").split()


@pytest.mark.slow
def test_three_ways_to_the_same_labels(project: Path) -> None:
    (project / "build").mkdir()
    said = run(project, *demo_command())
    assert "all 800 by hand" in said
    piped = labels(project / "build/reviews.labelled.csv")
    assert len(piped) == 800
    assert all(label for _, label, _, _ in piped)

    run(project, "sh", "sample_data/chain.sh")
    assert labels(project / "build/chain/labelled.csv") == piped

    made = run(project, "make", "-f", "sample_data/Makefile")
    assert labels(project / "build/made/labelled.csv") == piped
    assert re.findall(r"^labelkit ([\w-]+)", made, re.M) == STAGES

    (project / "sample_data/answers.csv").touch()
    made = run(project, "make", "-f", "sample_data/Makefile")
    assert re.findall(r"^labelkit ([\w-]+)", made, re.M) == STAGES[3:]
