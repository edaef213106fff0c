"""Methods beside cleanlab's own results."""

import numpy as np
import pytest
from cleanlab.filter import find_label_issues

from labelkit.noise.methods import confident
from labelkit.noise.model import disputed
from labelkit.noise.model.view_ensemble import Opinion


@pytest.mark.parametrize("k", [2, 3, 10])
@pytest.mark.parametrize("missing", [False, True])
def test_confident_learning_flags_what_cleanlab_flags(k, missing, monkeypatch):
    monkeypatch.setattr(confident, "CHUNK", 700)
    rng = np.random.default_rng(k)
    given = rng.integers(0, k - (missing and k > 2), 2_000)
    chances = rng.dirichlet(np.ones(k) * 0.4, len(given))
    chances[np.arange(len(given)), given] += 0.4
    chances /= chances.sum(axis=1, keepdims=True)
    theirs = find_label_issues(given, chances, filter_by="confident_learning", n_jobs=1)
    assert (confident.flags(given, chances) == theirs).all() and theirs.any()


def hard_rows(n=1_000, together=True):
    """Labels drawn from what a calibrated model says, and two views of it."""
    rng = np.random.default_rng(0)
    for_one = np.where(rng.random(n) < 0.75, 0.97, 0.6)
    one = np.where(rng.random(n) < 0.5, for_one, 1 - for_one)
    given = (rng.random(n) < one).astype(np.int64)
    chances = np.column_stack([1 - one, one])
    other = chances if together else chances[:, ::-1]
    return given, chances, [Opinion("a", chances), Opinion("b", other)]


def test_labels_that_settled_views_dispute_are_flagged_where_hardly_an_error_stands_out():
    given, chances, views = hard_rows()
    against = chances.argmax(axis=1) != given
    assert 0.05 < against.mean() < 0.2
    sure, unsure = np.full(1_000, 0.99), np.full(1_000, 0.9)
    assert (disputed.find(given, chances, views, sure) == against).all()
    assert not disputed.find(given, chances, views, unsure).any()  # errors stand out
    assert not disputed.find(given, chances, views[:1], sure).any()
    assert not disputed.find(*hard_rows(together=False), sure).any()
    few = [Opinion(each.name, each.probabilities[:150]) for each in views]
    assert not disputed.find(given[:150], chances[:150], few, sure[:150]).any()
