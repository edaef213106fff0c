from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.stats import blocks, dawid_skene


def simulated(accuracies, items=300, each=3, classes=3, seed=0):
    """Votes of people who are right so often, and the truth behind them."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, items)
    item = np.repeat(np.arange(items), each)
    who = np.concatenate([rng.choice(len(accuracies), each, replace=False) for _ in range(items)])
    right = rng.random(len(item)) < np.asarray(accuracies)[who]
    wrong = (truth[item] + rng.integers(1, classes, len(item))) % classes
    label = np.where(right, truth[item], wrong)
    return dawid_skene.Votes(item, who, label, items, len(accuracies), classes), truth


def test_the_consensus_is_better_than_the_majority_where_some_are_careless():
    votes, truth = simulated([0.95, 0.9, 0.9, 0.4, 0.35, 0.4, 0.38], items=600)
    counts = np.zeros((votes.items, votes.classes))
    np.add.at(counts, (votes.item, votes.label), 1)
    plain = (counts.argmax(axis=1) == truth).mean()
    found = dawid_skene.consensus(votes)
    assert (found.probabilities.argmax(axis=1) == truth).mean() > plain + 0.08
    assert found.probabilities.sum(axis=1) == pytest.approx(1)
    assert found.accuracy[:3] == pytest.approx([0.95, 0.9, 0.9], abs=0.1)
    assert found.accuracy[3:].max() < 0.5


def test_people_who_err_on_the_same_items_make_it_less_sure_not_less_right():
    votes, truth = simulated([0.95] * 5, items=500, each=4, classes=2)
    rng = np.random.default_rng(1)
    hard = rng.random(500) < 0.25  # on these everybody says class 0, right or not
    votes = votes._replace(label=np.where(hard[votes.item], 0, votes.label))
    truth = np.where(hard, rng.integers(0, 2, 500), truth)
    found = dawid_skene.consensus(votes).probabilities
    easy = found[~hard].max(axis=1).mean()
    assert (found.argmax(axis=1) == truth)[~hard].mean() > 0.97
    assert easy > 0.9


def test_labels_that_stand_alone_stay_and_judge_nobody():
    votes = dawid_skene.Votes(np.arange(6), np.arange(6) % 2, np.array([0, 1, 1, 0, 1, 1]), 6, 2, 2)
    found = dawid_skene.consensus(votes)
    assert found.probabilities.argmax(axis=1).tolist() == votes.label.tolist()
    assert found.accuracy == pytest.approx([0.7, 0.7])
    assert all(np.isnan(figure.value) for figure in dawid_skene.agreement_of_each(votes, found))


def test_an_item_without_a_label_gets_the_class_shares():
    votes = dawid_skene.Votes(
        np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.zeros(4, int), 3, 2, 2
    )
    found = dawid_skene.consensus(votes)
    assert found.probabilities[2] == pytest.approx(found.shares, abs=0.2)
    assert found.probabilities[0, 0] > 0.9


def test_no_votes_and_a_single_class_are_no_trouble():
    none = np.zeros(0, dtype=np.int64)
    assert dawid_skene.consensus(
        dawid_skene.Votes(none, none, none, 2, 0, 2)
    ).probabilities.shape == (2, 2)
    one = dawid_skene.Votes(np.array([0, 0]), np.array([0, 1]), np.array([0, 0]), 1, 2, 1)
    assert dawid_skene.consensus(one).probabilities.tolist() == [[1.0]]
    assert dawid_skene.alpha(one) == 1.0


def test_agreement_of_each_person_is_with_the_others():
    votes, _ = simulated([0.9, 0.9, 0.9, 0.9, 0.1], items=400, classes=2)
    figures = dawid_skene.agreement_of_each(votes, dawid_skene.consensus(votes))
    assert all(figure.low < figure.value < figure.high for figure in figures)
    assert min(figure.value for figure in figures[:4]) > 0.8
    assert figures[4].value < 0.2


# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers.
RELIABILITY = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


@pytest.mark.parametrize(("ordinal", "alpha"), [(False, 0.743), (True, 0.815)])
def test_alpha_is_krippendorffs(ordinal, alpha):
    cells = [
        (item, person, label - 1)
        for person, row in enumerate(RELIABILITY)
        for item, label in enumerate(row)
        if label
    ]
    item, person, label = np.array(cells).T
    votes = dawid_skene.Votes(item, person, label, 12, 4, 5)
    assert dawid_skene.alpha(votes, ordinal) == pytest.approx(alpha, abs=0.0005)
    low, high = dawid_skene.alpha_interval(votes, ordinal)
    assert low < alpha < high <= 1


def test_alpha_is_not_known_without_two_labels_of_an_item():
    votes = dawid_skene.Votes(np.arange(3), np.zeros(3, int), np.array([0, 1, 0]), 3, 1, 2)
    assert np.isnan(dawid_skene.alpha(votes))
    assert np.isnan(dawid_skene.alpha_interval(votes)).all()


def dense_consensus(votes):
    """The model written down: annotators x true x said, all items at once."""
    n, k = votes.items, votes.classes
    said, each = np.eye(k)[votes.label], np.bincount(votes.item, minlength=n)
    counts = np.zeros((n, k))
    np.add.at(counts, (votes.item, votes.label), 1.0)
    believed = np.where(each[:, None] > 0, counts, counts.sum(axis=0) + 1.0)
    believed /= believed.sum(axis=1, keepdims=True)
    mostly = np.where(np.eye(k) > 0, 0.7, 0.3 / max(k - 1, 1))
    for _ in range(dawid_skene.ROUNDS + 1):
        shares = believed[each > 0].sum(axis=0) + 1.0
        shares /= shares.sum()
        judged = believed[votes.item] * (each[votes.item] > 1)[:, None]
        seen = np.zeros((votes.annotators, k, k))
        np.add.at(seen, votes.annotator, judged[:, :, None] * said[:, None])
        pooled = seen.sum(axis=0) + dawid_skene.STEADY * mostly
        people = seen + dawid_skene.SHRINK * pooled / pooled.sum(axis=1, keepdims=True)
        people /= people.sum(axis=2, keepdims=True)
        scores = np.tile(np.log(shares), (n, 1))
        np.add.at(scores, votes.item, np.log(people[votes.annotator, :, votes.label]))
        now = np.exp(scores - scores.max(axis=1, keepdims=True))
        now /= now.sum(axis=1, keepdims=True)
        done, believed = np.abs(now - believed).max() < 1e-6, now
        if done:
            break
    return believed, people


def drawn_votes(seed):
    rng = np.random.default_rng(seed)
    items, people, classes = rng.integers(1, 40), rng.integers(1, 6), rng.integers(1, 6)
    item, who = np.nonzero(rng.random((items, people)) < 0.6)
    truth = rng.integers(0, classes, items)
    right = rng.random(len(item)) < 0.7
    label = np.where(right, truth[item], rng.integers(0, classes, len(item)))
    return dawid_skene.Votes(item, who, label, items, people, classes)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_the_sparse_model_is_the_dense_one(seed):
    votes = drawn_votes(seed)
    with patch.object(dawid_skene, "_power", lambda *_: 1.0):
        found = dawid_skene.consensus(votes)
    believed, people = dense_consensus(votes)
    # One step further: the dense one stops before the people are judged a last time.
    assert found.probabilities == pytest.approx(believed, abs=1e-5)
    for place, matrix in enumerate(people):
        assert found.said_when_true(place) == pytest.approx(matrix, abs=1e-5)


@settings(max_examples=5)
@given(st.integers(0, 10_000))
def test_blocks_and_32_bits_change_nothing(seed):
    votes = drawn_votes(seed)
    whole = dawid_skene.consensus(votes).probabilities
    with patch.object(blocks, "CELLS_AT_ONCE", 30):
        assert dawid_skene.consensus(votes).probabilities == pytest.approx(whole, abs=1e-12)
        with patch.object(blocks, "MOST_EXACT", 0), patch.object(dawid_skene, "ROUNDS_OF_MANY", 5):
            small = dawid_skene.consensus(votes).probabilities
    with patch.object(dawid_skene, "ROUNDS", 5):
        assert small == pytest.approx(dawid_skene.consensus(votes).probabilities, abs=1e-3)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.booleans())
def test_alpha_is_that_of_whole_tables(seed, ordinal):
    votes = drawn_votes(seed)
    counts = np.zeros((votes.items, votes.classes))
    np.add.at(counts, (votes.item, votes.label), 1.0)
    counts = counts[counts.sum(axis=1) > 1]
    pairs = counts[:, :, None] * counts[:, None] - np.eye(votes.classes) * counts[:, None]
    seen = (pairs / (counts.sum(axis=1) - 1)[:, None, None]).sum(axis=0)
    each = seen.sum(axis=1)
    upto = np.cumsum(each) - each / 2
    apart = np.subtract.outer(upto, upto) ** 2 if ordinal else 1 - np.eye(votes.classes)
    chance = (np.outer(each, each) * apart).sum()
    found = dawid_skene.alpha(votes, ordinal)
    if not len(counts):
        assert np.isnan(found)
    elif chance == 0:
        assert found == 1
    else:
        assert found == pytest.approx(1 - (each.sum() - 1) * (seen * apart).sum() / chance)
