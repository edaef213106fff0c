"""When to stop: the rules of --stop-when, and what the signs say in words."""

import numpy as np
import pytest

from labelkit.errors import UsageError
from labelkit.ml import stopping
from labelkit.ml.learning_curve import Gain
from labelkit.ml.stopping import Signs
from labelkit.stats.metrics import Figure

SIGNS = Signs(
    labels=200,
    accuracy=Figure(0.9, 0.77, 0.96),
    audits=40,
    kappas=(0.98, 0.99, 1.0),
    uncertainty=0.08,
    gain=Gain(50, 0.4, 0.0, 0.9),
)


@pytest.mark.parametrize(
    ("rule", "stops"),
    [
        ("kappa=.99", True),
        ("kappa=.995", False),
        ("gain=0.4", True),
        ("gain=0.3", False),
        ("accuracy=.9", True),
        ("accuracy=.91", False),
        ("accuracy-low=.77", True),
        ("accuracy-low=.8", False),
        ("uncertainty=.1", True),
        ("uncertainty=.05", False),
        ("labels=200", True),
        ("labels=201", False),
        ("kappa=.99,gain=0.5", True),
        ("kappa = .99, gain = 0.1", False),
    ],
)
def test_a_rule_stops_where_its_conditions_all_hold(rule, stops):
    assert bool(stopping.reached(stopping.rules([rule]), SIGNS)) is stops
    assert bool(stopping.reached(stopping.rules(["labels=9999", rule]), SIGNS)) is stops


def test_what_is_not_known_stops_nothing_and_says_why():
    unknown = Signs(labels=10, accuracy=Figure(1.0, 0.9, 1.0), audits=29, kappas=(1.0, 1.0))
    for rule in ("kappa=0", "gain=100", "accuracy=0", "uncertainty=1"):
        parsed = stopping.rules([rule])
        assert stopping.reached(parsed, unknown) == ""
        assert "is not known" in stopping.not_yet(parsed, unknown)[0]
    assert "labels of 30 audit rows are needed" in stopping.not_yet(
        stopping.rules(["accuracy=.5"]), unknown
    )[0]  # fmt: skip


def test_the_words_name_the_figure_and_the_rule():
    assert stopping.reached(stopping.rules(["kappa=.99"]), SIGNS) == "kappa is 0.99 (kappa=0.99)"
    waits = stopping.not_yet(stopping.rules(["gain=0.1,kappa=.9"]), SIGNS)
    assert waits == ["--stop-when gain=0.1,kappa=0.9: not yet, gain is 0.4 points"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("kapa=.9", "'kapa' is no sign to stop by; did you mean 'kappa'?"),
        ("kappa", "kappa needs a number, as in kappa=.99"),
        ("kappa=high", "kappa needs a number"),
        ("accuracy=90", "accuracy goes from 0 to 1; 90 % is accuracy=0.9"),
        ("kappa=-1", "kappa goes from 0 to 1"),
        ("gain=nan", "gain goes from 0 to 100"),
        ("labels=-5", "labels goes from 0"),
        ("", "'' is no sign to stop by"),
        ("kappa=.9,", "'' is no sign to stop by"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule, message):
    with pytest.raises(UsageError) as refused:
        stopping.rules([rule])
    assert message in str(refused.value)


def test_kappa_by_hand():
    first, second = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    # They agree on 3 of 4, by chance on 2/4 * 1/4 + 2/4 * 3/4 = 1/2 of them.
    assert stopping.kappa(first, second, 2) == pytest.approx((0.75 - 0.5) / 0.5)
    assert stopping.kappa(first, first, 3) == 1.0


def test_a_model_that_knows_one_class_has_not_settled():
    always = np.zeros(5, dtype=np.int64)
    assert stopping.kappa(always, always, 2) is None


@pytest.mark.parametrize(
    ("given", "cost", "price"),
    [(0.3, {"human_label": 1}, 0.3), (None, {"human_label": 1}, 1.0), (None, {}, None)],
)
def test_the_price_of_a_label(given, cost, price):
    assert stopping.price_of_label(given, cost) == price


@pytest.mark.parametrize(("given", "cost"), [(-1.0, {}), (None, {"human_label": "much"})])
def test_a_price_that_cannot_be(given, cost):
    with pytest.raises(UsageError, match="give a number of dollars"):
        stopping.price_of_label(given, cost)


def test_lines_say_what_is_known_and_whether_to_stop():
    lines = stopping.told(SIGNS, 0.30)
    assert lines == [
        "accuracy 90.0% (77.0% to 96.0%), by the labels of 40 audit rows",
        "predictions: kappa 1.000 with the model before the newest labels, 0.990 over 3 rounds "
        "(over the mark 0.99 of 0.9, 0.95, 0.99)",
        "uncertainty of the rows without a label: 0.080 (mean 1 - confidence)",
        "another 50 labels are expected to buy +0.4 points (+0.0 to +0.9; biased) for $15.00: stop",
    ]
    assert stopping.told(Signs(labels=0), 0.30) == []


@pytest.mark.parametrize(
    ("points", "kappas", "verdict"),
    [
        (0.6, (0.99,), "go on"),
        (0.4, (0.95,), "stop"),
        (0.4, (), "stop"),
        (0.4, (0.85,), "go on, predictions still change"),
    ],
)
def test_the_advice_where_no_rule_is_given(points, kappas, verdict):
    signs = SIGNS._replace(gain=Gain(50, points, 0.0, 2.0), kappas=kappas)
    assert stopping.told(signs, None)[-1].endswith(f"biased): {verdict}")


def test_many_rows_are_compared_on_a_sample_of_the_seed():
    rows = stopping.some_rows(9_000, 3)
    assert len(np.unique(rows)) == stopping.MOST_COMPARED
    assert rows.tolist() == stopping.some_rows(9_000, 3).tolist() == sorted(rows.tolist())
    assert stopping.some_rows(5, 0).tolist() == [0, 1, 2, 3, 4]
