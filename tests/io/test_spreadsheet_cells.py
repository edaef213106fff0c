"""Batches and answers hold no formula when a spreadsheet opens them, and read as they were."""

import csv
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelkit.io.spreadsheet_cells import escape_formula, unescape_formula
from labelkit.io.table import Table
from labelkit.io.table_writer import write_table

SIGNS = "'=+-@\t\r\n＝＋－＠"
NASTY = [
    '=HYPERLINK("http://x")',
    "-5",
    "+1.5e3",
    "-x",
    "@user hi",
    "'=1",
    "''=1",
    "'",
    "＝1",
    "-٣",
]
cells = st.sampled_from(NASTY) | st.text(SIGNS + "01. a", max_size=6)


def is_formula(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.startswith(tuple(SIGNS[1:]))
    return not cell.isascii()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5), cells)
def test_any_cell_of_a_batch_comes_back(tmp_path: Path, rows: Any, name: str) -> None:
    name = f"{name}n"
    path = tmp_path / "todo.csv"
    columns = {"id": [r[0] for r in rows], name: [r[1] for r in rows]}
    marks = {"row_check": ["c"] * len(rows), "label_origin": [None] * len(rows)}
    marks["label"] = [None] * len(rows)
    table = pa.table({k: pa.array(v, pa.string()) for k, v in (columns | marks).items()})
    write_table(table, path)
    with path.open(encoding="utf-8", newline="") as stream:
        for record in csv.reader(stream):
            assert not any(map(is_formula, record))
    back = Table([path])
    assert back.columns == table.column_names
    assert back.read(["id", name]).to_pydict() == columns


@given(cells)
def test_one_cell(cell: str) -> None:
    assert unescape_formula(escape_formula(cell)) == cell
    assert not is_formula(escape_formula(cell))


def test_a_batch_with_formulas_goes_round_by_key(write: Any, labelkit: Any) -> None:
    rows = ["=k1,=HYPERLINK(1)", "@k2,-good", "-3,+bad", "'=k4,plain"]
    write("in.csv", "id,text\n" + "\n".join(rows) + "\n")
    done = labelkit(
        "query", "in.csv", "-o", "q.csv", "-n", "4", "--batch", "todo.csv", "--classes", "=yes,no"
    )
    assert done.code == 0, done.err
    with open("todo.csv", newline="") as stream:
        batch = list(csv.DictReader(stream))
    assert sorted(row["id"] for row in batch) == ["''=k4", "'=k1", "'@k2", "-3"]
    assert sorted(row["text"] for row in batch) == ["'+bad", "'-good", "'=HYPERLINK(1)", "plain"]
    said = labelkit("annotate", "todo.csv", "--classes", "=yes,no", stdin="1\n1\n2\n2\n")
    assert said.code == 0, said.err
    for shown in ("=HYPERLINK(1)", "-good", "+bad"):
        assert shown in said.err and f"'{shown}" not in said.err
    done = labelkit("merge", "q.csv", "todo.answers.csv", "-o", "m.csv")
    assert done.code == 0, done.err
    assert [line.split(",")[:2] for line in Path("m.csv").read_text().splitlines()[1:]] == [
        line.split(",") for line in rows
    ]
    with open("m.csv", newline="") as stream:
        assert {row["label"] for row in csv.DictReader(stream)} == {"=yes", "no"}


@pytest.mark.parametrize("columns", ["id,text", "id,text,label,row_check"])
def test_a_file_that_is_no_batch_is_read_as_it_is(columns: str, write: Any) -> None:
    path = write("in.csv", f"{columns}\n'=1,'=2{',a,b' * (',' in columns[7:])}\n")
    assert Table([path]).read(["id", "text"]).to_pylist() == [{"id": "'=1", "text": "'=2"}]
