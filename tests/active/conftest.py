"""Files to query: reviews of two classes, and a table of numbers; running it, promises kept."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WORDS = {
    "POS": ["warm", "lovely", "bright", "moving", "clever", "tender"],
    "NEG": ["stale", "awful", "grim", "dull", "clumsy", "hollow"],
}
_TOWN = "the story of two people in a town by sea with music and some long talk at night"
PLAIN = _TOWN.split()


def truth(i: int) -> str:
    """The class of a row."""
    return "POS" if i % 3 else "NEG"


def review(i: int) -> str:
    """A text of the row's class, unlike the others."""
    rng = np.random.default_rng(i)
    said = [*rng.choice(WORDS[truth(i)], 2), *rng.choice(PLAIN, 6), f"w{i}"]
    return " ".join(rng.permutation(said).tolist())


def read(path: str | Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with Path(path).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def save(path: str | Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as a CSV file."""
    with Path(path).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)


def answer(batch: str | Path, to: str | Path) -> None:
    """Play the person: fill in the batch by the truth."""
    save(to, [{**row, "label": truth(int(row["id"]))} for row in read(batch)])


def run(labelkit, *args, name="reviews.csv"):
    done = labelkit("query", name, "-o", "out.csv", *args)
    assert done.code == 0, done.err
    assert done.out == ""
    return done


def refused(labelkit, *args, name="reviews.csv"):
    done = labelkit("query", name, "-o", "out.csv", *args)
    assert done.code in (1, 2)
    assert "Traceback" not in done.err
    assert not Path("out.csv").exists()
    return done


def ranked(path="out.csv"):
    rows = [row for row in read(path) if row["query_rank"]]
    return sorted(rows, key=lambda row: int(row["query_rank"]))


def check_output(rows, batch=None, pool=None):
    """The promises that hold for every output: ranks, scores, reasons, the batch."""
    asked = sorted((int(row["query_rank"]), row["id"]) for row in rows if row["query_rank"])
    assert [rank for rank, _ in asked] == list(range(1, len(asked) + 1))
    for row in rows:
        in_pool = row["label"] == "" if pool is None else row["id"] in pool
        assert (row["query_score"] != "") == in_pool
        assert (row["query_reason"] != "") == (row["query_rank"] != "")
        # A row of the audit sample that was chosen and answered before is asked again.
        assert in_pool or not row["query_rank"] or row.get("label_origin") in ("query", "relabel")
    if batch is not None:
        assert [row["id"] for row in batch] == [key for _, key in asked]
        assert {row["label"] for row in batch} <= {""}


@pytest.fixture
def reviews(tmp_path: Path) -> Callable[..., Path]:
    """Make reviews.csv: `labelled` rows have a label, more columns come from functions of i."""

    def make(rows: int = 60, labelled: int = 0, **more: Callable[[int], Any]) -> Path:
        path = tmp_path / "reviews.csv"
        save(
            path,
            [
                {
                    "id": str(i),
                    "text": review(i),
                    "label": truth(i) if i < labelled else "",
                    **{name: made(i) for name, made in more.items()},
                }
                for i in range(rows)
            ],
        )
        return path

    return make


@pytest.fixture
def numbers(tmp_path: Path) -> Callable[..., Path]:
    """Make numbers.csv: a table without text, with empty and infinite cells."""

    def make(rows: int = 60, labelled: int = 12) -> Path:
        rng = np.random.default_rng(7)
        path = tmp_path / "numbers.csv"
        save(
            path,
            [
                {
                    "id": str(i),
                    "size": "" if i % 7 == 0 else f"{rng.normal(3.0 * (i % 3 > 0)):.3f}",
                    "weight": f"{rng.lognormal():.3f}" if i % 11 else "1e308",
                    "kind": ["red", "blue", "green"][i % 3],
                    "label": truth(i) if i < labelled else "",
                }
                for i in range(rows)
            ],
        )
        return path

    return make


@pytest.fixture(autouse=True)
def no_embedding(words_alone: None) -> None:
    """Texts are words here."""
