"""Rows unlike all others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from labelkit.noise.checks import outliers


def cloud(n=200, seed=0):
    return np.random.default_rng(seed).uniform(size=(n, 3))


def test_a_row_far_from_all_others_is_an_outlier():
    matrix = np.vstack([cloud(), [[40.0, 40, 40]]])
    found = outliers.find(matrix)
    assert found is not None and np.flatnonzero(found).tolist() == [200]


def test_few_rows_say_too_little():
    assert outliers.find(cloud(49)) is None
    assert outliers.find(cloud(50)) is not None


def test_equal_rows_are_not_outliers():
    found = outliers.find(np.ones((60, 2)))
    assert found is not None and not found.any()


def test_a_text_without_a_term_in_common_is_an_outlier():
    common = np.zeros((80, 6))
    common[:, :4] = np.random.default_rng(0).uniform(0.5, 1, (80, 4))
    alone, empty = np.eye(6)[[5]], np.zeros((1, 6))
    found = outliers.find(sparse.csr_matrix(np.vstack([common, alone, empty])))
    assert found is not None and np.flatnonzero(found).tolist() == [80, 81]


def test_the_sample_and_the_chunks_are_seeded(monkeypatch):
    matrix = cloud(300)
    whole = outliers.mean_distances(matrix)
    monkeypatch.setattr(outliers, "_CHUNK", 37)
    assert outliers.mean_distances(matrix) == pytest.approx(whole)
    monkeypatch.setattr(outliers, "SAMPLE", 100)
    assert (outliers.mean_distances(matrix, 3) == outliers.mean_distances(matrix, 3)).all()


@settings(max_examples=20)
@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_distances_move_with_their_rows(seed, random):
    matrix = cloud(60, seed)
    order = list(range(60))
    random.shuffle(order)
    assert outliers.mean_distances(matrix[order]) == pytest.approx(
        outliers.mean_distances(matrix)[order]
    )


def test_sparse_and_dense_rows_are_measured_by_angle_and_length():
    rows = np.vstack([np.outer(np.arange(1, 61), [1.0, 2.0])])
    angles = outliers.mean_distances(sparse.csr_matrix(rows))
    assert angles == pytest.approx(np.zeros(60), abs=1e-9)
    assert outliers.mean_distances(rows).min() > 1
