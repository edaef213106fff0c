from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from labelkit.errors import UsageError
from labelkit.ml import classifier
from labelkit.ml.classifier import (
    Recipe,
    assign_folds,
    calibrate,
    choose,
    fit,
    out_of_fold,
    probabilities,
    select,
    tempered,
)
from labelkit.stats import blocks


def blobs(n=120, k=3, seed=0, spread=0.7):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, k, n)
    centres = rng.normal(size=(k, 4)) * 2
    return centres[codes] + spread * rng.normal(size=(n, 4)), codes


def test_auto_learns_and_tells_what_it_compared():
    matrix, codes = blobs()
    model, facts = choose(matrix, codes, 3)
    assert (probabilities(model, matrix, 3).argmax(axis=1) == codes).mean() > 0.9
    assert facts["rows"] == 120
    assert facts["classes_seen"] == 3
    assert facts["classifier"] in facts["tried"]
    assert 0.8 < facts["accuracy_out_of_fold"] <= 1


def test_the_cheap_model_stays_unless_a_dearer_one_is_clearly_better():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(300, 2))
    straight = (matrix[:, 0] + matrix[:, 1] + rng.normal(size=300) > 0).astype(int)
    crossed = (matrix[:, 0] * matrix[:, 1] > 0).astype(int)
    assert select(matrix, straight, 2)[0].kind == "logistic"
    assert select(matrix, crossed, 2)[0].kind in ("boosting", "forest")


@pytest.mark.parametrize("kind", ["logistic", "forest", "boosting"])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_a_model_by_name(kind, form):
    matrix, codes = blobs(60)
    model, facts = choose(form(matrix), codes, 3, kind)
    found = probabilities(model, form(matrix), 3)
    assert facts["classifier"].startswith(kind)
    assert (found.argmax(axis=1) == codes).mean() > 0.8


def test_an_unknown_name():
    with pytest.raises(UsageError) as error:
        choose(np.ones((2, 1)), np.array([0, 1]), 2, "forrest")
    assert str(error.value) == (
        "--classifier 'forrest' is not known; did you mean 'forest'? "
        "(choices: auto, logistic, forest, boosting)"
    )


def test_one_class_alone_gives_a_constant_model_that_says_so():
    model, facts = choose(np.ones((3, 2)), np.array([1, 1, 1]), 3)
    assert facts["classifier"] == "constant (only one class has labels)"
    assert probabilities(model, np.zeros((2, 2)), 3).tolist() == [[0, 1, 0], [0, 1, 0]]


def test_no_label_at_all():
    with pytest.raises(UsageError, match="no row has a label to learn from"):
        choose(np.ones((0, 2)), np.array([], dtype=int), 2)


def test_unseen_classes_have_probability_zero_in_their_place():
    matrix, codes = blobs(40, 2)
    model, _ = choose(matrix, codes * 2 + 1, 5)
    found = probabilities(model, matrix, 5)
    assert (found[:, [0, 2, 4]] == 0).all()
    assert np.allclose(found.sum(axis=1), 1)
    assert probabilities(model, matrix[:0], 5).shape == (0, 5)


def test_a_class_with_one_row_still_gives_every_row_probabilities():
    matrix, codes = blobs(80, 2)
    codes[0] = 2
    for kind in ("auto", "logistic"):
        found = out_of_fold(matrix, codes, None, 3, kind=kind)
        assert np.allclose(found.sum(axis=1), 1)
        assert found[0, 2] == 0
        assert (found[1:].argmax(axis=1) == codes[1:]).mean() > 0.8


def test_rows_of_one_group_never_see_each_other():
    rng = np.random.default_rng(1)
    matrix = sparse.csr_matrix(np.repeat(np.eye(60), 2, axis=0))  # each row has one exact twin
    codes = np.repeat(rng.integers(0, 2, 60), 2)
    leaking = out_of_fold(matrix, codes, None, 2, kind="logistic")
    honest = out_of_fold(matrix, codes, np.repeat(np.arange(60), 2), 2, kind="logistic")
    assert (leaking.argmax(axis=1) == codes).mean() > 0.7
    assert (honest.argmax(axis=1) == codes).mean() < 0.65


def test_one_group_alone_gives_smoothed_frequencies():
    found = out_of_fold(np.ones((4, 1)), np.array([0, 0, 0, 1]), np.zeros(4, int), 3)
    assert np.allclose(found, [[4 / 7, 2 / 7, 1 / 7]] * 4)
    assert np.allclose(out_of_fold(np.ones((1, 1)), np.array([1]), None, 2), [[1 / 3, 2 / 3]])


def test_the_same_seed_gives_the_same_bytes():
    matrix, codes = blobs(40, spread=2)
    for kind in ("auto", "forest", "boosting"):
        one = out_of_fold(matrix, codes, None, 3, 2, kind=kind, seed=5)
        two = out_of_fold(matrix, codes, None, 3, 2, kind=kind, seed=5)
        assert one.tobytes() == two.tobytes()


def test_weights_count():
    matrix = np.array([[0.0], [0.0], [1.0]])
    codes = np.array([0, 1, 1])
    for recipe in (Recipe("logistic"), Recipe("logistic", splines=True), Recipe("forest")):
        heavy = fit(matrix, codes, recipe, sample_weight=np.array([9.0, 1.0, 1.0]))
        light = fit(matrix, codes, recipe, sample_weight=np.array([1.0, 9.0, 1.0]))
        at = np.array([[0.0]])
        assert probabilities(heavy, at, 2)[0, 0] > probabilities(light, at, 2)[0, 0]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=60),
    st.integers(2, 6),
)
def test_folds_keep_groups_whole_and_balanced(rows, folds):
    codes = np.array([code for code, _ in rows])
    groups = np.array([group for _, group in rows])
    fold = assign_folds(codes, groups, folds, seed=1)
    by_group = {group: set(fold[groups == group]) for group in groups}
    assert all(len(found) == 1 for found in by_group.values())
    per_fold = np.bincount([min(found) for found in by_group.values()], minlength=folds)
    assert per_fold.max() - per_fold.min() <= 1
    assert len(np.unique(fold)) == min(folds, len(by_group))


def test_folds_spread_each_class():
    codes = np.repeat([0, 1, 2], [5, 10, 50])
    fold = assign_folds(codes, None, 5)
    for code in range(3):
        counts = np.bincount(fold[codes == code], minlength=5)
        assert counts.max() - counts.min() <= 1


def test_calibration_makes_overconfident_probabilities_honest():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 2000)
    right = rng.random(2000) < 0.7
    said = np.where(right, truth, 1 - truth)
    given_ = np.where(np.eye(2)[said] == 1, 0.99, 0.01)
    mended = calibrate(given_[:1000], truth[:1000])(given_[1000:])
    assert abs(mended.max(axis=1).mean() - 0.7) < 0.04
    assert (mended.argmax(axis=1) == said[1000:]).all()
    assert np.allclose(mended.sum(axis=1), 1)


def test_too_few_rows_to_calibrate_change_nothing():
    given_ = np.array([[0.9, 0.1]] * 49)
    assert calibrate(given_, np.zeros(49, int))(given_) is given_


def test_many_coefficients_are_fitted_as_well_in_another_way():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 12, 900)
    own = rng.integers(0, 4, (900, 3)) + 4 * codes[:, None]
    words = np.where(rng.random((900, 3)) < 0.6, own, rng.integers(0, 48, (900, 3)))
    texts = sparse.csr_matrix(
        (np.full(2_700, 0.6), (np.arange(900).repeat(3), words.ravel())), (900, 48)
    )
    weights = np.where(rng.random(900) < 0.9, 1.0, 0.2)
    for matrix in (texts, texts.toarray()):
        exact = fit(matrix[:600], codes[:600], Recipe("logistic", 3.0), 0, weights[:600])
        with patch.object(classifier, "MOST_COEFFICIENTS", 0):
            quick = fit(matrix[:600], codes[:600], Recipe("logistic", 3.0), 0, weights[:600])
            again = fit(matrix[:600], codes[:600], Recipe("logistic", 3.0), 0, weights[:600])
        assert (quick.coef_ == again.coef_).all()
        one, other = (probabilities(model, matrix[600:], 12) for model in (exact, quick))
        loss = [-np.log(p[np.arange(300), codes[600:]]).mean() for p in (one, other)]
        assert loss[1] < loss[0] + 0.05
        assert (one.argmax(axis=1) == other.argmax(axis=1)).mean() > 0.9


def test_many_coefficients_on_splines():
    matrix, codes = blobs(n=400)
    with patch.object(classifier, "MOST_COEFFICIENTS", 0):
        model = fit(matrix, codes, Recipe("logistic", 1.0, splines=True))
    assert (probabilities(model, matrix, 3).argmax(axis=1) == codes).mean() > 0.9


def test_blocks_and_32_bits_change_no_probability():
    matrix, codes = blobs()
    model = fit(matrix, codes, Recipe("logistic"))
    whole = probabilities(model, matrix, 3)
    with patch.object(blocks, "CELLS_AT_ONCE", 30):
        assert probabilities(model, matrix, 3) == pytest.approx(whole, abs=1e-12)
        assert tempered(whole, 2.0) == pytest.approx(
            np.sqrt(whole) / np.sqrt(whole).sum(1)[:, None]
        )
    with patch.object(blocks, "MOST_EXACT", 0):
        small = probabilities(model, matrix, 3)
    assert small.dtype == np.float32
    assert small == pytest.approx(whole, abs=1e-6)
