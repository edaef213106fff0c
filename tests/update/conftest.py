"""Films of May that a pipeline has labelled: by rules, a language model for the rest, people."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import CLASSES_OF_FILMS, RULES_OF_FILMS, truth
from tests.servers import chat_server

MAY = 40
LLM = '[llm-label]\nmodel = "tiny"\nprice = [1000, 2000]\nwhere = "weak_label is empty"\n'
STAGES = "weak-label,llm-label,query,people,decide"
UPDATE = ("update", "june.csv", "--from", "may.work", "-o", "june_out.csv")
FINAL = ("final_label", "final_confidence", "final_source")

Row = dict[str, str]


def film(i: int) -> Row:
    """Return a film; the rules read every other one, the language model all."""
    words = {"GOOD": ("warm", "quiet warmth"), "BAD": ("dull", "long")}
    return {"id": f"f{i}", "text": f"a {words[truth(i)][i % 2]} film number {i}", "gold": truth(i)}


def films(first: int, last: int) -> list[Row]:
    return [film(i) for i in range(first, last)]


def save(name: str, rows: list[Row]) -> None:
    with Path(name).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def rows_of(name: str) -> list[Row]:
    with Path(name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def final(rows: list[Row]) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in FINAL) for row in rows]


def answer(folder: str, number: int = 1) -> list[Row]:
    """Play the person of a batch: every label is the true one; return the batch."""
    batch = rows_of(f"{folder}/batch-{number}.csv")
    save(f"{folder}/answers-{number}.csv", [
        row | {"label": truth(int(row["text"].split()[-1]))} for row in batch
    ])  # fmt: skip
    return batch


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the language model is asked."""
    found: list[str] = []
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with chat_server(asked=found) as url:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        yield found


@pytest.fixture
def may(labelkit: Callable[..., Any], words_alone: None, asked: list[str], begin: Any) -> None:
    """The finished run of May, whose batch people have answered."""

    def run() -> None:
        save("may.csv", films(0, MAY))
        Path("labelkit.toml").write_text(CLASSES_OF_FILMS + LLM + RULES_OF_FILMS)
        args = ("pipeline", "may.csv", "-o", "may_out.csv", "--work-dir", "may.work")
        args += ("--stages", STAGES, "-n", "6", "--audit", "10", "--gold", "gold")
        assert labelkit(*args).code == 3
        answer("may.work")
        done = labelkit(*args)
        assert done.code == 0, done.err

    begin("the run of May", run)
    asked.clear()
