"""What the next labels are expected to buy."""

import numpy as np
import pytest

from labelkit.ml import classifier, learning_curve
from labelkit.ml.learning_curve import Known, expected_gain


def made(rows, seed=0, noise=1.5, classes=2, width=30):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(classes, width))
    codes = rng.integers(classes, size=rows)
    return centres[codes] + noise * rng.normal(size=(rows, width)), codes


def known(rows, **how):
    matrix, codes = made(rows, **how)
    recipe = classifier.Recipe("logistic", 0.3)
    return Known(matrix, codes, None, how.get("classes", 2), recipe)


def accuracy(rows, seed, noise, test):
    matrix, codes = made(rows, seed, noise)
    model = classifier.fit(matrix, codes, classifier.Recipe("logistic", 0.3))
    return float((model.predict(test[0]) == test[1]).mean())


def test_the_gain_is_near_what_more_labels_buy():
    noise, pool = 4.0, made(2_000, seed=1, noise=4.0)
    found = [expected_gain(known(200, seed=s, noise=noise), pool[0], 100) for s in range(10, 18)]
    told = np.mean([each.points for each in found])
    bought = 100 * np.mean(
        [accuracy(300, s, noise, pool) - accuracy(200, s, noise, pool) for s in range(10, 18)]
    )
    assert bought > 0.5
    assert told == pytest.approx(bought, abs=1.5)
    assert all(each.low <= each.points <= each.high for each in found)
    assert all(each.labels == 100 for each in found)


def test_a_task_that_is_learned_has_little_to_gain():
    gain = expected_gain(known(300, noise=0.3), made(500, seed=1, noise=0.3)[0], 50)
    assert gain.points == pytest.approx(0.0, abs=0.05)


def test_hard_labels_count_by_how_hard_the_pool_is():
    sure = np.array([0.55] * 8 + [0.95] * 2)
    pool = np.array([0.55] * 2 + [0.95] * 8)
    weights = learning_curve._weights(sure, pool)
    # As many as in the pool: two of ten are hard.
    assert weights[:8].sum() / weights.sum() == pytest.approx(0.2)


def test_the_same_seed_gives_the_same_figures():
    pool = made(200, seed=1)[0]
    assert expected_gain(known(80), pool, 50) == expected_gain(known(80), pool, 50)


@pytest.mark.parametrize("rows", [2, 39])
def test_too_few_labels_tell_nothing(rows):
    assert expected_gain(known(rows), made(50)[0], 50) is None


def test_no_class_but_one_tells_nothing():
    one = known(60)._replace(codes=np.zeros(60, dtype=np.int64))
    assert expected_gain(one, made(50)[0], 50) is None
    rare = np.zeros(60, dtype=np.int64)
    rare[:3] = 1
    assert expected_gain(known(60)._replace(codes=rare), made(50)[0], 50) is None


def test_models_that_see_one_class_only_are_no_plateau():
    rng = np.random.default_rng(0)
    codes = (np.arange(80) < 5).astype(np.int64)
    blind = Known(rng.normal(size=(80, 3)), codes, None, 2, classifier.Recipe("logistic", 0.01))
    assert expected_gain(blind, rng.normal(size=(50, 3)), 50) is None


def test_nothing_to_ask_is_nothing_to_gain():
    assert expected_gain(known(80), made(50)[0], 0) is None
    assert expected_gain(known(80), made(50)[0][:0], 50) is None


def test_the_law_by_hand():
    sizes = np.array([75.0, 50.0, 33.0, 22.0])
    curve = 0.9 - 1.5 * sizes**-0.5
    gains, misfits = learning_curve._gains(sizes, curve[None, :], 100, 44)
    best = misfits[:, 0].argmin()
    assert learning_curve.POWERS[best] == 0.5
    assert gains[best, 0] == pytest.approx(1.5 * (100**-0.5 - 144**-0.5))


def test_no_law_falls_or_passes_one():
    sizes = np.array([75.0, 50.0, 33.0, 22.0])
    falling, steep = np.array([0.5, 0.6, 0.7, 0.8]), np.array([0.99, 0.8, 0.6, 0.3])
    gains, _ = learning_curve._gains(sizes, np.array([falling, steep]), 100, 10_000)
    assert (gains[:, 0] == 0).all()
    assert (0.97 + gains[:, 1] <= 1.2).all()
