"""How voters are pooled: what must hold for any voters, and that good ones count for more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.combine import opinion_pool
from labelkit.combine.opinion_pool import Voter

Drawn = tuple[list[Voter], np.ndarray, int]


@st.composite
def panels(draw: st.DrawFn) -> Drawn:
    """Voters of any worth, what people said, and the number of classes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    k, n = draw(st.integers(2, 4)), draw(st.integers(1, 90))
    voters = []
    for _ in range(draw(st.integers(1, 3))):
        codes = rng.integers(-1, k, n)
        confidence = np.where(rng.random(n) < 0.2, np.nan, rng.random(n))
        shares = rng.dirichlet(np.ones(k), n) if draw(st.booleans()) else None
        if shares is not None:
            shares[rng.random(n) < 0.2] = np.nan
        voters.append(Voter(codes, confidence, shares))
    return voters, rng.integers(-1, k, n), k


@settings(max_examples=30, deadline=None)
@given(panels())
def test_probabilities_sum_to_one(drawn: Drawn) -> None:
    voters, truth, k = drawn
    shares = opinion_pool.pooled(voters, opinion_pool.learn(voters, truth, k), k)
    assert shares.shape == (len(truth), k)
    assert np.allclose(shares.sum(axis=1), 1)
    assert ((shares >= 0) & (shares <= 1)).all()


@settings(max_examples=20, deadline=None)
@given(panels(), st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_makes_no_difference(drawn: Drawn, seed: int) -> None:
    voters, truth, k = drawn
    order = np.random.default_rng(seed).permutation(len(truth))
    moved = [voter.at(order) for voter in voters]
    one = opinion_pool.pooled(voters, opinion_pool.learn(voters, truth, k), k)
    two = opinion_pool.pooled(moved, opinion_pool.learn(moved, truth[order], k), k)
    assert np.allclose(one[order], two, atol=1e-6)


def _voter(truth: np.ndarray, right: float, rng: np.random.Generator, k: int = 2) -> Voter:
    wrong = (truth + rng.integers(1, k, len(truth))) % k
    codes = np.where(rng.random(len(truth)) < right, truth, wrong)
    return Voter(codes, np.full(len(truth), 0.8))


def test_the_better_voter_gets_more_weight_and_wins() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 1_000)
    good, poor = _voter(truth, 0.95, rng), _voter(truth, 0.6, rng)
    told = np.where(np.arange(1_000) < 150, truth, -1)
    pool = opinion_pool.learn([poor, good], told, 2)
    assert pool.rows == 150 and pool.calibrated
    assert pool.weights[1] > 2 * pool.weights[0]
    said = opinion_pool.pooled([poor, good], pool, 2).argmax(axis=1)
    differ = poor.codes != good.codes
    assert (said[differ] == good.codes[differ]).mean() > 0.9


def test_a_voter_that_is_always_wrong_is_not_followed() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 400)
    liar = Voter(1 - truth, np.full(400, 0.9))
    pool = opinion_pool.learn([liar], np.where(np.arange(400) < 200, truth, -1), 2)
    said = opinion_pool.pooled([liar], pool, 2).argmax(axis=1)
    assert (said == truth).mean() > 0.9


def test_few_rows_of_people_leave_the_voters_their_own_word() -> None:
    voter = Voter(np.array([0, 1, 1]), np.array([0.9, 0.6, np.nan]))
    pool = opinion_pool.learn([voter], np.array([0, 1, -1]), 2)
    assert pool.rows == 0
    found = opinion_pool.pooled([voter], pool, 2)
    assert np.allclose(found.max(axis=1), [0.9, 0.6, opinion_pool.UNSTATED])


def test_few_rows_are_judged_by_pools_that_did_not_see_them_where_that_is_asked() -> None:
    truth = np.arange(20) % 2
    voters = [Voter(truth.copy(), np.full(20, 0.8))]
    assert opinion_pool.learn(voters, truth, 2).unseen is None
    found = opinion_pool.learn(voters, truth, 2, is_checked=True)
    assert found.unseen is not None and (found.unseen.argmax(axis=1) == truth).all()
    assert (found.calibrated, found.temperature) == (False, 1.0)
    plain = opinion_pool.learn(voters, truth, 2)
    assert (found.weights == plain.weights).all(), "looking changes nothing"


def test_two_that_agree_count_for_less_than_two_independent_ones() -> None:
    voter = Voter(np.array([1]), np.array([0.8]))
    pool = opinion_pool.own_word(2, 2)
    both = opinion_pool.pooled([voter, voter], pool, 2)[0, 1]
    independent = 0.8**2 / (0.8**2 + 0.2**2)
    assert 0.8 < both < independent


def test_a_row_on_which_nobody_speaks_gets_the_prior() -> None:
    silent = Voter(np.array([-1]), np.array([np.nan]))
    assert np.allclose(opinion_pool.pooled([silent], opinion_pool.own_word(1, 4), 4), 0.25)


def test_the_first_sure_voter_counts() -> None:
    first = Voter(np.array([0, 0, -1, 0]), np.array([0.9, 0.5, np.nan, 0.5]))
    second = Voter(np.array([1, 1, 1, 1]), np.array([0.9, 0.9, np.nan, 0.5]))
    codes, confidence, place = opinion_pool.first_sure([first, second], 0.7)
    assert codes.tolist() == [0, 1, 1, -1]
    assert place.tolist() == [0, 1, 1, -1]
    assert confidence.tolist() == [0.9, 0.9, opinion_pool.UNSTATED, 0.0]


def test_a_voter_alone_is_not_overturned_by_rows_that_were_picked() -> None:
    # People were asked where the voter is least sure; there the truth happens to be class 1.
    rng = np.random.default_rng(0)
    codes = np.arange(400) % 2
    confidence = rng.uniform(0.55, 0.9, 400)
    picked = np.argsort(confidence)[:30]
    truth = np.full(400, -1)
    truth[picked] = 1
    voter = Voter(codes, confidence)
    pool = opinion_pool.learn([voter], truth, 2)
    found = opinion_pool.pooled([voter], pool, 2).argmax(axis=1)
    rest = np.setdiff1d(np.arange(400), picked)
    assert (found[rest] == codes[rest]).mean() > 0.75


def test_of_many_classes_a_bias_is_for_the_class_that_a_voter_says(monkeypatch):
    monkeypatch.setattr(opinion_pool, "_MOST_CLASSES", 2)
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 600)
    good = np.where(rng.random(600) < 0.9, truth, (truth + 1) % 4)
    poor = np.where(rng.random(600) < 0.35, truth, rng.integers(0, 4, 600))
    poor[:50] = -1
    sure = np.full(600, 0.8)
    voters = [opinion_pool.Voter(poor, sure), opinion_pool.Voter(good, sure)]
    told = np.where(np.arange(600) < 200, truth, -1)
    pool = opinion_pool.learn(voters, told, 4)
    assert pool.biases.shape == (2, 4)
    found = opinion_pool.pooled(voters, pool, 4).argmax(axis=1)
    assert (found == truth)[200:].mean() > 0.85
    task = opinion_pool._Task(voters, truth, 4)
    rows = np.ones(600, dtype=bool)
    flat = opinion_pool._flat(opinion_pool.own_word(2, 4)) + 0.1 * rng.standard_normal(14)
    slope = task._loss(flat, rows)[1]
    for place in range(len(flat)):
        step = 1e-5 * np.eye(len(flat))[place]
        change = task._loss(flat + step, rows)[0] - task._loss(flat - step, rows)[0]
        assert slope[place] == pytest.approx(change / 2e-5, rel=1e-4, abs=1e-4)
