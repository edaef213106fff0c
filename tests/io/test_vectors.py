"""Lists of numbers as an embedding, in every format; other lists are no features."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.errors import LabelkitError
from labelkit.io import vectors
from tests.conftest import Result

numbers = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2)


@given(st.lists(st.one_of(st.none(), numbers), max_size=6))
def test_lists_and_their_json_are_the_same_vectors(rows: list[list[float] | None]) -> None:
    native = pa.array(rows, pa.list_(pa.float64()))
    text = pa.array(["" if row is None else json.dumps(row) for row in rows], pa.string())
    found = [vectors.matrix("x", vectors.as_bytes("x", c), 2) for c in (native, text)]
    expected = np.array([row or [np.nan, np.nan] for row in rows], float).reshape(-1, 2)
    for each in found:
        np.testing.assert_array_equal(each, expected)
    for column in (native, text):
        scan = vectors.VectorScan()
        scan.update(column)
        assert scan.is_vector == any(row is not None for row in rows)


@pytest.mark.parametrize("cells", [["[1, 2]", "[1]"], ["[1, 2]", "x"], ["[1, [2]]"], ["[]"], [""]])
def test_other_cells_are_no_vectors(cells: list[str]) -> None:
    scan = vectors.VectorScan()
    scan.update(pa.array(cells))
    assert not scan.is_vector


def test_vectors_of_another_length_are_refused() -> None:
    cells = vectors.as_bytes("e", pa.array([[1.0, 2.0], [1.0]]))
    with pytest.raises(LabelkitError, match="'e' has lists of 1 number beside lists of 2"):
        vectors.matrix("e", cells, 2)
    with pytest.raises(LabelkitError, match="'e' has lists of numbers, but 'x' is not such a list"):
        vectors.as_bytes("e", pa.array(["x"]))


@pytest.fixture
def table() -> pa.Table:
    rng = np.random.default_rng(0)
    codes = np.arange(40) % 2
    points = rng.normal(size=(40, 3)) + 4 * codes[:, None]
    return pa.table(
        {
            "emb": pa.array(points.tolist(), pa.list_(pa.float32())),
            "other": pa.array([[{"a": 1}]] * 40),
            "label": [("bad", "good")[code] for code in codes],
        }
    )


def test_an_embedding_column_is_learned_from_in_every_format(
    labelkit: Callable[..., Result], table: pa.Table
) -> None:
    pq.write_table(table, "in.parquet")
    found = labelkit("train", "in.parquet", "-o", "m.model", "--verbose")
    assert found.code == 0, found.err
    assert "embedding in emb (3 numbers)" in found.err
    assert "other (lists, structs or maps)" in found.err
    assert "'emb' alone gives" not in found.err
    for source, out in (("in.parquet", "p.jsonl"), ("p.jsonl", "p.csv"), ("p.csv", "p.tsv")):
        found = labelkit("predict", "m.model", source, "-o", out, "--as", out[2:])
        assert found.code == 0, found.err
    rows = [line.split("\t") for line in Path("p.tsv").read_text().splitlines()]
    of = {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}
    assert of["jsonl_label"] == of["csv_label"] == of["tsv_label"]
    assert sum(a == b for a, b in zip(of["label"], of["tsv_label"], strict=True)) >= 39


def test_a_named_column_of_other_lists_is_refused(
    labelkit: Callable[..., Result], table: pa.Table
) -> None:
    pq.write_table(table, "in.parquet")
    found = labelkit("train", "in.parquet", "-o", "m.model", "--column", "other")
    assert found.code == 2
    assert "--column other: it holds lists, structs or maps" in found.err
