from unittest.mock import patch

import numpy as np
import pytest

from labelkit.errors import UsageError
from labelkit.models.fit import Examples, How, examples, learn, predict
from labelkit.stats import blocks


def line(n=200, seed=0):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 2))
    return matrix, (matrix[:, 0] > 0).astype(int)


def test_hard_labels_alone_have_no_weights():
    told = examples(np.array([-1, 1, 0]), None)
    assert told.rows.tolist() == [1, 2]
    assert told.codes.tolist() == [1, 0]
    assert told.weights is None


def test_hard_labels_win_over_soft_ones_and_small_shares_are_dropped():
    soft = np.array([[0.3, 0.7], [0.9, 0.1], [np.nan, np.nan], [0.995, 0.005]])
    told = examples(np.array([-1, 1, -1, -1]), soft)
    assert told.rows.tolist() == [0, 0, 1, 3]
    assert told.codes.tolist() == [0, 1, 1, 0]
    assert told.weights.tolist() == [0.3, 0.7, 1.0, 0.995]


def test_learning_tells_its_out_of_fold_accuracy():
    matrix, codes = line()
    learned = learn(matrix, examples(codes, None), np.arange(200), 2)
    assert learned.out_of_fold.low < learned.out_of_fold.value < learned.out_of_fold.high
    assert learned.out_of_fold.value > 0.9
    assert learned.facts["rows"] == 200
    found = predict(learned.model, matrix, 2, learned.temperature)
    assert np.allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == codes).mean() > 0.95


def test_soft_labels_teach_and_count_each_row_once():
    matrix, codes = line()
    soft = np.where(np.eye(2)[codes] == 1, 0.8, 0.2)
    learned = learn(matrix, examples(np.full(200, -1), soft), np.arange(200), 2, How("logistic"))
    assert learned.facts["rows"] == 200
    assert learned.out_of_fold.value > 0.9


def test_one_class_alone():
    matrix, _ = line(5)
    told = Examples(np.arange(5), np.ones(5, dtype=int), None)
    learned = learn(matrix, told, np.arange(5), 3)
    assert learned.facts["classifier"] == "constant (only one class has labels)"
    assert predict(learned.model, matrix, 3, learned.temperature)[:, 1].tolist() == [1.0] * 5


def test_nothing_to_learn_from():
    matrix, _ = line(5)
    with pytest.raises(UsageError, match="no row has a label to learn from"):
        learn(matrix, examples(np.full(5, -1), None), np.arange(5), 2)


def test_soft_labels_of_a_large_table_are_taken_block_by_block_and_judged_once_a_row():
    rng = np.random.default_rng(0)
    codes = np.where(np.arange(60) % 3 == 0, np.arange(60) % 4, -1)
    soft = rng.dirichlet(np.ones(4), 60)
    soft[codes >= 0] = np.nan
    whole = examples(codes, soft)
    with patch.object(blocks, "CELLS_AT_ONCE", 20):
        for one, other in zip(examples(codes, soft), whole, strict=True):
            assert (one == other).all()
    matrix = np.eye(4)[np.arange(60) % 4] + rng.normal(0, 0.3, (60, 4))
    learned = learn(matrix, whole, np.arange(60), 4, How("logistic"))
    assert learned.compared == 60
