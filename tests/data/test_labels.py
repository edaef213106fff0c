"""Labels of a column: read, with or without declared classes."""

import numpy as np
import pytest

from labelkit.data.labels import encode, is_labelled, read_labels, spelling_warnings
from labelkit.errors import LabelkitError


def cells(*texts: str) -> np.ndarray:
    return np.array(texts, dtype=object)


def test_labels_of_one_value_are_one_class() -> None:
    values, codes, classes = encode(
        cells("1", "1.0", " 1", "0", "0.0", "", " ", "nan"), None, False, "f", list
    )
    assert classes == ["0", "1"]
    assert codes.tolist() == [1, 1, 1, 0, 0, -1, -1, -1]
    assert values.tolist() == ["1", "1", "1", "0", "0", "", "", ""]


def test_a_label_that_is_ignored_is_no_label() -> None:
    given = cells("GOOD", "unsure", " ", "bad")
    assert is_labelled(given, ["good", "bad"], True).tolist() == [True, False, False, True]
    with pytest.raises(LabelkitError):
        encode(given, ["good", "bad"], False, "f", lambda: ["a", "b", "c", "d"])


def test_labels_that_are_read_already_are_not_copied() -> None:
    given = cells("a", "b")
    assert read_labels(given, None) is given


def test_the_warning_names_both_spellings() -> None:
    (warning,) = spelling_warnings(["Good", "bad", "good"])
    assert "'Good' and 'good'" in warning
    assert spelling_warnings(["a", "b"]) == []
    assert "'NULL'" in spelling_warnings(["NULL", "b"])[0]
