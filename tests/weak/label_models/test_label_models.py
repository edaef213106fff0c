"""What every label model promises, and what majority vote and snorkel's model add."""

import random
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from snorkel.labeling.model import LabelModel, MajorityLabelVoter

from labelkit.config import plugins
from labelkit.errors import LabelkitError
from labelkit.weak.label_models import majority, snorkel
from labelkit.weak.vote_patterns import distinct_rows

MODELS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name == "hyper" and find_spec("hyperlm") is None, reason="hyperlm is not installed"
        ),
    )
    for name in plugins.names("label-model")
]


def random_votes(rows=400, functions=5, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, rows)
    votes = np.where(rng.random((rows, functions)) < 0.75, truth[:, None], (truth[:, None] + 1))
    votes = votes % classes
    votes[rng.random(votes.shape) < 0.4] = -1
    return votes.astype(np.int16), truth


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("functions", "classes"), [(1, 2), (2, 2), (5, 2), (6, 4), (3, 1)])
def test_probabilities_sum_to_one_or_are_all_zero(name, functions, classes):
    combine = plugins.load("label-model", name)
    votes, _ = random_votes(200, functions, classes)
    with (
        pytest.warns(UserWarning)
        if (name == "snorkel" and (functions < 3 or classes < 2))
        else _nothing()
    ):
        found = combine(votes, classes, None, None, 0)
    assert found.shape == (200, classes)
    voted = (votes >= 0).any(axis=1)
    assert (~voted).any()
    assert np.allclose(found[voted].sum(axis=1), 1) and (found[~voted] == 0).all()
    assert (found >= 0).all()


class _nothing:
    def __enter__(self):
        return None

    def __exit__(self, *_):
        return None


@pytest.mark.parametrize("name", MODELS)
def test_counts_stand_for_repeated_rows(name):
    combine = plugins.load("label-model", name)
    votes, _ = random_votes()
    distinct, inverse = distinct_rows(votes)
    counts = np.bincount(inverse)
    whole = combine(votes, 3, None, None, 0)
    assert np.allclose(
        combine(distinct, 3, None, None, 0, counts=counts)[inverse], whole, atol=1e-5
    )


def test_majority_is_the_share_of_votes_and_agrees_with_snorkels_voter():
    votes = np.array([[0, 1, 1, -1], [0, 1, -1, -1], [-1] * 4])
    found = majority.combine(votes, 2)
    assert found.tolist() == [[1 / 3, 2 / 3], [0.5, 0.5], [0, 0]]
    votes, _ = random_votes()
    votes = votes[(votes >= 0).any(axis=1)].astype(int)
    ours, theirs = majority.combine(votes, 3), MajorityLabelVoter(3).predict_proba(votes)
    assert np.array_equal(ours == ours.max(axis=1, keepdims=True), theirs > 0)


@pytest.mark.parametrize("prior", [None, np.array([0.6, 0.3, 0.1])])
def test_snorkel_gives_what_snorkel_gives(prior):
    votes, _ = random_votes()
    voted = (votes >= 0).any(axis=1)
    model = LabelModel(3, verbose=False)
    model.fit(votes.astype(int), class_balance=prior, seed=7, progress_bar=False)
    expected = model.predict_proba(votes.astype(int))[voted]
    assert np.allclose(snorkel.combine(votes, 3, prior, None, 7)[voted], expected, atol=1e-4)


def test_snorkel_leaves_the_random_states_alone_and_is_the_same_twice():
    votes, _ = random_votes()
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.random()
    random.seed(1)
    np.random.seed(1)
    first = snorkel.combine(votes, 3, None, None, 3)
    assert (random.random(), np.random.random()) == expected
    assert np.array_equal(first, snorkel.combine(votes, 3, None, None, 3))


def test_snorkel_takes_the_class_balance_from_gold():
    votes, truth = random_votes()
    gold = np.where(np.arange(len(truth)) < 50, truth, -1)
    prior = np.bincount(truth[:50]) / 50
    assert np.array_equal(
        snorkel.combine(votes, 3, None, gold, 0), snorkel.combine(votes, 3, prior, None, 0)
    )


def test_many_votes_do_not_underflow():
    votes = np.zeros((50, 400), np.int16)
    votes[25:] = 1
    found = snorkel.combine(votes, 2, None, None, 0)
    assert np.isfinite(found).all() and np.allclose(found.sum(axis=1), 1)


def test_snorkel_without_torch_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    votes, _ = random_votes()
    with pytest.raises(LabelkitError) as raised:
        snorkel.combine(votes, 3)
    assert str(raised.value) == (
        "--label-model snorkel needs torch, which is not installed; install it "
        "(`labelkit doctor` says how), or use --label-model majority"
    )
