"""Errors of labels told from errors of the model: rates, qualities, counts, flags."""

import numpy as np
import pytest

from labelkit.noise.model import noise_model

SURE = 1.6  # how far a row's evidence goes, on the scale of log odds


def rows(n, flips, seed, sure=SURE):
    """Truth, labels flipped by `flips[true]`, and what a model of few rows says of the labels."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, sure * 2, n)
    true = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    given = np.where(rng.random(n) < np.array(flips)[true], 1 - true, true)
    said = 1 / (1 + np.exp(-0.6 * logit + 2 * (flips[1] - flips[0])))
    return true, given, np.column_stack([1 - said, said])


def judged(given, chances):
    fitted = noise_model.fit(given, chances)
    quality = fitted.best.truth(given, chances)[np.arange(len(given)), given]
    return fitted, quality


def test_a_weak_models_own_mistakes_are_not_taken_for_errors():
    true, given, chances = rows(4_000, (0.0, 0.0), 0, sure=0.7)
    assert (chances.argmax(axis=1) != given).mean() > 0.2
    _, quality = judged(given, chances)
    assert (1 - quality).sum() < 100 and (true == given).all()


def test_mistakes_that_hit_one_class_alone_are_seen_there_alone():
    true, given, chances = rows(4_000, (0.0, 0.2), 1)
    fitted, quality = judged(given, chances)
    assert fitted.best.transition[1, 0] == pytest.approx(0.2, abs=0.06)
    assert fitted.best.transition[0, 1] < 0.05
    wrong = given != true
    worst = np.argsort(quality)[: int(wrong.sum())]
    assert (given[worst] == 0).mean() > 0.9


def test_of_labels_with_quality_a_fifth_about_one_in_five_is_right():
    parts = [rows(4_000, (0.1, 0.1), seed) for seed in range(3)]
    quality = np.concatenate([judged(given, chances)[1] for _, given, chances in parts])
    right = np.concatenate([given == true for true, given, _ in parts])
    for low, high in ((0.1, 0.3), (0.3, 0.6), (0.6, 0.9)):
        among = (quality >= low) & (quality < high)
        assert right[among].mean() == pytest.approx(quality[among].mean(), abs=0.12)


FLIPS = [(0.0, 0.0), (0.05, 0.05), (0.1, 0.1), (0.2, 0.2), (0.0, 0.2)]


def test_the_interval_holds_the_number_of_errors():
    held, wide = 0, 0.0
    for seed in range(25):
        true, given, chances = rows(1_000, FLIPS[seed % len(FLIPS)], seed)
        fitted, quality = judged(given, chances)
        low, high = noise_model.count_interval(fitted, given, chances)
        held += round(low) <= (true != given).sum() <= round(high)
        wide += (high - low) / 25
        assert low <= (1 - quality).sum() <= high
    assert held >= 20 and wide < 200


def test_views_that_help_to_tell_the_labels_count_more():
    rng = np.random.default_rng(0)
    true, given, good = rows(2_000, (0.1, 0.1), 0)
    luck = rng.beta(2, 2, len(given))
    idle = np.column_stack([1 - luck, luck])
    found = noise_model.blend(given, [good, idle])
    assert found.sum(axis=1) == pytest.approx(np.ones(2_000))
    mean = (good + idle) / 2
    own = np.arange(len(given)), true
    assert np.log(found[own]).mean() > np.log(mean[own]).mean() + 0.01
    assert (found.argmax(axis=1) == true).mean() > (mean.argmax(axis=1) == true).mean()


def test_many_classes_share_one_rate():
    k = noise_model.MOST_CLASSES + 1
    given = np.arange(10 * k) % k
    given[::10] = (given[::10] + 1) % k
    chances = np.full((10 * k, k), 0.1 / k)
    chances[np.arange(10 * k), np.arange(10 * k) % k] += 0.9
    fitted, quality = judged(given, chances)
    assert (quality[::10] < 0.5).all() and np.delete(quality, np.s_[::10]).min() > 0.5
    off = fitted.best.transition[~np.eye(k, dtype=bool)]
    assert off == pytest.approx(np.full(len(off), off[0]))


def test_flags_have_the_highest_expected_f1():
    quality = np.array([0.05, 0.1, 0.6, 0.95, 0.99])
    assert noise_model.most_f1(quality).tolist() == [True, True, False, False, False]
    assert noise_model.most_f1(np.array([0.9, 0.9])).all()


def test_a_row_without_any_chance_is_no_trouble():
    given = np.array([0, 1] * 20)
    chances = np.eye(2)[given]
    chances[0] = [0.0, 1.0]
    _, quality = judged(given, chances)
    assert quality[0] < 0.1 and quality[1:].min() > 0.9


def test_one_rate_of_all_pairs_is_the_matrix_of_that_rate():
    k, rng = noise_model.MOST_CLASSES + 1, np.random.default_rng(0)
    given, chances = rng.integers(0, k, 300), rng.dirichlet(np.full(k, 0.2), 300)
    problem = noise_model._Problem(given, [noise_model._logs(chances)], noise_model.ANY)
    vector = problem.mean + 0.1 * rng.standard_normal(len(problem.mean))
    mixture = problem.mixture(vector)
    assert mixture.transition.sum(axis=1) == pytest.approx(np.ones(k))
    true = rng.dirichlet(np.ones(k), 300)
    joint = true * mixture.transition[:, given].T
    assert mixture.times(true, given) == pytest.approx(joint, abs=1e-12)
    truth = mixture.truth(given, chances)
    assert mixture.right(given, chances) == pytest.approx(truth[np.arange(300), given])
    slope = problem.loss(vector)[1]
    for place in (0, 1, problem.rate):
        step = np.zeros(len(vector))
        step[place] = 1e-5
        change = problem.loss(vector + step)[0] - problem.loss(vector - step)[0]
        assert slope[place] == pytest.approx(change / 2e-5, rel=1e-4, abs=1e-4)
    few = problem.around(vector, 3, rng)
    assert all((each[problem.shifts] == vector[problem.shifts]).all() for each in few)
