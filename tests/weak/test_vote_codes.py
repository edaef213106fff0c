"""A vote that equals a class name is that class, whatever its type."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.weak.vote_codes import Codebook, WrongVote


def codes(votes: list[object], classes: list[str] | None) -> list[int]:
    return Codebook(classes).encode(votes).tolist()


def test_integers_are_names_where_a_class_name_is_a_number() -> None:
    stars = ["1", "2", "3", "4", "5"]
    assert codes([1, "2", 3.0, " 4.0 ", np.int64(5), -1, None, ""], stars) == [
        *(0, 1, 2, 3, 4, -1, -1, -1)
    ]
    assert codes([-1, 0, 1, "-1", None], ["-1", "0", "1"]) == [0, 1, 2, 0, -1]
    with pytest.raises(WrongVote):
        codes([0], stars)
    with pytest.raises(WrongVote):
        codes([1], ["0", "other"])


def test_integers_index_the_class_order_where_no_class_name_is_a_number() -> None:
    assert codes([0, 1, 1.0, -1, "pos", "POS", "Neg "], ["neg", "pos"]) == [0, 1, 1, -1, 1, 1, 0]


def test_booleans_are_classes_only_where_they_are_declared() -> None:
    assert codes([True, np.bool_(False), "True"], ["true", "false"]) == [0, 1, 0]
    assert codes([True, False], ["False", "True"]) == [1, 0]
    with pytest.raises(WrongVote):
        codes([True], ["neg", "pos"])


def test_numbers_with_a_fraction_are_names() -> None:
    assert codes([1.5, "2.50", 2, 3.0], ["1.5", "2", "2.5", "3"]) == [0, 2, 1, 3]
    with pytest.raises(WrongVote):
        codes([0.9], ["1", "2"])


def test_spellings_are_one_class_without_declared_classes() -> None:
    book = Codebook()
    votes = book.encode(["ham", " ham", "cafe\u0301", "café", None])
    classes, remap = book.final()
    assert (classes, remap[votes].tolist()) == (["café", "ham"], [1, 1, 0, 0, -1])
    book = Codebook()
    votes = book.encode([1, "1", 1.0, 0, -1])
    classes, remap = book.final()
    assert (classes, remap[votes].tolist()) == (["0", "1"], [1, 1, 1, 0, -1])


@given(st.permutations(["-1", "0", "1", "2", "7"]), st.integers(1, 5))
def test_every_integer_is_the_class_of_its_name(names: list[str], n: int) -> None:
    classes = names[:n]
    votes: list[object] = [kind(name) for name in classes for kind in (int, str, float)]
    assert codes(votes, classes) == [place for place in range(n) for _ in range(3)]
