"""Patterns keep every vote, whatever the batches and the order of the rows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from labelkit.weak.vote_patterns import Counted, Patterns, distinct_rows

MATRICES = arrays(
    np.int16, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(-1, 2)
)


def counted(votes, cuts=()):
    patterns = Patterns(votes.shape[1])
    for part in np.split(votes, sorted(cuts)):
        patterns.add(part)
    return patterns.finish()


@settings(deadline=None)
@given(MATRICES, st.lists(st.integers(0, 12), max_size=3), st.randoms())
def test_every_vote_is_kept_and_neither_cuts_nor_order_matter(votes, cuts, random):
    whole = counted(votes)
    assert np.array_equal(whole.votes[whole.rows], votes)
    assert whole.counts.sum() == len(votes)
    cut = counted(votes, [cut for cut in cuts if cut <= len(votes)])
    assert np.array_equal(cut.votes, whole.votes) and np.array_equal(cut.rows, whole.rows)
    order = list(range(len(votes)))
    random.shuffle(order)
    shuffled = counted(votes[order])
    assert np.array_equal(shuffled.votes, whole.votes)
    assert np.array_equal(shuffled.counts, whole.counts)
    assert np.array_equal(shuffled.rows, whole.rows[order])


def test_many_functions_and_classes_are_packed_without_collision():
    rng = np.random.default_rng(0)
    votes = rng.integers(-1, 300, (500, 90)).astype(np.int16)
    votes[250:] = votes[:250]
    distinct, inverse = distinct_rows(votes)
    assert len(distinct) == 250
    assert np.array_equal(distinct[inverse], votes)


def test_rows_that_are_not_voted_on_have_no_pattern():
    patterns = Patterns(2)
    patterns.add(np.array([[0, -1]], np.int16), np.array([False, True, False]))
    patterns.add(np.empty((0, 2), np.int16), np.array([False]))
    patterns.add(np.array([[1, 1], [0, -1]], np.int16))
    done = patterns.finish(np.array([1, 0, -1], np.int16))
    assert done.rows.tolist() == [-1, 1, -1, -1, 0, 1]
    assert done.votes.tolist() == [[0, 0], [1, -1]]
    assert done.counts.tolist() == [1, 2]
    assert done.voters.tolist() == [2, 1]
    gold = np.array([0, 0, 1, 1, 0, 1], np.int32)
    assert done.by_class(gold, 2).toarray().tolist() == [[1, 0], [1, 1]]
    some = done.of_rows(np.array([True, True, False, False, True, False]))
    assert some.votes.tolist() == [[0, 0], [1, -1]] and some.counts.tolist() == [1, 1]
    assert some.rows.tolist() == [-1, 1, -1, -1, 0, -1]
    some = done.of_rows(np.array([True, True, False, False, False, True]))
    assert some.votes.tolist() == [[1, -1]] and some.rows.tolist() == [-1, 0, -1, -1, -1, 0]


def test_no_rows_at_all():
    done = Patterns(3).finish()
    assert done.votes.shape == (0, 3) and len(done.rows) == 0


def test_a_pattern_for_each_row_with_a_vote_and_rows_left_out_of_the_counts():
    votes = np.array([[-1, -1], [0, 1]], np.int16)
    whole = Counted(votes, np.array([2, 2]), np.array([1, 0, -1, 1, 0], np.int32))
    rows = whole.by_row()
    assert rows.votes.tolist() == [[0, 1], [0, 1], [-1, -1]]
    assert rows.rows.tolist() == [0, 2, -1, 1, 2] and rows.counts.tolist() == [1, 1, 2]
    some = rows.only(np.array([True, True, True, False, False]))
    assert some.rows.tolist() == [0, 2, -1, -1, -1] and some.counts.tolist() == [1, 0, 1]
