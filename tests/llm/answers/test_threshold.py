"""The cut: as low as the known rows allow, refused where they do not show the target."""

import numpy as np
import pytest

from labelkit.errors import LabelkitError, UsageError
from labelkit.llm.answers.threshold import check_known, check_target, choose, fewest


def test_how_many_rows_a_target_needs() -> None:
    assert [fewest(target) for target in (0.8, 0.9, 0.95, 0.99)] == [14, 29, 59, 299]
    check_known(59, 0.95)
    with pytest.raises(LabelkitError, match=r"needs at least 59 rows .* there are 58 "):
        check_known(58, 0.95)
    for target in (0.0, 1.0, 95.0, float("nan")):
        with pytest.raises(UsageError, match="give a share between 0 and 1"):
            check_target(target)


def test_the_cut_keeps_its_promise() -> None:
    missed = chosen = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        sure = 0.5 + 0.5 * rng.beta(4, 1, 200)
        try:
            cut = choose(sure, rng.random(200) < sure, 0.9)
        except LabelkitError:
            continue
        chosen += 1
        above = 0.5 + 0.5 * rng.beta(4, 1, 20_000)
        missed += above[above >= cut.confidence].mean() < 0.9
        assert cut.bound >= 0.9 and cut.low <= cut.right / cut.rows <= cut.high
    assert chosen > 120 and missed <= 0.05 * chosen


def test_rows_of_one_confidence_are_on_one_side() -> None:
    sure = np.array([0.9] * 100 + [0.6] * 50)
    right = np.array([True] * 150)
    right[100:130] = False
    cut = choose(sure, right, 0.95)
    assert (cut.confidence, cut.rows, cut.right) == (0.9, 100, 100)


def test_a_target_that_is_not_shown_says_what_is_needed() -> None:
    right = np.ones(100, dtype=bool)
    right[:4] = False
    with pytest.raises(LabelkitError, match=r"right in 0.960 \(0.9\d+ to 0.9\d+\). At that rate"):
        choose(np.full(100, 0.9), right, 0.95)
    with pytest.raises(LabelkitError, match="Lower --target-accuracy, or use a better model"):
        choose(np.full(100, 0.9), np.arange(100) % 2 == 0, 0.95)
    with pytest.raises(LabelkitError, match="59 are needed at least"):
        choose(np.empty(0), np.empty(0, bool), 0.95)
