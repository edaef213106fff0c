"""From patterns to labels: ties, priors, models of one's own."""

import re

import numpy as np
import pytest

from labelkit.errors import LabelkitError, UsageError
from labelkit.weak.label_models import majority
from labelkit.weak.scoring import parse_prior, prior_of, score, tied
from labelkit.weak.vote_patterns import Counted

VOTES = np.array([[-1, -1, -1], [0, 1, -1], [1, 1, 0], [2, -1, -1]], np.int16)
COUNTED = Counted(VOTES, np.array([1, 2, 1, 1]), np.array([1, 0, 2, 1, -1, 3], np.int32))


def test_a_tie_has_no_class_whatever_the_prior():
    for prior in (None, np.array([0.2, 0.5, 0.3])):
        found = score(COUNTED, 3, majority.combine, prior, 0, "majority")
        assert found.codes.tolist() == [-1, -1, 1, 2]
        assert found.confidence.tolist() == [0, 0, 2 / 3, 1]
        assert found.probabilities[1].tolist() == [0.5, 0.5, 0]
    assert tied(COUNTED, found) == 2


def test_a_model_without_counts_gets_every_row():
    seen = []

    def own(votes, n_classes, prior, gold, seed):
        seen.append(votes.tolist())
        return np.full((len(votes), n_classes), 1 / n_classes)

    found = score(COUNTED, 3, own, None, 0, "mine.py:own")
    assert seen == [VOTES[[1, 0, 2, 1, 3]].tolist()]
    assert found.codes.tolist() == [-1, -1, -1, -1]
    assert found.confidence[0] == 0 and (found.probabilities[0] == 0).all()


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (np.zeros((2, 2)), "returned an array of shape (2, 2); it must be (5, 3): rows × classes"),
        (np.full((5, 3), np.nan), "returned numbers that are no probabilities"),
        (np.full((5, 3), -1.0), "returned numbers that are no probabilities"),
    ],
)
def test_a_model_that_gives_no_probabilities_is_refused(returned, message):
    def own(votes, n_classes, prior, gold, seed):
        return returned

    with pytest.raises(LabelkitError, match=re.escape(f"--label-model own.py:f {message}")):
        score(COUNTED, 3, own, None, 0, "own.py:f")


def test_no_votes_and_no_rows():
    empty = Counted(np.empty((0, 2), np.int16), np.empty(0, np.int64), np.empty(0, np.int32))
    assert len(score(empty, 0, majority.combine, None, 0, "majority").codes) == 0
    silent = Counted(np.full((1, 2), -1, np.int16), np.array([3]), np.zeros(3, np.int32))
    assert score(silent, 0, majority.combine, None, 0, "majority").codes.tolist() == [-1]


def test_a_prior_is_read_and_checked():
    assert parse_prior("a=1, b=3") == {"a": 1.0, "b": 3.0}
    assert prior_of({"b": 3.0, "a": 1.0}, ["a", "b"]).tolist() == [0.25, 0.75]
    for text, message in {
        "a": "--prior 'a': 'a' is not CLASS=NUMBER (write --prior a=0.3,b=0.7)",
        "a=x": "--prior 'a=x': 'a=x' is not CLASS=NUMBER (write --prior a=0.3,b=0.7)",
        "a=-1": "--prior 'a=-1': 'a=-1' is not CLASS=NUMBER (write --prior a=0.3,b=0.7)",
        "a=1,a=2": "--prior names 'a' twice",
        "a=0": "--prior 'a=0': the numbers must not all be 0",
    }.items():
        with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
            parse_prior(text)
    with pytest.raises(UsageError) as raised:
        prior_of({"pso": 1.0}, ["neg", "pos"])
    assert str(raised.value) == (
        "--prior names 'pso', which is no class; did you mean 'pos'? (classes: neg, pos)"
    )
    with pytest.raises(UsageError, match=r"^--prior must name every class; missing: neg$"):
        prior_of({"pos": 1.0}, ["neg", "pos"])
