import math
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
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
    assert (counts.table() == metrics.confusion_matrix(truth, said, labels=range(4))).all()
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
    assert float(measure.kappa(measure.Confusion.of([[5, 0], [0, 0]]))) == 1.0
    assert math.isnan(float(measure.kappa(measure.Confusion.of(np.zeros((2, 2))))))


def test_resampled_interval_covers_the_wilson_one():
    counts = measure.Confusion.of([[40, 10], [10, 40]])

    def share(many):
        return many.right.sum(axis=-1) / many.total

    interval, of_kappa = measure.resampled(counts, [share, measure.kappa])
    assert interval == pytest.approx(measure.wilson(80, 100), abs=0.02)
    assert measure.resampled(counts, [share])[0].tolist() == interval.tolist()
    assert of_kappa[0] < 0.6 < of_kappa[1]


def test_per_class_says_none_where_there_is_nothing():
    counts = measure.Confusion.of([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    found = measure.per_class(counts, measure.resampled(counts, [measure.f1_of_classes])[0])
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
    assert measure.mean_distance(measure.Confusion.of([[1, 0, 1], [0, 2, 0], [0, 0, 0]])) == 0.5


@settings(max_examples=25)
@given(PAIRS)
def test_draws_are_those_of_the_whole_table(pairs):
    truth, said = (np.array(side) for side in zip(*pairs, strict=True))
    counts = measure.confusion(truth, said, 4)
    table = counts.table()
    share = np.bincount(counts.true * 4 + counts.given, counts.counts, 16) / len(pairs)
    with patch.object(measure, "RESAMPLES", 50):
        own = np.concatenate([each.counts for each in measure._draws(counts, 7)])
    draws = np.random.default_rng(7).multinomial(len(pairs), share, size=50).reshape(-1, 4, 4)
    if table[3, 3]:  # else the last pair is drawn in the one and left over in the other
        assert (own == draws[:, counts.true, counts.given]).all()
    right, true, given_ = (draws[:, range(4), range(4)], draws.sum(axis=2), draws.sum(axis=1))
    many = counts._replace(counts=draws[:, counts.true, counts.given])
    f1 = np.nan_to_num(2 * right / np.maximum(true + given_, 1))
    assert measure.f1_of_classes(many) == pytest.approx(f1)
    assert measure.macro_f1(many) == pytest.approx(f1.sum(1) / ((true + given_) > 0).sum(1))
    away = np.abs(np.subtract.outer(range(4), range(4)))
    assert measure.mean_distance(many) == pytest.approx(
        (draws * away).sum(axis=(1, 2)) / len(pairs)
    )
    chance = np.einsum("ni,nj,ij->n", true, given_, away**2) / len(pairs) ** 2
    seen = (draws * away**2).sum(axis=(1, 2)) / len(pairs)
    expected = np.where(chance > 0, 1 - seen / np.where(chance > 0, chance, 1), 1.0)
    assert measure.kappa(many, "quadratic") == pytest.approx(expected)


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
    rng = np.random.default_rng(0)
    counts = measure.confusion(*rng.integers(0, 1_000, (2, 50_000)), 1_000)
    drawn = next(measure._draws(counts, 0))
    assert drawn.counts.nbytes + measure.f1_of_classes(drawn).nbytes < 40_000_000
