"""labelkit plan: questions answered from the data, mixes priced and tried out, nothing made up."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

ROWS = 160
LFS = """
def lf_warm(row):
    return "GOOD" if "warm" in row.text else None

def lf_stale(text):
    return "BAD" if "stale" in text else None
"""
TASK = """
[task]
classes = ["BAD", "GOOD"]
[cost]
human_label = 0.5
human_seconds = 36
setup_minutes = { weak-label = 30 }
"""


def truth(i: int) -> str:
    return "GOOD" if i % 3 else "BAD"


@pytest.fixture
def data(write: Any) -> None:
    """Reviews whose first word tells the class; rules know one word in two."""
    words = {"GOOD": ["warm", "lovely"], "BAD": ["stale", "grim"]}
    rest = random.Random(0)
    lines = [
        f"{i:03d},a {words[truth(i)][i % 2]} film of {rest.choice('AB')} no {i},{truth(i)}"
        for i in range(ROWS)
    ]
    write("data.csv", "\n".join(["id,text,gold", *lines]) + "\n")
    write("lfs.py", LFS)


@pytest.fixture
def plan(labelkit: Any, data: None) -> Any:
    def make(*args: object) -> Any:
        done = labelkit("plan", "data.csv", "--features", "tfidf", "--json", *args)
        assert done.code == 0, done.err
        return json.loads(done.out), done.err

    return make


def by_question(found: Any) -> dict[str, Any]:
    return {one["question"]: one for one in found["questions"]}


def test_without_labels_it_says_what_to_run_and_makes_nothing_up(plan: Any) -> None:
    found, said = plan()
    asked = by_question(found)
    assert asked["are there labels already?"]["answer"] == "no"
    assert asked["are there labels already?"]["run"] == (
        "labelkit query data.csv -o data.query.csv -n 50 --audit 100 --batch todo.csv"
    )
    assert asked["can rules cover it?"]["answer"] == "not known"
    assert asked["is a language model good enough?"]["answer"] == "not known"
    assert asked["how many hours have people?"]["answer"] == "not known"
    for mix in found["mixes"]:
        assert mix["accuracy"] is None and mix["dollars"] is None and mix["hours"] is None
    assert found["best"] is None and found["measured_rows"] == 0
    assert "no accuracy can be foretold" in said


def test_mixes_are_priced_and_tried_out_on_known_rows(plan: Any, write: Any) -> None:
    write("labelkit.toml", TASK)
    found, said = plan("--gold", "gold", "--functions", "lfs.py", "--audit", "20")
    mixes = {mix["mix"]: mix for mix in found["mixes"]}
    assert mixes["all by hand"]["dollars"] == ROWS * 0.5
    assert mixes["all by hand"]["hours"] == pytest.approx(ROWS * 36 / 3600)
    # Half an hour of rules at 50 dollars an hour, and the audit rows.
    assert mixes["rules"]["dollars"] == pytest.approx(25 + 10)
    assert mixes["30 by people + model"]["dollars"] == pytest.approx(50 * 0.5)
    assert mixes["30 by people + model"]["labels_by_people"] == 50
    assert (found["measured_on"], found["measured_rows"]) == ("labels of all rows", ROWS // 2)
    assert not found["biased"]
    both = mixes["rules + 30 by people + model"]
    assert both["low"] < both["accuracy"] <= both["high"] <= 1
    assert both["accuracy"] > 0.9, "people teach the words that the rules do not know"
    assert by_question(found)["can rules cover it?"]["why"].startswith("they vote on 5")
    assert f"plan: {found['best']} within a point of the best for least" in said


def test_gold_is_never_learned_from(plan: Any, write: Any) -> None:
    said = random.Random(1)
    lines = [f"{i},words of no meaning {said.random()},{said.choice('AB')}" for i in range(ROWS)]
    write("data.csv", "\n".join(["id,text,truth", *lines]) + "\n")
    found, _ = plan("--gold", "truth", "--audit", "0")
    tried = [mix for mix in found["mixes"] if mix["accuracy"] is not None]
    theirs = 30 / ROWS
    assert tried
    for mix in tried:
        assert (mix["accuracy"] - theirs) / (1 - theirs) < 0.7


def test_a_language_model_is_priced_without_asking_it(
    plan: Any, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    write("labelkit.toml", TASK + "[llm-label]\nwhere = 'weak_confidence < 0.8'\n")
    found, _ = plan("--model", "gpt-4o-mini", "--price", "10,10", "--audit", "0")
    alone = next(mix for mix in found["mixes"] if mix["mix"] == "LLM")
    assert alone["dollars"] > 0 and alone["accuracy"] is None
    asked = by_question(found)["is a language model good enough?"]
    assert asked["answer"] == "not known"
    assert asked["run"].startswith("labelkit llm-label data.csv -o data.pilot.csv")
    found, _ = plan("--model", "gpt-4o-mini", "--audit", "0")
    assert "give --price" in by_question(found)["is a language model good enough?"]["why"]


def test_labels_of_a_language_model_in_the_file_are_measured(plan: Any, write: Any) -> None:
    lines = [
        f"{i},words about number {i},{truth(i)},{truth(i) if i % 5 else 'BAD'},0.9"
        for i in range(ROWS)
    ]
    write("data.csv", "\n".join(["id,text,gold,llm_label,llm_confidence", *lines]) + "\n")
    found, _ = plan("--gold", "gold", "--audit", "0")
    alone = next(mix for mix in found["mixes"] if mix["mix"] == "LLM")
    right = sum(bool(i % 5) or truth(i) == "BAD" for i in range(ROWS)) / ROWS
    assert alone["low"] <= right <= alone["high"]


def test_picked_labels_are_called_biased(plan: Any, write: Any) -> None:
    lines = [
        f"{i},words about number {i} {truth(i)}s,{truth(i) if i < 100 else ''}" for i in range(ROWS)
    ]
    write("data.csv", "\n".join(["id,text,label", *lines]) + "\n")
    found, _ = plan()
    assert found["biased"] and found["measured_on"] == "labelled rows (biased)"


def test_targets_and_budgets_out_of_reach(plan: Any, write: Any) -> None:
    write("labelkit.toml", TASK.replace("[cost]", "[cost]\nbudget = 1"))
    found, said = plan("--gold", "gold", "--audit", "0", "--target-accuracy", "0.9999")
    assert found["best"] is None and "no mix reaches 0.9999: the best is" in said
    found, said = plan("--gold", "gold", "--functions", "lfs.py")
    assert "warning: [cost] budget = 1" in said and "more" in said


def test_the_same_plan_twice_and_a_table_for_people(labelkit: Any, data: None) -> None:
    args = ("plan", "data.csv", "--features", "tfidf", "--gold", "gold", "--functions", "lfs.py")
    once, again = labelkit(*args), labelkit(*args)
    assert once.code == 0, once.err
    assert once.out == again.out
    assert "can rules cover it?" in once.out and "rules + 30 by people + model" in once.out
    assert not [p for p in Path().iterdir() if p.suffix == ".json"], "nothing is left behind"


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("none.csv",), 1, "there is no file none.csv"),
        (("empty.csv",), 1, "empty.csv has no rows, so there is nothing to plan"),
        (("data.csv", "--target-accuracy", "2"), 2, "--target-accuracy 2.0: give a share"),
        (("data.csv", "--audit", "-1"), 2, "--audit -1: give a number of rows"),
        (("data.csv", "--gold", "golt"), 1, "has no column 'golt' (--gold); did you mean 'gold'?"),
    ],
)
def test_refusals(
    args: tuple[str, ...], code: int, message: str, labelkit: Any, data: None, write: Any
) -> None:
    write("empty.csv", "id,text\n")
    found = labelkit("plan", *args)
    assert (found.code, found.out) == (code, "")
    assert message in found.err
