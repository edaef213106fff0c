"""Files without a name: --format says what comes through a pipe, on both sides."""

import json
import subprocess
import sys
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

LINES = {
    "csv": "id,text\n1,a lovely film\n2,dull\n",
    "tsv": "id\ttext\n1\ta lovely film\n2\tdull\n",
    "jsonl": '{"id": 1, "text": "a lovely film"}\n{"id": 2, "text": "dull"}\n',
}
RULES = ("--keyword", "good=lovely", "--keyword", "bad=dull", "--no-task")


@pytest.mark.parametrize("kind", LINES)
def test_text_formats_come_and_go_by_pipes(kind: str, labelkit: Any) -> None:
    done = labelkit("weak-label", "-", "-o", "-", "--format", kind, *RULES, stdin=LINES[kind])
    assert done.code == 0, done.err
    if kind == "jsonl":
        found = [json.loads(line)["weak_label"] for line in done.out.splitlines()]
    else:
        mark = "," if kind == "csv" else "\t"
        head, *rows = (line.split(mark) for line in done.out.splitlines())
        found = [row[head.index("weak_label")] for row in rows]
    assert found == ["good", "bad"]


def test_parquet_comes_and_goes_by_pipes() -> None:
    given = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": ["a lovely film", "dull"]}), given)
    done = subprocess.run(
        [sys.executable, "-m", "labelkit", "weak-label", "-", "-o", "-", "--format", "parquet",
         *RULES],
        input=given.getvalue().to_pybytes(), capture_output=True, check=True,
    )  # fmt: skip
    found = pq.read_table(pa.BufferReader(done.stdout))
    assert found["weak_label"].to_pylist() == ["good", "bad"]


def test_a_format_that_is_none(labelkit: Any) -> None:
    done = labelkit("weak-label", "-", "-o", "-", "--format", "xml", *RULES, stdin="<a/>")
    assert done.code == 2
    assert "xml" in done.err
