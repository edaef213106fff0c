"""Each test does one topic of the lecture, and writes or checks its section of docs/lecture.md."""

import csv
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Result
from tests.lecture import make_data

PAGE = ROOT / "docs" / "lecture.md"
HERE = Path(__file__).parent
WRITES = "LABELKIT_WRITE_LECTURE"
PARTS = {
    "test_cost": "What labels cost",
    "test_active_learning": "Active learning",
    "test_weak_supervision": "Weak supervision",
    "test_language_models": "Labels by a language model",
    "test_noise": "Wrong labels",
    "test_combined": "All of it together",
}
INTRODUCTION = """\
# The course, topic by topic

Each topic of a course on cheaper labels: the command that does it, and what it prints. The page is
written by the tests in `tests/lecture/`, which also check that the result is what the topic
teaches; a test fails where the page is outdated. `make lecture` writes it again.

To type the commands, make the files that they read (all made up), and go there:

```console
$ python tests/lecture/make_data.py build/lecture && cd build/lecture
```

Of what a command says only the lines that matter here are shown; `…` stands for the others.
"""
_SECTION = re.compile(r"^<!-- (\w+)::(\w+) -->\n(.*?)(?=^<!-- |^## |\Z)", re.M | re.S)


def sections() -> dict[tuple[str, str], str]:
    """Return the text of each section of the page by test file and test."""
    if not PAGE.is_file():
        return {}
    page = PAGE.read_text("utf-8")
    return {(part, test): text.strip() for part, test, text in _SECTION.findall(page)}


def topics() -> list[tuple[str, str]]:
    """Return the tests that show a topic, in the order of the page."""
    return [
        (part, test)
        for part in PARTS
        for test, arguments in re.findall(
            r"^def (test_\w+)\(\s*(.*?)\)", (HERE / f"{part}.py").read_text("utf-8"), re.M | re.S
        )
        if "slide: " in arguments
    ]


def write_section(part: str, test: str, text: str) -> None:
    """Put a section into the page, and leave out those whose test is gone."""
    known = sections() | {(part, test): text}
    blocks = [INTRODUCTION]
    for name, title in PARTS.items():
        blocks.append(f"## {title}\n")
        blocks += [
            f"<!-- {name}::{each} -->\n{known[name, each]}\n"
            for own, each in topics()
            if own == name and (own, each) in known
        ]
    PAGE.write_text("\n".join(blocks), "utf-8")


class Slide:
    """One topic: what is typed, what comes out, what it teaches."""

    def __init__(self, labelkit: Callable[..., Result]) -> None:
        self._labelkit, self._blocks = labelkit, list[str]()

    def topic(self, title: str, *sentences: str) -> None:
        """Begin the section: its title, and what is shown in a sentence or two."""
        self._blocks.append(f"### {title}\n\n{' '.join(sentences)}".strip())

    def say(self, *sentences: str) -> None:
        """Add a paragraph."""
        self._blocks.append(" ".join(sentences))

    def run(self, line: str, says: Sequence[str] = (), code: int = 0, table: int = 0) -> Result:
        """Run a line and show it with the lines that hold one of the texts `says`.

        Each of these must be there. `table`: how many lines of stdout are shown too, -1 for all.
        """
        command = shlex.split(line.replace("\\\n", " "))
        assert command[0] == "labelkit"
        done = self._labelkit(*command[1:])
        assert done.code == code, done.err
        shown = done.out.splitlines()
        shown = [part.rstrip() for part in (shown if table < 0 else shown[:table])]
        if 0 < table < len(done.out.splitlines()):
            shown.append("…")
        said = done.err.splitlines()
        for text in says:
            assert any(text in one for one in said), f"{text!r} is not in:\n{done.err}"
        said = [one.rstrip() for one in said if not one.startswith("next: ")]
        shown += [one for one in said if any(text in one for text in says)]
        self._block("console", "\n".join([f"$ {line}", *shown]))
        return done

    def show(self, path: str, *columns: str, where: Any = None) -> list[dict[str, str]]:
        """Show columns of a CSV file, of the rows that `where` takes; return all rows."""
        rows = cells(path)
        self.table([row for row in rows if where is None or where(row)], columns)
        return rows

    def table(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
        """Show some columns of rows."""
        lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
        lines += [" | ".join(_cell(row[name]) for name in columns) for row in rows]
        self._blocks.append("\n".join(f"| {line} |" for line in lines))

    def file(self, path: str) -> None:
        """Show a file that a command reads."""
        language = {".py": "python", ".toml": "toml"}.get(Path(path).suffix, "text")
        self._block(language, Path(path).read_text("utf-8").rstrip())

    def _block(self, language: str, text: str) -> None:
        self._blocks.append(f"```{language}\n{text}\n```")

    def text(self) -> str:
        """Return the section."""
        return "\n\n".join(self._blocks)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    report = yield
    if call.when == "call":
        item.stash[_PASSED] = report.passed
    return report


_PASSED = pytest.StashKey[bool]()


@pytest.fixture
def slide(
    request: pytest.FixtureRequest, labelkit: Callable[..., Result], kept: Path, tmp_path: Path
) -> Iterator[Slide]:
    """A topic in a folder with the data; at its end its section of the page is checked."""
    files = kept / "lecture"
    if not files.exists():
        files.mkdir()
        make_data.make(files)
    for path in files.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    slide = Slide(labelkit)
    yield slide
    if not request.node.stash.get(_PASSED, False):
        return
    part, test = request.path.stem, request.function.__name__
    if os.environ.get(WRITES):
        write_section(part, test, slide.text())
    page = sections().get((part, test), "")
    assert page == slide.text(), "docs/lecture.md is outdated: write it again by `make lecture`"


def _cell(value: Any) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|")


def cells(path: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def answer(batch: str, answers: str, truth: dict[str, str]) -> int:
    """Play the person who fills in a batch; return the number of rows."""
    rows = cells(batch)
    with Path(answers).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "label": truth[row["id"]]} for row in rows)
    return len(rows)
