"""Label smoothing reaches every class, however many there are."""

import numpy as np
import pytest

from labelkit.models import augment
from labelkit.models.augment import Lesson, smoothed
from labelkit.models.fit import examples


def weight_of(lesson: Lesson, k: int) -> np.ndarray:
    """Return original rows x classes: how much each row counts for each class."""
    found = np.zeros((lesson.matrix.shape[1], k))
    np.add.at(found, (lesson.matrix.argmax(axis=1), lesson.codes), lesson.weights)
    return found


@pytest.mark.parametrize("k", [1, 2, 11, 12, 77, 150])
def test_every_class_gets_its_share(k: int) -> None:
    lesson = smoothed(Lesson(np.eye(2 * k), np.arange(2 * k) % k, None), 0.1)
    found = weight_of(lesson, k)
    expected = np.full((2 * k, k), 0.1 / k)
    expected[np.arange(2 * k), np.arange(2 * k) % k] += 0.9
    assert np.allclose(found, expected)


def test_of_too_many_rows_some_classes_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "MOST_ROWS", 600)
    lesson = smoothed(Lesson(np.eye(100), np.arange(100) % 50, None), 0.2)
    found = weight_of(lesson, 50)
    assert len(lesson.codes) == 600
    assert np.allclose(found.sum(axis=1), 1)
    own = found[np.arange(100), np.arange(100) % 50]
    assert np.allclose(own, 0.8 + 0.2 / 50)
    assert ((found > 0).sum(axis=1) == 6).all()


def test_a_flat_soft_label_over_many_classes_is_learned_from() -> None:
    soft = np.full((2, 200), 1 / 200)
    found = examples(np.array([-1, -1]), soft)
    assert len(found.rows) == 400
    assert np.isclose(found.weights.sum(), 2)
