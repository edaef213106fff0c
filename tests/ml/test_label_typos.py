"""Which labels are taken for another label misspelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.ml import label_typos

words = st.text("abc -_1A", max_size=9)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("Sprots", "Sports"),  # neighbours swapped
        ("Sport", "Sports"),
        ("Sporrts", "Sports"),
        ("sports", "Sports"),
        ("not_spam", "not spam"),
        ("not-spam ", "not spam"),
        ("environmnet al", "environmental"),  # two edits in a long word
    ],
)
def test_a_rare_label_that_looks_like_a_common_one_is_a_typo(wrong, right):
    assert label_typos.find({right: 100, "other things": 90, wrong: 1}) == {wrong: right}


@pytest.mark.parametrize(
    ("rare", "common"),
    [
        ("-1", "1"),
        ("A-", "A"),
        ("1", "11"),
        ("class 1", "class 2"),
        ("class 12", "class 1 2"),
        ("hepatitis a", "hepatitis b"),
        ("type i", "type ii"),
        ("negative", "positive"),
        ("invalid", "valid"),
        ("bad", "bed"),
        ("World", "Sports"),
    ],
)
def test_classes_that_are_merely_alike_are_left_alone(rare, common):
    assert label_typos.find({common: 1000, rare: 1}) == {}


def test_a_label_that_is_not_rare_is_a_class_of_its_own():
    assert label_typos.find({"Sports": 39, "Sprots": 2}) == {}
    assert label_typos.find({"Sports": 40, "Sprots": 2}) == {"Sprots": "Sports"}


def test_case_alone_never_makes_a_class_but_of_single_letters():
    assert label_typos.find({"Spam": 10, "spam": 9, "ham": 5}) == {"spam": "Spam"}
    assert label_typos.find({"A": 10, "a": 9}) == {}
    assert label_typos.find({"M": 100, "F": 90, "m": 1}) == {"m": "M"}


def test_what_was_meant_is_never_itself_a_typo():
    found = label_typos.find({"Sports": 1000, "Sprots": 40, "sprots": 1})
    assert found == {"Sprots": "Sports", "sprots": "Sports"}


@given(words, words)
def test_the_distance_is_symmetric_and_zero_only_for_the_same(a, b):
    there = label_typos._edits(a, b)
    assert there == label_typos._edits(b, a)
    assert (there == 0) == (a == b)
    assert abs(len(a) - len(b)) <= there <= max(len(a), len(b))
    assert label_typos._close(a, b) == label_typos._close(b, a)


@given(st.dictionaries(words.filter(bool), st.integers(1, 1000), max_size=8))
def test_a_typo_means_a_class_that_stays(counts):
    found = label_typos.find(counts)
    assert not set(found) & set(found.values())
    assert set(found) | set(found.values()) <= set(counts)
    assert all(counts[wrong] <= counts[right] for wrong, right in found.items())
