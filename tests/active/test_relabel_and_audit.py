"""Flagged labels asked again, and rows drawn at random that nothing learns from."""

import pyarrow as pa
import pyarrow.parquet as pq

from tests.active.conftest import check_output, ranked, read, review, run, save, truth


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
    assert not {"noise_given", "label_annotator", "label_seconds"} & set(batch[0])
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
    lines += [f"a,{review(99)},POS,audit,POS", f"b,{review(99).upper()},,,POS"]
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
    assert "--audit 40: only 5 rows may be drawn, every one is" in done.err
    assert "-n 5: picked 0 rows, only 0 rows may be asked" in done.err
