"""decide --worth by hand: what each step that made a file is worth."""

import json
from pathlib import Path
from typing import Any

import pytest

from labelkit.decide import worth
from labelkit.decide.worth import _paired
from tests.pipeline.conftest import RULES_OF_FILMS, as_csv, film_rows

TASK = "[task]\ntext = ['text']\nclasses = ['BAD', 'GOOD']\n[cost]\nhuman_label = 0.5\n"


@pytest.fixture
def made(labelkit: Any, words_alone: None) -> None:
    """Films that rules have labelled, and what people said of some, drawn for the audit or not."""
    films = film_rows(60)
    Path("films.csv").write_text(as_csv(films))
    Path("labelkit.toml").write_text(TASK + RULES_OF_FILMS)
    lines = [
        f"{i},{gold},{'audit' if i % 3 == 0 else 'query'}"
        for i, (_, gold) in enumerate(films)
        if i % 4 < 2
    ]
    Path("answers.csv").write_text("\n".join(["id,label,label_origin", *lines]) + "\n")
    assert labelkit("weak-label", "films.csv", "-o", "weak.csv").code == 0


def _told(labelkit: Any, *args: str) -> tuple[list[dict[str, Any]], str]:
    done = labelkit("decide", *args, "--worth", "-o", "out.csv", "--summary", "told.json")
    assert done.code == 0, done.err
    return json.loads(Path("told.json").read_text())["worth"]["steps"], done.err


def test_answers_that_are_not_merged_are_a_step(labelkit: Any, made: None) -> None:
    steps, said = _told(labelkit, "weak.csv", "--answers", "answers.csv", "--gold", "gold")
    assert [step["command"] for step in steps] == ["weak-label", "merge", "decide"]
    table = said[said.index("what each step gave") :].splitlines()
    rows = {line.split()[0]: line.split() for line in table[3:6]}
    assert rows["people"][3] == "15.000" and rows["weak-label"][3] == "0.000"
    assert steps[1]["gold_gain"][0] > 0


def test_merged_answers_are_the_same(labelkit: Any, made: None) -> None:
    apart, _ = _told(labelkit, "weak.csv", "--answers", "answers.csv", "--gold", "gold")
    assert labelkit("merge", "weak.csv", "answers.csv", "-o", "merged.csv").code == 0
    merged, _ = _told(labelkit, "merged.csv", "--gold", "gold")
    assert merged == apart


def test_a_file_without_a_history_has_labels_of_its_own(labelkit: Any, made: None) -> None:
    Path("weak.csv.history.json").unlink()
    steps, _ = _told(labelkit, "weak.csv", "--gold", "gold")
    assert [step["command"] for step in steps] == ["input", "decide"]
    assert steps[0]["first"] == 30


def test_a_step_that_ran_again_counts_once(labelkit: Any, made: None) -> None:
    assert labelkit("weak-label", "weak.csv", "-o", "again.csv").code == 0
    steps, _ = _told(labelkit, "again.csv", "--gold", "gold")
    assert [step["command"] for step in steps] == ["weak-label", "decide"]


def test_the_first_voter_that_speaks_leaves_out_no_decision(labelkit: Any, made: None) -> None:
    steps, _ = _told(labelkit, "weak.csv", "--gold", "gold", "--policy", "priority")
    assert "changed" not in steps[-1]


def test_of_a_large_file_some_rows_are_looked_at(
    labelkit: Any, made: None, monkeypatch: Any
) -> None:
    whole, _ = _told(labelkit, "weak.csv", "--answers", "answers.csv", "--gold", "gold")
    monkeypatch.setattr(worth, "MOST", 20)
    some, said = _told(labelkit, "weak.csv", "--answers", "answers.csv", "--gold", "gold")
    told = json.loads(Path("told.json").read_text())["worth"]
    assert (told["drawn"], told["gold_rows"], told["audit_rows"]) == (20, 20, 10)
    assert "a random sample of 20 rows" in said
    for one, other in zip(whole, some, strict=True):
        assert one["first"] == other["first"], "counted in all rows"
        assert abs(one["changed"] - other["changed"]) < 30
    assert some[-1]["audit"] == whole[-1]["audit"], "all audit rows are looked at"


def test_where_no_row_is_decided_on_nothing_is_told(
    labelkit: Any, made: None, monkeypatch: Any
) -> None:
    monkeypatch.setattr(worth, "MOST", 20)
    done = labelkit("decide", "weak.csv", "-o", "out.csv", "--worth", "--where", "id > 1000")
    assert done.code == 0, done.err


@pytest.mark.parametrize("rights", [(10, 0), (0, 10), (3, 3), (0, 0)])
def test_the_interval_of_pairs_holds_the_difference(rights: tuple[int, int]) -> None:
    import numpy as np

    one, other = np.zeros(40, dtype=bool), np.zeros(40, dtype=bool)
    one[: rights[0]] = True
    other[rights[0] : sum(rights)] = True
    value, low, high = _paired(one, other)
    assert value == pytest.approx((rights[0] - rights[1]) / 40)
    assert low < value < high and high - low > 0.05
