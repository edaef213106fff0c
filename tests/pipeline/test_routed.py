"""A pipeline with a target accuracy: doubtful rows go to the language model, then to people."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import CLASSES_OF_FILMS, RULES_OF_FILMS, as_csv, cells, film_rows

ROWS = 150
ARGS = ("pipeline", "films.csv", "-o", "out.csv", "--work-dir", "work", "--oracle", "gold",
        "-n", "30", "--audit", "20", "--features", "tfidf")  # fmt: skip
LLM = '[llm-label]\nmodel = "replay:llm.jsonl"'
TASK = f"{CLASSES_OF_FILMS}{LLM}{RULES_OF_FILMS}"


@pytest.fixture
def films(write: Any) -> None:
    """Films, and a language model that is wrong on each tenth."""
    rows = film_rows(ROWS)
    write("films.csv", as_csv(rows))
    answers = []
    for i, (text, gold) in enumerate(rows):
        said = gold if i % 10 else {"GOOD": "BAD", "BAD": "GOOD"}[gold]
        answers.append(json.dumps({"text": text, "label": said, "confidence": 0.9}))
    write("llm.jsonl", "\n".join(answers) + "\n")
    write("labelkit.toml", TASK)


def test_doubtful_rows_go_where_a_dollar_buys_most(labelkit: Any, films: None) -> None:
    done = labelkit(*ARGS, "--target-accuracy", "0.97")
    assert done.code == 0, done.err
    assert "rows up to" in done.err and "0.97 are wanted" in done.err
    sent = {key for key, to in cells("work/5-decide.csv", "id", "final_route") if to == "llm"}
    asked = {key for key, label in cells("work/6-llm-label.csv", "id", "llm_label") if label}
    pilot = {key for key, origin in cells("work/3-people.csv", "id", "label_origin")
             if origin == "query"}  # fmt: skip
    assert sent and asked == sent | pilot
    assert len(asked) < ROWS, "what is sure was not paid for"
    by_people = [origin for (origin,) in cells("out.csv", "label_origin") if origin]
    assert by_people.count("audit") == 20
    routed = cells("work/batch-2.csv", "id")
    assert len(by_people) == 50 + len(routed)
    right = sum(final == gold for final, gold in cells("out.csv", "final_label", "gold"))
    assert right / ROWS > 0.93
    assert "nothing to do" in labelkit(*ARGS, "--target-accuracy", "0.97").err


def test_where_all_is_sure_enough_nobody_is_asked(labelkit: Any, films: None) -> None:
    done = labelkit(*ARGS, "--target-accuracy", "0.3")
    assert done.code == 0, done.err
    assert cells("work/batch-2.csv", "id") == []
    assert len([label for (label,) in cells("out.csv", "label") if label]) == 50


def test_a_budget_that_cannot_reach_the_target(labelkit: Any, films: None) -> None:
    Path("labelkit.toml").write_text(TASK.replace("[cost]", "[cost]\nbudget = 26"))
    done = labelkit(*ARGS, "--target-accuracy", "0.99", "--stages",
                    "weak-label,query,people,decide,people,decide")  # fmt: skip
    assert done.code == 0, done.err
    assert "points short of the target: it takes " in done.err
    with Path("work/batch-2.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 2
