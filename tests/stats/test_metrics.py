import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from labelkit.stats import metrics as measure

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


def test_wilson_against_the_published_example():
    low, high = measure.wilson(81, 263)  # Newcombe 1998, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert measure.wilson(0, 0) == (0.0, 1.0)
    assert measure.wilson(0, 20)[0] == 0.0
    assert measure.wilson(20, 20)[1] == 1.0


@given(PAIRS)
def test_agrees_with_scikit_learn(pairs):
    truth, said = (np.array(side) for side in zip(*pairs, strict=True))
    counts = measure.confusion(truth, said, 4)
    assert (counts == metrics.confusion_matrix(truth, said, labels=range(4))).all()
    assert measure.accuracy(truth, said).value == pytest.approx(metrics.accuracy_score(truth, said))
    assert float(measure.macro_f1(counts)) == pytest.approx(
        metrics.f1_score(truth, said, average="macro", zero_division=0)
    )
    if len({*truth, *said}) > 1:
        for weights in ("", "linear", "quadratic"):
            theirs = metrics.cohen_kappa_score(
                truth, said, labels=range(4), weights=weights or None
            )
            assert float(measure.kappa(counts, weights)) == pytest.approx(theirs)


def test_kappa_of_one_class_and_of_nothing():
    assert float(measure.kappa(np.array([[5, 0], [0, 0]]))) == 1.0
    assert math.isnan(float(measure.kappa(np.zeros((2, 2)))))


def test_resampled_interval_covers_the_wilson_one():
    counts = np.array([[40, 10], [10, 40]])

    def share(many):
        return np.trace(many, axis1=1, axis2=2) / many.sum(axis=(1, 2))

    low, high = measure.resampled(counts, share)
    assert low == pytest.approx(measure.wilson(80, 100)[0], abs=0.02)
    assert high == pytest.approx(measure.wilson(80, 100)[1], abs=0.02)
    assert measure.resampled(counts, share) == (low, high)
    low, high = measure.resampled(counts, measure.kappa)
    assert low < 0.6 < high


def test_per_class_says_none_where_there_is_nothing():
    found = measure.per_class(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    assert found[0]["recall"] == 0.75
    assert found[0]["precision"] == 1.0
    assert found[1]["precision"] == 0.8
    assert found[2] == {
        "rows": 0,
        "given": 0,
        "precision": None,
        "precision_interval": None,
        "recall": None,
        "recall_interval": None,
        "f1": None,
        "f1_interval": None,
    }
    low, high = found[0]["f1_interval"]
    assert low < found[0]["f1"] == 6 / 7 < high


def test_mean_distance():
    assert measure.mean_distance(np.array([[1, 0, 1], [0, 2, 0], [0, 0, 0]])) == 0.5


def test_calibration_error_by_hand():
    confidence = np.array([0.95, 0.95, 0.55, 0.55, 1.0])
    right = np.array([True, True, True, False, False])
    # bin .5-.6: two rows, .55 said, .5 true; bin .9-1: three rows, .9667 said, .6667 true
    assert measure.calibration_error(confidence, right) == pytest.approx(
        (2 * 0.05 + 3 * 0.3) / 5, abs=1e-9
    )
    assert [row["rows"] for row in measure.reliability(confidence, right)] == [2, 3]


def test_mcnemar_exact():
    first = np.array([True] * 8 + [False] * 1 + [True] * 5)
    second = np.array([False] * 8 + [True] * 1 + [True] * 5)
    assert measure.mcnemar(first, second) == pytest.approx(2 * (1 + 9) / 2**9)
    assert measure.mcnemar(first, first) == 1.0


def test_the_interval_of_the_calibration_error_covers_it():
    """Rows right as often as their confidence says, but .1 too sure of themselves: error .1."""
    rng = np.random.default_rng(3)
    covered = 0
    for seed in range(40):
        confidence = rng.uniform(0.55, 0.95, 400)
        right = rng.random(400) < confidence - 0.1
        low, high = measure.calibration_interval(confidence, right, seed=seed)
        assert 0 <= low <= high <= 1
        covered += low <= 0.1 <= high
    assert covered >= 34
    assert measure.calibration_interval(np.zeros(0), np.zeros(0, bool)) == (0.0, 1.0)


def test_many_classes_do_not_fill_the_memory():
    counts = np.eye(300, dtype=np.int64) * 3
    assert len(measure.f1_intervals(counts)) == 300
    assert measure._drawn(counts, 0).nbytes < 200_000_000
