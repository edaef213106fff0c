"""Doubtful rows go where a dollar takes most errors away, until the target is reached."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelkit.combine.opinion_pool import Voter
from labelkit.combine.policy import Decision
from labelkit.combine.sources import Said, Source
from labelkit.decide import routing

ROWS = 100


def said(llm_right: int = 18, asked: int = 20) -> Said:
    """Two classes; people labelled the first rows, of which the model had so many right."""
    people = np.full(ROWS, -1)
    people[:asked] = 0
    none = np.zeros(ROWS, dtype=bool)
    codes = np.full(ROWS, -1)
    codes[:asked] = np.where(np.arange(asked) < llm_right, 0, 1)
    voter = Voter(codes, np.where(codes >= 0, 0.9, np.nan))
    model = Source("llm_label", "llm", voter, codes >= 0, voter)
    return Said(["a", "b"], ["a", "b"], people, none, none, none, none, [model])


def verdict(found: Said, sure: list[float]) -> Decision:
    """The rows without a label by people are as sure as the list says, in turn."""
    confidence = np.resize(np.array(sure), ROWS)
    confidence[found.people >= 0] = 1.0
    return Decision(np.zeros(ROWS, dtype=int), confidence, np.full(ROWS, "llm", dtype=object))


def routed(sure: list[float], found: Said | None = None, **terms: Any) -> routing.Routed:
    found = found or said()
    given = routing.Terms(**{"target": 0.9, "label_price": 0.3, "row_price": 0.001} | terms)
    decided = verdict(found, sure)
    return routing.routed(found, decided, decided, np.ones(ROWS, dtype=bool), given)


def test_what_is_sure_enough_is_done() -> None:
    found = routed([0.95])
    assert set(found.to) == {routing.DONE}
    assert found.now == found.then == pytest.approx(0.96)


def test_the_llm_takes_what_it_is_surer_of_and_no_more_than_is_needed() -> None:
    found = routed([0.6, 0.95])
    assert found.llm_accuracy == pytest.approx(19 / 22)
    assert found.now == pytest.approx(1 - (40 * 0.4 + 40 * 0.05) / 100)
    assert found.people.rows == 0
    # Each of its rows gains .86 - .6; 8 points are wanted.
    assert found.llm.rows == 31
    assert found.llm.below == pytest.approx(0.6)
    assert found.then >= 0.9
    assert found.llm.dollars == pytest.approx(0.031)


def test_people_take_the_least_sure_where_the_llm_is_not_enough() -> None:
    found = routed([0.5, 0.6, 0.7], target=0.97)
    people = found.to == routing.TO_PEOPLE
    assert people.any() and (found.to == routing.TO_LLM).any()
    sure = verdict(said(), [0.5, 0.6, 0.7]).confidence
    assert sure[people].max() <= sure[found.to == routing.TO_LLM].min()
    assert found.then >= 0.97
    everything = 1 - (1 - found.now) + (found.llm.points + found.people.points) / 100
    assert found.then == pytest.approx(everything)


def test_a_dear_llm_and_one_that_is_no_better_get_nothing() -> None:
    assert routed([0.6, 0.95], row_price=0.29).llm.rows == 0
    assert routed([0.6, 0.95], said(llm_right=8)).llm.rows == 0
    unknown = routed([0.6, 0.95], said(llm_right=5, asked=9))
    assert unknown.llm_accuracy is None and unknown.llm.rows == 0
    assert unknown.people.rows > 0


def test_a_budget_that_cannot_reach_the_target_says_by_how_much() -> None:
    found = routed([0.6], said(llm_right=8), target=0.95, budget=6.0)
    assert found.people.rows == 20
    assert found.people.dollars == pytest.approx(6.0)
    assert found.then == pytest.approx(found.now + 20 * 0.4 / 100)
    assert found.enough.people == 68
    assert found.enough.dollars == pytest.approx(68 * 0.3)
    few = routed([0.6], said(llm_right=8), target=0.95, labels=3)
    assert few.people.rows == 3 and few.enough == found.enough


def test_prices_that_are_not_known() -> None:
    found = routed([0.5, 0.7], target=0.95, label_price=None, row_price=None)
    assert found.llm.rows and found.people.rows
    assert found.llm.dollars is None and found.enough.dollars is None


def write_file() -> None:
    with Path("in.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "label", "label_origin", "weak_label", "weak_confidence"])
        for i in range(120):
            truth = "a" if i % 2 else "b"
            wrong = "b" if i % 2 else "a"
            given = truth if i < 60 else ""
            weak, sure = (truth, 0.9) if i % 3 else (wrong if i % 6 == 0 else truth, 0.55)
            writer.writerow([i, given, "query" if given else "", weak, sure])


def test_the_command_writes_and_tells_it(labelkit: Any) -> None:
    write_file()
    args = ("decide", "in.csv", "-o", "out.csv", "--no-own-model", "--target-accuracy", "0.97")
    done = labelkit(*args, "--price-per-label", "0.5", "--summary", "s.json")
    assert done.code == 0, done.err
    with Path("out.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["final_route"] for row in rows[:60]} == {"done"}
    asked = [row for row in rows if row["final_route"] == "people"]
    told = json.loads(Path("s.json").read_text())["route"]
    assert told["people"]["rows"] == len(asked) > 0
    assert f"to people: the {len(asked)} rows up to " in done.err
    assert f"${len(asked) * 0.5:.2f} buys +" in done.err
    assert "nothing is sent to an LLM" not in done.err, "no language model has labelled a row"
    first = Path("out.csv").read_bytes()
    batched = labelkit(*args, "--price-per-label", "0.5", "--batch", "todo.csv")
    assert batched.code == 0, batched.err
    with Path("todo.csv").open(newline="") as stream:
        batch = list(csv.DictReader(stream))
    assert {row["id"] for row in batch} == {row["id"] for row in asked}
    sure = [float(row["query_guess_confidence"]) for row in batch]
    assert sure == sorted(sure) and {row["label"] for row in batch} == {""}
    assert labelkit(*args, "--price-per-label", "0.5").code == 0
    assert Path("out.csv").read_bytes() == first
    again = labelkit("decide", "out.csv", "-o", "plain.csv", "--no-own-model")
    assert again.code == 0 and b"final_route" not in Path("plain.csv").read_bytes()

    poor = labelkit(*args, "--price-per-label", "0.5", "--budget", "1")
    assert poor.code == 0, poor.err
    assert "points short of the target: it takes " in poor.err
    assert "rows stay as they are" in poor.err and "are done" not in poor.err
    assert "rows are done" in batched.err


def test_the_budget_of_a_task_is_for_all_that_was_and_will_be_spent(labelkit: Any) -> None:
    write_file()
    Path("in.csv.history.json").write_text(json.dumps({"schema": 1, "steps": [
        {"command": "llm-label", "columns": [], "cost": {"dollars": 2.0}}
    ]}))  # fmt: skip
    args = ("decide", "in.csv", "-o", "out.csv", "--no-own-model", "--target-accuracy", "0.99")

    def to_people(cost: str, *more: str) -> tuple[int, str]:
        Path("t.toml").write_text(f"[cost]\nhuman_label = 0.5\n{cost}\n")
        done = labelkit(*args, "--task", "t.toml", "--summary", "s.json", *more)
        assert done.code == 0, done.err
        return json.loads(Path("s.json").read_text())["route"]["people"]["rows"], done.err

    rows, told = to_people("budget = 35.0")
    assert rows == 6 and "[cost] budget: $32.00 of $35.00 are spent" in told
    assert to_people("budget = 20.0")[0] == 0
    assert to_people("budget = 35.0", "--budget", "1")[0] == 2
    rows, told = to_people("labels = 64")
    assert rows == 4 and "[cost] labels: people have given 60 of 64" in told
    assert to_people("labels = 64", "--labels", "3")[0] == 3
    Path("in.csv.history.json").write_text(json.dumps({"schema": 1, "steps": [
        {"command": "merge", "columns": [], "counts": {"answers": 13, "new": 10}}
    ]}))  # fmt: skip
    rows, told = to_people("labels = 64")
    assert rows == 1 and "[cost] labels: people have given 63 of 64" in told, "3 were asked again"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--target-accuracy", "97"), "--target-accuracy 97: give a share between 0 and 1"),
        (("--target-accuracy", ".9", "--labels", "-1"), "--labels -1: give a number of 0 or more"),
        (("--target-accuracy", ".9", "--budget", "5"), "needs the price of a person's label"),
    ],
)
def test_terms_that_cannot_be(args: tuple[str, ...], message: str, labelkit: Any) -> None:
    write_file()
    found = labelkit("decide", "in.csv", "-o", "out.csv", *args)
    assert found.code == 2
    assert message in found.err
