"""A small task for the whole chain: reviews, labeling functions, a person who answers."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROWS = 60
LFS = """
def lf_warm(row):
    return "GOOD" if "warm" in row.text else None

def lf_stale(text):
    return "BAD" if "stale" in text else None
"""
CLASSES_OF_FILMS = """
[task]
text = ["text"]
classes = ["BAD", "GOOD"]
[cost]
human_label = 0.5
"""
RULES_OF_FILMS = """
[[weak-label.rule]]
name = "warm"
label = "GOOD"
column = "text"
any_of = ["warm"]
[[weak-label.rule]]
name = "dull"
label = "BAD"
column = "text"
any_of = ["dull"]
"""
STAGES = ("--stages", "weak-label,query,people,find-noise,decide,train")
BASE = ("reviews.csv", "-o", "labelled.csv", "--work-dir", "work", "--classes", "BAD,GOOD")
ROUND = ("--functions", "lfs.py", *STAGES, "-n", "8", "--audit", "12", "--features", "tfidf")


def truth(i: int) -> str:
    return "GOOD" if i % 3 else "BAD"


def film_rows(n: int) -> list[tuple[str, str]]:
    """Return the text and the true class of films.

    Half of the texts say nothing that a rule or a model of words could read.
    """
    words = {"GOOD": "warm", "BAD": "dull"}
    return [
        (f"a {words[truth(i)] if i % 2 else 'long'} film number {i}", truth(i)) for i in range(n)
    ]


def as_csv(rows: list[tuple[str, str]]) -> str:
    """Return films as a CSV file."""
    lines = [f"{i},{text},{gold}" for i, (text, gold) in enumerate(rows)]
    return "\n".join(["id,text,gold", *lines]) + "\n"


@pytest.fixture
def reviews(write: Any) -> None:
    words = {"GOOD": ["warm", "lovely", "bright"], "BAD": ["stale", "awful", "grim"]}
    lines = [
        f"{i:03d},a {words[truth(i)][i % 3]} and {words[truth(i)][(i + 1) % 3]} film number {i}"
        for i in range(ROWS)
    ]
    write("reviews.csv", "\n".join(["id,text", *lines]) + "\n")
    write("lfs.py", LFS)


@pytest.fixture
def pipeline(labelkit: Any, reviews: None) -> Callable[..., Any]:
    def run(*args: str) -> Any:
        return labelkit("pipeline", *BASE, *ROUND, *args)

    return run


@pytest.fixture
def asked(pipeline: Any, begin: Any) -> None:
    """The pipeline waits for people."""

    def run() -> None:
        assert pipeline().code == 3

    begin("a pipeline that asks", run)


@pytest.fixture
def finished(asked: None, pipeline: Any, begin: Any) -> None:
    """People have answered, and the pipeline has run to its end."""

    def run() -> None:
        answer()
        assert pipeline().code == 0

    begin("a pipeline that is finished", run)


def answer(mistakes: int = 0) -> None:
    """Play the person: fill in the batch by the truth, but for the first few."""
    with Path("work/batch-1.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with Path("work/answers-1.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        for i, row in enumerate(rows):
            other = {"GOOD": "BAD", "BAD": "GOOD"}[truth(int(row["id"]))]
            label = other if i < mistakes else truth(int(row["id"]))
            writer.writerow({**row, "label": label})


def cells(name: str, *columns: str) -> list[tuple[str, ...]]:
    """Return some columns of a CSV file, row by row."""
    with Path(name).open(newline="") as stream:
        return [tuple(row[column] for column in columns) for row in csv.DictReader(stream)]
