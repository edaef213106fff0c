"""Every strategy: what it returns, and what it prefers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from labelkit.active.pool import Pool
from labelkit.active.scoring.strategy_scores import checked
from labelkit.active.strategies import (
    coverage,
    default,
    diverse,
    entropy,
    informative,
    least_confidence,
    margin,
)
from labelkit.config import plugins
from labelkit.errors import LabelkitError
from labelkit.ml import classifier

NAMES = plugins.names("strategy")


def pool_of(rows=80, labelled=20, classes=3, dense=False, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.eye(classes, 6) * 3
    codes = np.arange(labelled) % classes
    points = centres[rng.integers(0, classes, rows)] + rng.random((rows, 6))
    known = centres[codes] + rng.random((labelled, 6))
    make = np.asarray if dense else sparse.csr_matrix
    model = classifier.fit(make(known), codes, classifier.default_recipe(make(known)))
    found = classifier.probabilities(model, make(points), classes)
    names = [f"c{i}" for i in range(classes)]
    return Pool(make(points).astype(np.float32), found, make(known), codes, model, names, {})


def score(name, pool, n=10, seed=0):
    return plugins.load("strategy", name)(pool, n, np.random.default_rng(seed))


def certain_to_unsure(*shares):
    found = np.array(shares)
    return pool_of(len(found), classes=found.shape[1])._replace(probabilities=found)


def test_the_default_is_first_and_coverage_is_listed():
    assert NAMES[0] == "default"
    assert "coverage" in NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dense", [False, True], ids=["texts", "numbers"])
def test_scores_are_one_finite_number_a_row_and_hang_on_the_seed(name, dense):
    first = score(name, pool_of(dense=dense))
    assert first.shape == (80,)
    assert np.isfinite(first).all()
    assert np.array_equal(first, score(name, pool_of(dense=dense)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 3])
def test_a_pool_of_few_rows_is_enough(name, n):
    for dense in (False, True):
        found = score(name, pool_of(rows=3, dense=dense), n)
        assert np.isfinite(found).all() and found.shape == (3,)


@pytest.mark.parametrize("name", ["coverage", "diverse", "informative", "ranked-batch"])
def test_a_batch_strategy_gives_falling_scores_above_one_for_its_picks(name):
    found = score(name, pool_of(), 10)
    assert (found > 1).sum() == 10
    assert len(set(found[found > 1])) == 10


def test_entropy_is_in_nats():
    pool = certain_to_unsure([0.5, 0.5], [1.0, 0.0], [0.9, 0.1])
    expected = [np.log(2), 0.0, -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))]
    assert score("entropy", pool) == pytest.approx(expected)
    assert score("modal-entropy", pool) == pytest.approx(expected)
    four = certain_to_unsure([0.25] * 4)
    assert score("entropy", four) == pytest.approx([np.log(4)])


def test_margin_and_least_confidence_by_hand():
    pool = certain_to_unsure([0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [1.0, 0.0, 0.0])
    assert score("margin", pool) == pytest.approx([0.8, 1.0, 0.0])
    for name in ("uncertainty", "least-confidence"):
        assert score(name, pool) == pytest.approx([0.5, 0.6, 0.0])


@pytest.mark.parametrize("ours", ["margin", "entropy"])
def test_modal_says_the_same_as_our_own(ours):
    pool = pool_of()
    assert score(f"modal-{ours}", pool) == pytest.approx(score(ours, pool))
    uncertain = score("modal-uncertainty", pool)
    assert uncertain == pytest.approx(score("least-confidence", pool))


shares = st.lists(
    st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3).filter(lambda row: sum(row) > 0.01),
    min_size=1,
    max_size=20,
)


@given(shares, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_a_rows_score_hangs_on_its_own_probabilities(rows, random):
    found = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
    order = list(range(len(rows)))
    random.shuffle(order)
    pool, rng = Pool(None, found, None, None, None, ["a", "b", "c"], {}), np.random.default_rng(0)
    for strategy in (margin, entropy, least_confidence):
        straight = strategy.score(pool, 1, rng)
        shuffled = strategy.score(pool._replace(probabilities=found[order]), 1, rng)
        assert np.array_equal(straight[order], shuffled)
        assert (straight >= -1e-12).all()
    assert (entropy.score(pool, 1, rng) <= np.log(3) + 1e-9).all()


def test_coverage_takes_one_of_each_heap_and_says_how_many_it_stands_for():
    heaps = np.repeat(np.eye(4) * 9, [40, 20, 10, 5], axis=0)
    points = sparse.csr_matrix(heaps + np.random.default_rng(0).random(heaps.shape) * 0.1)
    nothing = sparse.csr_matrix((0, 4))
    pool = Pool(points, None, nothing, np.zeros(0, int), None, [], {})
    found = coverage.score(pool, 4, np.random.default_rng(0))
    picks = np.argsort(-found)[:4]
    assert [int(heaps[row].argmax()) for row in picks] == [0, 1, 2, 3]
    assert pool.reasons[int(picks[0])] == "cold start: covers 40 rows like it"


def test_coverage_goes_first_where_nothing_is_labelled():
    heaps = np.repeat(np.eye(3) * 9, [30, 20, 10], axis=0)
    labelled = np.eye(3)[:1] * 9
    pool = Pool(heaps, None, labelled, np.zeros(1, int), None, ["a"], {})
    found = coverage.score(pool, 2, np.random.default_rng(0))
    assert {int(heaps[row].argmax()) for row in np.argsort(-found)[:2]} == {1, 2}


def test_coverage_of_many_texts_without_any_label():
    wide = sparse.random(300, 2_000, 0.02, format="csr", random_state=0)
    pool = Pool(wide, None, wide[:0], np.zeros(0, int), None, [], {})
    found = coverage.score(pool, 20, np.random.default_rng(0))
    assert (found > 1).sum() == 20


@pytest.mark.parametrize("name", ["coverage", "diverse", "informative"])
def test_rows_that_are_all_the_same_do_no_harm(name):
    pool = pool_of(30)._replace(features=sparse.csr_matrix(np.zeros((30, 6), np.float32)))
    assert np.isfinite(score(name, pool, 10)).all()


@pytest.mark.parametrize("strategy", [diverse, informative])
def test_uncertain_rows_come_from_every_corner(strategy):
    corners = np.repeat(np.eye(4) * 5, 30, axis=0)
    points = corners + np.random.default_rng(0).random(corners.shape) * 0.1
    sure = np.tile([[0.99, 0.01]], (120, 1))
    sure[::3] = [0.5, 0.5]
    pool = pool_of(120)._replace(features=points, labelled=points[:0], probabilities=sure)
    picks = np.argsort(-strategy.score(pool, 4, np.random.default_rng(0)))[:4]
    assert {int(corners[row].argmax()) for row in picks} == {0, 1, 2, 3}
    assert (picks % 3 == 0).all()


def test_informative_takes_the_row_that_lowers_the_variance_over_the_pool_most():
    rng = np.random.default_rng(3)
    points, meant, labelled = (rng.normal(size=(rows, 4)) for rows in (30, 50, 5))
    found = informative._telling(points, meant, labelled, 0.5, 6)
    known, picks = [*labelled], []
    for _ in range(6):
        variance = {}
        for row in set(range(30)) - set(picks):
            rows = np.array([*known, points[row]])
            inverse = np.linalg.inv(informative.WORTH * rows.T @ rows + 0.5 * np.eye(4))
            variance[row] = np.einsum("ij,jk,ik->", meant, inverse, meant)
        picks.append(min(variance, key=variance.get))
        known.append(points[picks[-1]])
    assert found.tolist() == picks


def test_informative_looks_among_the_most_uncertain_only():
    pool = pool_of(200)
    unsure = 1 - np.abs(np.linspace(0, 1, 200))
    found = np.column_stack([0.5 + unsure / 2, 0.5 - unsure / 2, np.zeros(200)])
    picks = np.flatnonzero(score("informative", pool._replace(probabilities=found), 4) > 1)
    assert len(picks) == 4 and picks.min() >= 160


def test_the_default_starts_cold_and_then_hangs_on_the_number_of_classes():
    few, many = pool_of(labelled=39), pool_of(labelled=40)
    assert default.is_cold(few) and not default.is_cold(many)
    assert default.is_cold(many._replace(probabilities=None))
    assert not default.is_cold(few._replace(estimator=None)), "probabilities made elsewhere"
    assert default.fewest(12) == 60
    assert np.array_equal(score("default", few), score("coverage", pool_of(labelled=39)))
    assert np.array_equal(score("default", many), score("informative", pool_of(labelled=40)))
    two = pool_of(labelled=40, classes=2)
    assert np.array_equal(score("default", two), score("diverse", two))


@pytest.mark.parametrize("rows", [1, 12])
def test_modals_ranked_batch_needs_no_labelled_row(rows):
    pool = pool_of(rows)
    pool = pool._replace(labelled=pool.labelled[:0], codes=pool.codes[:0])
    assert np.isfinite(score("ranked-batch", pool, rows)).all()


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([1.0, 2.0], "returned 2 scores; one for each of the 3 rows"),
        (0.5, "returned float, not an array"),
        ([[1.0], [2.0], [3.0]], "returned 3x1 scores"),
        ([1.0, float("nan"), 2.0], "1 scores that are NaN or infinite (the first at row 2"),
        ([1.0, 2.0, float("inf")], "the first at row 3"),
        (None, "returned NoneType"),
        (["a", "b", "c"], "returned list, not an array of 3 numbers"),
    ],
)
def test_scores_that_cannot_be_are_refused(found, message):
    with pytest.raises(LabelkitError) as error:
        checked("mine.py:score", found, 3)
    assert message in str(error.value)


@pytest.mark.parametrize("name", ["bald", "committee"])
def test_members_that_contradict_each_other_are_asked_first(name):
    rng = np.random.default_rng(0)
    known = np.r_[rng.normal(-2, 1, 15), rng.normal(2, 1, 15)][:, None]
    codes = np.repeat([0, 1], 15)
    rows = np.array([[-9.0], [9.0], [float(known[:15].max() + known[15:].min()) / 2]])
    model = classifier.fit(known, codes, classifier.Recipe("logistic", 10.0))
    found = classifier.probabilities(model, rows, 2)
    assert score(name, Pool(rows, found, known, codes, model, ["a", "b"], {})).argmax() == 2


def test_a_class_seen_once_is_in_every_draw():
    pool = pool_of(labelled=21)
    codes = np.r_[np.zeros(20, int), 2]
    for name in ("bald", "committee"):
        assert np.isfinite(score(name, pool._replace(codes=codes))).all()


def test_coverage_compares_a_sample_however_many_rows_are_wanted(monkeypatch):
    monkeypatch.setattr(coverage, "MOST_COMPARED", 30)
    kernel, compared = coverage._kernel, []

    def seen(points):
        compared.append(len(points))
        return kernel(points)

    monkeypatch.setattr(coverage, "_kernel", seen)
    for wanted in (10, 70, 200):
        pool = pool_of(rows=120)
        found = coverage.score(pool, wanted, np.random.default_rng(0))
        picks = np.flatnonzero(found > 1)
        assert len(picks) == len(np.unique(found[picks])) == min(wanted, 120)
        assert set(picks.tolist()) <= set(pool.reasons)
    assert compared == [30, 30, 30]
