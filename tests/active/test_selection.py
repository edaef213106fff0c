"""From scores to a batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from labelkit.active import selection


def rng(seed=0):
    return np.random.default_rng(seed)


@given(st.lists(st.sampled_from([0.0, 0.25, 1.0, 2.0]), max_size=40))
@settings(deadline=None)
def test_the_order_falls_and_holds_every_row_once(scores):
    order = selection.in_order(np.array(scores), rng())
    assert sorted(order.tolist()) == list(range(len(scores)))
    assert np.all(np.diff(np.array(scores)[order]) <= 0)


def test_equal_scores_come_in_random_order_of_the_seed():
    scores = np.zeros(50)
    first = selection.in_order(scores, rng(1)).tolist()
    assert first == selection.in_order(scores, rng(1)).tolist()
    assert first != selection.in_order(scores, rng(2)).tolist()
    assert first != sorted(first)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
@settings(deadline=None)
def test_strata_take_turns_and_keep_their_own_order(strata):
    kinds = np.array(strata)
    order = rng(3).permutation(len(strata))
    turned = selection.taking_turns(order, kinds)
    assert sorted(turned.tolist()) == sorted(order.tolist())
    for kind in set(strata):
        assert [i for i in turned if kinds[i] == kind] == [i for i in order if kinds[i] == kind]
    counts = dict.fromkeys(set(strata), 0)
    for place in turned:
        counts[kinds[place]] += 1
        left = [k for k in counts if counts[k] < strata.count(k)]
        assert all(counts[kinds[place]] <= counts[k] + 1 for k in left)


def rows_of(*vectors):
    return sparse.csr_matrix(np.array(vectors, dtype=np.float32))


NOTHING = sparse.csr_matrix((0, 3))


def test_rows_that_nearly_repeat_one_before_them_come_last():
    features = rows_of([1, 0, 0], [1, 0.05, 0], [0, 1, 0], [2, 0, 0], [0, 0, 1])
    order = np.array([1, 0, 2, 3, 4])
    assert selection.first_different(order, features, 5, NOTHING).tolist() == [1, 2, 4, 0, 3]
    assert selection.first_different(order, features, 3, NOTHING).tolist() == [1, 2, 4]
    assert selection.first_different(order, features, 2, NOTHING).tolist() == [1, 2]


def test_rows_that_nearly_repeat_an_audit_row_come_last():
    features = rows_of([1, 0, 0], [0, 1, 0])
    beside = rows_of([1, 0.01, 0])
    assert selection.first_different(np.array([0, 1]), features, 2, beside).tolist() == [1, 0]


def test_near_repeats_are_seen_across_blocks(monkeypatch):
    monkeypatch.setattr(selection, "BLOCK", 2)
    features = rows_of(*([[1, 0, 0]] * 5), [0, 1, 0], [0, 2, 0], [0, 0, 1])
    order = np.arange(8)
    assert selection.first_different(order, features, 3, NOTHING).tolist() == [0, 5, 7]


def test_empty_rows_are_like_nothing():
    features = rows_of([0, 0, 0], [0, 0, 0], [1, 0, 0])
    assert selection.first_different(np.arange(3), features, 3, NOTHING).tolist() == [0, 1, 2]


def test_embedded_texts_that_nearly_repeat_one_come_last():
    features = np.array([[4, 0, 0], [3.9, 0.4, 0], [0, 4, 0], [0, 0.2, 3.9], [0, 0, 4]])
    order, beside = np.arange(5), np.array([[0.1, 4, 0.1]])
    assert selection.first_different(order, features, 3, features[:0]).tolist() == [0, 2, 3]
    assert selection.first_different(order, features, 2, beside).tolist() == [0, 3]


def test_rows_of_a_table_are_alike_where_every_cell_is_nearly_the_same():
    features = np.array(
        [[0.5, 1.2, 1], [0.51, 1.21, 1], [0.51, 1.21, 0], [0.5, 1.3, 1], [1, 2.4, 2]]
    )
    order = np.arange(5)
    for rows in (features, sparse.csr_matrix(features)):
        kept = selection.first_different(order, rows, 4, rows[:0], table=True)
        assert kept.tolist() == [0, 2, 3, 4]
        assert selection.first_different(order, rows, 3, rows[3:4], table=True).tolist() == [
            0,
            2,
            4,
        ]


@pytest.mark.parametrize(("picks", "audit"), [(3, 2), (0, 4), (5, 0), (0, 0)])
def test_audit_rows_are_mixed_in_and_the_picks_keep_their_order(picks, audit):
    rows, drawn = np.arange(picks), np.arange(100, 100 + audit)
    batch = selection.mixed(rows, drawn, rng())
    assert batch.rows[~batch.is_audit].tolist() == rows.tolist()
    assert batch.rows[batch.is_audit].tolist() == drawn.tolist()


def test_audit_rows_stand_anywhere():
    places = [
        int(np.flatnonzero(selection.mixed(np.arange(9), np.array([99]), rng(seed)).is_audit)[0])
        for seed in range(60)
    ]
    assert len(set(places)) == 10
