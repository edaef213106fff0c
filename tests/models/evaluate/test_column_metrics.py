import numpy as np
import pytest

from labelkit.models.evaluate.column_metrics import against, agreement, bases, compare
from labelkit.stats import metrics

ALL = np.ones(6, dtype=bool)


def test_complete_gold_is_measured_on_all_rows():
    (basis,) = bases(np.array([0, 1, 0, 1, 0, 1]), ALL, ~ALL, people=False)
    assert basis.words == "all rows"
    assert not basis.biased


def test_audit_rows_come_first_and_the_rest_is_biased():
    truth = np.array([0, 1, 0, 1, -1, -1])
    audit = np.array([True, True, False, False, False, True])
    first, second = bases(truth, ALL, audit, people=True)
    assert (first.words, first.biased) == ("audit rows", False)
    assert first.rows.tolist() == [True, True, False, False, False, False]
    assert (second.words, second.biased) == ("rows with gold (biased)", True)
    assert second.rows.sum() == 4


def test_only_audit_rows_leave_no_biased_figure():
    truth = np.array([0, -1, -1, -1, -1, -1])
    found = bases(truth, ALL, truth >= 0, people=True)
    assert [basis.words for basis in found] == ["audit rows"]


def test_people_labels_are_biased_even_when_complete():
    (basis,) = bases(np.zeros(6, dtype=int), ALL, ~ALL, people=True)
    assert basis.biased


def test_figures_of_one_column():
    truth = np.array([0, 0, 1, 1, 1, -1])
    given = np.array([0, 1, 1, 1, -1, 0])
    confidence = np.array([0.9, 0.8, 0.9, np.nan, 0.0, 0.5])
    found = against(truth, given, confidence, truth >= 0, 2, ordinal=True)
    assert (found["rows"], found["labelled"]) == (5, 4)
    assert found["coverage"] == 0.8
    assert found["accuracy"] == 0.75
    assert found["accuracy_interval"] == pytest.approx(metrics.wilson(3, 4))
    assert found["right_of_all"] == 0.6
    assert found["confusion"] == [[1, 1], [0, 2]]
    assert found["mean_absolute_error"] == 0.25
    assert sum(row["rows"] for row in found["reliability"]) == 3
    assert found["kappa_interval"][0] <= found["kappa"] <= found["kappa_interval"][1]


def test_a_column_without_labels_has_no_figures():
    found = against(np.array([0, 1]), np.array([-1, -1]), None, np.ones(2, bool), 2)
    assert found["labelled"] == 0
    assert found["accuracy"] is None


def test_agreement_of_two_columns():
    one, other = np.array([0, 1, 1, -1, 0, 0]), np.array([0, 1, 0, 1, -1, 0])
    found = agreement(one, other, ALL, 2)
    assert found["rows"] == 4
    assert found["agreement"] == 0.75
    nothing = {"rows": 0, "agreement": None, "kappa": None}
    assert agreement(one, np.full(6, -1), ALL, 2) == nothing


def test_comparing_two_columns_on_the_same_rows():
    truth = np.zeros(40, dtype=int)
    one, other = np.zeros(40, dtype=int), np.zeros(40, dtype=int)
    one[:2], other[2:14] = 1, 1
    found = compare(truth, one, other, np.ones(40, dtype=bool))
    assert (found["only_first_right"], found["only_second_right"]) == (12, 2)
    assert found["difference"] == 0.25
    assert found["difference_interval"][0] > 0
    assert found["p"] == pytest.approx(2 * (1 + 14 + 91) / 2**14)
