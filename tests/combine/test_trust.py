"""--trust: labels from before vote, as far as they are believed."""

import csv
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelkit.combine import trust
from labelkit.combine.opinion_pool import Voter
from labelkit.errors import UsageError

pytestmark = pytest.mark.usefixtures("words_alone")

Row = dict[str, str]


def rows(by_people: int = 0, right: float = 0.8) -> list[Row]:
    """Numbers that say nothing, old labels of which so many are right, a rule on every third."""
    drawn = random.Random(3)
    found = []
    for i in range(300):
        gold, other = ("a", "b") if drawn.random() < 0.5 else ("b", "a")
        row = {"id": str(i), "n": str(drawn.randrange(9)), "gold": gold, "label": ""}
        row |= {"weak_label": "", "weak_confidence": "", "label_origin": ""}
        row["old"] = gold if drawn.random() < right else other
        if i < by_people:
            row |= {"label": gold, "label_origin": "query"}
        if i % 3 == 0:
            row |= {"weak_label": gold if drawn.random() < 0.9 else other, "weak_confidence": "0.9"}
        found.append(row)
    return found


def save(given: list[Row]) -> str:
    with Path("in.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(given[0]))
        writer.writeheader()
        writer.writerows(given)
    return "in.csv"


def out() -> list[Row]:
    with Path("out.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def decided(
    labelkit: Any, given: list[Row], *options: str
) -> tuple[list[Row], dict[str, Any], str]:
    asked = ("decide", save(given), "-o", "out.csv", "--gold", "gold", "--no-own-model")
    done = labelkit(*asked, "--summary", "s.json", *options)
    assert done.code == 0, done.err
    return out(), json.loads(Path("s.json").read_text()), done.err


def test_old_labels_are_no_people_s_and_vote_as_sure_as_is_said(labelkit: Any) -> None:
    found, told, _ = decided(labelkit, rows(), "--trust", "label=1, old=0.85")
    alone = [row for row in found if not row["weak_label"]]
    assert {(r["final_confidence"], r["final_source"]) for r in alone} == {("0.85", "old")}
    assert all(row["final_label"] == row["old"] for row in alone)
    disputed = [row for row in found if row["weak_label"] not in ("", row["old"])]
    assert disputed and all(row["final_label"] == row["weak_label"] for row in disputed)
    assert told["people"] == 0
    assert told["trust"] == {"old": {"share": 0.85, "by": "--trust"}}


def test_what_is_not_said_is_estimated_from_people_then_noise_then_voters(labelkit: Any) -> None:
    _, told, err = decided(labelkit, rows(by_people=100), "--trust", "old=auto")
    assert told["trust"]["old"]["share"] == pytest.approx(0.8, abs=0.07)
    assert "old: 0." in err and "right, by 100 rows that people labelled" in err
    noise = [row | {"noise_given": row["old"], "noise_quality": "0.7"} for row in rows()]
    _, told, _ = decided(labelkit, noise, "--trust", "old=auto")
    assert told["trust"]["old"] == {"share": 0.7, "by": "find-noise of 300 rows"}
    _, told, _ = decided(labelkit, rows(), "--trust", "old=auto")
    assert told["trust"]["old"]["by"] == "other voters of 100 rows"
    assert 0.65 < told["trust"]["old"]["share"] < 0.85
    bare = [{"id": row["id"], "n": row["n"], "gold": "", "old": row["old"]} for row in rows()]
    _, told, _ = decided(labelkit, bare, "--trust", "old=auto")
    assert told["trust"]["old"]["share"] == 0.7 and "nothing" in told["trust"]["old"]["by"]


def test_audit_rows_do_not_tell_how_good_old_labels_are(labelkit: Any) -> None:
    audit = [row | {"label_origin": "audit" if row["label"] else ""} for row in rows(by_people=100)]
    _, told, _ = decided(labelkit, audit, "--trust", "old=auto")
    assert told["trust"]["old"]["by"] == "other voters of 100 rows"


def test_no_model_reads_the_old_labels(labelkit: Any) -> None:
    given = rows(by_people=45)
    for row in given:
        del row["n"]
    asked = ("decide", save(given), "-o", "out.csv", "--gold", "gold", "--features", "columns")
    voters = []
    for trusted in ((), ("--trust", "old=auto")):
        done = labelkit(*asked, *trusted, "--summary", "s.json")
        assert done.code == 0, done.err
        voters.append({each["column"] for each in json.loads(Path("s.json").read_text())["voters"]})
    assert voters == [{"weak_label", "own model"}, {"weak_label", "old"}], "it has nothing to read"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("old", "--trust 'old': give COLUMN=SHARE or COLUMN=auto"),
        ("old=much", "--trust 'old=much': give a share above 0, up to 1, or auto"),
        ("old=0", "give a share above 0"),
        ("old=nan", "give a share above 0"),
        ("old=1", "only people's answers (column 'label') count first"),
        ("label=.9", "labels that may be wrong stand in a column of another name"),
        ("label=auto", "labels that may be wrong stand in a column of another name"),
        ("old=.9,old=.8", "names 'old' twice"),
        ("od=.9", "od"),
    ],
)
def test_trust_that_cannot_be(labelkit: Any, given: str, message: str) -> None:
    done = labelkit("decide", save(rows()), "-o", "out.csv", "--trust", given)
    assert done.code in (1, 2) and message in done.err, done.err
    assert not Path("out.csv").exists()


def test_a_column_may_have_a_sign_of_equality_in_its_name() -> None:
    assert trust.parse("a=b=0.5", "label") == {"a=b": 0.5}
    with pytest.raises(UsageError):
        trust.parse("=0.5", "label")


def test_few_rows_hardly_move_an_estimate() -> None:
    codes = np.zeros(12, dtype=int)
    truth = np.where(np.arange(12) < 10, 1, -1)
    share, _ = trust.estimated(codes, truth, np.full(12, np.nan), [], 2)
    assert share == pytest.approx(0.7 * 5 / 15)
    nobody = Voter(np.full(12, -1), np.full(12, np.nan))
    assert trust.estimated(codes, codes - 1, np.full(12, np.nan), [nobody], 2)[0] == 0.7
