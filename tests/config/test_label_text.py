"""One spelling for each label, whatever it comes in as."""

import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.config.label_text import (
    ClassReader,
    case_variants,
    is_number,
    label_text,
    split_classes,
)
from labelkit.errors import UsageError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (1.0, "1"),
        ("1.0", "1"),
        ("1.00", "1"),
        (" 1 ", "1"),
        ("2.50", "2.5"),
        (2.5, "2.5"),
        ("-1.0", "-1"),
        (-0.0, "0"),
        ("007", "007"),
        ("007.0", "007"),
        ("1.2.0", "1.2.0"),
        ("E11.10", "E11.10"),
        (np.int64(3), "3"),
        (np.float64(3), "3"),
        (np.float32(0.1), "0.1"),
        (True, "true"),
        (np.bool_(False), "false"),
        ("\u00a0ham\t", "ham"),
        ("cafe\u0301", "café"),
    ],
)
def test_a_value_has_one_spelling(value: object, text: str) -> None:
    assert label_text(value) == text


@pytest.mark.parametrize(
    "value",
    [None, "", "  ", "\t", float("nan"), np.nan, pd.NA, pd.NaT, "nan", "NaN", " nan ", "<NA>"],
)
def test_no_label(value: object) -> None:
    assert label_text(value) == ""


@given(st.text())
def test_reading_twice_is_reading_once(text: str) -> None:
    once = label_text(text)
    assert label_text(once) == once
    assert label_text(unicodedata.normalize("NFD", text)) == label_text(text)


def test_another_case_is_the_declared_class_where_only_one_fits() -> None:
    reader = ClassReader(["Good", "bad", "a", "A", "1", "true"])
    assert [reader.read(value) for value in ("GOOD", " bad ", "a", "A", 1.0, True, "True")] == [
        *("Good", "bad", "a", "A", "1", "true", "true")
    ]
    assert reader.class_of("ugly") is None
    assert reader.read("ugly ") == "ugly"


def test_a_declared_class_may_be_called_nan() -> None:
    assert ClassReader(["nan", "other"]).read("nan") == "nan"
    assert ClassReader(["ok", "other"]).read("nan") == ""


def test_names_that_differ_in_case() -> None:
    assert case_variants(["Good", "bad", "good", "GOOD"]) == [("GOOD", "Good", "good")]


@pytest.mark.parametrize("name", ["1", "-1", "2.5", "007"])
def test_numbers(name: str) -> None:
    assert is_number(name)
    assert not is_number(f"{name}a")


def test_classes_are_read_as_labels_are() -> None:
    assert split_classes("1.0, 2 ,b") == ["1", "2", "b"]
    with pytest.raises(UsageError):
        split_classes("1,1.0")
