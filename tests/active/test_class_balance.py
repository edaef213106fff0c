"""--balance: classes with few labels come first."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelkit.active.selection import balanced
from tests.active.conftest import read, refused, run


def test_the_class_with_the_fewest_labels_is_asked_until_it_has_as_many():
    guesses = np.array([0, 0, 0, 0, 1, 1, 1])
    order = np.arange(7)
    assert balanced(order, guesses, np.array([2, 0])).tolist()[:4] == [4, 5, 0, 6]


@given(
    st.lists(st.integers(0, 3), max_size=30), st.lists(st.integers(0, 9), min_size=4, max_size=4)
)
def test_the_next_row_is_of_the_class_with_the_fewest_labels_by_then(guesses, labels):
    codes = np.array(guesses, dtype=np.int64)
    order = np.random.default_rng(0).permutation(len(codes))
    found = balanced(order, codes, np.array(labels))
    assert sorted(found.tolist()) == list(range(len(codes)))
    have, left = list(labels), list(found.tolist())
    while left:
        row = left.pop(0)
        open_classes = {int(codes[other]) for other in [row, *left]}
        assert have[codes[row]] == min(have[code] for code in open_classes)
        have[codes[row]] += 1
    for code in range(4):
        own = [row for row in found.tolist() if codes[row] == code]
        assert own == [row for row in order.tolist() if codes[row] == code]


def test_the_command_asks_more_of_the_rare_class(labelkit, reviews):
    reviews(240, 60)

    def guessed(*args):
        run(labelkit, "--strategy", "margin", "-n", "20", "--features", "tfidf",
            "--batch", "todo.csv", "--classes", "POS,NEG", *args)  # fmt: skip
        found = [row["query_guess"] for row in read("todo.csv")].count("NEG")
        return found

    # Two in three labels so far are POS.
    assert guessed("--balance") > max(guessed(), 15)


def test_without_a_model_there_is_nothing_to_balance_by(labelkit, reviews):
    reviews(30, 0)
    done = run(labelkit, "--balance", "-n", "5")
    assert "--balance: no model yet" in done.err


def test_stratify_and_balance_exclude_each_other(labelkit, reviews):
    reviews(20, 0)
    done = refused(labelkit, "--balance", "--stratify", "text")
    assert done.code == 2 and "give one of them" in done.err
