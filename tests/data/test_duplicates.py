"""One definition of a duplicate, for all commands."""

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.data.duplicates import (
    blank_rows,
    duplicate_groups,
    fold_text,
    fold_texts,
    joined_groups,
    share_group,
)


@pytest.mark.parametrize(
    "first, second",
    [
        ("Good  film\n", "good film"),
        ("good\u00a0film", " GOOD\tFILM"),
        ("Straße", "STRASSE"),
        ("ΟΔΟΣ", "οδος"),
        ("cafe\u0301", "CAFÉ"),
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("ﬁne", "FINE"),
        ("a\x1fb", "A b"),
    ],
)
def test_case_white_space_and_compatible_characters_make_no_other_text(first, second):
    assert fold_text(first) == fold_text(second)


@pytest.mark.parametrize(
    "first, second",
    [
        (":)", ":("), ("C", "C#"), ("1.5 stars", "15 stars"), ("-5", "5"), ("$5", "5"),
        ("good film!", "good film"), ("good film?", "good film!"), ("notable", "not able"),
        ("👍", "👎"), ("don't", "dont"), ("naïve", "naive"), ("№ 7", "7"), ("<3", "3"),
    ],
)  # fmt: skip
def test_punctuation_digits_and_signs_make_another_text(first, second):
    assert fold_text(first) != fold_text(second)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=20))
def test_a_column_is_folded_as_each_of_its_texts(texts):
    texts = [text and text.encode("utf-8", "ignore").decode() for text in texts]
    folded = fold_texts(pa.array(texts, pa.string())).to_pylist()
    assert folded == [fold_text(text or "") for text in texts]
    assert [fold_text(text) for text in folded] == folded


@settings(deadline=None)
@given(st.text(max_size=12))
def test_another_normal_form_or_case_is_the_same_text(text):
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert fold_text(unicodedata.normalize(form, text)) == fold_text(text)
    assert fold_text(f"  {text.casefold()}\n") == fold_text(text)


def together(groups):
    return {frozenset(np.flatnonzero(groups == group).tolist()) for group in set(groups.tolist())}


def test_rows_are_duplicates_where_all_cells_are():
    table = pa.table(
        {"text": ["A b", "a  B", "a b", "", None], "size": pa.array([1.0, 1.0, None, None, None])}
    )
    assert together(duplicate_groups(table)) == {
        frozenset({0, 1}), frozenset({2}), frozenset({3, 4}),
    }  # fmt: skip
    assert duplicate_groups(table.slice(0, 0)).tolist() == []
    assert duplicate_groups(table.select([])).tolist() == [0, 1, 2, 3, 4]


def test_cells_are_not_joined_by_accident():
    table = pa.table({"a": ["x", "xy", ""], "b": ["yz", "z", "xyz"]})
    assert len(set(duplicate_groups(table).tolist())) == 3


def test_rows_without_content_are_blank():
    table = pa.table({"a": [" ", "x", None], "b": pa.array([None, None, 0.0])})
    assert blank_rows(table).tolist() == [True, False, False]


def test_groups_are_joined_where_they_share_a_row():
    joined = joined_groups([np.array([0, 0, 1, 2]), np.array([5, 6, 6, 7]), np.array([0, 1, 2, 3])])
    assert together(joined) == {frozenset({0, 1, 2}), frozenset({3})}
    assert share_group(joined, np.array([True, False, False, False])).tolist() == [True] * 3 + [
        False
    ]
