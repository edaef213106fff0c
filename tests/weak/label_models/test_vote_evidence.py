"""The learned label model: what it gains, what it never loses, and what must not matter."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.stats import blocks
from labelkit.weak.label_models import auto, calibration, majority, vote_evidence
from labelkit.weak.vote_patterns import distinct_rows


def panel(accuracies, rows=4000, classes=2, cover=0.3, shares=None, seed=0, one_sided=False):
    """Return votes and truth; a one-sided function votes for one class only."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(classes, rows, p=shares)
    votes = np.full((rows, len(accuracies)), -1, np.int16)
    for number, accuracy in enumerate(accuracies):
        wrong = (truth + rng.integers(1, classes, rows)) % classes
        vote = np.where(rng.random(rows) < accuracy, truth, wrong)
        fires = rng.random(rows) < cover
        if one_sided:
            fires = (rng.random(rows) < 2 * cover) & (vote == number % classes)
        votes[fires, number] = vote[fires]
    return votes, truth


def reader(truth, classes, accuracy, seed=1):
    """Return what a text model says that is right with this probability."""
    rng = np.random.default_rng(seed)
    wrong = (truth + rng.integers(1, classes, len(truth))) % classes
    guess = np.where(rng.random(len(truth)) < accuracy, truth, wrong)
    rest = (1 - accuracy) / (classes - 1)
    return np.where(np.arange(classes) == guess[:, None], accuracy, rest)


def right(found, truth):
    """Return the expected accuracy where ties are broken at random."""
    voted = found.max(axis=1) > 0
    top = found[voted] >= found[voted].max(axis=1, keepdims=True) - 1e-9
    return float((top[np.arange(voted.sum()), truth[voted]] / top.sum(axis=1)).mean())


def error_of_confidence(found, truth):
    voted = found.max(axis=1) > 0
    sure, hit = found[voted].max(axis=1), found[voted].argmax(axis=1) == truth[voted]
    bins = np.minimum((sure * 10).astype(int), 9)
    return sum(abs(hit[bins == b].sum() - sure[bins == b].sum()) for b in range(10)) / len(sure)


PANELS = {
    "alike": {"accuracies": [0.8] * 6},
    "good and bad": {"accuracies": [0.95, 0.9, 0.6, 0.55, 0.55, 0.55], "cover": 0.5},
    "one-sided": {"accuracies": [0.9, 0.85, 0.8, 0.75, 0.7, 0.65], "one_sided": True},
    "many classes": {"accuracies": [0.7] * 20, "classes": 8, "cover": 0.15},
    "a rare class": {"accuracies": [0.9] * 6, "shares": [0.93, 0.07]},
    "rare and one-sided": {
        "accuracies": [0.9, 0.9, 0.8, 0.8],
        "shares": [0.85, 0.15],
        "one_sided": True,
    },
    "two functions": {"accuracies": [0.9, 0.7]},
    "one function": {"accuracies": [0.8]},
}


@pytest.mark.parametrize("name", PANELS)
def test_it_never_loses_to_the_plain_vote(name):
    votes, truth = panel(**PANELS[name])
    classes = PANELS[name].get("classes", 2)
    plain = right(majority.combine(votes, classes), truth)
    assert right(auto.combine(votes, classes), truth) >= plain - 0.005
    guesses = reader(truth, classes, 1 / classes + 0.03)
    assert right(auto.combine(votes, classes, said=guesses), truth) >= plain - 0.005


@pytest.mark.parametrize("name", [name for name in PANELS if "rare" not in name])
def test_a_text_model_that_knows_improves_the_labels(name):
    votes, truth = panel(**PANELS[name])
    classes = PANELS[name].get("classes", 2)
    plain = right(majority.combine(votes, classes), truth)
    said = reader(truth, classes, 0.9)
    assert right(auto.combine(votes, classes, said=said), truth) >= plain + 0.02


@pytest.mark.parametrize("name", ["alike", "many classes"])
def test_confidence_is_nearer_to_the_truth_than_the_share_of_votes(name):
    votes, truth = panel(**PANELS[name])
    classes = PANELS[name].get("classes", 2)
    ours = error_of_confidence(auto.combine(votes, classes), truth)
    assert ours < 0.08
    assert ours < error_of_confidence(majority.combine(votes, classes), truth)


def test_ties_go_to_the_better_function():
    votes, truth = panel([0.95, 0.9, 0.55, 0.55], cover=0.5)
    tally = majority.combine(votes, 2)
    tied = (tally[:, 0] == tally[:, 1]) & (tally[:, 0] > 0)
    found = auto.combine(votes, 2)[tied]
    assert (found.argmax(axis=1) == truth[tied]).mean() > 0.65


def test_some_fifty_known_labels_help():
    votes, truth = panel([0.9, 0.55, 0.55, 0.55, 0.55], cover=0.6, shares=[0.7, 0.3])
    gold = np.where(np.arange(len(truth)) < 60, truth, -1)
    without, known = auto.combine(votes, 2), auto.combine(votes, 2, gold=gold)
    assert right(known[60:], truth[60:]) > right(without[60:], truth[60:]) - 0.005
    assert error_of_confidence(known[60:], truth[60:]) < 0.08
    rare, truth = panel([0.75] * 3, shares=[0.9, 0.1], seed=4)
    gold = np.where(np.arange(len(truth)) < 200, truth, -1)
    without, known = auto.combine(rare, 2), auto.combine(rare, 2, gold=gold)
    assert right(known[200:], truth[200:]) > right(without[200:], truth[200:]) + 0.02


def test_a_prior_moves_the_shares_towards_it():
    votes, _ = panel([0.7, 0.7, 0.7])
    voted = (votes >= 0).any(axis=1)
    shares = [
        auto.combine(votes, 2, np.array([1 - p, p]))[voted, 1].mean() for p in (0.1, 0.5, 0.9)
    ]
    assert shares[0] < shares[1] - 0.1 < shares[2] - 0.2


def test_a_doubled_function_does_not_make_the_labels_surer():
    votes, _ = panel([0.75] * 4)
    voted = (votes >= 0).any(axis=1)
    double = np.concatenate([votes, votes[:, :1], votes[:, :1]], axis=1)
    symbols = vote_evidence.symbols_of(double[voted], 2)
    _, pairs = calibration.accuracy_of_votes(*symbols[:3], np.ones(voted.sum()), 2)
    once = vote_evidence.symbols_of(votes[voted], 2)
    alone, honest = calibration.accuracy_of_votes(*once[:3], np.ones(voted.sum()), 2)
    assert abs(alone - 0.75) < 0.03
    surer = auto.combine(double, 2)[voted].max(axis=1).mean()
    assert surer < auto.combine(votes, 2)[voted].max(axis=1).mean() + 0.03
    assert pairs > honest  # what is left are the pairs of each double with the others


def test_where_one_class_swallows_the_others_the_vote_stays():
    votes, truth = panel([0.8] * 4)
    said = np.tile([0.99999, 0.00001], (len(votes), 1))
    with pytest.warns(UserWarning, match="majority vote is used"):
        found = auto.combine(votes, 2, said=said)
    assert right(found, truth) == pytest.approx(right(majority.combine(votes, 2), truth))


def test_rows_without_a_vote_and_votes_for_one_class():
    silent = np.full((3, 2), -1, np.int16)
    assert (auto.combine(silent, 2) == 0).all()
    one = np.array([[0, -1], [-1, -1], [0, 0]], np.int16)
    assert auto.combine(one, 1).tolist() == [[1], [0], [1]]
    found = auto.combine(one, 2)
    assert (found[[0, 2], 0] > 0.5).all() and (found[1] == 0).all()


def test_a_weight_of_zero_everywhere_is_no_error():
    votes, _ = panel([0.8] * 3, rows=50)
    assert np.isfinite(auto.combine(votes, 2, counts=np.zeros(50))).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(2, 5))
def test_what_must_not_matter(seed, functions, classes):
    votes, truth = panel([0.7] * functions, rows=80, classes=classes, seed=seed)
    said = reader(truth, classes, 0.6)
    rng = np.random.default_rng(seed)
    found = auto.combine(votes, classes, said=said)
    order = rng.permutation(len(votes))
    assert np.allclose(auto.combine(votes[order], classes, said=said[order]), found[order])
    names = rng.permutation(classes).astype(np.int16)
    renamed = np.where(votes >= 0, names[votes], -1).astype(np.int16)
    heard = np.empty_like(said)
    heard[:, names] = said
    assert np.allclose(auto.combine(renamed, classes, said=heard)[:, names], found)
    mixed = rng.permutation(functions)
    assert np.allclose(auto.combine(votes[:, mixed], classes, said=said), found)
    distinct, inverse = distinct_rows(votes)
    counted = auto.combine(distinct, classes, counts=np.bincount(inverse))
    assert np.allclose(counted[inverse], auto.combine(votes, classes))
    assert np.array_equal(found.sum(axis=1) > 0.5, (votes >= 0).any(axis=1))


@st.composite
def panels(draw):
    """Votes with gaps, how many rows each stands for, what a text model says, known labels."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    rows, classes, functions = rng.integers(5, 60), rng.integers(2, 6), rng.integers(1, 7)
    truth = rng.integers(0, classes, rows)
    right = rng.random((rows, functions)) < 0.7
    votes = np.where(right, truth[:, None], rng.integers(0, classes, (rows, functions)))
    votes[rng.random(votes.shape) < 0.4] = -1
    votes[:, -1] = votes[:, 0]  # two functions that say the same
    said = rng.dirichlet(np.ones(classes), rows) if draw(st.booleans()) else None
    gold = np.where(rng.random(rows) < 0.5, truth, -1) if draw(st.booleans()) else None
    return votes.astype(np.int16), int(classes), rng.integers(0, 3, rows), said, gold


@settings(max_examples=20)
@given(panels())
def test_pairs_of_votes_are_counted_as_on_whole_tables(panel):
    votes, classes, counts, *_ = panel
    symbols = vote_evidence.symbols_of(votes, classes)
    where, function, code = symbols.where.toarray(), symbols.function, symbols.code
    alike, other = code[:, None] == code, function[:, None] != function
    both = (where.T @ where).astype(float)
    either = both.diagonal()[:, None] + both.diagonal() - both
    near = np.clip((both / either - 0.85) / 0.1, 0, 1) * (alike & other)
    assert symbols.share == pytest.approx(1 / (1 + near.sum(axis=1)))
    both = where.T @ (where * counts[:, None])
    number = both.diagonal()
    usable = other & ~(alike & (both > 0.9 * np.minimum(number[:, None], number)))
    pairs = (both * usable).sum() / 2
    product = np.outer(number, number) * usable
    expected = 1 / classes
    if pairs:
        agreed = (both * usable * alike).sum() / 2 / pairs
        chance = (product * alike).sum() / product.sum()
        beyond = np.clip((agreed - chance) / max(1 - chance, 1e-9), 0, 1)
        expected += (1 - 1 / classes) * beyond**0.5
    found = calibration.accuracy_of_votes(symbols.where, function, code, counts, classes)
    assert found == pytest.approx((expected, pairs))


@settings(max_examples=20)
@given(panels())
def test_blocks_and_32_bits_give_the_same_probabilities(panel):
    votes, classes, counts, said, gold = panel
    arguments = (votes, classes, None, gold, 0, counts, said)
    whole = vote_evidence.combine(*arguments)
    assert (whole.sum(axis=1) > 0).tolist() == (votes >= 0).any(axis=1).tolist()
    with patch.object(blocks, "CELLS_AT_ONCE", 7):
        assert vote_evidence.combine(*arguments) == pytest.approx(whole, abs=1e-9)
        with patch.object(blocks, "MOST_EXACT", 0):
            assert vote_evidence.combine(*arguments) == pytest.approx(whole, abs=1e-3)
