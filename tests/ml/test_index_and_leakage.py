"""An index is no feature, and a column that repeats the label is named by all that learn."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROWS = 120
# Kinds of models are not compared: what they learn from hangs on none of them.
TRAIN = ("train", "-o", "m.model", "--classifier", "logistic")


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
    done = labelkit(*TRAIN, "in.csv")
    assert done.code == 0, done.err
    assert "numbers x1, x2" in done.err
    named = labelkit(*TRAIN, "in.csv", "--column", index, "--column", "x1")
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
    done = labelkit(*TRAIN, "in.parquet")
    assert done.code == 0 and "numbers x1" in done.err, done.err


@pytest.mark.parametrize(
    "command",
    [
        TRAIN,
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
    done = labelkit(*TRAIN, "in.csv")
    assert done.code == 0 and "numbers x1, x2" in done.err


def odd_table(odd: list[str], suffix: str) -> str:
    """120 rows whose x1 tells the label; the cells `odd` stand in the rows 21, 22, ... of x1."""
    rng = np.random.default_rng(3)
    x1 = [f"{rng.normal() + 4 * (i // 60):.3f}" for i in range(ROWS)]
    x1[20 : 20 + len(odd)] = odd
    x2 = [f"{value:.3f}" for value in rng.normal(size=ROWS)]
    data = pa.table({"x1": x1, "x2": x2, "label": ["a"] * 60 + ["b"] * 60})
    path = f"in.{suffix}"
    if suffix == "parquet":
        pq.write_table(data, path)
    elif suffix == "csv":
        rows = zip(*data.to_pydict().values(), strict=True)
        Path(path).write_text("\n".join(["x1,x2,label", *map(",".join, rows)]) + "\n")
    else:
        encoded = data.set_column(0, "x1", data["x1"].dictionary_encode())
        path = "in.parquet"
        pq.write_table(encoded, path)
    return path


@pytest.mark.parametrize("command", [TRAIN, ("find-noise", "-o", "n.csv")])
@pytest.mark.parametrize("suffix", ["csv", "parquet", "dictionary"])
def test_odd_cells_in_a_column_of_numbers_are_missing_values(
    labelkit: Any, suffix: str, command: tuple[str, ...]
) -> None:
    source = odd_table(["abc", "12 (est.)"], suffix)
    done = labelkit(command[0], source, *command[1:], "--verbose")
    assert done.code == 0, done.err
    assert "numbers x1, x2" in done.err
    assert done.err.count("column 'x1': row 21 'abc', row 22 '12 (est.)'\n") == 1
    assert "column 'x2'" not in done.err


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_predict_reads_odd_cells_in_such_a_column_as_missing(labelkit: Any, suffix: str) -> None:
    source = odd_table(["abc"], suffix)
    assert labelkit(*TRAIN, source).code == 0
    Path("new.csv").write_text("x1,x2\ncheap,0\n-0.2,0\n4.1,0\n,0\n")
    done = labelkit("predict", "m.model", "new.csv", "-o", "p.csv")
    assert done.code == 0, done.err
    assert "column 'x1': row 1 'cheap'\n" in done.err
    first, *_, last = Path("p.csv").read_text().splitlines()[1:]
    assert first.partition(",")[2] == last.partition(",")[2]


@pytest.mark.parametrize("odd", [["abc"] * 7, ["00123"]])
def test_a_column_with_many_odd_cells_or_codes_is_no_column_of_numbers(
    labelkit: Any, odd: list[str]
) -> None:
    done = labelkit(*TRAIN, odd_table(odd, "csv"))
    assert done.code == 0 and "numbers x2" in done.err, done.err
