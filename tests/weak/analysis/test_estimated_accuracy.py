"""Estimated accuracies, against simulated truth; weights of snorkel; functions to remove."""

import numpy as np
import pytest

from labelkit.weak.analysis.estimated_accuracy import estimated
from tests.weak.test_command import rows

ACCURACIES = {"expert": 0.95, "good": 0.8, "fair": 0.7, "coin": 0.5, "wrong": 0.15}


def simulated(seed, n=3_000):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    columns = {}
    for name, accuracy in ACCURACIES.items():
        votes = np.where(rng.random(n) < accuracy, truth, 1 - truth)
        columns[name] = np.where(rng.random(n) < 0.6, votes, -1)
    return truth, columns


@pytest.mark.parametrize("accuracy", [0.2, 0.5, 0.75, 0.95])
def test_the_truth_lies_in_the_interval_where_the_others_are_calibrated(accuracy):
    rng = np.random.default_rng(3)
    truth = rng.random(2_000) < 0.5
    others = np.where(truth, rng.beta(4, 2, 2_000), rng.beta(2, 4, 2_000))
    votes = np.where(rng.random(2_000) < accuracy, truth, ~truth).astype(int)
    shares = np.column_stack([1 - others, others])
    odds = (others / (1 - others)) ** 2  # the likelihood ratio of the two beta distributions
    exact = odds / (1 + odds)
    shares = np.column_stack([1 - exact, exact])
    found = estimated(votes, shares, np.ones(2_000), np.array([0.5, 0.5]))
    assert found.low <= accuracy <= found.high
    assert found.accuracy == pytest.approx(accuracy, abs=0.05)
    assert found.chance == 0.5


def test_without_another_vote_nothing_is_estimated():
    votes, others = np.zeros(9, int), np.zeros((9, 2))
    assert estimated(votes, others, np.ones(9), np.array([0.5, 0.5])) is None


@pytest.fixture
def report(labelkit, write, tmp_path):
    truth, columns = simulated(5)
    lines = [",".join([*columns, "gold"])]
    lines += [
        ",".join(map(str, row))
        for row in zip(*columns.values(), np.array(["a", "b"])[truth], strict=True)
    ]
    write("votes.csv", "\n".join(lines) + "\n")

    def run(*more):
        votes = [word for name in columns for word in ("--from-votes", name)]
        done = labelkit(
            *["weak-label", "votes.csv", *votes, "--classes", "a,b", "--lf-report", "lf.csv"],
            *more,
        )
        assert done.code == 0, done.err
        return {row["name"]: row for row in rows(tmp_path / "lf.csv")}, done.err

    return run


def test_the_report_has_estimates_with_intervals_and_names_the_worst(report):
    found, said = report()
    for name, accuracy in ACCURACIES.items():
        low, high = (float(found[name][f"estimated_{end}"]) for end in ("low", "high"))
        assert low - 0.03 <= accuracy <= high + 0.03, name
    assert "wrong is right less often than a guess" in said
    assert "; look at some of its votes, then remove it or invert its vote" in said
    assert said.count("less often than a guess") == 1


def test_known_labels_name_the_worst_too(report):
    _, said = report("--gold", "gold", "--label-model", "majority")
    assert said.count("less often than a guess (0.") == 1 and "n=" in said


def test_the_weights_that_snorkel_learns_are_shown(report):
    pytest.importorskip("snorkel")
    found, said = report("--label-model", "snorkel")
    weights = {name: float(row["learned_weight"]) for name, row in found.items()}
    assert "weight" in said
    assert sorted(weights, key=weights.__getitem__) == ["wrong", "coin", "fair", "good", "expert"]
    assert weights["expert"] == pytest.approx(0.95, abs=0.1)
