"""When the plain vote is trusted more than a label model."""

import numpy as np
import pytest

from labelkit.weak.label_models import majority_fallback


def plain(rows):
    return np.tile([0.6, 0.4], (rows, 1))


def test_a_model_that_moves_labels_at_random_is_unstable():
    rng = np.random.default_rng(0)

    def restless(weight, gold):
        return np.eye(2)[rng.integers(0, 2, 400)]

    found = restless(None, None)
    said = majority_fallback.unstable(restless, found, plain(400), np.ones(400), None, 0)
    assert "moved by both halves" in said


def test_a_model_that_always_says_the_same_is_stable():
    found = np.eye(2)[np.arange(400) % 2]
    assert (
        majority_fallback.unstable(lambda *_: found, found, plain(400), np.ones(400), None, 0) == ""
    )


def test_few_moved_labels_are_not_judged():
    found = np.eye(2)[(np.arange(400) < 5).astype(int)]
    never = majority_fallback.unstable(
        lambda *_: 1 - found, found, plain(400), np.ones(400), None, 0
    )
    assert never == ""


@pytest.mark.parametrize("share, fewer", [(0.9, True), (0.5, False), (0.1, False)])
def test_people_decide_between_model_and_vote(share, fewer):
    gold = np.where(np.random.default_rng(1).random(200) < share, 0, 1)
    found = np.tile([0.4, 0.6], (200, 1))
    said = majority_fallback.worse(lambda *_: found, plain(200), np.ones(200), gold)
    assert ("right more often on 200 rows" in said) == fewer


def test_too_few_labels_decide_nothing():
    gold = np.where(np.arange(200) < 19, 0, -1)
    found = np.tile([0.4, 0.6], (200, 1))
    assert majority_fallback.worse(lambda *_: found, plain(200), np.ones(200), gold) == ""


def test_the_model_never_sees_the_labels_that_judge_it():
    gold = np.zeros(60, dtype=int)
    seen = []

    def model(weight, known):
        seen.append(known)
        return plain(60)

    majority_fallback.worse(model, plain(60), np.ones(60), gold)
    first, second = seen
    assert ((first >= 0) ^ (second >= 0)).all()
