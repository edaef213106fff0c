"""A spreadsheet and a dataset: cells stay data, classes keep their names."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.interop import tools
from tests.interop.conftest import CLASSES

PART = "tasks/data/train-00000-of-00001.parquet"


def sheet() -> list[dict[str, str]]:
    with open("tasks.csv", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_sheet_runs_no_cell(exported: Any) -> None:
    exported("csv")
    rows = sheet()
    assert [row["row_id"] for row in rows] == ["r-1", "r-2", "r-3", "r-4"]
    assert rows[2]["text"] == "'=1+1" and rows[3]["text"] == "<b>bold</b> & more"
    assert (rows[0]["guess"], rows[0]["guess_confidence"]) == ("refund", "0.55")
    assert not any(row["label"] for row in rows)
    assert Path("tasks.csv").read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_filled_in_sheet(exported: Any, imported: Any, delimiter: str) -> None:
    exported("csv")
    rows = sheet()
    for row, label in zip(rows, ["refund", " other ", "", "other"], strict=True):
        row |= {"label": label, "label_annotator": "mira", "label_note": f"{label}!"}
    content = tools.table(rows, delimiter)
    result, answers = imported("csv", content, *CLASSES, name="back.csv")
    assert [(a["id"], a["label"]) for a in answers] == [
        ("r-1", "refund"), ("r-2", "other"), ("r-4", "other"),
    ]  # fmt: skip
    assert answers[0]["label_annotator"] == "mira" and answers[0]["label_note"] == "refund!"
    assert "67% of 3 suggestions accepted" in result.err


def test_a_sheet_of_others(imported: Any) -> None:
    content = "key,verdict,label_seconds\n7,other,3\n8,,\n"
    options = ["--id", "key", "--label-field", "verdict"]
    answers = imported("csv", content, *options, name="back.csv")[1]
    assert [(a["key"], a["label"], a["label_seconds"]) for a in answers] == [("7", "other", 3)]
    result, _ = imported("csv", content, "--id", "key", name="back.csv")
    assert result.code == 1 and "has no column 'label'" in result.err
    result, _ = imported("csv", content.replace("3\n", "soon\n"), *options, name="back.csv")
    assert result.code == 1 and "row 1: 'soon' is not a number of seconds" in result.err


def test_a_sheet_goes_by_no_other_ending(labelkit: Any, rows: Path) -> None:
    result = labelkit("export", rows, "-o", "t.xlsx", "--to", "csv", *CLASSES)
    assert result.code == 2 and "--to csv writes .csv or .tsv" in result.err


def test_a_packed_sheet(labelkit: Any, rows: Path) -> None:
    assert labelkit("export", rows, "-o", "t.tsv.gz", "--to", "csv", *CLASSES).code == 0
    result = labelkit("import", "t.tsv.gz", "-o", "a.csv", "--from", "csv")
    assert result.code == 0 and "4 unanswered" in result.err


# -- a dataset -----------------------------------------------------------------------------------


def test_a_dataset_names_its_classes(exported: Any) -> None:
    exported("hf", "--label", "llm_label")
    table = pq.read_table(PART)
    assert table["label"].to_pylist() == [0, 1, None, 2]
    info = json.loads(table.schema.metadata[b"huggingface"])["info"]
    assert info["features"]["label"] == {
        "names": ["refund", "account", "other"], "_type": "ClassLabel",
    }  # fmt: skip
    assert table["gold"].to_pylist()[0] == "refund" and table["id"].to_pylist()[0] == "r-1"
    assert table["row_id"].to_pylist() == ["r-1", "r-2", "r-3", "r-4"]
    assert "4 rows, 3 of them labelled" in Path("tasks/README.md").read_text()


def test_a_dataset_comes_back(exported: Any, labelkit: Any) -> None:
    exported("hf", "--label", "llm_label")
    result = labelkit("import", "tasks", "-o", "answers.csv", "--from", "hf")
    assert result.code == 0 and "4 rows · 3 labels" in result.err
    result = labelkit("merge", "rows.csv", "answers.csv", "-o", "merged.jsonl")
    assert result.code == 0, result.err
    assert [r["label"] for r in tools.load("merged.jsonl")] == ["refund", "account", None, "other"]


def test_types_and_other_features_are_kept(labelkit: Any) -> None:
    features = {"kind": {"names": ["a", "b"], "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}}), "mine": "kept"}
    table = pa.table({"id": [7, 8], "text": ["x", "y"], "kind": [0, 1], "label": ["other", None]})
    pq.write_table(table.replace_schema_metadata(metadata), "in.parquet")
    chosen = ["--where", "id > 7", "--label", "label"]
    result = labelkit("export", "in.parquet", "-o", "tasks", "--to", "hf", *CLASSES, *chosen)
    assert result.code == 0, result.err
    found = pq.read_table(PART)
    assert found["id"].to_pylist() == [8] and found.schema.field("id").type == pa.int64()
    told = json.loads(found.schema.metadata[b"huggingface"])["info"]["features"]
    assert told["kind"] == features["kind"] and found.schema.metadata[b"mine"] == b"kept"


@pytest.mark.parametrize("tool", ["hf", "prodigy"])
def test_columns_that_no_text_can_hold(labelkit: Any, tool: str) -> None:
    columns = {"id": range(20_000), "text": ["x"] * 20_000, "label": ["other", None] * 10_000}
    columns |= {"binary": [b"\xff"] * 20_000, "list": [[1]] * 20_000}
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    table = table.set_column(1, "text", table["text"].dictionary_encode())
    pq.write_table(table, "in.parquet", row_group_size=7_000)
    result = labelkit("export", "in.parquet", "-o", "tasks", "--to", tool, *CLASSES)
    assert result.code == 0, result.err
    if tool == "hf":
        found = pq.read_table(PART).select(["id", "text", "binary", "list"])
        assert found.equals(table.drop_columns(["label"]))


def test_no_group_of_rows_is_empty(labelkit: Any) -> None:
    pq.write_table(pa.table({"id": range(20_000), "text": ["x"] * 20_000}), "in.parquet")
    to = ["-o", "tasks", "--to", "hf", *CLASSES]
    assert labelkit("export", "in.parquet", *to, "--where", "id > 19989").code == 0
    found = pq.ParquetFile(PART).metadata
    assert [found.row_group(i).num_rows for i in range(found.num_row_groups)] == [10]
    result = labelkit("export", "in.parquet", *to, "--where", "id < 0")
    assert result.code == 1 and "no rows to export" in result.err
    assert pq.ParquetFile(PART).metadata.num_rows == 10  # what stood there stays


def test_a_label_that_is_not_used_steps_aside(labelkit: Any, write: Any) -> None:
    path = write("t.csv", "id,text,label,final_label\n1,x,other,refund\n")
    options = ["--to", "hf", "--label", "final_label", *CLASSES]
    assert labelkit("export", path, "-o", "tasks", *options).code == 0
    found = pq.read_table(PART)
    assert found["label"].to_pylist() == [0] and found["label_given"].to_pylist() == ["other"]


def test_a_folder_of_something_else_is_left_alone(labelkit: Any, exported: Any, rows: Path) -> None:
    Path("photos").mkdir()
    Path("photos/one.jpg").write_text("x")
    result = labelkit("export", rows, "-o", "photos", "--to", "hf", *CLASSES)
    assert result.code == 2 and "contains other files" in result.err
    exported("hf")
    before = Path(PART).read_bytes()
    exported("hf")  # its own is replaced
    assert Path(PART).read_bytes() == before
    assert not list(Path().glob(".tasks*"))


def test_what_is_no_dataset(labelkit: Any, write: Any) -> None:
    result = labelkit("import", write("x.parquet", "no"), "-o", "a.csv", "--from", "hf")
    assert result.code == 1 and "x.parquet is not a Parquet file" in result.err
    Path("empty").mkdir()
    result = labelkit("import", "empty", "-o", "a.csv", "--from", "hf")
    assert result.code == 1 and "the folder contains no .parquet files" in result.err
    pq.write_table(pa.table({"row_id": ["1"], "x": [1]}), "y.parquet")
    result = labelkit("import", "y.parquet", "-o", "a.csv", "--from", "hf")
    assert result.code == 1 and "no column 'label'" in result.err
