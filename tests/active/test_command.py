"""query from end to end: what is asked, cold starts, odd data."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelkit.active import query as run_module
from labelkit.config import plugins
from tests.active.conftest import check_output, ranked, read, run, save, truth


@pytest.mark.parametrize("name", [*plugins.names("strategy"), "by-column:conf"])
@pytest.mark.parametrize("labelled", [0, 1, 4, 45], ids="{} labelled".format)
def test_every_strategy_on_texts(labelkit, reviews, name, labelled):
    reviews(80, labelled, conf=lambda i: f"{i / 100}")
    args = ("-n", "9", "--audit", "5", "--batch", "todo.csv", "--strategy", name)
    run(labelkit, *args)
    check_output(read("out.csv"), read("todo.csv"))
    assert len(ranked()) == 14
    before = Path("out.csv").read_bytes(), Path("todo.csv").read_bytes()
    run(labelkit, *args)
    assert (Path("out.csv").read_bytes(), Path("todo.csv").read_bytes()) == before
    again = labelkit("query", "out.csv", "-o", "two.csv", *args)
    assert again.code == 0, again.err
    assert Path("two.csv").read_bytes() == before[0]
    assert Path("todo.csv").read_bytes() == before[1]


@pytest.mark.parametrize("name", plugins.names("strategy"))
@pytest.mark.parametrize("labelled", [0, 45], ids="{} labelled".format)
def test_every_strategy_on_numbers(labelkit, numbers, name, labelled):
    numbers(80, labelled)
    run(labelkit, "-n", "9", "--audit", "5", "--batch", "todo.csv", "--strategy", name,
        name="numbers.csv")  # fmt: skip
    check_output(read("out.csv"), read("todo.csv"))
    assert len(ranked()) == 14


def test_rows_are_asked_whose_label_is_empty_whatever_other_columns_say(labelkit, reviews):
    reviews(40, 10, llm_label=lambda i: truth(i), weak_label=lambda i: truth(i) if i % 2 else "")
    run(labelkit, "--label", "label", "--label", "llm_label", "--label", "weak_label")
    rows = read("out.csv")
    check_output(rows)
    assert len(ranked()) == 30
    run(labelkit, "--label", "llm_label")
    assert len(ranked()) == 30
    check_output(read("out.csv"))


def test_peoples_labels_may_have_another_name(labelkit, reviews):
    reviews(30, 0, verdict=lambda i: truth(i) if i < 12 else "")
    run(labelkit, "--label", "verdict", "-n", "4")
    pool = {str(i) for i in range(12, 30)}
    check_output(read("out.csv"), pool=pool)


def test_where_limits_the_pool_but_not_what_is_learned_from(labelkit, reviews):
    reviews(40, 10)
    done = run(labelkit, "-n", "3", "--audit", "2", "--where", "id >= 30", "--batch", "todo.csv")
    check_output(read("out.csv"), read("todo.csv"), pool={str(i) for i in range(30, 40)})
    assert "10 labels so far (label 10)" in done.err
    assert "pool: 10 rows without a label" in done.err


def test_exact_copies_are_asked_once_and_labelled_ones_never(labelkit, write):
    lines = ["id,text,label", "1,Good film,POS", "2,good  film,", "3,bad film,", "4,Bad film,",
             "5,ｂａｄ FILM ,", "6,something else,"]  # fmt: skip
    write("reviews.csv", "\n".join(lines) + "\n")
    done = run(labelkit, "-n", "10")
    rows = {row["id"]: row for row in read("out.csv")}
    asked = {key for key, row in rows.items() if row["query_rank"]}
    assert len(asked & {"3", "4", "5"}) == 1 and "6" in asked and "2" not in asked
    assert rows["2"]["query_score"] == "0"
    assert rows["3"]["query_score"] == rows["4"]["query_score"] == rows["5"]["query_score"] != "0"
    assert "(3 left out: copies of other rows" in done.err
    assert "-n 10: picked 2 rows, only 2 rows may be asked" in done.err


def test_short_texts_that_differ_in_signs_or_digits_are_no_copies(labelkit, write):
    texts = [":)", ":(", "C", "C#", "1.5 stars", "15 stars", "-5", "5", "good!", "good"]
    write("reviews.csv", "\n".join(["id,text", *(f"{i},{t}" for i, t in enumerate(texts))]) + "\n")
    done = run(labelkit, "-n", "10", "--audit", "0", "--text", "text")
    assert "left out" not in done.err and len(ranked()) == 10


def test_near_repeats_come_last(labelkit, write):
    long = " ".join(f"word{i}" for i in range(60))
    lines = ["id,text", *[f"{i},{long} w{'x' * i}" for i in range(6)], "7,quite another film"]
    write("reviews.csv", "\n".join(lines) + "\n")
    run(labelkit, "-n", "5")
    rows = ranked()
    assert len(rows) == 5 and "7" in {row["id"] for row in rows[:2]}


def test_strata_take_turns(labelkit, reviews):
    reviews(60, 0, land=lambda i: ["de", "fr", "it"][min(i // 4, 2)])
    run(labelkit, "-n", "9", "--stratify", "land")
    assert sorted(row["land"] for row in ranked()) == ["de"] * 3 + ["fr"] * 3 + ["it"] * 3


def test_by_column_asks_the_least_confident_first(labelkit, reviews):
    reviews(20, 0, conf=lambda i: "" if i == 7 else f"{(i * 7 % 20) / 20}")
    run(labelkit, "-n", "4", "--strategy", "by-column:conf")
    assert {row["id"] for row in ranked()[:2]} == {"7", "0"}
    assert [row["query_reason"] for row in ranked()[2:]] == ["conf 0.05", "conf 0.10"]


def test_probabilities_made_elsewhere_need_no_label(labelkit, reviews):
    reviews(12, 0, p_NEG=lambda i: "" if i == 3 else i / 20, p_POS=lambda i: "" if i == 3 else
            1 - i / 20)  # fmt: skip
    done = run(labelkit, "-n", "3", "--strategy", "margin", "--from-proba", "p_",
               "--batch", "todo.csv")  # fmt: skip
    asked = ranked()
    assert {row["id"] for row in asked} == {"3", "10", "11"}
    reasons = {row["id"]: row["query_reason"] for row in asked}
    assert reasons["3"] == "no probabilities yet"
    assert reasons["11"] == "margin 0.10: NEG 0.55, POS 0.45"
    guesses = {r["id"]: (r["query_guess"], r["query_guess_confidence"]) for r in read("todo.csv")}
    assert guesses["11"] == ("NEG", "0.55")
    assert guesses["3"] == ("", "")
    assert "probabilities from columns, no model" in done.err


@pytest.mark.parametrize("name", ["default", "ranked-batch", "entropy"])
def test_ready_probabilities_serve_every_strategy(labelkit, reviews, name):
    reviews(30, 0, weak_proba_NEG=lambda i: i / 30, weak_proba_POS=lambda i: 1 - i / 30)
    run(labelkit, "-n", "5", "--from-proba", "weak_proba_", "--strategy", name)
    assert len(ranked()) == 5


def test_for_two_classes_three_strategies_are_said_to_be_alike(labelkit, reviews):
    reviews(30, 0, weak_proba_NEG=lambda i: i / 30, weak_proba_POS=lambda i: 1 - i / 30)
    picked = []
    for name in ("uncertainty", "margin", "entropy"):
        done = run(labelkit, "-n", "5", "--from-proba", "weak_proba_", "--strategy", name)
        assert "with two classes uncertainty, margin and entropy pick the same rows" in done.err
        picked.append([row["id"] for row in ranked()])
    assert picked[0] == picked[1] == picked[2]
    shares = {"p_A": lambda i: 0.5, "p_B": lambda i: 0.3, "p_C": lambda i: 0.2}
    reviews(30, 0, **shares)
    done = run(labelkit, "-n", "5", "--from-proba", "p_", "--strategy", "margin")
    assert "pick the same rows" not in done.err


def test_the_entropy_in_a_reason_is_in_nats(labelkit, reviews):
    reviews(4, 0, p_A=lambda i: 0.5 if i == 0 else 1, p_B=lambda i: 0.5 if i == 0 else 0)
    run(labelkit, "-n", "1", "--strategy", "entropy", "--from-proba", "p_")
    (row,) = ranked()
    assert row["query_score"] == "0.693147"
    assert row["query_reason"] == "entropy 0.69: A 0.50, B 0.50"


def test_cold_starts_say_why(labelkit, reviews):
    reviews(30, 0)
    done = run(labelkit)
    assert "no labels to learn from yet" in done.err
    assert (
        "cold start: nothing is labelled yet, so rows that stand for many others come" in done.err
    )
    assert "picked by default (coverage)" in done.err
    reviews(30, 1)
    done = run(labelkit, "--strategy", "margin")
    assert "cold start: all labels so far are 'NEG', " in done.err
    assert "come first instead of margin" in done.err
    reviews(60, 30)
    done = run(labelkit)
    assert "cold start: the labels are few (under 40)" in done.err
    done = run(labelkit, "--strategy", "margin")
    assert "cold start" not in done.err


def test_a_model_says_how_well_it_does_and_that_this_is_biased(labelkit, reviews):
    reviews(90, 60)
    done = run(labelkit, "--summary", "s.json", "-n", "5", "--audit", "2")
    assert "60 labels so far (label 60); model logistic" in done.err
    assert "in cross-validation (biased: these rows are no random sample)" in done.err
    found = json.loads(Path("s.json").read_text())
    counts = ("rows", "pool", "eligible", "picked", "audit", "learned_from")
    assert [found[name] for name in counts] == [90, 30, 28, 5, 2, 60]
    assert (found["strategy"], found["picked_by"]) == ("default", "diverse")
    assert found["labels_by_source"] == {"label": 60}
    assert 0 < found["biased_accuracy"] <= 1


@pytest.mark.parametrize("name", plugins.names("strategy"))
def test_a_class_seen_once_is_no_obstacle(labelkit, reviews, name):
    reviews(60, 50)
    rows = read("reviews.csv")
    rows[0]["label"] = "RARE"
    save("reviews.csv", rows)
    run(labelkit, "-n", "4", "--strategy", name)
    assert len(ranked()) == 4


@pytest.mark.parametrize("text", ["", "the same", "?!", "a"])
def test_texts_that_are_all_alike_are_asked_once(labelkit, write, text):
    write("reviews.csv", "id,text\n" + "".join(f"{i},{text}\n" for i in range(5)))
    run(labelkit, "--text", "text", "-n", "3", "--batch", "todo.csv")
    assert len(ranked()) == len(read("todo.csv")) == 1


def test_infinite_and_missing_numbers(labelkit):
    rng = np.random.default_rng(0)
    size = rng.normal(size=60)
    size[:6] = [np.nan, np.inf, -np.inf, np.nan, 1e300, -1e300]
    conf = np.where(np.arange(60) % 9 == 0, np.inf, rng.random(60))
    label = ["good" if s > 0 else "bad" for s in size[:45]] + [""] * 15
    table = pa.table({"id": list(range(60)), "size": size, "conf": conf, "label": label})
    pq.write_table(table, "n.parquet")
    for strategy in ("default", "margin", "coverage", "by-column:conf"):
        done = labelkit("query", "n.parquet", "-o", "o.parquet", "-n", "5", "--audit", "2",
                        "--strategy", strategy)  # fmt: skip
        assert done.code == 0, done.err
        ranks = pq.read_table("o.parquet")["query_rank"].drop_null().to_pylist()
        assert sorted(ranks) == list(range(1, 8))


def test_gold_and_the_columns_of_labelkit_are_no_features(labelkit, numbers):
    numbers(60, 45)
    rows = read("numbers.csv")
    done = run(labelkit, "-n", "5", name="numbers.csv")
    asked = [row["id"] for row in ranked()]
    leaky = [{**row, "secret": truth(i), "weak_label": truth(i)} for i, row in enumerate(rows)]
    save("leaky.csv", leaky)
    done = run(labelkit, "-n", "5", "--gold", "secret", name="leaky.csv")
    assert "secret" not in done.err.partition("next: ")[0]
    assert [row["id"] for row in ranked()] == asked


cell = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
table = st.lists(
    st.tuples(cell, st.sampled_from(["", "", "A", "B"]), st.sampled_from(["", "audit", "query"])),
    min_size=1,
    max_size=14,
)


@given(table, st.integers(0, 5), st.integers(0, 4), st.sampled_from(plugins.names("strategy")))
@settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_the_table_the_promises_hold(labelkit, rows, n, audit, strategy):
    save(
        "any.csv",
        [
            {"id": i, "text": text, "label": label, "label_origin": origin if label else ""}
            for i, (text, label, origin) in enumerate(rows)
        ],
    )
    for name in ("out.csv", "todo.csv", "two.csv"):
        Path(name).unlink(missing_ok=True)
    args = ("-n", n, "--audit", audit, "--batch", "todo.csv", "--strategy", strategy)
    done = labelkit("query", "any.csv", "-o", "out.csv", *args)
    assert "internal error" not in done.err
    if done.code:
        assert "nothing to ask" in done.err or "asks for no rows" in done.err
        return
    found, batch = read("out.csv"), read("todo.csv")
    check_output(found, batch)
    drawable = sum(not label or origin == "query" for _, label, origin in rows)
    assert sum(row["label_origin"] == "audit" for row in batch) == min(audit, drawable)
    again = labelkit("query", "out.csv", "-o", "two.csv", *args)
    assert again.code == 0, again.err
    assert Path("two.csv").read_bytes() == Path("out.csv").read_bytes()
    assert read("todo.csv") == batch


def test_rows_without_content_are_not_asked(labelkit, reviews):
    reviews(60, 0)
    rows = read("reviews.csv")
    with open("reviews.csv", "w", encoding="utf-8") as out:
        out.write("id,text,label\n")
        for row in rows:
            empty = int(row["id"]) % 5 == 0
            out.write(f"{row['id']},{'  ' if empty else row['text']},\n")
    run(labelkit, "-n", "20", "--audit", "0")  # the audit is drawn from all rows
    assert len(ranked()) == 20
    assert not [row for row in read("out.csv") if row["query_rank"] and not row["text"].strip()]


def test_columns_that_contradict_each_other_are_asked_first(labelkit, reviews):
    said = {0: ("POS", "NEG"), 1: ("POS", "POS"), 2: ("NEG", "POS"), 3: ("NEG", "")}
    sure = {0: "0.6", 1: "0.9", 2: "0.95", 3: ""}
    reviews(4, 0, weak_label=lambda i: said[i][0], weak_confidence=sure.get,
            llm_label=lambda i: said[i][1])  # fmt: skip
    run(labelkit, "--strategy", "disagreement:weak_label,llm_label", "-n", "4")
    rows = ranked()
    assert [row["id"] for row in rows] == ["2", "0", "3", "1"]
    assert rows[0]["query_reason"] == "weak_label says NEG, llm_label says POS"
    assert rows[2]["query_reason"] == "weak_label says NEG, llm_label says nothing"


def test_a_cold_start_on_many_rows_looks_at_a_sample_of_them(labelkit, reviews, monkeypatch):
    monkeypatch.setattr(run_module, "MOST_COVERED", 30)
    reviews(rows=90, seen=lambda i: "rare" if i == 89 else "usual")
    run(labelkit, "-n", "2", "--batch", "todo.csv", "--classes", "POS,NEG", "--audit", "3")
    rows = read("out.csv")
    check_output(rows, read("todo.csv"))
    assert sum(float(row["query_score"]) > 0 for row in rows) == 30
    run(labelkit, "-n", "2", "--classes", "POS,NEG", "--stratify", "seen", "--audit", "0")
    assert {row["seen"] for row in ranked()} == {"rare", "usual"}


@pytest.mark.parametrize("where", [(), ("--where", "id < 3")])
def test_all_rows_labelled_is_a_success(labelkit, reviews, where):
    reviews(5, 5)
    done = labelkit(
        *("query", "reviews.csv", "-o", "out.csv", "--batch", "todo.csv", "--summary", "s.json"),
        *where,
    )
    assert done.code == 0
    assert "has a human label" in done.err
    assert json.loads(Path("s.json").read_text())["picked"] == 0
    with Path("out.csv").open() as stream:
        assert [row["query_rank"] for row in csv.DictReader(stream)] == [""] * 5
    assert len(Path("todo.csv").read_text().splitlines()) == 1


def test_an_ignored_label_is_not_labelled(labelkit, reviews, write):
    write("a.csv", "id,text,label\n" + "".join(f"{i},w{i},unsure\n" for i in range(9)))
    done = labelkit(
        *("query", "a.csv", "-o", "out.csv", "-n", "4", "--classes", "POS,NEG"),
        *("--unknown-label", "ignore", "--summary", "s.json"),
    )
    assert done.code == 0
    figures = json.loads(Path("s.json").read_text())
    assert (figures["pool"], figures["picked"]) == (9, 4)
