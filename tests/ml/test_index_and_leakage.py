"""An index is no feature, and a column that repeats the label is named by all that learn."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROWS = 120


def table(index: str = "", gaps: bool = True, leak: str = "") -> str:
    """Rows sorted by class whose numbers say nothing, with an index and a copy of the label."""
    rng = np.random.default_rng(3)
    head = ",".join(name for name in ("x1", "x2", leak, "label") if name)
    lines = [f"{index},{head}"]
    for i in range(ROWS):
        if gaps and i in (5, 17, 70, 99):
            continue
        cells = [f"{rng.normal():.2f}", str(rng.integers(5)), *([str(i // 60)] if leak else [])]
        lines.append(",".join([str(i), *cells, "ab"[i // 60]]))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("index", ["", "Unnamed: 0", "number", "index"])
@pytest.mark.parametrize("gaps", [True, False])
def test_an_index_is_no_feature_unless_named(
    labelkit: Any, write: Any, index: str, gaps: bool
) -> None:
    write("in.csv", table(index, gaps))
    done = labelkit("train", "in.csv", "-o", "m.model")
    assert done.code == 0, done.err
    assert "numbers x1, x2" in done.err
    named = labelkit("train", "in.csv", "-o", "m.model", "--column", index, "--column", "x1")
    assert named.code == 0, named.err
    assert f"numbers {index}, x1" in named.err


def test_the_index_that_pandas_writes_to_parquet_is_no_feature(labelkit: Any) -> None:
    rng = np.random.default_rng(3)
    columns = {
        "x1": rng.normal(size=ROWS),
        "label": ["a"] * 60 + ["b"] * 60,
        "__index_level_0__": rng.permutation(ROWS) * 3,
    }
    pq.write_table(pa.table(columns), "in.parquet")
    done = labelkit("train", "in.parquet", "-o", "m.model")
    assert done.code == 0 and "numbers x1" in done.err, done.err


@pytest.mark.parametrize(
    "command",
    [
        ("train", "-o", "m.model"),
        ("find-noise", "-o", "n.csv"),
        ("query", "-o", "q.csv", "-n", "2"),
        ("simulate", "--gold", "label", "--labels", "10", "--per-round", "5", "--seeds", "1",
         "--strategies", "random"),
        ("decide", "-o", "d.csv"),
    ],
    ids=lambda command: command[0],
)  # fmt: skip
def test_a_column_that_repeats_the_label_is_named(
    labelkit: Any, write: Any, command: tuple[str, ...]
) -> None:
    source = write("in.csv", table("number", leak="code"))
    text = source.read_text()
    if command[0] in ("query", "decide"):  # some rows without a label
        lines = text.splitlines()
        lines[40:44] = [line.rpartition(",")[0] + "," for line in lines[40:44]]
        Path("in.csv").write_text("\n".join(lines) + "\n")
    done = labelkit(command[0], "in.csv", *command[1:])
    assert done.code == 0, done.err
    assert done.err.count("the column 'code' alone gives") == 1


@pytest.mark.parametrize("odd", ["#N/A", "inf", "n/a", "<NA>", "?", "#DIV/0!"])
def test_one_cell_without_a_value_leaves_a_column_of_numbers_a_feature(
    labelkit: Any, write: Any, odd: str
) -> None:
    lines = table("number").splitlines()
    cells = lines[20].split(",")
    lines[20] = ",".join([cells[0], odd, *cells[2:]])
    write("in.csv", "\n".join(lines) + "\n")
    done = labelkit("train", "in.csv", "-o", "m.model")
    assert done.code == 0 and "numbers x1, x2" in done.err
