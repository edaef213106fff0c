"""Rows that say the same, and equal texts with different labels."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.noise.checks import duplicates


def codes(*texts):
    return duplicates.of_texts([list(texts)])


def together(found):
    """The groups as sets of places, whatever they are numbered."""
    return {frozenset(np.flatnonzero(found == code).tolist()) for code in set(found.tolist())}


def test_texts_are_the_same_up_to_case_and_spaces():
    found = codes("Good  film\n", "good film", "good, film", " GOOD\tFILM", "good\u00a0film")
    assert together(found) == {frozenset({0, 1, 3, 4}), frozenset({2})}


def test_empty_texts_are_not_duplicates():
    found = codes("", " \n", None, "x")
    assert found[:3].tolist() == [-1, -1, -1] and found[3] >= 0
    assert duplicates.firsts(found).tolist() == [-1] * 4


def test_several_text_columns_are_read_together():
    found = duplicates.of_texts([["a b", "a", "A", ""], ["c", "b c", "B  C", None]])
    assert together(found[:3]) == {frozenset({0}), frozenset({1, 2})}
    assert found[3] == -1


def test_values_are_compared_column_by_column():
    table = pa.table({"a": [1, 1, None, None, 1], "b": ["x", "y", "x", "x", "x"]})
    assert together(duplicates.of_values(table)) == {
        frozenset({0, 4}), frozenset({1}), frozenset({2, 3}),
    }  # fmt: skip
    assert len(duplicates.of_values(table.slice(0, 0))) == 0


def test_the_same_in_both():
    found = duplicates.both(np.array([0, 0, 0, -1, -1]), np.array([1, 1, 2, 1, 1]))
    assert found[0] == found[1] != found[2]
    assert found[3:].tolist() == [-1, -1]


def test_joined_puts_rows_together_that_either_puts_together():
    found = duplicates.joined(np.array([0, 0, 1, 2, 3]), np.array([-1, 5, 5, -1, -1]))
    assert together(found) == {frozenset({0, 1, 2}), frozenset({3}), frozenset({4})}


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
    found = codes(*texts)
    folded = [" ".join(text.lower().split()) for text in texts]
    expected = [folded.index(t) if t and folded.index(t) < i else -1 for i, t in enumerate(folded)]
    assert duplicates.firsts(found).tolist() == expected


@pytest.mark.parametrize("chunked", [False, True])
def test_chunks_make_no_difference(chunked):
    column = pa.chunked_array([["x", "y"], ["x"]])
    table = pa.table({"a": column if chunked else column.combine_chunks()})
    assert together(duplicates.of_values(table)) == {frozenset({0, 2}), frozenset({1})}
