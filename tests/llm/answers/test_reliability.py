"""Confidence becomes how often the model is right; no row judges itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.llm.answers.reliability import AS_GIVEN, FEWEST, calibrated
from labelkit.stats import metrics


def overconfident(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A model that says .9 to 1 and is right in .6 to .95."""
    rng = np.random.default_rng(seed)
    true = rng.uniform(0.55, 0.97, n)
    said = 1 / (1 + np.exp(-2.5 * np.log(true / (1 - true)) - 0.5))
    return said, rng.random(n) < true


@pytest.mark.parametrize("gold", [60, 400])
def test_an_overconfident_model_is_seen_through(gold: int) -> None:
    said, right = overconfident(3000)
    known = np.arange(3000) < gold
    found, way = calibrated(said, right, known, np.arange(3000))
    assert way != AS_GIVEN
    before = metrics.calibration_error(said[~known], right[~known])
    after = metrics.calibration_error(found[~known], right[~known])
    assert before > 0.12 and after < 0.06
    assert (np.diff(found[~known][np.argsort(said[~known])]) >= -1e-12).all()


def test_a_model_that_knows_itself_is_left_alone_or_nearly() -> None:
    rng = np.random.default_rng(1)
    said = rng.uniform(0.5, 1, 3000)
    right = rng.random(3000) < said
    known = np.arange(3000) < 200
    found, _ = calibrated(said, right, known, np.arange(3000))
    assert metrics.calibration_error(found[~known], right[~known]) < 0.05


def test_too_few_known_rows_change_nothing() -> None:
    said, right = overconfident(50)
    found, way = calibrated(said, right, np.arange(50) < FEWEST - 1, np.arange(50))
    assert way == AS_GIVEN and found is said


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 59), st.integers(0, 3))
def test_no_row_and_no_duplicate_judges_itself(row: int, seed: int) -> None:
    said, right = overconfident(60, seed)
    groups = np.arange(60) // 2  # each row has a duplicate
    known = np.ones(60, dtype=bool)
    before, _ = calibrated(said, right, known, groups)
    turned = right.copy()
    pair = groups == groups[row]
    turned[pair] = ~turned[pair]
    after, _ = calibrated(said, turned, known, groups)
    assert after[pair] == pytest.approx(before[pair])


def test_rows_without_a_confidence_stay_without() -> None:
    said, right = overconfident(100)
    said[::10] = np.nan
    found, _ = calibrated(said, right, np.arange(100) < 60, np.arange(100))
    assert np.isnan(found[::10]).all() and np.isfinite(found[1::10]).all()


def test_a_model_that_is_always_right_or_always_wrong() -> None:
    said = np.full(80, 0.99)
    for right in (np.ones(80, bool), np.zeros(80, bool)):
        found, _ = calibrated(said, right, np.arange(80) < 40, np.arange(80))
        assert ((found >= 0) & (found <= 1)).all()
        assert (found[60] > 0.9) == right[0]
