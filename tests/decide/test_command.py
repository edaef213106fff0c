"""The command decide, as a user meets it."""

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.usefixtures("words_alone")

Row = dict[str, str]


def table(path: str | Path) -> list[Row]:
    with Path(path).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def save(path: str, rows: list[Row]) -> str:
    with Path(path).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def finals(path: str | Path) -> list[tuple[str, str, str]]:
    return [(r["final_label"], r["final_confidence"], r["final_source"]) for r in table(path)]


@pytest.fixture
def decided(labelkit: Any) -> Callable[..., list[tuple[str, str, str]]]:
    """Decide, and return the three columns."""

    def run(source: str | Path, *options: object) -> list[tuple[str, str, str]]:
        done = labelkit("decide", source, "-o", "out.csv", *options)
        assert done.code == 0, done.err
        assert done.out == ""
        return finals("out.csv")

    return run


def reviews(n: int, by_people: int = 0, audit: int = 0) -> list[Row]:
    """Texts with a good LLM and a poor rule; people labelled the first rows, then audit rows."""
    rows = []
    for i in range(n):
        gold = "good" if i % 2 else "bad"
        other = "bad" if i % 2 else "good"
        words = "warm and bright" if i % 2 else "dull and slow"
        rows.append(
            {
                "id": f"r{i}",
                "text": f"a {words} film, number {i} of the year",
                "label": gold if i < by_people + audit else "",
                "label_origin": ""
                if i >= by_people + audit
                else ("query" if i < by_people else "audit"),
                "weak_label": gold if i % 5 else other,
                "weak_confidence": "0.8",
                "llm_label": gold if i % 19 else other,
                "llm_confidence": "0.8",
                "gold": gold,
            }
        )
    return rows


# -- who counts ------------------------------------------------------------------------------------


def test_people_win_and_empty_means_not_known(write: Any, decided: Any) -> None:
    source = write(
        "in.csv",
        "id,text,label,weak_label,weak_confidence\n"
        "1,one,a,b,0.99\n"  # people win
        "2,two,,b,0.9\n"  # the only other voter
        "3,three,,,0\n"  # looked, could not say
        "4,four,,,\n"  # nobody looked
        "5,five,a,,\n",
    )
    assert decided(source) == [
        ("a", "1", "people"),
        ("b", "0.9", "weak"),
        ("", "0", ""),
        ("", "", ""),
        ("a", "1", "people"),
    ]


def test_one_source_is_enough(write: Any, decided: Any, labelkit: Any) -> None:
    weak = write("weak.csv", "weak_label,weak_confidence\na,0.8\nb,0.6\n")
    assert decided(weak) == [("a", "0.8", "weak"), ("b", "0.6", "weak")]
    llm = write("llm.csv", "id,llm_label\n1,a\n2,\n")
    assert decided(llm) == [("a", "0.7", "llm"), ("", "", "")]
    people = write("people.csv", "id,label\n1,a\n2,\n")
    assert decided(people) == [("a", "1", "people"), ("", "", "")]
    model = write("model.csv", "id,model_label,model_confidence\n1,a,0.8\n2,b,0.7\n")
    assert decided(model) == [("a", "0.8", "model"), ("b", "0.7", "model")]
    alone = write("alone.csv", "id,weak_label,weak_confidence\n1,a,0.8\n2,,0\n")
    assert decided(alone) == [("a", "0.8", "weak"), ("", "0", "")]


def test_voters_that_agree_are_surer_and_those_that_contradict_decide_nothing(
    write: Any, decided: Any
) -> None:
    source = write(
        "in.csv",
        "id,weak_label,weak_confidence,llm_label,llm_confidence\n"
        "1,a,0.8,a,0.8\n2,a,0.9,b,0.6\n3,a,0.8,b,0.8\n4,,0,b,0.9\n",
    )
    found = decided(source)
    assert found[0][0] == "a" and 0.8 < float(found[0][1]) < 0.95 and found[0][2] == "combined"
    assert found[1][0] == "a" and found[1][2] == "combined"
    assert found[2] == ("", "0", "")
    assert found[3] == ("b", "0.9", "llm")


def test_a_label_that_is_no_surer_than_chance_is_still_a_label(write: Any, decided: Any) -> None:
    source = write("in.csv", "id,weak_label,weak_confidence\n1,a,0.5\n2,b,0.5\n")
    assert decided(source) == [("a", "0.5", "weak"), ("b", "0.5", "weak")]


def test_probabilities_of_a_voter_are_heard(write: Any, decided: Any) -> None:
    source = write(
        "in.csv",
        "id,weak_label,weak_confidence,weak_proba_a,weak_proba_b,weak_proba_c,llm_label\n"
        "1,a,0.5,0.5,0.49,0.01,b\n2,a,0.5,0.5,0.01,0.49,b\n3,c,0.9,0.05,0.05,0.9,\n",
    )
    found = decided(source)
    assert found[0][0] == "b", "the second choice of one and the first of the other"
    assert float(found[0][1]) > 0.5
    assert found[2] == ("c", "0.9", "weak")


def test_a_model_only_fills_what_nobody_else_labelled(write: Any, decided: Any) -> None:
    source = write(
        "in.csv",
        "id,weak_label,weak_confidence,model_label,model_confidence\n1,a,0.55,b,0.99\n2,,0,b,0.9\n",
    )
    assert decided(source) == [("a", "0.55", "weak"), ("b", "0.9", "model")]


def test_voters_written_under_another_name_are_found_by_the_history(
    write: Any, labelkit: Any, decided: Any
) -> None:
    write("lfs.py", "def lf_x(text):\n    return 'a' if 'x' in text else 'b'\n")
    source = write("in.csv", "id,text,other_label\n1,x,b\n2,y,b\n")
    done = labelkit(
        "weak-label", source, "-o", "weak.csv", "--functions", "lfs.py", "--as", "second"
    )
    assert done.code == 0, done.err
    assert [(label, source) for label, _, source in decided("weak.csv")] == [
        ("a", "weak"),
        ("b", "weak"),
    ]


def test_named_columns_are_the_voters(write: Any, decided: Any) -> None:
    source = write(
        "in.csv", "id,label,weak_label,crowd,crowd_confidence\n1,,a,b,0.9\n2,c,a,b,0.9\n3,,a,,\n"
    )
    assert decided(source, "--label", "crowd") == [
        ("b", "0.9", "crowd"),
        ("c", "1", "people"),
        ("", "", ""),
    ]


def test_answers_are_people_too(write: Any, decided: Any) -> None:
    source = write("in.csv", "id,weak_label,weak_confidence\n1,a,0.8\n2,b,0.6\n")
    answers = write("answers.csv", "id,label\n2,a\n")
    assert decided(source, "--answers", answers) == [("a", "0.8", "weak"), ("a", "1", "people")]


def test_ready_probabilities_vote(write: Any, decided: Any) -> None:
    source = write("in.csv", "id,text,p_a,p_b\n1,x,0.9,0.1\n2,y,0.2,0.8\n3,z,,\n")
    assert decided(source, "--from-proba", "p_") == [
        ("a", "0.9", "p"),
        ("b", "0.8", "p"),
        ("", "", ""),
    ]
    weak = write(
        "weak.csv",
        "id,weak_label,weak_confidence,weak_proba_a,weak_proba_b\n1,a,0.8,0.8,0.2\n",
    )
    assert decided(weak, "--from-proba", "weak_proba_") == [("a", "0.8", "weak")], "heard once"


def test_flagged_labels_count_as_hardly_more_than_a_guess(write: Any, decided: Any) -> None:
    source = write(
        "in.csv",
        "id,label,weak_label,weak_confidence,llm_label,llm_confidence,noise_given,noise_flag\n"
        "1,,a,0.95,b,0.6,a,true\n"  # the flagged label loses
        "2,,a,0.95,b,0.6,a,false\n"
        "3,,a,0.95,,,a,true\n"  # alone it stays, unsure
        "4,a,b,0.9,b,0.9,a,true\n",  # people's stays
    )
    found = decided(source)
    assert [label for label, _, _ in found] == ["b", "a", "a", "a"]
    assert found[2][1:] == ("0.51", "weak")
    assert found[3] == ("a", "1", "people")
    excluded = write(
        "use.csv",
        "id,weak_label,weak_confidence,noise_given,noise_use\n1,a,0.95,a,false\n2,b,0.9,b,true\n",
    )
    assert [confidence for _, confidence, _ in decided(excluded)] == ["0.51", "0.9"]
    disputed = write(
        "disputed.csv",
        "id,weak_label,weak_confidence,noise_given,noise_flag,noise_quality\n"
        "1,a,0.95,a,true,0.2\n2,b,0.9,b,true,0.9\n",
    )
    assert [confidence for _, confidence, _ in decided(disputed)] == ["0.51", "0.9"]


def test_a_label_that_find_noise_holds_for_wrong_gives_way_to_its_suggestion(
    write: Any, decided: Any
) -> None:
    source = write(
        "in.csv",
        "id,label,label_origin,weak_label,weak_confidence,llm_label,llm_confidence,"
        "noise_given,noise_suggested,noise_quality,noise_flag\n"
        "1,,,a,0.9,a,0.9,a,b,0.2,true\n"
        "2,,,a,0.9,b,0.6,b,c,0.3,true\n"  # another label is decided than the one flagged
        "3,,,a,0.9,,,a,b,0.7,true\n"  # likelier right than wrong
        "4,a,query,a,0.9,,,a,b,0.2,true\n"  # people's stays
        "5,,,a,0.9,,,a,,0.2,true\n"  # nothing is suggested
        "6,,,c,0.9,,,c,c,0.9,false\n",
    )
    assert decided(source) == [
        ("b", "0.8", "combined"),
        ("a", "0.708606", "combined"),
        ("a", "0.9", "weak"),
        ("a", "1", "people"),
        ("a", "0.343333", "weak"),
        ("c", "0.9", "weak"),
    ]
    found = decided(source, "--policy", "priority")
    assert [label for label, *_ in found] == ["b", "c", "a", "a", "", "c"]


def test_where_limits_what_is_written(write: Any, decided: Any) -> None:
    source = write("in.csv", "id,n,weak_label,weak_confidence\n1,1,a,0.8\n2,5,b,0.6\n")
    assert decided(source, "--where", "n > 3") == [("", "", ""), ("b", "0.6", "weak")]


# -- the policy priority -------------------------------------------------------------------------


PRIORITY = (
    "id,label,weak_label,weak_confidence,llm_label,llm_confidence\n"
    "1,,a,0.9,b,0.9\n2,,a,0.9,b,0.5\n3,,a,0.5,b,0.5\n4,a,b,0.9,b,0.9\n"
)


def test_priority_takes_the_first_confident_voter(write: Any, decided: Any) -> None:
    source = write("in.csv", PRIORITY)
    assert decided(source, "--policy", "priority") == [
        ("b", "0.9", "llm"),
        ("a", "0.9", "weak"),
        ("", "0", ""),
        ("a", "1", "people"),
    ]
    found = decided(source, "--policy", "priority", "--order", "weak,llm_label")
    assert [label for label, _, _ in found] == ["a", "a", "", "a"]
    found = decided(source, "--policy", "priority", "--order", "llm", "--threshold", "0.4")
    assert [label for label, _, _ in found] == ["b", "b", "b", "a"]
    named = ("--label", "weak_label", "--label", "llm_label")
    found = decided(source, "--policy", "priority", *named)
    assert [source for _, _, source in found[:2]] == ["weak", "weak"]


# -- weights, the own model, figures -------------------------------------------------------------


def test_the_better_voter_is_followed_where_people_showed_it(labelkit: Any) -> None:
    save("in.csv", reviews(400, by_people=60, audit=40))
    done = labelkit(
        "decide", "in.csv", "-o", "out.csv", "--no-own-model", "--gold", "gold",
        "--summary", "s.json",
    )  # fmt: skip
    assert done.code == 0, done.err
    told = json.loads(Path("s.json").read_text())
    weights = {voter["column"]: voter["weight"] for voter in told["voters"]}
    assert weights["llm_label"] > weights["weak_label"]
    assert "llm_label counts most: right on " in done.err and "; weak_label least: " in done.err
    rest = [row for row in table("out.csv") if row["final_source"] == "combined"]
    differ = [row for row in rest if row["weak_label"] != row["llm_label"]]
    assert all(row["final_label"] == row["llm_label"] for row in differ)
    assert told["audit_rows"] == 40
    assert 0.8 < told["audit_low"] < told["audit_accuracy"] <= told["audit_high"] <= 1
    assert told["biased_rows"] == 60
    assert told["people"] == 100 and told["labelled"] == 400
    claim = told["claim"]
    truth = sum(row["final_label"] == row["gold"] for row in table("out.csv")) / 400
    assert (claim["labels"], claim["people"], claim["audit"]) == (400, 100, 40)
    assert claim["low"] < truth < claim["high"]
    assert f"accuracy of all 400 labels by the audit: {claim['value']:.3f} (95% CI " in done.err
    assert told["verdict"]["verdict"] == "good enough"
    assert told["verdict"]["figure"]["basis"] == "rows with gold"
    assert "(biased" in done.err
    assert "decide: 400 rows · 400 labelled (100 by people) -> out.csv" in done.err
    assert "next: labelkit train out.csv -o labels.model --label final_label" in done.err


def test_audit_rows_teach_nothing(labelkit: Any) -> None:
    rows = reviews(200, by_people=50, audit=60)
    save("right.csv", rows)
    turned = [
        {**row, "label": {"good": "bad", "bad": "good"}[row["label"]]}
        if row["label_origin"] == "audit"
        else row
        for row in rows
    ]
    save("turned.csv", turned)
    for name in ("right", "turned"):
        done = labelkit(
            "decide", f"{name}.csv", "-o", f"{name}.out.csv", "--summary", f"{name}.json"
        )
        assert done.code == 0, done.err
    one, two = (finals(f"{name}.out.csv")[110:] for name in ("right", "turned"))
    assert one == two
    right, wrong = (
        json.loads(Path(f"{name}.json").read_text())["audit_accuracy"]
        for name in ("right", "turned")
    )
    assert right == pytest.approx(1 - wrong), "and yet they are what accuracy is measured on"


def test_duplicates_of_audit_rows_teach_nothing(labelkit: Any) -> None:
    rows = reviews(60, by_people=30, audit=10)
    for place in range(12):
        rows[place]["text"] = rows[35]["text"]
    save("in.csv", rows)
    done = labelkit("decide", "in.csv", "-o", "out.csv", "--no-own-model")
    assert done.code == 0, done.err
    assert "weights learned from 18 rows of people" in done.err


def test_people_s_labels_that_are_held_for_wrong_teach_nothing(labelkit: Any) -> None:
    rows = reviews(40, by_people=20)
    for quality, used in (({"noise_quality": "0.2"}, 15), ({}, 15), ({"noise_quality": "0.9"}, 20)):
        save("in.csv", [
            {**row, "noise_given": row["label"], "noise_flag": str(i < 5).lower()} | quality
            for i, row in enumerate(rows)
        ])  # fmt: skip
        done = labelkit("decide", "in.csv", "-o", "out.csv")
        assert done.code == 0, done.err
        assert f"weights learned from {used} rows of people" in done.err


def test_a_model_of_its_own_fills_where_people_labelled_some(labelkit: Any) -> None:
    rows = reviews(120, by_people=40)
    for row in rows[60:]:
        row |= {"weak_label": "", "weak_confidence": "0", "llm_label": "", "llm_confidence": ""}
    save("in.csv", rows)
    done = labelkit("decide", "in.csv", "-o", "out.csv")
    assert done.code == 0, done.err
    filled = table("out.csv")[60:]
    assert {row["final_source"] for row in filled} == {"model"}
    assert all(row["final_label"] == row["gold"] for row in filled)
    assert labelkit("decide", "in.csv", "-o", "bare.csv", "--no-own-model").code == 0
    assert {label for label, _, _ in finals("bare.csv")[60:]} == {""}


def test_what_too_few_labels_cannot_fill_is_told(write: Any, labelkit: Any) -> None:
    rows = [f"{i},film {i} good,{'ab'[i % 2] if i < 20 else ''}" for i in range(40)]
    write("in.csv", "\n".join(["id,text,label", *rows]) + "\n")
    done = labelkit("decide", "in.csv", "-o", "out.csv")
    assert done.code == 0, done.err
    assert "20 without a label" in done.err
    assert "a model that fills them needs 30 labels of two classes" in done.err


def test_a_model_of_its_own_votes_where_people_labelled_many(labelkit: Any) -> None:
    rows = reviews(300, by_people=120)
    save("in.csv", [{k: v for k, v in row.items() if not k.startswith("llm")} for row in rows])
    done = labelkit("decide", "in.csv", "-o", "out.csv", "--summary", "s.json")
    assert done.code == 0, done.err
    weights = {v["column"]: v["weight"] for v in json.loads(Path("s.json").read_text())["voters"]}
    assert weights["own model"] > weights["weak_label"]
    rest = table("out.csv")[120:]
    wrong = sum(row["final_label"] != row["gold"] for row in rest)
    assert wrong <= 2, "the rule alone is wrong in 36"


def test_what_the_voters_say_teaches_the_model_that_fills(labelkit: Any) -> None:
    rows = [
        {"id": r["id"], "text": r["text"], "weak_label": r["llm_label"] if i < 60 else ""}
        for i, r in enumerate(reviews(100))
    ]
    done = labelkit("decide", save("in.csv", rows), "-o", "out.csv")
    assert done.code == 0, done.err
    found = table("out.csv")
    assert {row["final_source"] for row in found[:60]} == {"weak"}
    assert {row["final_source"] for row in found[60:]} == {"model"}
    truth = ["good" if i % 2 else "bad" for i in range(100)]
    right = sum(row["final_label"] == truth[i] for i, row in enumerate(found[60:], 60))
    assert right >= 38
    alone = labelkit("decide", "in.csv", "-o", "out.csv", "--no-own-model")
    assert alone.code == 0
    assert {row["final_label"] for row in table("out.csv")[60:]} == {""}


def test_classes_that_no_voter_names_are_told(write: Any, labelkit: Any) -> None:
    write("in.csv", "id,label,weak_label\n1,spam,ham\n2,,ham\n3,ham,ham\n")
    done = labelkit("decide", "in.csv", "-o", "out.csv")
    assert "warning: no voter names spam: rows that people would label so get another" in done.err


def test_a_file_of_labels_alone_is_weighed_without_a_model(labelkit: Any) -> None:
    rows = reviews(80, by_people=40)
    save("in.csv", [{k: v for k, v in r.items() if k not in ("text", "gold")} for r in rows])
    done = labelkit("decide", "in.csv", "-o", "out.csv")
    assert done.code == 0, done.err
    assert "weights learned from 40 rows of people" in done.err
    assert "model" not in {source for _, _, source in finals("out.csv")}


def test_no_audit_rows_no_claim(write: Any, labelkit: Any) -> None:
    source = write("in.csv", "id,label,weak_label,weak_confidence\n1,a,a,0.9\n2,,a,0.9\n")
    done = labelkit("decide", source, "-o", "out.csv", "--summary", "s.json")
    assert "no accuracy is claimed" in done.err
    told = json.loads(Path("s.json").read_text())
    assert told["audit_rows"] == 0 and "audit_accuracy" not in told
    assert told["biased_accuracy"] == 1.0
    assert "on the 1 other rows that people labelled: 1.000 [0.207, 1.000] (biased" in done.err


def test_audit_rows_on_which_no_voter_speaks_are_told(write: Any, labelkit: Any) -> None:
    source = write(
        "in.csv",
        "id,label,label_origin,weak_label,weak_confidence\n"
        "1,a,audit,a,0.9\n2,b,audit,,0\n3,,,a,0.9\n",
    )
    done = labelkit("decide", source, "-o", "out.csv")
    assert "from 1 audit row (1 more audit row got no label)" in done.err


def test_gold_is_told_by_source_and_never_votes(write: Any, labelkit: Any) -> None:
    source = write(
        "in.csv",
        "id,label,weak_label,weak_confidence,truth\n1,a,b,0.9,a\n2,,b,0.9,a\n3,,b,0.9,b\n4,,b,1,\n",
    )
    done = labelkit("decide", source, "-o", "out.csv", "--gold", "truth", "--summary", "s.json")
    assert done.code == 0, done.err
    sources = {s["source"]: s for s in json.loads(Path("s.json").read_text())["sources"]}
    assert sources["weak"]["truth"] == 0.5 and sources["people"]["truth"] == 1.0
    assert sources["all"]["rows"] == 4
    assert "truth (biased)" in done.err, "one row has no known truth"
    voter = labelkit("decide", source, "-o", "two.csv", "--gold", "weak_label")
    assert finals("two.csv")[1] == ("", "", ""), voter.err


# -- the laws, errors ------------------------------------------------------------------------------


def test_a_second_run_changes_nothing_and_other_names_leave_the_first(labelkit: Any) -> None:
    save("in.csv", reviews(60, by_people=40))
    assert labelkit("decide", "in.csv", "-o", "one.csv").code == 0
    assert labelkit("decide", "one.csv", "-o", "two.csv").code == 0
    assert Path("one.csv").read_bytes() == Path("two.csv").read_bytes()
    assert labelkit("decide", "one.csv", "-o", "both.csv", "--as", "second").code == 0
    both = table("both.csv")
    assert [r["second_label"] for r in both] == [r["final_label"] for r in both]


def test_parquet_gets_nulls(labelkit: Any, tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"id": [1, 2], "weak_label": ["a", None], "weak_confidence": [0.8, None]}),
        tmp_path / "in.parquet",
    )
    assert labelkit("decide", "in.parquet", "-o", "out.parquet").code == 0
    found = pq.read_table(tmp_path / "out.parquet").select(
        ["final_label", "final_confidence", "final_source"]
    )
    assert found.to_pylist()[1] == dict.fromkeys(found.column_names)
    assert found.schema.types == [pa.string(), pa.float64(), pa.string()]


def test_an_empty_file_with_voters_stays_empty(write: Any, decided: Any) -> None:
    assert decided(write("in.csv", "id,weak_label,weak_confidence\n")) == []


@pytest.mark.parametrize(
    ("content", "options", "code", "message"),
    [
        ("id,text\n1,x\n", (), 1, "has no label to decide on: no column weak_label, llm_label"),
        ("id,text,label\n1,x,\n", (), 1, "'label' is empty"),
        ("id,weak_label\n1,a\n", ("--label", "weak_lable"), 1, "did you mean 'weak_label'?"),
        (
            "id,weak_label\n1,goood\n",
            ("--classes", "good,bad"),
            1,
            "in.csv, column 'weak_label': the label 'goood' of 1 row (1) is not one of the classes",
        ),
        ("id,label\n1,x\n", ("--classes", "a,b"), 1, "the label 'x'"),
        (
            "id,weak_label,weak_confidence\n1,a,0.5\n2,a,sure\n",
            (),
            1,
            "column 'weak_confidence' does not hold numbers only",
        ),
        (
            "id,weak_label,weak_confidence\n1,a,0.5\n2,a,80\n",
            (),
            1,
            "in.csv, row 2: weak_confidence is 80, not between 0 and 1",
        ),
        ("id,weak_label\n1,a\n", ("--order", "weak"), 2, "--order is for --policy priority"),
        (
            "id,weak_label\n1,a\n",
            ("--policy", "priority", "--order", "weka"),
            2,
            "'weka' is no voter of this file; did you mean 'weak'?",
        ),
        ("id,weak_label\n1,a\n", ("--threshold", "80"), 2, "give a number from 0 to 1"),
        ("id,x\n1,a\n", ("--from-proba", "p_"), 1, "no column that begins with 'p_'"),
    ],
)
def test_errors(
    write: Any, labelkit: Any, content: str, options: tuple[str, ...], code: int, message: str
) -> None:
    done = labelkit("decide", write("in.csv", content), "-o", "out.csv", *options)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert not Path("out.csv").exists()


def test_labels_outside_the_classes_may_be_left_out(write: Any, decided: Any) -> None:
    source = write("in.csv", "id,weak_label,weak_confidence\n1,a,0.8\n2,x,0.8\n")
    found = decided(source, "--classes", "a,b", "--unknown-label", "ignore")
    assert found == [("a", "0.8", "weak"), ("", "0", "")]


def test_what_a_filling_model_would_say_of_rows_that_people_labelled_is_out_of_fold(
    labelkit: Any,
) -> None:
    """Where only people speak, the model that fills is judged by audit rows: and by nothing seen.

    The words of the rows tell nothing, so a model that knew the rows would be right on all.
    """
    rng = random.Random(0)
    rows = [
        {**row, "text": f"words {rng.random()}", "gold": (gold := rng.choice(["good", "bad"])),
         "label": gold if i < 200 else "", "weak_label": "", "llm_label": ""}
        for i, row in enumerate(reviews(400, by_people=120, audit=80))
    ]  # fmt: skip
    save("in.csv", rows)
    done = labelkit("decide", "in.csv", "-o", "out.csv", "--gold", "gold", "--summary", "s.json")
    assert done.code == 0, done.err
    told = json.loads(Path("s.json").read_text())
    assert told["biased_rows"] == 120 and 0.35 < told["biased_accuracy"] < 0.65
    truth = sum(row["final_label"] == row["gold"] for row in table("out.csv")) / 400
    assert told["claim"]["low"] < truth < told["claim"]["high"]


def test_priority_of_no_voter_leaves_what_people_say(labelkit: Any, write: Any) -> None:
    write("people.csv", "id,text,label\n1,a good film,GOOD\n2,a bad film,BAD\n3,a film,\n")
    done = labelkit("decide", "people.csv", "-o", "final.csv", "--policy", "priority")
    assert done.code == 0, done.err
    assert "3 rows · 2 labelled (2 by people) · 1 without a label" in done.err


def test_a_broken_source_is_an_alarm_and_the_best_step_leaves_it_out(labelkit: Any) -> None:
    other = {"good": "bad", "bad": "good"}
    rows = [
        {**row, "llm_label": other[row["gold"]], "weak_label": row["gold"]}
        for row in reviews(200, audit=60)
    ]
    save("in.csv", rows)
    args = ("decide", "in.csv", "-o", "out.csv", "--no-own-model", "--summary", "s.json")
    done = labelkit(*args)
    assert done.code == 0, done.err
    alarm = "warning: llm_label is right less often than a guess (0.50): 0.00"
    assert alarm in done.err and "remove it or invert it" in done.err
    told = json.loads(Path("s.json").read_text())["verdict"]
    assert told["verdict"] == "not yet" and told["target"] == 0.9 and told["target_is_default"]
    assert "worse_than_chance" in {each["code"] for each in told["alarms"]}
    assert told["next"]["command"] == "labelkit decide in.csv -o out.csv --label weak_label"
    assert f"next: {told['next']['command']}" in done.err
    quiet = labelkit(*args, "--quiet").err
    assert alarm in quiet and "verdict: " not in quiet
    without = labelkit(*told["next"]["command"].split()[1:], "--no-own-model")
    assert without.code == 0 and "verdict: good enough: " in without.err
