"""query from end to end, through the command line."""

import csv
import io
import json
import shlex
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelkit import registry
from tests.active.conftest import answer, read, review, save, truth


def run(labelkit, *args, name="reviews.csv"):
    done = labelkit("query", name, "-o", "out.csv", *args)
    assert done.code == 0, done.err
    assert done.out == ""
    return done


def refused(labelkit, *args, name="reviews.csv"):
    done = labelkit("query", name, "-o", "out.csv", *args)
    assert done.code in (1, 2)
    assert "Traceback" not in done.err
    assert not Path("out.csv").exists()
    return done


def ranked(path="out.csv"):
    rows = [row for row in read(path) if row["query_rank"]]
    return sorted(rows, key=lambda row: int(row["query_rank"]))


def check_output(rows, batch=None, pool=None):
    """The promises that hold for every output: ranks, scores, reasons, the batch."""
    asked = sorted((int(row["query_rank"]), row["id"]) for row in rows if row["query_rank"])
    assert [rank for rank, _ in asked] == list(range(1, len(asked) + 1))
    for row in rows:
        in_pool = row["label"] == "" if pool is None else row["id"] in pool
        assert (row["query_score"] != "") == in_pool
        assert (row["query_reason"] != "") == (row["query_rank"] != "")
        assert in_pool or not row["query_rank"]
    if batch is not None:
        assert [row["id"] for row in batch] == [key for _, key in asked]
        assert {row["label"] for row in batch} <= {""}


# -- what is asked ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*registry.names("strategy"), "by-column:conf"])
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


@pytest.mark.parametrize("name", registry.names("strategy"))
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
    lines = ["id,text,label", "1,Good film!,POS", "2,good  film,", "3,bad film,", "4,Bad film,",
             "5,bad film?,", "6,something else,"]  # fmt: skip
    write("reviews.csv", "\n".join(lines) + "\n")
    done = run(labelkit, "-n", "10")
    rows = {row["id"]: row for row in read("out.csv")}
    asked = {key for key, row in rows.items() if row["query_rank"]}
    assert len(asked & {"3", "4", "5"}) == 1 and "6" in asked and "2" not in asked
    assert rows["2"]["query_score"] == "0"
    assert rows["3"]["query_score"] == rows["4"]["query_score"] == rows["5"]["query_score"] != "0"
    assert "(3 left out: copies of other rows" in done.err
    assert "-n 10: picked 2 rows, only 2 rows may be asked" in done.err


def test_near_repeats_are_not_in_one_batch(labelkit, write):
    long = " ".join(f"word{i}" for i in range(60))
    lines = ["id,text", *[f"{i},{long} w{'x' * i}" for i in range(6)], "7,quite another film"]
    write("reviews.csv", "\n".join(lines) + "\n")
    done = run(labelkit, "-n", "5")
    assert len(ranked()) == 2
    assert "-n 5: picked 2 rows, the others nearly repeat them" in done.err


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


@pytest.mark.parametrize("name", ["default", "modal-ranked-batch", "entropy"])
def test_ready_probabilities_serve_every_strategy(labelkit, reviews, name):
    reviews(30, 0, weak_proba_NEG=lambda i: i / 30, weak_proba_POS=lambda i: 1 - i / 30)
    run(labelkit, "-n", "5", "--from-proba", "weak_proba_", "--strategy", name)
    assert len(ranked()) == 5


def test_the_entropy_in_a_reason_is_in_nats(labelkit, reviews):
    reviews(4, 0, p_A=lambda i: 0.5 if i == 0 else 1, p_B=lambda i: 0.5 if i == 0 else 0)
    run(labelkit, "-n", "1", "--strategy", "entropy", "--from-proba", "p_")
    (row,) = ranked()
    assert row["query_score"] == "0.693147"
    assert row["query_reason"] == "entropy 0.69: A 0.50, B 0.50"


# -- flagged labels -----------------------------------------------------------------------------


def flagged(reviews, **more):
    reviews(20, 20, noise_flag=lambda i: "true" if i in (3, 8, 15) else "false",
            noise_quality=lambda i: 0.3 - i / 100 if i in (3, 8, 15) else 0.9,
            noise_given=truth, noise_suggested=lambda i: "NEG" if i % 3 else "POS",
            label_annotator=lambda i: "ann", label_seconds=lambda i: "4",
            **more)  # fmt: skip


def test_relabel_asks_flagged_labels_again_worst_first(labelkit, reviews):
    flagged(reviews)
    done = run(labelkit, "--strategy", "relabel", "--batch", "todo.csv", "-n", "2")
    check_output(read("out.csv"), read("todo.csv"), pool={"3", "8", "15"})
    batch = read("todo.csv")
    assert [row["id"] for row in batch] == ["15", "8"]
    assert [row["label_origin"] for row in batch] == ["relabel"] * 2
    assert batch[1]["query_reason"] == "flagged: POS given, NEG suggested"
    assert batch[1]["query_guess"] == "NEG"
    assert batch[1]["noise_given"] == "POS"
    assert batch[0]["label_annotator"] == batch[0]["label_seconds"] == "", "of the earlier label"
    assert "pool: 3 rows flagged" in done.err


def test_relabel_works_on_parquet_flags_and_what_people_answer_replaces(labelkit, reviews):
    flagged(reviews)
    rows = read("reviews.csv")
    table = pa.Table.from_pylist([{**r, "noise_flag": r["noise_flag"] == "true"} for r in rows])
    pq.write_table(table.drop_columns(["label_seconds"]), "reviews.parquet")
    done = labelkit("query", "reviews.parquet", "-o", "out.parquet", "--strategy", "relabel",
                    "--batch", "todo.csv")  # fmt: skip
    assert done.code == 0, done.err
    save("todo.csv", [{**row, "label": row["query_guess"]} for row in read("todo.csv")])
    done = labelkit("merge", "out.parquet", "todo.csv", "-o", "merged.csv")
    assert done.code == 0, done.err
    merged = {row["id"]: row for row in read("merged.csv")}
    assert merged["8"]["label"] == "NEG"
    assert merged["8"]["label_origin"] == "relabel"


def test_relabel_draws_its_audit_from_rows_without_a_label(labelkit, reviews):
    reviews(20, 10, noise_flag=lambda i: "true" if i < 3 else "")
    run(labelkit, "--strategy", "relabel", "--audit", "4", "--batch", "todo.csv")
    origins = {row["id"]: row["label_origin"] for row in read("todo.csv")}
    assert {int(key) >= 10 for key, origin in origins.items() if origin == "audit"} == {True}
    assert sorted(key for key, origin in origins.items() if origin == "relabel") == ["0", "1", "2"]


# -- audit --------------------------------------------------------------------------------------


def test_audit_rows_do_not_hang_on_labels_strategy_or_n(labelkit, reviews):
    def drawn(*args):
        run(labelkit, "--audit", "8", *args)
        return {row["id"] for row in ranked() if row["query_reason"].startswith("audit")}

    reviews(60, 0, llm_label=truth)
    first = drawn()
    assert len(first) == 8
    assert drawn("--strategy", "random", "-n", "3") == first
    assert drawn("--label", "llm_label", "--strategy", "margin") == first
    assert drawn("-n", "0") == first
    assert drawn("--seed", "1") != first


def test_audit_labels_are_never_learned_from(labelkit, reviews):
    """Whatever the audit rows' labels are, the picks stay the same."""
    origin = lambda i: "audit" if i % 2 else "query"  # noqa: E731
    reviews(90, 60, label_origin=lambda i: origin(i) if i < 60 else "")
    done = run(labelkit, "-n", "10", "--strategy", "margin")
    assert "30 labels so far (label 30) · not learned from: 30 labels of audit rows" in done.err
    picked = [row["id"] for row in ranked()]
    rows = read("reviews.csv")
    for row in rows:
        if row["label_origin"] == "audit":
            row["label"] = "NEG"
    save("reviews.csv", rows)
    run(labelkit, "-n", "10", "--strategy", "margin")
    assert [row["id"] for row in ranked()] == picked


def test_machine_labels_of_audit_rows_and_their_copies_are_not_learned_from(labelkit, write):
    lines = ["id,text,label,label_origin,llm_label"]
    lines += [f"{i},{review(i)},,,{truth(i)}" for i in range(40)]
    lines += [f"a,{review(99)},POS,audit,POS", f"b,{review(99)}!,,,POS"]
    write("reviews.csv", "\n".join(lines) + "\n")
    done = run(labelkit, "--label", "label", "--label", "llm_label", "-n", "2", "--audit", "3")
    assert "37 labels so far (llm_label 37) · not learned from: 5 labels of audit rows" in done.err


def test_rows_of_a_group_with_audit_rows_are_not_asked(labelkit, reviews):
    reviews(60, 0, author=lambda i: f"a{i // 3}")
    done = run(labelkit, "-n", "60", "--audit", "4", "--group", "author")
    audits = {r["author"] for r in ranked() if r["query_reason"].startswith("audit")}
    picked = {r["author"] for r in ranked() if not r["query_reason"].startswith("audit")}
    assert picked and not picked & audits
    assert "of one group with audit rows" in done.err


def test_answers_count_without_being_written(labelkit, reviews):
    reviews(30, 0)
    answers = [{"id": str(i), "label": truth(i), "label_origin": "audit" if i < 3 else ""}
               for i in range(9)]  # fmt: skip
    save("answers.csv", answers)
    done = run(labelkit, "--answers", "answers.csv", "-n", "5")
    check_output(read("out.csv"), pool={str(i) for i in range(9, 30)})
    assert "6 labels so far (answers.csv 6) · not learned from: 3 labels of audit rows" in done.err
    assert {row["label"] for row in read("out.csv")} == {""}


def test_more_audit_rows_than_there_are(labelkit, reviews):
    reviews(8, 3)
    done = run(labelkit, "--audit", "40", "-n", "5")
    assert len(ranked()) == 5
    assert "--audit 40: only 5 rows without a label, every one is drawn" in done.err
    assert "-n 5: picked 0 rows, only 0 rows may be asked" in done.err


# -- cold starts and odd data ---------------------------------------------------------------------


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


@pytest.mark.parametrize("name", registry.names("strategy"))
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
    assert "secret" not in done.err
    assert [row["id"] for row in ranked()] == asked


# -- the batch ----------------------------------------------------------------------------------


def test_a_batch_holds_all_columns_and_an_empty_label_last(labelkit, reviews):
    reviews(60, 45, note=lambda i: f'n{i}, "q"\n')
    run(labelkit, "-n", "4", "--audit", "3", "--batch", "todo.csv")
    batch = read("todo.csv")
    assert list(batch[0]) == [
        *["id", "text", "note", "row_check", "query_score", "query_rank", "query_reason"],
        *["query_guess", "query_guess_confidence", "label_origin", "label"],
    ]
    given = {row["id"]: row for row in read("reviews.csv")}
    for row in batch:
        assert row["text"] == given[row["id"]]["text"]
        assert row["note"] == given[row["id"]]["note"]
        assert row["query_guess"] in ("POS", "NEG")
        assert 0.5 <= float(row["query_guess_confidence"]) <= 1
    assert sorted(row["label_origin"] for row in batch) == ["audit"] * 3 + ["query"] * 4


def test_without_a_model_the_guess_is_a_machines_label(labelkit, reviews):
    reviews(20, 0, llm_label=truth, llm_confidence=lambda i: 0.8)
    run(labelkit, "-n", "3", "--batch", "todo.csv")
    for row in read("todo.csv"):
        assert row["query_guess"] == truth(int(row["id"]))
        assert row["query_guess_confidence"] == "0.8"


def test_rows_without_a_key_carry_their_number_and_a_check(labelkit, write):
    write("plain.csv", "text\n" + "".join(f"{review(i)}\n" for i in range(20)))
    run(labelkit, "-n", "3", "--batch", "todo.csv", name="plain.csv")
    batch = read("todo.csv")
    out = read("out.csv")
    for row in batch:
        assert out[int(row["row"])]["text"] == row["text"]
        assert len(row["row_check"]) == 12
    save("todo.csv", [{**row, "label": "POS"} for row in batch])
    sorted_rows = sorted(out, key=lambda row: row["text"])
    save("resorted.csv", sorted_rows)
    done = labelkit("merge", "resorted.csv", "todo.csv", "-o", "merged.csv")
    assert done.code == 1
    assert "was the file re-sorted or changed?" in done.err


def test_the_next_command_runs_and_a_second_round_asks_others(labelkit, reviews):
    reviews(60, 0)
    done = run(labelkit, "-n", "10", "--audit", "5", "--batch", "todo.csv", "--classes", "POS,NEG")
    first = {row["id"] for row in read("todo.csv")}
    said = "next: fill in `label` in todo.csv, then: "
    (line,) = [line for line in done.err.splitlines() if line.startswith(said)]
    answer("todo.csv", "todo.csv")
    merged = labelkit(*shlex.split(line.removeprefix(said))[1:])
    assert merged.code == 0, merged.err
    rows = {row["id"]: row for row in read("out.merged.csv")}
    assert sum(row["label_origin"] == "audit" for row in rows.values()) == 5
    done = labelkit("query", "out.merged.csv", "-o", "two.csv", "-n", "10", "--batch", "more.csv")
    assert done.code == 0, done.err
    assert "10 labels so far (label 10) · not learned from: 5 labels of audit rows" in done.err
    second = {row["id"] for row in read("more.csv")}
    assert len(second) == 10 and not first & second
    assert {row["label_annotator"] for row in read("more.csv")} == {""}


def test_what_people_filled_in_is_not_overwritten(labelkit, reviews):
    reviews(30)
    run(labelkit, "--batch", "todo.csv", "-n", "4")
    run(labelkit, "--batch", "todo.csv", "-n", "4")
    Path("out.csv").unlink()
    rows = read("todo.csv")
    rows[2]["label"] = "POS"
    save("todo.csv", rows)
    held = Path("todo.csv").read_bytes()
    done = refused(labelkit, "--batch", "todo.csv")
    assert "todo.csv was filled in by people (1 cells of 'label'); merge it first" in done.err
    rows[2]["label"] = ""
    save("todo.csv", [{**row, "label_note": "unsure" if i else ""} for i, row in enumerate(rows)])
    done = refused(labelkit, "--batch", "todo.csv")
    assert "3 cells of 'label_note'" in done.err
    for content in (held.replace(b",", b";"), held + b"torn,record\n", "é".encode("latin-1")):
        Path("todo.csv").write_bytes(content)
        done = refused(labelkit, "--batch", "todo.csv")
        assert "todo.csv is there already and cannot be read as a batch" in done.err
        assert Path("todo.csv").read_bytes() == content
    Path("todo.csv").write_bytes(b"")
    run(labelkit, "--batch", "todo.csv", "-n", "4")
    assert len(read("todo.csv")) == 4


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet", "csv.gz"])
def test_a_batch_has_the_format_of_its_name(labelkit, reviews, suffix):
    reviews(30, 12)
    run(labelkit, "-n", "4", "--batch", f"todo.{suffix}")
    run(labelkit, "-n", "4", "--batch", f"todo.{suffix}")
    copied = labelkit("merge", "out.csv", f"todo.{suffix}", "-o", "merged.csv")
    assert copied.code == 0, copied.err


def test_pipes(labelkit_process, reviews):
    content = reviews(30, 5).read_text()
    done = labelkit_process("query", "-", "-o", "-", "-n", "3", "--batch", "todo.csv",
                            stdin=content)  # fmt: skip
    assert done.code == 0, done.err
    rows = list(csv.DictReader(io.StringIO(done.out)))
    check_output(rows, read("todo.csv"))
    batch = labelkit_process("query", "-", "-o", "out.csv", "-n", "3", "--batch", "-",
                             stdin=content)  # fmt: skip
    assert batch.code == 0, batch.err
    assert batch.out == Path("todo.csv").read_text()


def test_in_place(labelkit, reviews):
    reviews(30, 5)
    run(labelkit, "-n", "3", "--batch", "todo.csv")
    first = Path("todo.csv").read_bytes()
    done = labelkit("query", "reviews.csv", "--in-place", "-n", "3", "--batch", "todo.csv")
    assert done.code == 0, done.err
    assert Path("reviews.csv").read_bytes() == Path("out.csv").read_bytes()
    assert Path("todo.csv").read_bytes() == first


def test_another_prefix(labelkit, reviews):
    reviews(30, 5)
    run(labelkit, "-n", "3", "--as", "second", "--batch", "todo.csv")
    assert list(read("out.csv")[0])[3:] == ["second_score", "second_rank", "second_reason"]
    assert "second_guess" in read("todo.csv")[0]


# -- a strategy of one's own ----------------------------------------------------------------------


OWN = """
import numpy as np

def longest(pool, n, rng):
    for row in range(n):
        pool.reasons[row] = "mine"
    return np.asarray(pool.features.sum(axis=1)).ravel()

def short(pool, n, rng):
    return [1.0]

def broken(pool, n, rng):
    return pool.probabilities.max(axis=1)

def nan(pool, n, rng):
    return np.full(pool.features.shape[0], np.nan)
"""


def test_a_strategy_of_ones_own(labelkit, reviews, write):
    reviews(20)
    write("mine.py", OWN)
    done = run(labelkit, "--strategy", "mine.py:longest", "-n", "3")
    assert "3 picked by mine.py:longest" in done.err
    scores = [float(row["query_score"]) for row in ranked()]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("short", "returned 1 scores; one for each of the 20 rows of the pool is needed"),
        ("nan", "returned 20 scores that are NaN or infinite"),
        ("broken", "AttributeError: 'NoneType' object has no attribute 'max'"),
        ("broken", "mine.py, line 13) (probabilities are None: no model)"),
        ("longst", "mine.py has no function 'longst'; did you mean 'longest'?"),
    ],
)
def test_a_strategy_of_ones_own_that_does_not_work(labelkit, reviews, write, function, message):
    reviews(20)
    write("mine.py", OWN)
    assert message in refused(labelkit, "--strategy", f"mine.py:{function}").err


# -- what cannot be -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--strategy", "margn"), 2, "'margn' is not known; did you mean 'margin'?"),
        (("--strategy", "relable"), 2, "did you mean 'relabel'?"),
        (("--strategy", "by-column:conff"), 2, "no column 'conff'; did you mean 'conf'?"),
        (("--strategy", "by-column:text"), 2, "the column holds no numbers"),
        (("--strategy", "relabel"), 1, "has no column 'noise_flag' (--strategy relabel); run"),
        (("--strategy", "gone.py:score"), 2, "there is no file gone.py"),
        (("-n", "-1"), 2, "-n -1: give a number of rows"),
        (("--audit", "-1"), 2, "--audit -1: give a number of rows"),
        (("-n", "0"), 2, "-n 0 asks for no rows, and neither does --audit"),
        (("--stratify", "cnf"), 1, "no column 'cnf' (--stratify); did you mean 'conf'?"),
        (("--gold", "cnf"), 1, "no column 'cnf' (--gold)"),
        (("--label", "cnf"), 1, "no column 'cnf' (--label)"),
        (("--classes", "POS,NEGA"), 1, "is not one of the classes POS, NEGA; did you mean 'NEGA'?"),
        (("--from-proba", "p_"), 1, "has no column that begins with 'p_' (--from-proba)"),
        (("--from-proba", "con"), 1, "has one column that begins with 'con' (--from-proba)"),
        (("--where", "id > 100"), 1, "no row fits --where, so there is nothing to ask"),
        (("--where", "id < 5"), 1, "every row of --where has a label of people's already"),
        (("--batch", "out.csv"), 2, "--batch out.csv is the output; give another name"),
        (("--batch", "reviews.csv"), 2, "--batch reviews.csv is the input reviews.csv"),
        (("--batch", "gone/todo.csv"), 1, "there is no folder gone (mkdir -p gone)"),
        (("--batch", "todo.xlsx"), 2, "spreadsheets are not read or written"),
        (("--answers", "answers.csv"), 1, "answers.csv, row 2: the id '999' is not in reviews.csv"),
        (("--id", "conf", "--batch", "todo.csv"), 1, "the key '1' stands twice in column 'conf'"),
    ],
)  # fmt: skip
def test_refused_with_a_reason(labelkit, reviews, write, args, code, message):
    reviews(20, 6, conf=lambda i: 1)
    write("answers.csv", "id,label\n7,POS\n999,NEG\n")
    done = refused(labelkit, *args)
    assert (done.code, message in done.err) == (code, True), done.err
    assert sorted(path.name for path in Path().iterdir()) == ["answers.csv", "reviews.csv"]


def test_batch_and_output_cannot_share_stdout(labelkit, reviews):
    reviews(20)
    done = labelkit("query", "reviews.csv", "-o", "-", "--batch", "-")
    assert (done.code, done.out) == (2, "")
    assert "--batch - and -o - cannot both go to stdout" in done.err


def test_nothing_is_left_to_ask(labelkit, reviews, write):
    reviews(5, 5)
    done = refused(labelkit)
    assert "reviews.csv: every row has a label of people's already" in done.err
    assert "labelkit find-noise reviews.csv -o OUTPUT" in done.err
    write("reviews.csv", "id,text,label\n")
    assert "reviews.csv has no rows, so there is nothing to ask" in refused(labelkit).err
    write("reviews.csv", "id,text,label\n1,good film,POS\n2,Good film!,\n")
    assert "are copies of labelled or audit rows" in refused(labelkit).err
    reviews(5, 5, noise_flag=lambda i: "false")
    assert "flagged no row (noise_flag)" in refused(labelkit, "--strategy", "relabel").err


def test_a_column_row_of_ones_own(labelkit, write):
    write("reviews.csv", "row,text\n7,good film\n8,bad film\n")
    done = refused(labelkit, "--batch", "todo.csv")
    assert "has one of its own; name the key with --id COLUMN" in done.err


def test_hostile_cells_reach_no_terminal(labelkit, reviews):
    reviews(12, 0, verdict=lambda i: "\x1b[31mred" if i < 4 else "")
    done = run(labelkit, "--label", "verdict")
    assert "\x1b" not in done.err


# -- properties ---------------------------------------------------------------------------------

cell = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
table = st.lists(
    st.tuples(cell, st.sampled_from(["", "", "A", "B"]), st.sampled_from(["", "audit", "query"])),
    min_size=1,
    max_size=14,
)


@given(table, st.integers(0, 5), st.integers(0, 4), st.sampled_from(registry.names("strategy")))
@settings(
    deadline=None,
    max_examples=40,
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
    assert "not foreseen" not in done.err
    if done.code:
        assert "nothing to ask" in done.err or "asks for no rows" in done.err
        return
    found, batch = read("out.csv"), read("todo.csv")
    check_output(found, batch)
    without = sum(not label for _, label, _ in rows)
    assert sum(row["label_origin"] == "audit" for row in batch) == min(audit, without)
    again = labelkit("query", "out.csv", "-o", "two.csv", *args)
    assert again.code == 0, again.err
    assert Path("two.csv").read_bytes() == Path("out.csv").read_bytes()
    assert read("todo.csv") == batch
