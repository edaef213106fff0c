"""Both matrices by name, by hand and as laws."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.errors import UsageError
from labelkit.noise.model import noise_model, transition_matrix
from labelkit.noise.model.transition_matrix import NoiseModel

# 100 rows labelled cat: 80 are cats, 20 are dogs. 100 labelled dog: 40 are cats, 60 are dogs.
# So of 120 cats 80 are labelled cat (2/3); of the rows labelled cat 80 are cats (4/5).
BY_HAND = NoiseModel(["cat", "dog"], np.array([[80.0, 20.0], [40.0, 60.0]]))


def written(path, model):
    stream = io.BytesIO()
    transition_matrix.write(stream, path, model)
    return stream.getvalue().decode()


def test_p_given_when_true_by_hand():
    assert BY_HAND.given_when_true() == pytest.approx(np.array([[2 / 3, 1 / 3], [1 / 4, 3 / 4]]))


def test_p_true_when_given_by_hand():
    assert BY_HAND.true_when_given() == pytest.approx(np.array([[0.8, 0.2], [0.4, 0.6]]))


def test_the_number_of_errors_and_the_commonest():
    assert BY_HAND.errors == 60
    assert BY_HAND.worst() == [("dog", "cat", 40), ("cat", "dog", 20)]
    assert BY_HAND.worst(1) == [("dog", "cat", 40)]


def test_the_json_file_names_both():
    found = json.loads(written(Path("m.json"), BY_HAND))
    assert found["classes"] == ["cat", "dog"] and found["estimated_errors"] == 60
    assert found["rows_given_true"] == {
        "cat": {"cat": 80, "dog": 20},
        "dog": {"cat": 40, "dog": 60},
    }
    assert found["p_given_when_true"]["dog"] == {"cat": 0.25, "dog": 0.75}
    assert found["p_true_when_given"]["dog"] == {"cat": 0.4, "dog": 0.6}


def test_the_csv_file_has_a_row_a_pair():
    assert written(Path("m.CSV"), BY_HAND).splitlines() == [
        "given,true,rows,p_given_when_true,p_true_when_given",
        "cat,cat,80,0.666667,0.8",
        "cat,dog,20,0.25,0.2",
        "dog,cat,40,0.333333,0.4",
        "dog,dog,60,0.75,0.6",
    ]


def test_a_class_that_holds_no_row_has_no_shares():
    empty = NoiseModel(["a", 'b,"\n'], np.array([[5.0, 0.0], [5.0, 0.0]]))
    assert np.isnan(empty.given_when_true()[1]).all()
    assert empty.facts()["p_given_when_true"]['b,"\n'] == {"a": None, 'b,"\n': None}
    rows = list(csv.DictReader(io.StringIO(written(Path("m.csv"), empty))))
    assert rows[1]["true"] == 'b,"\n' and rows[1]["p_given_when_true"] == ""


def estimate(codes, chances, names=("cat", "dog")):
    return transition_matrix.estimate(codes, chances, list(names), noise_model.fit(codes, chances))


def test_the_estimate_finds_which_way_labels_were_flipped():
    true = np.repeat([0, 1], 100)
    given = true.copy()
    given[:30] = 1  # 30 of 100 cats are called dogs, no dog is called a cat
    model = estimate(given, np.eye(2)[true])
    assert model.joint == pytest.approx(np.array([[70, 0], [30, 100]]), abs=0.5)
    assert model.given_when_true() == pytest.approx(np.array([[0.7, 0.3], [0, 1]]), abs=0.01)
    assert model.true_when_given()[1] == pytest.approx([30 / 130, 100 / 130], abs=0.01)
    assert model.interval is not None
    low, high = model.interval
    assert low <= 30 <= high


@st.composite
def evidence(draw):
    k = draw(st.integers(2, 4))
    given = list(range(k)) + draw(st.lists(st.integers(0, k - 1), max_size=30))
    seed = draw(st.integers(0, 2**32 - 1))
    chances = np.random.default_rng(seed).dirichlet(np.ones(k), len(given))
    return np.array(given), chances


@settings(max_examples=20, deadline=None)
@given(evidence())
def test_rows_sum_to_one_and_the_joint_to_the_labels(drawn):
    given_codes, chances = drawn
    names = [f"c{code}" for code in range(chances.shape[1])]
    model = estimate(given_codes, chances, names)
    assert model.joint.sum() == pytest.approx(len(given_codes))
    assert model.joint.sum(axis=1) == pytest.approx(np.bincount(given_codes, minlength=len(names)))
    assert (model.joint >= 0).all()
    for shares in (model.given_when_true(), model.true_when_given()):
        sums = shares[~np.isnan(shares).any(axis=1)].sum(axis=1)
        assert sums == pytest.approx(np.ones(len(sums)))


def test_where_the_matrices_may_be_written(tmp_path):
    with pytest.raises(UsageError, match=r"--matrix m.txt: give a name that ends in .csv or .json"):
        transition_matrix.check_path(Path("m.txt"), [])
    with pytest.raises(UsageError, match="this is the input or the output; give another name"):
        transition_matrix.check_path(tmp_path / "data.csv", ["data.csv"])
    transition_matrix.check_path(Path("m.json"), ["data.csv"])
