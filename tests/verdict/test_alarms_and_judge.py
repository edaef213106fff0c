"""Alarms, the word and the best step, on plain values."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from labelkit.config import costs
from labelkit.errors import UsageError
from labelkit.stats.metrics import at_most, wilson
from labelkit.verdict import alarms, evidence, judge, steps, summary
from labelkit.verdict.evidence import AUDIT, Evidence, Figure
from labelkit.verdict.judge import CANNOT_TELL, GOOD, NOT_YET, Target

NAMES = ("ham", "spam")
PRICED = costs.prices({"human_label": 0.3, "human_seconds": 12})
ROWS = 1000


def known(
    machine: Any, truth: Any, n: int, sources: Any = None, confidence: float = 0.8
) -> Evidence:
    """What is known of labels by the first n rows as the audit."""
    judged = np.arange(len(truth)) < n
    sure = np.full(len(truth), confidence)
    return evidence.gather(
        NAMES,
        evidence.Labels(machine, sure),
        np.where(judged, truth, -1),
        judged,
        ~judged,
        {"llm_label": machine} if sources is None else sources,
        evidence.measured(machine, truth, judged, AUDIT),
        rows=len(truth),
        labelled=int((machine >= 0).sum()),
    )


def of(figure: Figure | None, **more: Any) -> Evidence:
    doubt = np.full(ROWS, 0.3)
    return Evidence(ROWS, ROWS, figure, (), (), None, NAMES, 0, ROWS, ROWS, doubt)._replace(**more)


def truth_and(right: float, seed: int = 0, rows: int = ROWS) -> tuple[Any, Any]:
    """Two classes, one row in three the second, and labels that are right in a share of rows."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(rows) < 1 / 3).astype(np.int64)
    return truth, np.where(rng.random(rows) < right, truth, 1 - truth)


def codes_of(found: Evidence) -> set[tuple[str, str]]:
    return {(alarm.code, alarm.source) for alarm in alarms.raised(found)}


shares = st.floats(0.5, 0.99)


@given(st.integers(0, 400), st.integers(0, 400), shares)
def test_good_enough_only_where_the_whole_interval_is_above_the_target(
    right: int, wrong: int, target: float
) -> None:
    n = right + wrong
    figure = Figure(right / n, *wilson(right, n), n, AUDIT, ROWS) if n else None
    word = judge.judge(of(figure), [], Target(target, False)).word
    assert (word == GOOD) == (figure is not None and figure.low >= target)
    assert (word == NOT_YET) == (figure is not None and figure.high < target)


@given(st.integers(0, 300), st.integers(1, 300), shares, st.booleans())
def test_a_best_step_wherever_labels_are_not_good_enough(
    right: int, n: int, target: float, is_priced: bool
) -> None:
    right = min(right, n)
    found = of(Figure(right / n, *wilson(right, n), n, AUDIT, ROWS))
    verdict = judge.judge(found, [], Target(target, False))
    price = PRICED if is_priced else costs.prices({})
    step = steps.best(found, [], verdict, Target(target, False), price)
    assert (step is None) == (verdict.word == GOOD)
    if step is not None:
        assert 0 < step.rows <= ROWS and step.gain is not None and step.gain >= 0
        assert (step.dollars is not None) == is_priced
        if step.kind == summary.ASK_AUDIT:
            assert step.width is not None and step.width < (
                wilson(right, n)[1] - wilson(right, n)[0]
            )


@given(st.permutations(["a", "b", "c"]), st.integers(0, 99), st.sampled_from([0, 20, 80]))
def test_the_order_of_sources_makes_no_difference(order: list[str], seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    truth, one = truth_and(0.8, seed, 300)
    every = {"a": one, "b": truth_and(0.2, seed, 300)[1], "c": rng.integers(0, 2, 300)}
    found = known(one, truth, n, {name: every[name] for name in order})
    assert codes_of(found) == codes_of(known(one, truth, n, every))


@pytest.mark.parametrize("n", [20, 100])
def test_what_is_broken_raises_its_alarm(n: int) -> None:
    truth, sound = truth_and(0.85)
    both = {"llm_label": sound, "weak_label": truth_and(0.1, seed=0)[1]}
    code = "worse_than_chance" if n > 20 else "no_better_than_chance"
    assert (code, "weak_label") in codes_of(known(sound, truth, n, both))
    both["weak_label"] = np.random.default_rng(5).integers(0, 2, ROWS)
    assert ("no_better_than_chance", "weak_label") in codes_of(known(sound, truth, n, both))
    both["weak_label"] = np.zeros(ROWS, dtype=np.int64)
    assert ("one_class", "weak_label") in codes_of(known(sound, truth, n, both))
    assert ("one_class", "") in codes_of(known(both["weak_label"], truth, n))
    surer = known(truth_and(0.6)[1], truth, n, confidence=0.99)
    assert ("overconfident", "") in codes_of(surer)


def test_a_class_that_is_named_far_too_often_is_told() -> None:
    truth, _ = truth_and(1.0)
    more = np.where(np.arange(ROWS) % 3, 1, truth)
    (alarm,) = (a for a in alarms.raised(known(more, truth, 200)) if a.code == "class_share")
    assert alarm.text == (
        "'spam' is 74% of the machine labels and 28% of the human labels of the same 200 audit rows"
    )


def test_sound_sources_raise_no_alarm() -> None:
    raised = 0
    for seed in range(40):
        truth, sound = truth_and(0.8, seed)
        # A rule that names one class of few rows, and a source that looks at doubtful rows alone.
        rule = np.where((sound == 1) & (np.arange(ROWS) % 4 == 0), 1, -1)
        doubtful = np.where(sound != truth, truth, -1)
        every = {"a": sound, "rule": rule, "llm": doubtful}
        raised += bool(alarms.raised(known(sound, truth, (0, 20, 60, 200)[seed % 4], every)))
    assert raised <= 2


def test_of_two_sources_that_contradict_each_other_none_is_left_out_unseen() -> None:
    truth, sound = truth_and(0.85)
    found = known(sound, truth, 0, {"a": sound, "b": np.random.default_rng(1).integers(0, 2, ROWS)})
    raised = alarms.raised(found)
    assert [alarm.source for alarm in raised] == ["a", "b"]
    verdict = judge.judge(found, raised, Target())
    step = steps.best(found, raised, verdict, Target(), PRICED)
    assert verdict.word == CANNOT_TELL and step is not None and step.kind == summary.ASK_AUDIT


@given(st.integers(1, 3000), st.floats(0.01, 0.99), st.data())
def test_the_tail_of_the_binomial(n: int, share: float, data: Any) -> None:
    k = data.draw(st.integers(0, n))
    assert at_most(k, n, share) == pytest.approx(
        binom.cdf(k, n, share), abs=1e-8 if n <= 2000 else 0.01
    )


def test_gold_counts_only_where_it_is_there_for_every_label() -> None:
    labelled = np.array([True, True, False])
    assert evidence.is_complete(np.array([True, True, False]), labelled)
    assert not evidence.is_complete(np.array([True, False, True]), labelled)
    assert not evidence.is_complete(np.array([True]), np.array([False]))


def test_words() -> None:
    """The wording of every verdict and step in one place."""
    small = of(Figure(0.8, *wilson(32, 40), 40, AUDIT, 960, 100), labelled=960)
    verdict = judge.judge(small, [], Target())
    assert verdict.word == NOT_YET and verdict.because == (
        "accuracy of 960 labels 0.800 (95% CI 0.652–0.895, n=40 audit rows; 100 human labels count "
        "as right; 40 rows have no label); the target is 0.9 (the default; change it with "
        "--target-accuracy)"
    )
    step = steps.best(small, [], judge.judge(small, [], Target(0.85, False)), Target(0.85), PRICED)
    assert step is not None and step.text == (
        "40 audit rows give ±12 points, 160 more give ±6; $48.00, 0.5 hours"
    )
    unknown = judge.judge(of(None), [], Target(0.95, False))
    assert unknown.because == (
        "no accuracy is claimed: no audit row has a machine label and a human one; the target is "
        "0.95"
    )
    step = steps.best(of(None), [], unknown, Target(), costs.prices({}))
    assert step is not None and step.text == (
        "let people label 100 rows drawn at random: that gives ±8 points; cost not known ([cost] "
        "human_label, human_seconds)"
    )
    low = of(Figure(0.7, *wilson(70, 100), 100, AUDIT, ROWS))
    step = steps.best(low, [], judge.judge(low, [], Target()), Target(), PRICED)
    assert step is not None and step.text == (
        "let people label the 200 least sure rows: +6.0 points expected (the target takes about "
        "667); $60.00, 0.7 hours"
    )


def test_a_target_is_a_share() -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        judge.target_of(95)
    assert judge.target_of(None) == Target(0.9, True)


@pytest.mark.parametrize("command", ["weak-label", "train", "report"])
def test_a_target_is_checked_before_anything_is_written(
    command: str, labelkit: Any, write: Any
) -> None:
    write("a.csv", "id,text,label\n1,warm film,a\n2,dull film,b\n")
    output = {"weak-label": "o.csv", "train": "o.model", "report": "o.html"}[command]
    rules = ("--keyword", "a=warm") if command == "weak-label" else ()
    done = labelkit(command, "a.csv", "-o", output, *rules, "--target-accuracy", "95")
    assert done.code == 2 and not Path(output).exists()
    assert "--target-accuracy 95: give a share between 0 and 1" in done.err


def test_a_figure_of_some_labels_is_not_said_of_all() -> None:
    figure = Figure(0.9, *wilson(36, 40), 40, AUDIT, 300)
    some, every = of(figure), of(figure._replace(labels=ROWS))
    told = judge.figure_words(figure, some)
    assert told.startswith("accuracy of 300 labels ")
    assert "nothing is claimed of 700 other labels" in told
    assert judge.figure_words(every.figure or figure, every).startswith("accuracy of all 1,000 ")
