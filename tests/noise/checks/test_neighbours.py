"""The nearest rows: by hand, never of one's own group, and how they vote."""

import numpy as np
import pytest

from labelkit.noise.checks import neighbours

CODES = np.array([0, 0, 0, 1, 1, 1])
LINE = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])


def all_votes(found, weights):
    return np.concatenate([votes for _, votes in found.votes(CODES, weights, 2)])


def test_nearest_first_and_itself_left_out():
    found = neighbours.find(LINE, np.arange(6), most=2)
    assert found.places[0].tolist() == [1, 2]
    assert found.distances[0].tolist() == [1, 4]
    assert not (found.places == np.arange(6)[:, None]).any()


def test_rows_of_ones_own_group_are_left_out():
    groups = np.array([0, 0, 1, 1, 2, 2])
    found = neighbours.find(LINE, groups, most=2)
    assert found.places[0].tolist() == [2, 3] and found.places[1].tolist() == [2, 3]


def test_too_few_other_groups_fill_up_with_nothing():
    found = neighbours.find(LINE, np.array([0, 0, 0, 0, 0, 1]), most=3)
    assert found.places[0].tolist() == [5, -1, -1]
    votes = all_votes(found, np.ones(6))
    assert np.isfinite(votes).all() and votes.sum(axis=1) == pytest.approx(np.ones(6))


def test_near_rows_outvote_far_ones_and_weights_count():
    found = neighbours.find(LINE, np.arange(6), most=3)
    votes = all_votes(found, np.ones(6))
    assert (votes.argmax(axis=1) == CODES).all()
    doubted = np.array([1, 0.01, 1, 1, 1, 1])
    assert all_votes(found, doubted)[0, 0] < votes[0, 0]
    said = np.eye(2)[CODES] * doubted[:, None]
    expected = np.einsum("rn,rnc->rc", found._weights(slice(None)), said[found.places])
    expected += said.mean(axis=0)
    expected /= expected.sum(axis=1, keepdims=True)
    assert all_votes(found, doubted) == pytest.approx(expected, abs=1e-12)


def test_of_many_rows_a_sample_may_be_a_neighbour(monkeypatch):
    monkeypatch.setattr(neighbours, "SAMPLE", 20)
    matrix = np.random.default_rng(0).normal(size=(100, 3))
    found = neighbours.find(matrix, np.arange(100), seed=1)
    assert len(np.unique(found.places)) <= 20
    assert (found.places == neighbours.find(matrix, np.arange(100), seed=1).places).all()


def test_the_smallest_values_of_each_row_are_those_of_a_plain_sort():
    values = np.random.default_rng(2).integers(0, 40, size=(60, 203)).astype(float)
    values[0, 4:] = np.inf
    places, numbers = neighbours.smallest(values, 6)
    order = np.argsort(values, axis=1, kind="stable")[:, :6]
    assert (places[1:] == order[1:]).all()
    assert (numbers == np.take_along_axis(values, order, axis=1)).all()
    assert places[0].tolist() == [*order[0, :4].tolist(), -1, -1]
