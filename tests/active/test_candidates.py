"""Which rows may be asked."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.active.candidates import candidates, sampled


@given(st.data())
@settings(deadline=None)
def test_what_is_eligible_is_new_and_stands_once(data):
    n = data.draw(st.integers(1, 30))
    kinds = np.array(data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)))
    bits = st.lists(st.booleans(), min_size=n, max_size=n)
    labelled, apart = np.array(data.draw(bits)), np.array(data.draw(bits))
    pool = np.flatnonzero(~labelled)
    audit = np.random.default_rng(0).permutation(pool)[: data.draw(st.integers(0, 5))]
    found = candidates(pool, audit, labelled, kinds, apart)
    assert set(found.eligible) <= set(pool) - set(audit)
    assert not apart[found.eligible].any()
    eligible_kinds = kinds[found.eligible].tolist()
    assert len(set(eligible_kinds)) == len(eligible_kinds)
    assert not set(eligible_kinds) & set(kinds[labelled]) and not set(eligible_kinds) & set(
        kinds[audit]
    )
    for row in set(pool) - set(found.eligible) - set(audit):
        known = set(kinds[labelled]) | set(kinds[audit]) | set(eligible_kinds)
        assert apart[row] or kinds[row] in known


def test_a_sample_of_the_candidates_is_of_the_seed_and_takes_nothing_else():
    kinds = np.arange(50)
    nobody = np.zeros(50, dtype=bool)
    found = candidates(kinds, kinds[:0], nobody, kinds, nobody)
    some = sampled(found, 10, 3)
    assert len(set(some.eligible.tolist())) == 10
    assert some.eligible.tolist() == sorted(some.eligible.tolist())
    assert some.eligible.tolist() == sampled(found, 10, 3).eligible.tolist()
    assert some.eligible.tolist() != sampled(found, 10, 4).eligible.tolist()
    assert some.pool is found.pool and sampled(found, 50, 3) is found
