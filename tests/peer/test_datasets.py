"""The real `datasets` opens the folder, classes by name, and what it writes comes back."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from labelkit.io.table_writer import write_table

from .conftest import program

CLASSES = [
    "refund",
    'say "no"',
    "<b>&amp;",
    "$5: off",
    "😀",
    "two\nlines",
    "=1+1",
    "x" * 200,
    "- a",
]
LOOK = """
import json, sys
from datasets import load_dataset
found = load_dataset(sys.argv[1], cache_dir="cache")["train"]
label = found.features["label"]
names = [None if code is None else label.int2str(code) for code in found["label"]]
rows = [dict(row, label=name) for row, name in zip(found.remove_columns("label"), names)]
found.to_parquet("back.parquet")
json.dump({"classes": label.names, "rows": rows}, open("seen.json", "w"))
"""


@pytest.mark.parametrize("source", ["rows.jsonl", "rows.csv", "rows.parquet"])
def test_load_dataset(labelkit: Any, source: str) -> None:
    python = program("LABELKIT_DATASETS_PYTHON")
    labels = [*CLASSES, ""]
    rows = [{"id": f"{i:03d}", "text": f"text {i} 日本", "label": n} for i, n in enumerate(labels)]
    write_table(pa.Table.from_pylist(rows), source)
    classes = ["--classes", ",".join('"' + name.replace('"', '""') + '"' for name in CLASSES)]
    result = labelkit("export", source, "-o", "folder", "--to", "hf", *classes)
    assert result.code == 0, result.err
    subprocess.run([python, "-c", LOOK, "folder"], check=True, timeout=300)
    seen = json.loads(Path("seen.json").read_text())
    assert seen["classes"] == CLASSES
    assert [row["label"] for row in seen["rows"]] == [*CLASSES, None]
    assert [row["id"] for row in seen["rows"]] == [row["id"] for row in rows]
    for back in ("folder", "back.parquet"):
        result = labelkit("import", back, "-o", "answers.jsonl", "--from", "hf")
        assert result.code == 0, result.err
        lines = Path("answers.jsonl").read_text("utf-8").split("\n")
        answers = [json.loads(line) for line in lines if line]
        assert [(a["id"], a["label"]) for a in answers] == [
            (row["id"], row["label"]) for row in rows if row["label"]
        ]
