"""What each round tells: accuracy, whether the model has settled, what more labels would buy."""

import json
from pathlib import Path

import pytest

from labelkit.active import model
from tests.active.conftest import WORDS, answer, ranked, read, refused, review, run, save, truth

FAST = ("--features", "tfidf", "--classes", "NEG,POS")


def rounds_of(labelkit, rounds, *args, rows=240):
    """Query, answer and merge so many times; return what each query said."""
    save("reviews.csv", [{"id": str(i), "text": review(i), "label": ""} for i in range(rows)])
    name, told = "reviews.csv", []
    for _ in range(rounds):
        done = labelkit("query", name, "-o", "out.csv", "--batch", "todo.csv", *FAST, *args)
        told.append(done)
        answer("todo.csv", "filled.csv")
        Path("todo.csv").unlink()
        merged = labelkit("merge", "out.csv", "filled.csv", "-o", "merged.csv")
        assert merged.code == 0, merged.err
        name = "merged.csv"
    return told


def test_each_round_says_more(labelkit, tmp_path):
    told = rounds_of(labelkit, 4, "-n", "40", "--price-per-label", "0.30")
    assert "accuracy" not in told[0].err and "expected to buy" not in told[0].err
    assert "by the labels of 4 audit rows" in told[1].err
    assert "predictions: kappa" in told[2].err
    last = told[3].err
    assert "by the labels of 12 audit rows" in last
    assert "over 2 rounds" in last
    assert "another 40 labels are expected to buy" in last and "biased) for $12.00:" in last


def test_the_default_draws_one_row_in_ten_at_random(labelkit, reviews):
    reviews(60)
    run(labelkit, "-n", "30", "--batch", "todo.csv")
    assert len(ranked()) == 30
    assert [row["label_origin"] for row in read("todo.csv")].count("audit") == 3
    for args in (("--audit", "0"), ("--strategy", "margin")):
        Path("todo.csv").unlink()
        run(labelkit, "-n", "30", "--batch", "todo.csv", *args)
        assert {row["label_origin"] for row in read("todo.csv")} == {"query"}
    Path("todo.csv").unlink()
    run(labelkit, "-n", "30", "--batch", "todo.csv", "--audit", "5")
    assert len(ranked()) == 35


def test_few_rows_are_not_all_given_to_the_audit(labelkit, reviews):
    reviews(3)
    run(labelkit, "--batch", "todo.csv")
    assert {row["label_origin"] for row in read("todo.csv")} == {"query"}


def test_accuracy_is_that_of_audit_rows_which_people_labelled(labelkit, reviews):
    # Rows 40 to 51 are the audit; a machine's label is no judge.
    reviews(90, 52, label_origin=lambda i: "audit" if 40 <= i < 52 else "",
            llm_label=lambda i: truth(i) if i < 60 else "")  # fmt: skip
    done = run(labelkit, *FAST, "--summary", "s.json", "--label", "label", "--label", "llm_label")
    told = json.loads(Path("s.json").read_text())
    assert told["audit_labels"] == 12
    value, low, high = told["audit_accuracy"]
    assert 0 <= low <= value <= high <= 1
    assert f"accuracy {value:.1%} ({low:.1%} to {high:.1%})" in done.err
    # What people's labels add to a machine's, no curve of both tells.
    assert "biased_gain" not in told


def test_audit_rows_that_the_model_surely_gets_wrong_are_named(labelkit, reviews):
    reviews(120, 100, label_origin=lambda i: "audit" if i in (70, 71, 72) else "")
    rows = read("reviews.csv")
    for row in rows:
        if row["id"] == "71":
            row["label"] = "NEG" if truth(71) == "POS" else "POS"
            row["text"] = " ".join(WORDS[truth(71)])
    save("reviews.csv", rows)
    done = run(labelkit, *FAST, "--audit", "0")
    assert "blind spots: 1 audit rows are wrong at confidence 0.9 (71)" in done.err


def test_a_rule_that_is_reached_ends_with_6_and_all_is_written(labelkit, reviews):
    reviews(80, 60)
    args = (*FAST, "-n", "10", "--summary", "s.json", "--batch", "todo.csv")
    done = labelkit("query", "reviews.csv", "-o", "out.csv", *args, "--stop-when", "labels=60")
    assert done.code == 6, done.err
    assert "stop: labels is 60 (labels=60)" in done.err
    assert len(ranked()) == len(read("todo.csv")) == 10
    assert json.loads(Path("s.json").read_text())["picked"] == 9
    quiet = labelkit(
        "query", "reviews.csv", "-o", "out.csv", *FAST, "--stop-when", "labels=60", "-q"
    )
    assert quiet.code == 6 and quiet.err.count("\n") == 1


def test_a_rule_that_is_not_reached_says_what_it_waits_for(labelkit, reviews):
    reviews(80, 60)
    done = run(labelkit, *FAST, "--stop-when", "kappa=.99", "--stop-when", "labels=70")
    assert "--stop-when kappa=0.99: not yet, kappa is not known (the models of 4" in done.err
    assert "--stop-when labels=70: not yet, labels is 60" in done.err


def test_a_settled_model_stops(labelkit, tmp_path):
    told = rounds_of(labelkit, 6, "-n", "40", "--stop-when", "kappa=.8", rows=300)
    codes = [done.code for done in told]
    assert codes[:4] == [0, 0, 0, 0]  # three comparisons take four models
    assert 6 in codes[4:]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--stop-when", "kapa=.9"), 2, "did you mean 'kappa'?"),
        (("--stop-when", "accuracy=90"), 2, "90 % is accuracy=0.9"),
        (("--price-per-label", "-1"), 2, "--price-per-label -1.0: give a number of dollars"),
    ],
)
def test_what_cannot_be_is_refused(labelkit, reviews, args, code, message):
    reviews(20, 6)
    done = refused(labelkit, *args)
    assert (done.code, message in done.err) == (code, True), done.err


def test_the_price_may_stand_in_the_task_file(labelkit, reviews, write):
    reviews(120, 80)
    write("labelkit.toml", '[cost]\nhuman_label = 0.5\n[query]\nstop-when = ["labels=500"]\n')
    done = run(labelkit, *FAST, "-n", "20")
    assert "for $10.00:" in done.err and "--stop-when labels=500: not yet" in done.err
    write("labelkit.toml", '[cost]\nhuman_label = "much"\n')
    Path("out.csv").unlink()
    assert "[cost] human_label much: give a number of dollars" in refused(labelkit, *FAST).err


def test_more_rows_than_there_are_buy_no_more_than_these(labelkit, reviews):
    reviews(120, 80)
    done = run(labelkit, *FAST, "-n", "1000", "--price-per-label", "0.5")
    assert "another 40 labels are expected to buy" in done.err and "for $20.00:" in done.err


def test_labels_that_are_all_of_audit_rows_are_not_denied(labelkit):
    said = {"text": "the same", "label": ""}
    rows = [{"id": str(i), **said, **({"label": "POS"} if i < 5 else {})} for i in range(40)]
    save("reviews.csv", rows)
    done = run(labelkit, *FAST, "-n", "20")
    assert "not learned from: 5 labels of audit rows" in done.err
    assert "cold start: no label may be learned from yet" in done.err


def test_the_same_command_gives_the_same_bytes_and_words(labelkit, reviews):
    reviews(120, 80)
    first = run(labelkit, *FAST, "--batch", "a.csv")
    before = Path("out.csv").read_bytes()
    second = run(labelkit, *FAST, "--batch", "b.csv")
    assert before == Path("out.csv").read_bytes()
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    assert first.err.replace("a.csv", "b.csv") == second.err


def test_a_column_that_tells_all_draws_a_warning(labelkit, numbers):
    numbers(90, 48)  # too few to compare kinds of models
    rows = read("numbers.csv")
    save(
        "numbers.csv", [{**row, "closed": str(int(truth(int(row["id"])) == "POS"))} for row in rows]
    )
    done = run(labelkit, name="numbers.csv")
    # kind is red for all that are NEG, so it tells as much.
    assert "the column 'closed' alone gives 100.0% of the labels" in done.err
    assert "'kind' alone" in done.err and "'size' alone" not in done.err
    done = run(labelkit, "--column", "size", "--column", "weight", name="numbers.csv")
    assert "alone gives" not in done.err


@pytest.mark.parametrize("pool", ["processes_here", pytest.param("", marks=pytest.mark.slow)])
def test_any_number_of_processes_gives_the_same_bytes(
    labelkit, reviews, monkeypatch, request, pool
):
    if pool:
        request.getfixturevalue(pool)
    reviews(120, 80)
    monkeypatch.setattr(model, "CHUNK", 16)
    found = []
    for jobs in ("1", "2"):
        run(labelkit, *FAST, "--batch", f"{jobs}.csv", "--jobs", jobs, "--balance")
        found.append((Path("out.csv").read_bytes(), Path(f"{jobs}.csv").read_bytes()))
    assert found[0] == found[1]
