"""The LF summary equals snorkel's own, on random votes."""

import numpy as np
import pytest
from snorkel.labeling import LFAnalysis

from labelkit.weak.analysis.lf_statistics import summarise
from labelkit.weak.vote_patterns import Patterns


@pytest.mark.filterwarnings("ignore:Input has data type")  # scipy about snorkel's call
@pytest.mark.parametrize("seed", range(10))
def test_figures_equal_those_of_snorkel(seed):
    rng = np.random.default_rng(seed)
    functions, classes = rng.integers(1, 6), rng.integers(2, 5)
    silent = rng.random(functions)
    votes = rng.integers(0, classes, (200, functions))
    votes[rng.random(votes.shape) < silent] = -1
    gold = rng.integers(0, classes, 200)
    patterns = Patterns(functions)
    patterns.add(votes.astype(np.int16))
    done = patterns.finish()
    names = [f"lf_{j}" for j in range(functions)]
    ours = summarise(
        names, done.votes, done.counts, done.by_class(gold.astype(np.int32), int(classes))
    )
    theirs = LFAnalysis(votes).lf_summary(gold)
    for summary, (_, row) in zip(ours, theirs.iterrows(), strict=True):
        assert list(summary.polarity) == [int(code) for code in row["Polarity"]]
        assert summary.coverage == pytest.approx(row["Coverage"])
        assert summary.overlaps == pytest.approx(row["Overlaps"])
        assert summary.conflicts == pytest.approx(row["Conflicts"])
        assert summary.correct == row["Correct"] and summary.incorrect == row["Incorrect"]
        if summary.accuracy is None:
            assert summary.votes == 0
        else:
            assert summary.accuracy == pytest.approx(row["Emp. Acc."])


def test_a_function_without_gold_rows_has_no_accuracy():
    votes = np.array([[0, -1], [-1, 1]], np.int16)
    gold = np.array([[1, 0], [0, 0]])
    first, second = summarise(["a", "b"], votes, np.array([2, 3]), gold)
    assert (first.accuracy, second.accuracy) == (1.0, None)
    assert (first.votes, second.votes) == (2, 3)
