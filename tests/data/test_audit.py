"""Which rows are audit rows, and the one order in which they are drawn."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.data.audit import (
    AUDIT_REASON,
    audit_order,
    combined_origins,
    draw_audit,
    may_be_drawn,
    picked_origins,
)


def texts(*values):
    return np.array(values, dtype=object)


def test_one_source_is_enough_for_an_audit_row_and_else_the_first_counts():
    data, answers = texts("audit", "", "query", "", "relabel"), texts("query", "audit", "", "", "x")
    found = combined_origins([data, answers], 5).tolist()
    assert found == ["audit", "audit", "query", "", "relabel"]
    assert combined_origins([], 2).tolist() == ["", ""]


def test_the_columns_of_query_say_how_it_drew_a_row():
    reasons = texts(AUDIT_REASON, "margin 0.1: POS 0.6", "", "audit trail is missing")
    ranked = np.array([True, True, False, True])
    assert picked_origins([ranked], [reasons], 4).tolist() == ["audit", "query", "", "query"]


@settings(deadline=None)
@given(st.lists(st.text(max_size=5), unique=True, max_size=30), st.data())
def test_rows_keep_their_order_when_rows_are_appended_removed_or_moved(keys, data):
    seed = data.draw(st.integers(0, 2**70))
    order = [keys[row] for row in audit_order(keys, seed)]
    moved = [*data.draw(st.permutations(keys)), "new \ud800", "another"]
    among = set(keys)
    assert [moved[r] for r in audit_order(moved, seed) if moved[r] in among] == order
    assert sorted(order) == sorted(keys)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 9))
def test_a_smaller_sample_is_the_prefix_of_a_larger_one(n, more, seed):
    order, everyone = audit_order([str(i) for i in range(50)], seed), np.ones(50, dtype=bool)
    nobody = ~everyone
    small, large = (draw_audit(order, everyone, nobody, size) for size in (n, n + more))
    assert large[: len(small)].tolist() == small.tolist()
    answered = np.isin(np.arange(50), small)
    assert draw_audit(order, everyone, answered, more).tolist() == large[len(small) :].tolist()


def test_each_row_is_drawn_as_often_as_another():
    keys = [f"row {i}" for i in range(10)]
    counts = np.bincount(np.concatenate([audit_order(keys, seed)[:3] for seed in range(2000)]))
    assert counts.min() > 500 and counts.max() < 700


def test_rows_labelled_because_they_were_chosen_are_drawn_again_and_labels_from_before_are_not():
    labelled = np.array([False, True, True, True, True])
    origins = texts("", "query", "relabel", "", "people")
    assert may_be_drawn(labelled, origins).tolist() == [True, True, True, False, False]
