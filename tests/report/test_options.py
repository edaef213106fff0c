"""labelkit report as it is asked for: which column is the text, whose answers, which classes."""

from typing import Any

import pytest

LINES = [f"k{i},Heading no {i},the story of film {i},{'good' if i % 4 else 'bad'},0.6"
         for i in range(24)]  # fmt: skip
ANSWERS = [f"k{i},{'good' if i % 3 else 'bad'},{'audit' if i % 2 else 'query'}" for i in range(12)]
ASKED = ("data.csv", "--id", "key", "--text", "body", "--answers", "answers.csv")


@pytest.fixture(autouse=True)
def files(write: Any) -> None:
    write("data.csv", "\n".join(["key,title,body,weak_label,weak_confidence", *LINES]) + "\n")
    write("answers.csv", "\n".join(["key,label,label_origin", *ANSWERS]) + "\n")


def test_answers_of_a_file_judge_and_the_named_text_is_shown(report: Any) -> None:
    page = report(*ASKED, "--classes", "bad,good")
    assert "the story of film" in page.words and "Heading no" not in page.words
    assert "6 audit rows" in page.words


def test_labels_outside_the_classes(report: Any, labelkit: Any) -> None:
    classes = ("--classes", "bad,fine")
    done = labelkit("report", *ASKED, *classes, "-o", "refused.html")
    assert done.code == 1
    assert "'good' of 8 rows (k1, k2, k4, k5, k7 and 3 more) is not one of the classes" in done.err
    page = report(*ASKED, *classes, "--unknown-label", "ignore")
    assert "bad" in page.words


def test_what_to_do_next_names_each_file(report: Any, write: Any) -> None:
    write("my more.csv", "\n".join(["key,title,body,weak_label,weak_confidence", *LINES]) + "\n")
    page = report("data.csv", "my more.csv", "--text", "body", "--no-task")
    assert "labelkit decide data.csv 'my more.csv' -o data.decided.csv" in page.words
