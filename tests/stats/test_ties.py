import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from labelkit.stats.sampling import some_rows, some_rows_of_all
from labelkit.stats.ties import leader, likeliest


def code(*shares):
    codes, confidence = likeliest(np.array([shares], dtype=float))
    assert (codes[0] == -1) == (confidence[0] == 0)
    return int(codes[0])


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ((0.2, 0.8), 1),
        ((0.5, 0.5), -1),
        ((0.4, 0.4, 0.2), -1),
        ((1 / 3, 1 / 3, 1 / 3), -1),
        ((0.1 + 0.2, 0.3, 0.4 - 1e-17), 2),
        ((0.1 + 0.2, 0.3, 0.1), -1),
        ((0.30000000001, 0.3, 0.1), -1),
        ((0.4999996, 0.5000004), -1),  # both are written 0.5
        ((0.499999, 0.500001), 1),
        ((0.0, 0.0), -1),
        ((np.nan, np.nan), -1),
        ((np.nan, 0.3), 1),
        ((0.7,), 0),
        ((), -1),
    ],
)
def test_the_likeliest_class_or_none_at_a_tie(shares, expected):
    assert code(*shares) == expected


@given(
    arrays(np.float64, array_shapes(min_dims=2, max_dims=2), elements=st.floats(0, 1)), st.data()
)
def test_the_order_of_the_classes_decides_nothing(shares, data):
    order = np.array(data.draw(st.permutations(range(shares.shape[1]))))
    codes, confidence = likeliest(shares)
    turned, sure = likeliest(shares[:, order])
    assert np.array_equal(np.where(turned >= 0, order[turned], -1), codes)
    assert np.array_equal(sure, confidence)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=4), st.integers(1, 9))
def test_shares_of_votes_tie_as_the_votes_do(votes, scale):
    shares = np.array(votes) / scale / max(sum(votes), 1)
    top = [i for i, n in enumerate(votes) if n == max(votes) and n]
    assert code(*shares) == (top[0] if len(top) == 1 else -1)


def test_a_leader_has_most():
    assert leader({"a": 2, "b": 1}) == "a"
    assert leader({"a": 2, "b": 2}) is None
    assert leader({}) is None


def test_some_rows_are_all_or_a_sorted_draw_from_them():
    rows = np.array([3, 5, 8, 13])
    assert some_rows(rows, 4, np.random.default_rng(0)).tolist() == [3, 5, 8, 13]
    drawn = some_rows(rows, 2, np.random.default_rng(0))
    assert len(drawn) == 2 and set(drawn) < set(rows) and drawn[0] < drawn[1]


def test_rows_that_come_first_are_all_drawn_where_they_fit():
    first = np.arange(1_000) % 100 == 0
    drawn = some_rows_of_all(first, 50, np.random.default_rng(0))
    assert len(drawn) == 50 and set(np.flatnonzero(first)) <= set(drawn)
    assert some_rows_of_all(~first, 50, np.random.default_rng(0)).max() < 1_000
    assert np.array_equal(
        some_rows_of_all(first, 1_000, np.random.default_rng(0)), np.arange(1_000)
    )
