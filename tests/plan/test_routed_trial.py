"""plan --target-accuracy: what a pipeline that sends doubtful rows on would cost; label limits."""

import csv
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from labelkit.config.costs import Prices
from labelkit.config.task_file import NO_TASK
from labelkit.pipeline.label_budget import Limit
from labelkit.plan.choice import choose
from labelkit.plan.language_models import Model
from labelkit.plan.mixes import Facts, Line, commands_of, steered_lines
from labelkit.plan.routed_trial import Sent
from labelkit.plan.trials import Mix
from labelkit.stats.metrics import Figure
from tests.pipeline.conftest import CLASSES_OF_FILMS, RULES_OF_FILMS, as_csv, cells, film_rows

ROWS = 120
TASK = f"{CLASSES_OF_FILMS}human_seconds = 36{RULES_OF_FILMS}"


@pytest.fixture
def films(write: Any) -> None:
    write("films.csv", as_csv(film_rows(ROWS)))
    write("labelkit.toml", TASK)


@pytest.mark.slow
def test_doubtful_rows_are_foretold_and_the_printed_pipeline_does_it(
    labelkit: Any, films: None
) -> None:
    args = ("--features", "tfidf", "--gold", "gold", "--audit", "10", "--json")
    done = labelkit("plan", "films.csv", *args, "--target-accuracy", "0.9")
    assert done.code == 0, done.err
    mixes = {mix["mix"]: mix for mix in json.loads(done.out)["mixes"]}
    mix = mixes["rules + 30 by people + model, doubtful rows to people"]
    assert 40 < mix["labels_by_people"] < ROWS and mix["high"] >= 0.9
    assert mix["dollars"] == pytest.approx(mix["labels_by_people"] * 0.5)
    assert "--stages weak-label,query,people,decide,people,decide,train" in mix["run"]
    assert "-n 30 --audit 10 --target-accuracy 0.9" in mix["run"]
    ran = labelkit(*shlex.split(mix["run"])[1:], "--oracle", "gold")
    assert ran.code == 0, ran.err
    rows = cells("films.labelled.csv", "label", "final_label", "gold")
    asked = sum(bool(label) for label, _, _ in rows)
    assert asked == pytest.approx(mix["labels_by_people"], rel=0.3)
    right = sum(final == gold for _, final, gold in rows) / ROWS
    assert mix["low"] <= right <= mix["high"]


def test_what_is_sent_is_scaled_to_the_file() -> None:
    facts = Facts(
        1000, 50, Prices(0.5, 36.0, {"llm-label": 60}), {"": Model("m", dollars=20.0)}, ("llm",)
    )
    mix = Mix(("llm",), 100, target=0.9)
    (line,) = steered_lines(facts, {mix: Sent(right=45, rows=50, to_people=5, to_llm=20)})
    assert line.mix == "100 by people + model, doubtful rows to LLM or people"
    assert line.labels == 150 + 85  # a tenth of the rows that the first round leaves
    # The model reads people's rows and two in five of the others; an hour of set-up costs $50.
    assert line.dollars == pytest.approx(235 * 0.5 + 20 * (100 + 360) / 1000 + 50)
    assert line.accuracy is not None and line.accuracy.value == pytest.approx(1 - 0.1 * 0.85)
    assert commands_of(mix).count("llm-label") == commands_of(mix).count("people") == 2
    apart = Sent(right=45, rows=50, to_people=5, to_llm=20, variance=0.01)
    (unsure,) = steered_lines(facts, {mix: apart})
    assert unsure.accuracy is not None and unsure.accuracy.value == line.accuracy.value
    assert unsure.accuracy.low < line.accuracy.low, "trials far apart tell less"


def test_a_pipeline_that_goes_on_is_named_unless_its_trial_speaks_against_the_target() -> None:
    def line(high: float) -> Line:
        return Line("on", Mix((), 30, target=0.9), 60, 0.0, 30.0, 1.0, Figure(0.85, 0.8, high))

    hand = Line("all by hand", None, 100, 0.0, 100.0, 1.0, None)
    found = choose([hand, line(0.91)], 0.9)
    assert found.best == line(0.91)
    assert found.words == "on goes on until 0.9 is expected, for least: 0.850 in the trial · $30.00"
    assert choose([hand, line(0.89)], 0.9).best is None


def test_a_limit_of_labels_by_people_bounds_the_choice(labelkit: Any, films: None) -> None:
    args = ("--features", "tfidf", "--gold", "gold", "--audit", "10", "--no-task",
            "--classes", "BAD,GOOD")  # fmt: skip
    done = labelkit("plan", "films.csv", *args, "--labels", "20")
    assert "no mix can be had with 20 labels by people: the least is 30 by people + model" in (
        done.err
    )
    assert "with 40 labels by people, 20 more" in done.err
    told = labelkit("plan", "films.csv", *args, "--labels", "60", "--json")
    found = json.loads(told.out)
    assert found["best"].endswith(" by people + model") and found["short_of_labels"] is None
    best = next(mix for mix in found["mixes"] if mix["mix"] == found["best"])
    assert best["labels_by_people"] <= 60
    assert f"next: {best['run']}" in told.err and "--labels 60" in told.err


def test_rounds_of_a_pipeline_keep_to_the_limit(labelkit: Any, films: None) -> None:
    args = ("pipeline", "films.csv", "-o", "out.csv", "--work-dir", "work", "--oracle", "gold",
            "-n", "30", "--audit", "20", "--features", "tfidf", "--target-accuracy", "0.99",
            "--stages", "weak-label,query,people,decide,people,decide")  # fmt: skip
    few = labelkit(*args, "--labels", "45")
    assert few.code == 2
    assert "people may give 45 labels" in few.err and "ask for 50 (-n 30, --audit 20)" in few.err
    assert "allow 5 more" in few.err and not Path("work").exists()
    write = TASK.replace("[cost]", "[cost]\nlabels = 55")
    Path("labelkit.toml").write_text(write)
    done = labelkit(*args)
    assert done.code == 0, done.err
    assert "points short of the target: it takes " in done.err
    with Path("work/batch-2.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 5
    assert "[cost] labels: people have given 55 of 55" in done.err, "by the last decide"


def test_a_limit_that_is_typed_holds_for_every_decide() -> None:
    limit = Limit(NO_TASK, {"labels": 60, "n": 30, "audit": 20})
    limit.ask(0)
    assert limit.left(are_asked=False) == ["--labels", "10"]
    assert limit.left(are_asked=True) == ["--labels", "10"]
    assert limit.left(are_asked=False) == ["--labels", "0"]


@pytest.mark.parametrize(("table", "key"), [("query", "n"), ("decide", "labels")])
def test_labels_to_ask_for_that_are_no_number(
    table: str, key: str, labelkit: Any, films: None
) -> None:
    task = TASK.replace("[cost]", "[cost]\nlabels = 90")
    Path("labelkit.toml").write_text(f"{task}\n[{table}]\n{key} = 'ten'\n")
    done = labelkit("pipeline", "films.csv", "-o", "out.csv", "--work-dir", "work", "--stages",
                    "query,people,decide,people", "--target-accuracy", "0.9")  # fmt: skip
    assert done.code == 2
    assert f"[{table}] {key} = 'ten': give a whole number" in done.err


@pytest.mark.parametrize(("value", "message"), [
    ("1.5", "[cost] labels = 1.5: give a whole number"),
    ("-1", "[cost] labels = -1: give a number of 0 or more"),
    ("'few'", "[cost] labels = 'few': give a number of 0 or more"),
])  # fmt: skip
def test_a_limit_that_is_none(value: str, message: str, labelkit: Any, films: None) -> None:
    Path("labelkit.toml").write_text(TASK.replace("[cost]", f"[cost]\nlabels = {value}"))
    for args in (("plan", "films.csv"),
                 ("pipeline", "films.csv", "-o", "out.csv", "--work-dir", "work")):  # fmt: skip
        done = labelkit(*args)
        assert done.code == 2 and message in done.err
