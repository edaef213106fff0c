"""A small model's leaning is taken away; its ranking is kept."""

import numpy as np
import pytest

from labelkit.llm.answers.class_prior import balanced, best_wording, fitted, information, softmax


def leaning(n: int = 400, shift: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, n)
    signal = np.where(truth == 1, 1.0, -1.0) + rng.normal(0, 0.8, n)
    scores = np.log(softmax(np.column_stack([np.zeros(n), signal - shift])))
    return scores, truth


def test_balancing_takes_a_leaning_away() -> None:
    scores, truth = leaning()
    assert (scores.argmax(1) == truth).mean() < 0.6
    found = balanced(scores)
    assert (found.argmax(1) == truth).mean() > 0.85
    assert found.mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.02)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(found)))


def test_one_row_is_hardly_balanced() -> None:
    found = balanced(np.log([[0.9, 0.1]]))
    assert found[0, 0] > 0.75
    assert balanced(np.empty((0, 2))).shape == (0, 2)


def test_labels_by_people_fit_a_skewed_prior() -> None:
    scores, truth = leaning(1000)
    keep = np.flatnonzero((truth == 0) | (np.arange(1000) % 8 == 0))  # one in nine positive
    scores, truth = scores[keep], truth[keep]
    codes = np.where(np.arange(len(truth)) < 100, truth, -1).astype(np.int32)
    found = fitted(scores, codes)
    rest = codes < 0
    accuracy = (found.argmax(1) == truth)[rest].mean()
    assert accuracy > (balanced(scores).argmax(1) == truth)[rest].mean()
    assert abs(found[rest, 1].mean() - truth[rest].mean()) < 0.06


def test_no_labelled_row_judges_itself() -> None:
    scores = np.zeros((40, 2))
    codes = np.r_[np.zeros(20), np.ones(20)].astype(np.int32)
    flipped = codes.copy()
    flipped[0] = 1
    assert fitted(scores, codes)[0] == pytest.approx(fitted(scores, flipped)[0])


def test_the_wording_that_tells_rows_apart_is_chosen() -> None:
    firm, flat = np.log([[0.9, 0.1], [0.1, 0.9]]), np.log([[0.9, 0.1], [0.9, 0.1]])
    assert information(flat) == pytest.approx(0.0)
    assert best_wording({"flat": flat, "firm": firm}) == "firm"
    assert best_wording({"first": flat, "second": flat}) == "first"
