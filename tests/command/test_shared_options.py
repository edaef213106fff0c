"""The options that read alike everywhere do the same in each command that annotates."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from labelkit.errors import LabelkitError

ROWS = 24
WORDS = {"bad": ("dull", "grim"), "good": ("lovely", "warm")}
CASES: dict[str, tuple[str, ...]] = {
    "weak-label": ("in.csv", "--keyword", "good=lovely", "--keyword", "bad=dull"),
    "llm-label": ("in.csv", "--model", "replay:llm.jsonl", "--classes", "bad,good"),
    "query": ("in.csv", "-n", "2", "--features", "tfidf"),
    "find-noise": ("in.csv", "--label", "given", "--features", "tfidf"),
    "decide": ("in.csv", "--label", "given", "--no-own-model"),
    "merge": ("in.csv", "answers.csv"),
    "predict": ("films.model", "in.csv"),
}


def truth(i: int) -> str:
    return "good" if i % 3 else "bad"


@pytest.fixture
def files(write: Any, labelkit: Any) -> None:
    """What each case reads; in a spreadsheet's way, and a task file that nobody may read."""
    texts = [f"a {WORDS[truth(i)][i % 2]} film in café {i}" for i in range(ROWS)]
    lines = [f"{i};{text};{truth(i)}\r\n" for i, text in enumerate(texts)]
    write("in.csv", "".join(["id;text;given\r\n", *lines]).encode("cp1252"))
    said = [json.dumps({"text": text, "label": truth(i)}) for i, text in enumerate(texts)]
    write("llm.jsonl", "\n".join(said) + "\n")
    write("answers.csv", "id,label\n" + "".join(f"{i},{truth(i)}\n" for i in range(ROWS)))
    made = labelkit(
        *("train", "in.csv", "-o", "films.model", "--label", "given", "--features", "tfidf"),
        *("--delimiter", ";", "--encoding", "cp1252"),
    )
    assert made.code == 0, made.err
    write("labelkit.toml", "[task]\nnonsense = true\n")


def rows_of(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="cp1252") as stream:
        return list(csv.DictReader(stream, delimiter=";"))


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", CASES)
def test_options_of_files_and_rows(name: str, labelkit: Any) -> None:
    reading = ("--delimiter", ";", "--encoding", "cp1252", "--no-task", "--seed", "3", "--quiet")
    acting = ("--where", "id >= 12", "--as", "mine", "--summary", "s.json")
    given = Path("in.csv").read_bytes()
    done = labelkit(name, *CASES[name], "-o", "out.csv", *reading, *acting)
    assert done.code == 0, done.err
    assert all(line.startswith("warning: ") for line in done.err.splitlines())
    rows = rows_of("out.csv")
    ours = [column for column in rows[0] if column not in ("id", "text", "given")]
    assert ours and all(column.startswith("mine_") for column in ours)
    assert {row[column] for row in rows[:12] for column in ours} == {""}
    assert any(row[column] for row in rows[12:] for column in ours)
    for line, before in zip(
        Path("out.csv").read_bytes().splitlines(), given.splitlines(), strict=True
    ):
        assert line.startswith(before)
    assert json.loads(Path("s.json").read_text())["schema"] == 1
    done = labelkit(name, *CASES[name], "--in-place", "--sample", "5", *reading)
    assert done.code == 0, done.err
    rows = rows_of("in.csv")
    ours = [column for column in rows[0] if column not in ("id", "text", "given")]
    assert 1 <= sum(any(row[column] for column in ours) for row in rows) <= 5


@pytest.mark.usefixtures("files")
def test_what_is_said_of_mistakes(labelkit: Any) -> None:
    typed = ("weak-label", *CASES["weak-label"], "-o", "out.csv")
    done = labelkit(*typed)
    assert done.code == 2 and "'nonsense' is not a known key" in done.err
    done = labelkit(*typed, "--no-task", "--seed", "-1")
    assert done.code == 2 and "--seed -1: give 0 or more" in done.err
    done = labelkit(*typed, "--no-task", "--encoding", "cp1252")
    assert done.code == 2 and "--delimiter ';'" in done.err
    done = labelkit(*typed, "--no-task", "--delimiter", ";")
    assert done.code == 1 and "--encoding cp1252" in done.err
    with pytest.raises(LabelkitError, match="--encoding cp1252"):
        labelkit(*typed, "--no-task", "--delimiter", ";", "--debug")
    assert not Path("out.csv").exists()
