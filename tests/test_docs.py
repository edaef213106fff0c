"""What the pages tell people to type is typed here: the README's blocks and each help's example."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labelkit.config.commands import COMMANDS
from tests.conftest import ROOT, SAMPLE

# Each reads what those before it have written.
IN_ORDER = (
    "weak-label", "llm-label", "query", "annotate", "merge", "export", "import", "find-noise",
    "decide", "train", "predict", "evaluate", "simulate", "history", "report", "init", "plan",
    "doctor", "cache", "pipeline", "update",
)  # fmt: skip
WAITS_FOR_PEOPLE = 3


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run lines as a reader of the README would, with labelkit installed."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        ["sh", "-e"],
        input=script,
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=1200,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the sample data, as a clone has it."""
    shutil.copytree(SAMPLE, tmp_path / "sample_data")
    (tmp_path / "build").mkdir()
    return tmp_path


def examples_of(help_page: str) -> list[str]:
    """Return the commands under `Example:`, each on one line."""
    after = re.split(r"Examples?:\n", help_page)[1].split("\n\n")[0]
    return [line.strip() for line in re.sub(r"\\\n\s*", "", after).splitlines()]


@pytest.mark.slow
def test_the_example_of_each_help_page_runs(project: Path, labelkit: Any) -> None:
    assert sorted(IN_ORDER) == sorted(COMMANDS)
    for name in IN_ORDER:
        lines = examples_of(labelkit(name, "--help").out)
        assert lines
        if name == "update":  # it goes on from a run that is finished
            pipeline = examples_of(labelkit("pipeline", "--help").out)[0]
            assert shell(f"{pipeline} --stages weak-label,decide", project).returncode == 0
        for line in lines:
            assert shlex.split(line)[:2] == ["labelkit", name]
            done = shell(line, project)
            wanted = WAITS_FOR_PEOPLE if name == "pipeline" else 0
            assert done.returncode == wanted, f"{line}\n{done.stderr}"


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)


@pytest.mark.slow
def test_the_readme_runs(project: Path) -> None:
    scripts = blocks(ROOT / "README.md", "sh")
    assert len(scripts) >= 3
    for script in scripts:
        done = shell(script, project)
        assert done.returncode == 0, f"{script}\n{done.stderr}"


def test_the_readme_names_every_command_and_knows_no_other() -> None:
    page = (ROOT / "README.md").read_text("utf-8")
    named = set(re.findall(r"`labelkit ([a-z][a-z-]*)", page)) | set(
        re.findall(r"^\$ labelkit ([a-z-]+)", page, re.M)
    )
    assert named == set(COMMANDS)


def test_task_tables_shown_in_the_readme_are_valid(project: Path, labelkit: Any) -> None:
    for number, text in enumerate(blocks(ROOT / "README.md", "toml")):
        path = project / f"{number}.toml"
        path.write_text(text)
        found = labelkit("weak-label", "none.csv", "-o", "o.csv", "--task", path)
        assert "there is no file none.csv" in found.err, text
