"""The sample data is what its README says, and can be made again."""

import csv
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "sample_data"
CLASSES = {"NEGATIVE", "POSITIVE"}


def rows_of(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


@pytest.fixture(scope="module")
def reviews() -> list[dict[str, str]]:
    return rows_of("reviews.csv")


@pytest.fixture(scope="module")
def answers() -> list[dict[str, str]]:
    return rows_of("answers.csv")


def test_generator_writes_the_committed_files_byte_for_byte(tmp_path: Path) -> None:
    command = [sys.executable, "-S", str(FOLDER / "make_reviews.py"), str(tmp_path)]
    subprocess.run(command, check=True)
    for name in ("reviews.csv", "answers.csv"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_columns_and_size(reviews: list[dict[str, str]]) -> None:
    names = ["id", "title", "text", "rating", "awards", "box_office", "year", "gold"]
    assert list(reviews[0]) == names
    assert len(reviews) == 800


def test_ids_are_unique_and_some_need_to_stay_text(reviews: list[dict[str, str]]) -> None:
    ids = [row["id"] for row in reviews]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"rv-[0-9a-f]{6}|\d{5}", key) for key in ids)
    assert sum(key.startswith("0") for key in ids) > 10


def test_texts_are_all_different_and_finished(reviews: list[dict[str, str]]) -> None:
    texts = [row["text"] for row in reviews]
    assert len({text.casefold() for text in texts}) >= len(texts) - 10
    for text in texts:
        assert text == text.strip()
        assert not re.search(r"[{}\[\]|~]|  | [,.]", text), text


def test_cells_are_as_awkward_as_real_ones(reviews: list[dict[str, str]]) -> None:
    texts = [row["text"] for row in reviews]
    assert sum("\n" in text for text in texts) >= 40
    assert sum('"' in text for text in texts) >= 20
    assert sum(bool(re.search("[\U0001f300-\U0001faff]", text)) for text in texts) >= 30
    assert sum(bool(re.search("[^\x00-\x7f]", row["title"])) for row in reviews) >= 30
    assert sum("," in row["title"] for row in reviews) >= 10
    lengths = sorted(len(text.split()) for text in texts)
    assert lengths[20] <= 6 and lengths[-20] >= 75


@pytest.mark.parametrize(
    ("column", "least", "most"),
    [("rating", 0.35, 0.5), ("awards", 0.5, 0.7), ("box_office", 0.4, 0.6), ("year", 0.01, 0.2)],
)
def test_facts_are_often_missing_and_numbers_where_not(
    reviews: list[dict[str, str]], column: str, least: float, most: float
) -> None:
    known = [row[column] for row in reviews if row[column]]
    assert least < 1 - len(known) / len(reviews) < most
    if column == "rating":
        assert all(1 <= float(value) <= 10 for value in known)
    elif column != "awards":
        assert all(value.isdecimal() for value in known)


def test_classes_are_nearly_even(reviews: list[dict[str, str]]) -> None:
    counts = Counter(row["gold"] for row in reviews)
    assert set(counts) == CLASSES
    assert 0.5 < counts["POSITIVE"] / len(reviews) < 0.6


def test_answers_cover_every_row_and_are_nearly_right(
    reviews: list[dict[str, str]], answers: list[dict[str, str]]
) -> None:
    assert list(answers[0]) == ["id", "label", "label_annotator", "label_seconds"]
    gold = {row["id"]: row["gold"] for row in reviews}
    assert Counter(row["id"] for row in answers) == Counter(gold.keys())
    assert {row["label"] for row in answers} == CLASSES
    assert sum(row["label"] != gold[row["id"]] for row in answers) == 24
    assert all(4 <= float(row["label_seconds"]) <= 60 for row in answers)


def test_task_examples_are_not_in_the_data(reviews: list[dict[str, str]]) -> None:
    task = tomllib.loads((FOLDER / "labelkit.toml").read_text(encoding="utf-8"))["task"]
    assert {example["label"] for example in task["example"]} == CLASSES
    everything = "\n".join(row["text"] for row in reviews).casefold()
    assert not any(example["text"].casefold() in everything for example in task["example"])


def test_known_titles_are_partly_in_the_data(reviews: list[dict[str, str]]) -> None:
    known = (FOLDER / "known_titles.txt").read_text(encoding="utf-8").splitlines()
    assert 0 < sum(row["title"] in known for row in reviews) < len(reviews) / 2
    assert not set(known) <= {row["title"] for row in reviews}
