"""Warnings about votes for classes that are one, and about one class for nearly all rows."""

import json
from pathlib import Path

import pytest

from labelkit.config.label_text import abbreviations

LFS = """
def lf_a(text):
    return "POS" if "good" in text else "NEG" if "bad" in text else None


def lf_b(text):
    return "POSITIVE" if "fine" in text else "NEGATIVE" if "grim" in text else None
"""


def test_abbreviations():
    names = ["NEG", "NEGATIVE", "POS", "Positive", "bug", "bug report", "1", "10", "a", "ab"]
    assert abbreviations(names) == [("NEG", "NEGATIVE"), ("POS", "Positive")]


@pytest.fixture
def films(write):
    words = ("good fine", "bad grim", "good", "grim")
    write("a.csv", "id,text\n" + "".join(f"{i},{words[i % 4]} {i}\n" for i in range(20)))
    write("lfs.py", LFS)


def test_functions_that_mix_names_are_warned_of(labelkit, films):
    done = labelkit("weak-label", "a.csv", "-o", "w.csv", "--functions", "lfs.py")
    assert done.code == 0
    assert "'NEG' and 'NEGATIVE', 'POS' and 'POSITIVE' may be one class" in done.err


@pytest.mark.parametrize("prior", [(), ("--prior", "A=0.95,B=0.05")])
def test_one_class_for_nearly_all_rows_is_warned_of(labelkit, write, prior):
    words = [("lovely warm" if i % 20 else "dull tired") for i in range(400)]
    write("a.csv", "id,text\n" + "".join(f"{i},{w} film {i % 7}\n" for i, w in enumerate(words)))
    done = labelkit(
        *("weak-label", "a.csv", "-o", "w.csv", "--propagate", "--summary", "s.json"),
        *("--keyword", "A=lovely", "--keyword", "B=dull", *prior, "--features", "tfidf"),
    )
    assert done.code == 0, done.err
    assert json.loads(Path("s.json").read_text())["largest_class"]["class"] == "A"
    assert ("if that class is not so common" in done.err) == (not prior)
