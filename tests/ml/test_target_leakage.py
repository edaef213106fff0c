"""Columns that tell the label all alone."""

import numpy as np
import pyarrow as pa
import pytest

from labelkit.ml.target_leakage import telling_columns

ROWS = 200
RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 2, ROWS)
KINDS = {"size": "number", "colour": "text", "leak": "number", "verdict": "text"}


def table(codes=CODES):
    rng = np.random.default_rng(1)
    return pa.table(
        {
            "size": rng.normal(codes * 1.0, 1.0),
            "colour": rng.choice(["red", "blue"], len(codes)),
            "leak": np.where(codes == 1, rng.uniform(5, 9, len(codes)), rng.uniform(0, 4.9)),
            "verdict": [["refused", "granted"][code] for code in codes],
        }
    )


def test_columns_that_give_the_label_away_are_named_with_their_share():
    found = telling_columns(table(), KINDS, CODES)
    assert set(found) == {"leak", "verdict"}
    assert all(share > 0.98 for share in found.values())


def test_a_class_between_two_values_is_found_too():
    codes = CODES.copy()
    outside = RNG.choice([1.0, 9.0], ROWS) + RNG.uniform(0, 1, ROWS)
    middle = pa.table({"x": np.where(codes == 1, RNG.uniform(4, 6, ROWS), outside)})
    assert set(telling_columns(middle, {"x": "number"}, codes)) == {"x"}


@pytest.mark.parametrize("rows", [1, 8, 39])
def test_few_labels_tell_nothing(rows):
    assert telling_columns(table(CODES[:rows]), KINDS, CODES[:rows]) == {}


def test_labels_that_are_nearly_all_alike_tell_nothing():
    rare = (np.arange(ROWS) < 6).astype(np.int64)
    assert telling_columns(table(rare), KINDS, rare) == {}
    assert telling_columns(table(), KINDS, np.zeros(ROWS, dtype=np.int64)) == {}


def test_empty_columns_and_numbers_of_rows_are_passed_over():
    odd = pa.table({"none": pa.nulls(ROWS, pa.float64()), "row_id": np.arange(ROWS, dtype=float)})
    assert telling_columns(odd, {"none": "number", "row_id": "number"}, CODES) == {}
