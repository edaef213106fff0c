"""Flags, reasons and suggestions of each row, from the verdict to the columns."""

import numpy as np
import pytest

from labelkit.noise.checks.duplicates import Conflict
from labelkit.noise.findings import Findings
from labelkit.noise.label_quality import LabelEvidence, LabelQuality

NAMES = ["neg", "pos"]
EVERY = np.ones(6, dtype=bool)


def findings(given=("neg", "pos", "neg", "pos", "neg", "")):
    return Findings(len(given), np.array(given, dtype=object))


def evidence():
    """Rows 1 to 4 with the chance of their own label."""
    own = np.array([0.1, 0.45, 0.8, 0.95])
    given = np.array([1, 0, 1, 0])
    chances = np.empty((4, 2))
    chances[np.arange(4), given], chances[np.arange(4), 1 - given] = own, 1 - own
    return LabelEvidence(np.array([1, 2, 3, 4]), given, NAMES, chances, "by hand")


def judged(flag=(True, True, True, False)):
    found = findings()
    found.add_verdict(evidence(), LabelQuality(np.array([0.1, 0.45, 0.8, 0.95]), np.array(flag)))
    return found


def test_the_suggestion_is_the_most_probable_class_and_another_one_where_flagged():
    found = judged()
    assert found.suggested.tolist() == ["", "neg", "pos", "neg", "neg", ""]
    assert found.judged.tolist() == [False, True, True, True, True, False]
    assert np.isnan(found.quality[[0, 5]]).all()


def test_reasons_tell_an_error_from_a_close_call_and_from_a_doubt():
    found = judged()
    found.explain(evidence())
    assert found.reason.tolist() == [
        "",
        "error: model says neg 0.90, given pos 0.10",
        "ambiguous: model says pos 0.55, given neg 0.45",
        "ambiguous: model says neg 0.20, given pos 0.80",
        "",
        "",
    ]
    assert found.counts(EVERY) == {"error": 1, "ambiguous": 2}
    assert found.counts(np.arange(6) > 2) == {"ambiguous": 1}


def seen(chance, rows=10):
    """LabelEvidence of rows that are half `pos`, the first of them as sure as `chance`."""
    given = np.arange(rows) % 2
    probabilities = np.tile([chance, 1 - chance], (rows, 1))
    return LabelEvidence(np.arange(rows), given, ["positive", "neg"], probabilities, "a test")


def test_a_typo_is_flagged_where_the_views_agree():
    found = Findings(10, np.array(["psitive\n", *["pos"] * 9], dtype=object))
    found.add_typos({0: "positive"}, seen(0.9))
    assert found.reason[0] == "typo: 'psitive\\n' looks like 'positive'"
    assert found.flag[:2].tolist() == found.judged[:2].tolist() == [True, False]
    assert found.quality[0] == 0 and found.suggested[0] == "positive"


@pytest.mark.parametrize("evidence", [None, seen(0.3), seen(0.6)])
def test_a_typo_is_not_flagged_where_the_views_are_not_sure(evidence):
    found = Findings(10, np.full(10, "psitive", dtype=object))
    found.add_typos({0: "positive"}, evidence)
    assert not found.flag.any() and not found.judged.any()
    assert np.isnan(found.quality).all()


def name(row):
    return f"row {row}"


def test_the_outvoted_label_of_equal_texts_is_flagged():
    found = findings()
    found.add_conflict(Conflict(np.array([0, 1, 2]), winner=0), NAMES, name)
    assert found.flag.tolist() == [False, True, False, False, False, False]
    assert found.suggested[1] == "neg"
    assert found.reason[1] == "duplicate-conflict: same text labelled neg in row 0 and 1 more"
    assert found.reason[0] == "duplicate-conflict: same text labelled pos in row 1"
    assert found.judged.tolist() == [True, True, True, False, False, False]


def test_a_tie_is_told_and_not_judged():
    found = findings()
    found.add_conflict(Conflict(np.array([0, 1]), winner=-1), NAMES, name)
    assert not found.flag.any() and not found.judged.any()
    assert found.reason[0] == "duplicate-conflict: same text labelled pos in row 1"


def test_a_label_that_wins_and_that_the_model_doubts_keeps_the_models_word():
    found = judged()
    found.add_conflict(Conflict(np.array([0, 1, 3]), winner=1), NAMES, name)
    found.explain(evidence())
    assert found.reason[1].startswith("error: model says neg")
    assert found.suggested[1] == "neg" and found.flag[1]
    assert found.flag[0] and found.suggested[0] == "pos"


def test_a_misspelt_label_among_equal_texts_stays_a_typo():
    found = Findings(3, np.array(["pso", "neg", "pos"], dtype=object))
    found.add_typos({0: "pos"}, LabelEvidence(np.arange(3), np.array([0, 1, 0]), ["pos", "neg"],
                                         np.array([[0.95, 0.05]] * 3), "a test"))  # fmt: skip
    found.add_conflict(Conflict(np.array([0, 1, 2]), winner=1), NAMES, name)
    assert found.reason[0].startswith("typo")
    assert found.reason[1] == "duplicate-conflict: same text labelled pso in row 0 and 1 more"


def test_a_great_many_equal_texts_take_no_time():
    rows = 200_000
    given = np.where(np.arange(rows) % 2 == 0, "neg", "pos").astype(object)
    found = Findings(rows, given)
    found.add_conflict(Conflict(np.arange(rows), winner=0), NAMES, name)
    assert found.flag.sum() == rows // 2


@pytest.mark.parametrize(
    ("most", "flagged"),
    [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (4, [1, 2, 3, 4]), (9, [1, 2, 3, 4])],
)
def test_a_limit_takes_the_flagged_of_lowest_quality_then_the_next(most, flagged):
    found = judged((True, False, True, False))
    found.flag[3] = False
    filling_up = found.limit(most, EVERY)
    assert filling_up == max(0, min(most, 4) - 1)
    assert np.flatnonzero(found.flag).tolist() == flagged


def test_flagged_rows_go_before_rows_of_lower_quality():
    found = judged((False, False, True, False))
    found.limit(1, EVERY)
    assert np.flatnonzero(found.flag).tolist() == [3]


def test_a_limit_counts_the_chosen_rows_alone():
    found = judged()
    found.limit(1, np.arange(6) > 1)
    assert np.flatnonzero(found.flag).tolist() == [2]
