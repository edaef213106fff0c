"""The classes that a step knew travel with the batch to those who label it."""

import csv
import json
from pathlib import Path

import pytest

CLASSES = [f"intent {i}" for i in range(30)]


@pytest.fixture
def queried(labelkit):
    """A batch of five rows of a file with thirty declared classes, four of which were voted."""
    with Path("a.csv").open("w", newline="") as stream:
        rows = [[f"r{i}", f"word{i % 4} text {i}"] for i in range(40)]
        csv.writer(stream).writerows([["id", "text"], *rows])
    keywords = [part for i in range(4) for part in ("--keyword", f"intent {i}=word{i}")]
    done = labelkit(
        *("weak-label", "a.csv", "-o", "w.csv", "--classes", ",".join(CLASSES), *keywords)
    )
    assert done.code == 0, done.err
    done = labelkit(
        *(
            [
                "query",
                "w.csv",
                "-o",
                "q.csv",
                "-n",
                "5",
                "--features",
                "tfidf",
                "--batch",
                "todo.csv",
            ]
        )
    )
    assert done.code == 0, done.err


def test_annotate_offers_all_classes(labelkit, queried):
    done = labelkit("annotate", "todo.csv", "--plain")
    assert all(name in done.err + done.out for name in CLASSES[:9])
    assert json.loads(Path("todo.csv.history.json").read_text())["steps"][-1]["classes"] == CLASSES


def test_export_offers_all_classes(labelkit, queried):
    done = labelkit(
        *["export", "todo.csv", "-o", "t.json", "--to", "label-studio", "--summary", "s.json"]
    )
    assert done.code == 0, done.err
    assert json.loads(Path("s.json").read_text())["classes"] == 30
