"""Votes from columns of the file."""

import re

import numpy as np
import pyarrow as pa
import pytest

from labelkit.errors import LabelkitError, UsageError
from labelkit.weak.lf import vote_columns
from labelkit.weak.vote_codes import Codebook


def read(columns, classes=None):
    batch = pa.record_batch(columns)
    codebook = Codebook(classes)
    votes = vote_columns.read(
        batch, batch.schema.names, codebook, np.arange(batch.num_rows), lambda row: f"row {row}"
    )
    names, remap = codebook.final()
    return names, remap[votes].T.tolist()


def test_integers_index_the_class_order_and_minus_one_or_empty_abstains():
    columns = {
        "lf_0": ["0", "-1", "", " 1 "],
        "lf_1": pa.array([1, None, -1, 0]),
        "lf_2": ["1.0", "", "-1.0", "0.0"],
    }
    expected = [[0, -1, -1, 1], [1, -1, -1, 0], [1, -1, -1, 0]]
    assert read(columns, ["neg", "pos"]) == (["neg", "pos"], expected)
    assert read(columns) == (["0", "1"], expected)


def test_class_names_stand_for_themselves():
    assert read({"a": ["pos", "", "neg"]}) == (["neg", "pos"], [[1, -1, 0]])
    assert read({"a": ["pos", "1", "0"]}, ["neg", "pos"])[1] == [[1, 1, 0]]
    assert read({"a": ["2", "1"]}, ["2", "1"])[1] == [[0, 1]]


@pytest.mark.parametrize(
    ("cells", "classes", "message"),
    [
        (
            ["", "ps"],
            ["neg", "pos"],
            "column 'a', row 1: it holds 'ps', which is not a declared class; did you mean 'pos'? "
            "(classes: neg, pos)",
        ),
        (
            ["1", "2"],
            ["neg", "pos"],
            "column 'a', row 1: it holds 2; the classes are numbered 0 to 1 (neg, pos), -1 "
            "abstains",
        ),
        (
            ["pos", "1"],
            None,
            "column 'a', row 1: it holds 1 where others return 'pos': numbers stand for the "
            "classes in the order of --classes A,B, and none are declared",
        ),
    ],
)
def test_anything_else_is_shown_with_column_and_row(cells, classes, message):
    with pytest.raises(LabelkitError, match=f"^{re.escape(message)}$"):
        read({"a": cells}, classes)


def test_patterns_take_columns_in_the_order_of_the_file():
    columns = ["id", "lf_b", "x", "lf_a"]
    assert vote_columns.matching(["lf_*"], columns) == ["lf_b", "lf_a"]
    assert vote_columns.matching(["lf_a", "x", "lf_*"], columns) == ["lf_b", "x", "lf_a"]
    with pytest.raises(UsageError) as raised:
        vote_columns.matching(["lf_c"], columns)
    assert str(raised.value) == (
        "--from-votes 'lf_c' matches no column; did you mean 'lf_b'? (columns: id, lf_b, x, lf_a)"
    )
