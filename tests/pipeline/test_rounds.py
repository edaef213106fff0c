"""Stages in any order and number: each round of people is asked anew and paid for once."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import BASE, ROWS, cells, truth


@pytest.fixture
def rehearse(labelkit: Any, reviews: None) -> Any:
    """Run stages while a column plays the person."""
    lines = Path("reviews.csv").read_text().splitlines()
    told = [lines[0] + ",said", *(f"{line},{truth(int(line[:3]))}" for line in lines[1:])]
    Path("reviews.csv").write_text("\n".join(told) + "\n")

    def run(stages: str, *args: str) -> Any:
        return labelkit("pipeline", *BASE, "--functions", "lfs.py", "--stages", stages, "-n", "8",
                        "--audit", "6", "--oracle", "said", *args)  # fmt: skip

    return run


def test_answers_of_all_rounds_are_counted_once(rehearse: Any) -> None:
    Path("labelkit.toml").write_text("[cost]\nhuman_label = 0.5\nhuman_seconds = 36\n")
    done = rehearse("query,people,query,people,decide")
    assert done.code == 0, done.err
    given = [label for (label,) in cells("labelled.csv", "label") if label]
    assert len(given) == 27, "one row of the audit had been chosen in the first round"
    bill = {line.partition("  ")[0]: line.split()[-2:] for line in done.err.splitlines()}
    assert bill["people: 28 answers, 27 labels"] == ["14.000", "0.280"], "and was asked again"
    assert bill[f"all {ROWS} by hand"] == ["30.000", "0.600"]


def test_models_of_several_stages_stand_beside_each_other(rehearse: Any) -> None:
    done = rehearse("weak-label,train,query,people,decide,train")
    assert done.code == 0, done.err
    assert {path.name for path in Path("work").glob("*.model")} == {"2-final.model", "final.model"}
    again = rehearse("weak-label,train,query,people,decide,train")
    assert "nothing to do, all 7 stages are fresh" in again.err


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ("query,people,people", "put query before each people"),
        ("query,people,decide,people", "put query before each people"),
        ("query,query,people", "put people between query and query"),
        ("query,weak-label,query", "put people between query and query"),
    ],
)
def test_rounds_that_cannot_be(stages: str, message: str, rehearse: Any) -> None:
    found = rehearse(stages)
    assert (found.code, found.out) == (2, "")
    assert message in found.err


def test_rows_sent_by_decide_are_not_asked_over_those_of_query(rehearse: Any) -> None:
    found = rehearse("weak-label,query,decide,people,decide", "--target-accuracy", "0.9")
    assert found.code == 2
    assert "put people between query and decide" in found.err


def test_rounds_are_stages_that_need_not_be_written_out(rehearse: Any) -> None:
    named = "query,people,query,people,decide"
    assert rehearse(named, "--print", "sh").code == 2  # nobody plays a person in a script
    written = rehearse(named)
    assert written.code == 0, written.err
    again = rehearse("query,people,decide", "--rounds", "2")
    assert "nothing to do, all 6 stages are fresh" in again.err
    assert "nothing to do" in rehearse(named, "--rounds", "2").err


def test_a_later_round_picks_by_the_labels_of_the_earlier_ones(rehearse: Any) -> None:
    done = rehearse("query,people,decide", "--rounds", "3")
    assert done.code == 0, done.err
    learned_from = [
        json.loads(Path(f"work/{n}-query.summary.json").read_text())["labels_by_source"]
        for n in (1, 3, 5)
    ]
    counts = [each.get("label", 0) for each in learned_from]
    assert counts[0] == 0 < counts[1] < counts[2]


def test_the_task_file_may_name_the_rounds(labelkit: Any, reviews: None) -> None:
    Path("labelkit.toml").write_text("[pipeline]\nrounds = 2\n")
    shown = labelkit("pipeline", *BASE, "--print", "sh")
    assert shown.out.count("labelkit query ") == shown.out.count("labelkit merge ") == 2
    assert "batch-2.csv" in shown.out


@pytest.mark.parametrize(
    ("stages", "rounds", "message"),
    [
        ("query,people,decide", "0", "--rounds 0: give 1 or more"),
        ("weak-label", "2", "does not have them"),
        ("query,people,query,people,decide", "3", "has 2 of them"),
    ],
)
def test_rounds_that_cannot_be_repeated(
    stages: str, rounds: str, message: str, rehearse: Any
) -> None:
    found = rehearse(stages, "--rounds", rounds)
    assert found.code == 2
    assert message in found.err
