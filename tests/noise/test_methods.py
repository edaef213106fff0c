"""Methods beside cleanlab's own results."""

import numpy as np
import pytest
from cleanlab.filter import find_label_issues

from labelkit.noise.methods import confident, ensemble


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


def test_hard_rows_are_flagged_where_a_good_model_sees_hardly_an_error():
    rng = np.random.default_rng(0)
    n = 1_000
    for_one = np.where(rng.random(n) < 0.75, 0.97, 0.6)
    turned = rng.random(n) < 0.5
    one = np.where(turned, for_one, 1 - for_one)
    given = (rng.random(n) < one).astype(np.int64)
    chances = np.column_stack([1 - one, one])
    disputed = chances.argmax(axis=1) != given
    assert 0.05 < disputed.mean() < 0.2
    quality, flag = ensemble.judge(given, chances)
    assert (1 - quality).sum() < 0.15 * disputed.sum() and (flag >= disputed).all()
    _, few = ensemble.judge(given[:150], chances[:150])
    assert few.sum() < disputed[:150].sum()
