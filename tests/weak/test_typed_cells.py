"""What labeling functions get for a cell: integers as int, codes as text, empty cells by column."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.weak.test_command import column

BIG = 2**53 + 1  # the first whole number that no float holds
ROWS = [
    {"account": BIG, "n": 1, "zip": "00123", "huge": 10**30 + 1, "x": 1.5, "ok": True},
    {"account": 5, "n": 2, "zip": "99999", "huge": -7, "x": 2.0, "ok": False},
    {"account": 6, "n": None, "zip": "", "huge": None, "x": None, "ok": None},
]
SEEN = """
from labelkit import vectorized

def lf_row(row):
    return repr((row.account, row.n, row.zip, row.huge, row.x, row.ok))

def lf_columns(account, n, zip, huge, x, ok):
    return repr((account, n, zip, huge, x, ok))

def lf_range(row):
    return ["zero", "one", "two"][row.n] + str(len(range(row.n))) if row.n else None

@vectorized
def lf_frame(df):
    return [repr((int(a), z, h != h or int(h))) for a, z, h in zip(df.account, df.zip, df.huge)]

@vectorized
def lf_missing(df):
    return [str(bool(a and b and c)) for a, b, c in zip(df.n != df.n, df.x != df.x, df.ok.isna())]

@vectorized
def lf_dtypes(df):
    return [f"{df.account.dtype} {df.n.dtype} {df.ok.dtype}"] * len(df)
"""


def save(name: str) -> str:
    if name.endswith(".parquet"):
        # Parquet's own integers end at 64 bits; a decimal without places holds more.
        kinds = {"account": pa.int64(), "n": pa.int8(), "zip": pa.string(), "x": pa.float64(),
                 "huge": pa.decimal128(38, 0), "ok": pa.bool_()}  # fmt: skip
        pq.write_table(pa.Table.from_pylist(ROWS, pa.schema(kinds)), name)
    elif name.endswith(".jsonl"):
        Path(name).write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    else:
        lines = [",".join(ROWS[0])]
        for row in ROWS:
            lines.append(",".join("" if v is None else str(v) for v in row.values()))
        Path(name).write_text("\n".join(lines) + "\n")
    return name


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_cells_keep_their_digits(labelkit: Any, write: Any, name: str, jobs: int) -> None:
    write("lfs.py", SEEN)
    done = labelkit(
        *["weak-label", save(name), "-o", "out.csv", "--functions", "lfs.py", "--votes"],
        *["--jobs", jobs, "--label-model", "majority"],
    )
    assert done.code == 0, done.err
    out = Path("out.csv")
    expected = [
        repr((BIG, 1, "00123", 10**30 + 1, 1.5, True)),
        repr((5, 2, "99999", -7, 2.0, False)),
        repr((6, None, "", None, None, None)),
    ]
    assert column(out, "weak_lf_lf_row") == expected
    assert column(out, "weak_lf_lf_columns") == expected
    assert column(out, "weak_lf_lf_range") == ["one1", "two2", ""]
    assert column(out, "weak_lf_lf_frame") == [
        repr((BIG, "00123", 10**30 + 1)),
        repr((5, "99999", -7)),
        repr((6, "", True)),
    ]
    assert column(out, "weak_lf_lf_missing") == ["False", "False", "True"]
    assert set(column(out, "weak_lf_lf_dtypes")) == {"int64 float64 object"}


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
@pytest.mark.parametrize(
    ("where", "rows"),
    [
        (f"account == {BIG}", [0]),
        (f"account == {BIG - 1}", []),
        (f"account > {BIG - 1}", [0]),
        (f"account in ({BIG - 1}, 5)", [1]),
        (f"huge == {10**30 + 1}", [0]),
        (f"huge >= {10**30 + 2}", []),
        ("huge < 0.5", [1]),
        ("n >= 1.5", [1]),
        ("n == x", [1]),
        ("account > huge", [1]),
        ("zip == '00123'", [0]),
    ],
)
def test_where_compares_whole_numbers_exactly(
    labelkit: Any, write: Any, name: str, where: str, rows: list[int]
) -> None:
    write("lfs.py", "def lf_any(row): return 'chosen'\n")
    done = labelkit(
        *["weak-label", save(name), "-o", "out.csv", "--functions", "lfs.py", "--where", where]
    )
    assert done.code == 0, done.err
    chosen = [i for i, label in enumerate(column(Path("out.csv"), "weak_label")) if label]
    assert chosen == rows


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        (f"column = 'account'\nequals = {BIG}", [0]),
        (f"column = 'account'\nmin = {BIG}", [0]),
        (f"column = 'account'\nmin = {BIG - 1}\nmax = {BIG - 1}", []),
        ("column = 'account'\nequals = [5.0, 6.0]", [1, 2]),
        ("column = 'n'\nmax = 1.5", [0]),
        ("column = 'zip'\nequals = '00123'", [0]),
        ("column = 'zip'\nequals = 123", []),
        ("column = 'huge'\nmax = -1", [1]),
    ],
)
def test_rules_compare_whole_numbers_exactly(
    labelkit: Any, write: Any, name: str, rule: str, rows: list[int]
) -> None:
    write("labelkit.toml", f"[[weak-label.rule]]\nname = 'r'\nlabel = 'yes'\n{rule}\n")
    done = labelkit("weak-label", save(name), "-o", "out.csv")
    assert done.code == 0, done.err
    labels = column(Path("out.csv"), "weak_label")
    assert [i for i, label in enumerate(labels) if label] == rows
