"""Breaks are cut, hard rows are not."""

import numpy as np
import pytest

from labelkit.annotate.working_time import MOST_BEFORE, longest_work, worked


@pytest.mark.parametrize("usual", [0.5, 4.0, 40.0])
def test_few_rows_of_a_log_normal_pace_are_cut_and_breaks_move_nothing(usual: float) -> None:
    seconds = usual * np.random.default_rng(3).lognormal(0, 0.8, 300)
    with_breaks = [*seconds.tolist(), *[3600.0] * 20]
    longest = longest_work(with_breaks)
    assert (seconds > longest).mean() < 0.02
    total = sum(worked([one], longest) for one in with_breaks)
    assert total < 1.0 * seconds.sum() + 20 * 15 * usual


def test_an_even_pace_allows_a_row_of_several_times_as_long() -> None:
    assert longest_work([2.0] * 10) == pytest.approx(10.0)
    assert longest_work([0.0] * 10) > 0


def test_until_the_pace_is_known_two_minutes_are_the_most() -> None:
    assert worked([5.0, 3600.0], longest_work([5.0, 3600.0])) == 5 + MOST_BEFORE
