"""The batch: the chosen rows for people, and what they filled in."""

import csv
import io
import json
import shlex
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.active.conftest import (
    answer,
    check_output,
    read,
    refused,
    review,
    run,
    save,
    truth,
)


def test_a_batch_holds_the_users_columns_and_an_empty_label_last(labelkit, reviews):
    reviews(60, 45, note=lambda i: f'n{i}, "q"\n', truth=truth, weak_label=truth,
            model_label=truth)  # fmt: skip
    run(labelkit, "-n", "4", "--audit", "3", "--batch", "todo.csv", "--gold", "truth")
    batch = read("todo.csv")
    assert list(batch[0]) == [
        *["id", "text", "note", "row_check", "query_guess", "query_guess_confidence"],
        *["query_reason", "label_origin", "label"],
    ]
    given = {row["id"]: row for row in read("reviews.csv")}
    for row in batch:
        assert row["text"] == given[row["id"]]["text"]
        assert row["note"] == given[row["id"]]["note"]
        if row["label_origin"] == "audit":
            assert {row[name] for name in row if name.startswith("query_")} == {""}
            continue
        assert row["query_guess"] in ("POS", "NEG")
        assert 0.5 <= float(row["query_guess_confidence"]) <= 1
    assert sorted(row["label_origin"] for row in batch) == ["audit"] * 3 + ["query"] * 4


def test_without_a_model_the_guess_is_a_machines_label(labelkit, reviews):
    reviews(20, 0, llm_label=truth, llm_confidence=lambda i: 0.8)
    run(labelkit, "-n", "3", "--batch", "todo.csv")
    for row in read("todo.csv"):
        assert row["query_guess"] == truth(int(row["id"]))
        assert row["query_guess_confidence"] == "0.8"


def test_few_labels_of_a_machine_guess_better_than_a_model_of_them(labelkit, write):
    notes = ["refund please", "", "parcel lost again", "love it", "refund now", "parcel two"]
    weak = ["refund", "", "delivery", "", "refund", "delivery"]
    lines = [
        f"A{i},{note},{label}" for i, (note, label) in enumerate(zip(notes, weak, strict=True))
    ]
    write("in.csv", "id,text,weak_label\n" + "\n".join(lines) + "\n")
    done = labelkit(
        *("query", "in.csv", "-o", "q.csv", "--label", "weak_label", "-n", "6", "--batch", "b.csv")
    )
    assert done.code == 0, done.err
    said = {row["id"]: row["query_guess"] for row in read("b.csv")}
    assert {key: said[key] for key in said if weak[int(key[1])]} == {
        f"A{i}": label for i, label in enumerate(weak) if label and f"A{i}" in said
    }


def test_rows_without_a_key_carry_their_number_and_a_check(labelkit, write):
    write("plain.csv", "text\n" + "".join(f"{review(i)}\n" for i in range(20)))
    run(labelkit, "-n", "3", "--batch", "todo.csv", name="plain.csv")
    batch = read("todo.csv")
    out = read("out.csv")
    for row in batch:
        assert out[int(row["row"]) - 1]["text"] == row["text"]
        assert len(row["row_check"]) == 12
    save("todo.csv", [{**row, "label": "POS"} for row in batch])
    sorted_rows = sorted(out, key=lambda row: row["text"])
    save("resorted.csv", sorted_rows)
    done = labelkit("merge", "resorted.csv", "todo.csv", "-o", "merged.csv")
    assert done.code == 1
    assert "use the file that query read" in done.err


def test_the_next_command_runs_and_a_second_round_asks_others(labelkit, reviews):
    reviews(60, 0)
    done = run(labelkit, "-n", "10", "--audit", "5", "--batch", "todo.csv", "--classes", "POS,NEG")
    first = {row["id"] for row in read("todo.csv")}
    assert "\nnext: labelkit annotate todo.csv --classes POS,NEG\n" in done.err
    said = "or fill in the column label of todo.csv elsewhere, then: "
    (line,) = [line for line in done.err.splitlines() if line.startswith(said)]
    answer("todo.csv", "todo.csv")
    decided = labelkit(*shlex.split(line.removeprefix(said))[1:])
    assert decided.code == 0, decided.err
    assert sum(row["final_label"] != "" for row in read("out.labelled.csv")) == 15
    merged = labelkit("merge", "out.csv", "todo.csv", "-o", "out.merged.csv")
    assert merged.code == 0, merged.err
    rows = {row["id"]: row for row in read("out.merged.csv")}
    assert sum(row["label_origin"] == "audit" for row in rows.values()) == 5
    done = labelkit("query", "out.merged.csv", "-o", "two.csv", "-n", "10", "--batch", "more.csv")
    assert done.code == 0, done.err
    assert "10 labels so far (label 10) · not learned from: 5 labels of audit rows" in done.err
    second = {row["id"] for row in read("more.csv")}
    assert len(second) == 10 and not first & second
    assert "label_annotator" not in read("more.csv")[0]


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
    assert "todo.csv already contains answers (1 cell of 'label'); merge it first" in done.err
    rows[2]["label"] = ""
    save("todo.csv", [{**row, "label_note": "unsure" if i else ""} for i, row in enumerate(rows)])
    done = refused(labelkit, "--batch", "todo.csv")
    assert "3 cells of 'label_note'" in done.err
    Path("todo.csv").write_bytes(held.replace(b",", b";"))
    assert "1 cell of 'label'" in refused(labelkit, "--batch", "todo.csv").err
    for content in (held + b"torn,record\n", "é".encode("latin-1")):
        Path("todo.csv").write_bytes(content)
        done = refused(labelkit, "--batch", "todo.csv")
        assert "todo.csv already exists and is not a labelkit batch" in done.err
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


def test_pipes(labelkit, reviews):
    content = reviews(30, 5).read_text()
    done = labelkit("query", "-", "-o", "-", "-n", "3", "--batch", "todo.csv",
                            stdin=content)  # fmt: skip
    assert done.code == 0, done.err
    rows = list(csv.DictReader(io.StringIO(done.out)))
    check_output(rows, read("todo.csv"))
    batch = labelkit("query", "-", "-o", "out.csv", "-n", "3", "--batch", "-",
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
    assert read("todo.csv")[0]["query_guess"] in ("POS", "NEG")


def test_a_column_that_repeats_the_label_stays_out_of_the_batch(labelkit, reviews):
    reviews(80, 60, code=lambda i: "1" if truth(i) == "POS" else "2", size=lambda i: str(i % 5))
    run(labelkit, "-n", "4", "--batch", "todo.csv", "--text", "text")
    assert "code" not in read("todo.csv")[0] and "size" in read("todo.csv")[0]


def test_the_classes_known_to_query_are_offered_by_annotate_and_export(labelkit, reviews):
    reviews(60, 20)
    run(labelkit, "-n", "1", "--audit", "1", "--batch", "todo.csv", "--classes", "NEG,POS,MIXED")
    done = labelkit("export", "todo.csv", "-o", "tasks.jsonl", "--to", "prodigy")
    assert done.code == 0, done.err
    for line in Path("tasks.jsonl").read_text().splitlines():
        assert [option["id"] for option in json.loads(line)["options"]] == ["NEG", "POS", "MIXED"]
    done = labelkit("annotate", "todo.csv", "--no-task", stdin="MIXED\n3\n")
    assert done.code == 0, done.err
    assert {row["label"] for row in read("todo.answers.csv")} == {"MIXED"}


def test_float_keys_and_cells_of_a_batch_are_exact(labelkit: Any, tmp_path: Path) -> None:
    """Human work on a Parquet file comes back by keys that are floating-point numbers."""
    keys = [47.123456789 + i / 7 for i in range(12)]
    columns = {
        "id": keys,
        "tiny": pa.array([4.7e-08 * i for i in range(12)], pa.float32()),
        "text": [f"the {i} film was warm and kind" for i in range(12)],
        "picture": [b"\xff"] * 12,
    }
    pq.write_table(pa.table(columns), tmp_path / "f.parquet")
    given = ("--text", "text", "--classes", "P,N", "-n", "6", "--batch", "todo.csv")
    found = labelkit("query", "f.parquet", "-o", "q.parquet", *given, "--features", "tfidf")
    assert found.code == 0, found.err
    assert "not in the batch (binary): picture" in found.err
    with (tmp_path / "todo.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    places = [keys.index(float(row["id"])) for row in rows]
    assert [float(row["tiny"]) for row in rows] == pytest.approx([4.7e-08 * i for i in places])
    with (tmp_path / "answers.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "label": "P"} for row in rows)
    found = labelkit("merge", "q.parquet", "answers.csv", "-o", "m.parquet")
    assert found.code == 0, found.err
    labels = pq.read_table(tmp_path / "m.parquet")["label"].to_pylist()
    assert [i for i, label in enumerate(labels) if label] == sorted(places)
