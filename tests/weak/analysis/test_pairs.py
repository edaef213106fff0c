"""Overlap and conflict of each pair, against counting row by row."""

import numpy as np
import pytest

from labelkit.weak.analysis.pairs import pairs
from labelkit.weak.vote_patterns import Patterns


@pytest.mark.parametrize("seed", range(5))
def test_pairs_as_counted_row_by_row(seed):
    votes = np.random.default_rng(seed).integers(-1, 3, (50, 4)).astype(np.int16)
    patterns = Patterns(4)
    patterns.add(votes)
    found = pairs(patterns.finish())
    for i in range(4):
        for j in range(4):
            both = (votes[:, i] >= 0) & (votes[:, j] >= 0)
            assert found.both[i, j] == both.sum()
            assert found.differ[i, j] == (both & (votes[:, i] != votes[:, j])).sum()
