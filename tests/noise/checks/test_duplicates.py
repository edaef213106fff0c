"""Rows that say the same, and equal texts with different labels."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from labelkit.data.duplicates import duplicate_groups
from labelkit.noise.checks import duplicates


def test_the_first_row_of_each_later_duplicate():
    assert duplicates.firsts(np.array([-1, 3, -1, 3, 0])).tolist() == [-1, -1, -1, 1, -1]


def conflicts(texts, labels, chance=None):
    chance = np.zeros(len(texts)) if chance is None else np.array(chance, float)
    found = duplicates.conflicts(np.array(texts), np.array(labels), chance)
    return [(conflict.rows.tolist(), conflict.winner) for conflict in found]


def test_the_commonest_label_of_equal_texts_wins():
    assert conflicts([7, 7, 3, 7, 3], [0, 1, 1, 1, 1]) == [([0, 1, 3], 1)]


def test_of_equally_common_labels_the_likelier_wins_and_else_none():
    assert conflicts([0, 0], [0, 1], [0.7, 0.4]) == [([0, 1], 0)]
    assert conflicts([0, 0], [0, 1], [0.5, 0.5]) == [([0, 1], -1)]


def test_rows_without_label_or_text_do_not_conflict():
    assert conflicts([0, 0, -1, -1], [0, -1, 0, 1]) == []
    assert conflicts([], []) == []


rows = st.lists(
    st.tuples(st.integers(-1, 3), st.integers(-1, 2), st.sampled_from([0.1, 0.2, 0.6])), max_size=25
)


@given(rows, st.randoms(use_true_random=False))
def test_conflicts_do_not_hang_on_the_order_of_rows(table, random):
    order = list(range(len(table)))
    random.shuffle(order)
    first = conflicts(*zip(*table, strict=True)) if table else []
    moved = [table[place] for place in order]
    second = conflicts(*zip(*moved, strict=True)) if table else []
    assert {(frozenset(rows), winner) for rows, winner in first} == {
        (frozenset(order[row] for row in rows), winner) for rows, winner in second
    }


@given(st.lists(st.sampled_from(["a", "A ", "b", "", "a b", "a  B"]), min_size=1, max_size=20))
def test_each_later_duplicate_names_the_first(texts):
    found = duplicate_groups(pa.table({"text": texts}))
    found[[not text for text in texts]] = -1
    folded = [" ".join(text.lower().split()) for text in texts]
    expected = [folded.index(t) if t and folded.index(t) < i else -1 for i, t in enumerate(folded)]
    assert duplicates.firsts(found).tolist() == expected
