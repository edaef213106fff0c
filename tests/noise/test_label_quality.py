"""Which labels are judged, by what, and what a method may return."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.config import plugins
from labelkit.errors import LabelkitError, UsageError
from labelkit.noise import label_quality
from labelkit.noise.features import Looks, Matrices
from labelkit.noise.label_quality import LabelEvidence
from labelkit.noise.model import views
from labelkit.stats import blocks


def evidence(n=40, flipped=(3,), k=2):
    true = np.arange(n) % k
    given_codes = true.copy()
    given_codes[list(flipped)] = (given_codes[list(flipped)] + 1) % k
    chances = np.full((n, k), 0.1 / (k - 1))
    chances[np.arange(n), true] = 0.9
    return LabelEvidence(np.arange(n), given_codes, list("abcdef"[:k]), chances, "by hand")


@pytest.mark.parametrize("name", plugins.names("noise-method"))
@pytest.mark.parametrize("k", [2, 4])
def test_each_method_flags_the_flipped_label_and_ranks_it_lowest(name, k):
    found = label_quality.judge(
        label_quality.load_method(name), name, evidence(flipped=(3, 8), k=k)
    )
    assert np.flatnonzero(found.flag).tolist() == [3, 8]
    assert set(np.argsort(found.quality)[:2].tolist()) == {3, 8}


@pytest.mark.parametrize("name", plugins.names("noise-method"))
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(2, 4))
def test_each_method_gives_a_quality_between_0_and_1_and_a_flag(name, seed, k):
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(k), rng.integers(0, k, 20)])
    chances = rng.dirichlet(np.ones(k) * 0.3, len(codes))
    before = codes.copy(), chances.copy()
    found = label_quality.judge(
        label_quality.load_method(name),
        name,
        LabelEvidence(np.arange(len(codes)), codes, list("abcd"[:k]), chances, ""),
    )
    assert ((found.quality >= 0) & (found.quality <= 1)).all()
    assert found.flag.dtype == bool and len(found.flag) == len(codes)
    assert (codes == before[0]).all() and (chances == before[1]).all()


def test_noise_that_hits_one_class_alone_is_ranked_and_flagged_above_chance():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, 2000)
    wrong = (true == 0) & (rng.random(2000) < 0.4)
    given_codes = np.where(wrong, 1, true)
    # What a model learns from such labels: for class 0, more than half speaks for class 1.
    for_one = np.clip(np.where(true == 0, 0.58, 0.95) + rng.normal(0, 0.1, 2000), 0.01, 0.99)
    chances = np.column_stack([1 - for_one, for_one])
    method = label_quality.load_method("ensemble")
    evidence = LabelEvidence(np.arange(2000), given_codes, ["a", "b"], chances, "")
    evidence, _ = label_quality.with_truth(evidence, "ensemble")
    found = label_quality.judge(method, "ensemble", evidence)
    worst = np.argsort(found.quality)[: int(wrong.sum())]
    assert wrong[worst].mean() > 0.8
    assert (chances.argmax(axis=1) == given_codes)[wrong].mean() > 0.7
    assert wrong[found.flag].mean() > 0.8 and found.flag[wrong].mean() > 0.3


def test_agreement_is_the_share_of_labels_that_are_most_probable():
    assert evidence(40, flipped=(0, 1)).agreement == pytest.approx(0.95)


def look(inputs, codes, groups, k):
    nearest = views.find_neighbours(inputs.columns, False, groups, 0)
    return Looks([*views.of_columns(inputs.columns, k, 0), views.of_neighbours(nearest)], nearest)


def by_views(codes, groups=None):
    codes = np.array(codes)
    rng = np.random.default_rng(1)
    matrix = np.column_stack([codes + rng.normal(0, 0.1, len(codes)), rng.normal(size=len(codes))])
    groups = np.arange(len(codes)) if groups is None else np.array(groups)
    rows = np.arange(len(codes)) * 2
    inputs = Matrices(columns=matrix)
    return label_quality.by_views(inputs, rows, ["a", "b", "c"], codes, groups, look, 0)


def test_a_class_of_too_few_rows_is_left_out_and_named():
    found, left_out = by_views([0, 1] * 10 + [2] * 4)
    assert found is not None and found.classes == ["a", "b"]
    assert found.rows.tolist() == list(range(0, 40, 2))
    assert left_out == {"c": 4}
    assert label_quality.too_few({"c": 4, "d": 1}) == "c (4 rows), d (1 row)"


def test_a_class_between_others_may_be_left_out():
    found, left_out = by_views([0, 2] * 10 + [1] * 3)
    assert found is not None and found.classes == ["a", "c"] and left_out == {"b": 3}
    assert found.agreement == 1


def test_duplicates_count_once():
    found, left_out = by_views([0, 1] * 10, groups=[0, 1] * 10)
    assert found is None and left_out == {"a": 10, "b": 10}


def test_no_row_is_judged_by_a_model_that_saw_its_group():
    # Every group is of one class and has one place of its own: only its own rows could tell.
    groups = np.repeat(np.arange(40), 2)
    codes = np.random.default_rng(0).integers(0, 2, 40)[groups]
    inputs = Matrices(columns=np.eye(40)[groups])
    found, _ = label_quality.by_views(inputs, np.arange(80), ["a", "b"], codes, groups, look, 0)
    assert found is not None
    own = found.probabilities[np.arange(80), codes]
    assert own.max() < 0.75
    assert found.probabilities.sum(axis=1) == pytest.approx(np.ones(80))


def zeros(n):
    return np.zeros(n), np.zeros(n, bool)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (zeros(3), "must return a quality and a flag for each of 40 rows, it returned shapes (3,)"),
        (([0.0] * 40, [False] * 39), "it returned shapes (40,) and (39,)"),
        ((np.zeros((40, 2)), np.zeros(40, bool)), "it returned shapes (40, 2) and (40,)"),
        ((np.zeros(40), np.zeros(40, int)), "the flags must be true or false, not int64"),
        ((np.full(40, np.nan), np.zeros(40, bool)), "a quality lies outside 0..1"),
        ((np.full(40, 1.5), np.zeros(40, bool)), "a quality lies outside 0..1"),
        ((["good"] * 40, np.zeros(40, bool)), "the quality is not numbers"),
        (np.zeros(40), "failed: ValueError: too many values to unpack"),
        (None, "failed: TypeError: cannot unpack"),
    ],
)
def test_what_a_users_method_returns_is_checked(returned, message):
    with pytest.raises(LabelkitError) as error:
        label_quality.judge(lambda given_codes, chances: returned, "own.py:f", evidence())
    assert str(error.value).startswith("--method own.py:f")
    assert message in str(error.value)


def test_a_users_method_cannot_spoil_the_evidence():
    def own(given_codes, chances):
        given_codes[:], chances[:] = 0, 0
        return zeros(len(given_codes))

    kept = evidence()
    label_quality.judge(own, "own.py:f", kept)
    assert kept.given.any() and kept.probabilities.any()


def test_a_method_that_is_not_known():
    with pytest.raises(UsageError, match="--method 'confident-lerning' is not known; did you mean"):
        label_quality.load_method("confident-lerning")


def test_the_interval_of_views_holds_the_number_of_flipped_labels():
    def quick(inputs, codes, groups, k):
        nearest = views.find_neighbours(inputs.columns, False, groups, 0)
        of_columns = views.of_columns(inputs.columns, k, 0)[:1]
        return Looks([*of_columns, views.of_neighbours(nearest)], nearest)

    held = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        true = rng.integers(0, 3, 600)
        matrix = rng.normal(size=(600, 4)) + 2.2 * np.eye(3, 4)[true]
        wrong = rng.random(600) < (0.0, 0.05, 0.1, 0.2, 0.3)[seed]
        given_codes = np.where(wrong, (true + rng.integers(1, 3, 600)) % 3, true)
        found, _ = label_quality.by_views(
            Matrices(columns=matrix), np.arange(600), list("abc"), given_codes, np.arange(600),
            quick, seed,
        )  # fmt: skip
        assert found is not None
        low, high = label_quality.with_truth(found, "ensemble")[1].model.interval
        held += round(low) <= wrong.sum() <= round(high)
    assert held >= 4


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(2, 3))
def test_a_large_table_is_judged_block_by_block_to_the_same_verdict(seed, k):
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(k), rng.integers(0, k, 30)])
    chances = rng.dirichlet(np.ones(k) * 0.3, len(codes))
    plain = LabelEvidence(np.arange(len(codes)), codes, list("abcde"[:k]), chances, "")
    method = label_quality.load_method("ensemble")
    whole, mistakes = label_quality.with_truth(plain, "ensemble")
    expected = label_quality.judge(method, "ensemble", whole)
    truth = mistakes.mixture.truth(codes, chances)
    assert expected.quality == pytest.approx(truth[np.arange(len(codes)), codes])
    dense = np.zeros((k, k))
    np.add.at(dense, codes, truth)
    assert mistakes.model.joint == pytest.approx(dense)
    with patch.object(blocks, "CELLS_AT_ONCE", 20):
        parts, _ = label_quality.with_truth(plain, "ensemble")
        found = label_quality.judge(method, "ensemble", parts)
    assert found.quality == pytest.approx(expected.quality, abs=1e-6)
    assert (found.flag == expected.flag).all()


def test_views_of_a_large_table_say_the_same_to_three_decimals():
    codes = [0, 1, 2] * 10
    with patch.object(views, "MOST_TREES", 0):
        expected, _ = by_views(codes)
        with patch.object(blocks, "CELLS_AT_ONCE", 20), patch.object(blocks, "MOST_EXACT", 0):
            found, _ = by_views(codes)
    assert expected is not None and found is not None
    assert found.probabilities.dtype == np.float32
    assert found.probabilities == pytest.approx(expected.probabilities, abs=2e-3)
    for one, other in zip(found.opinions, expected.opinions, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=2e-3)
