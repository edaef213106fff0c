"""What is claimed of all labels from the audit rows: right on average, and covered."""

import numpy as np
import pytest

from labelkit.combine.policy import Decision, with_people
from labelkit.combine.sources import Said
from labelkit.decide.claim import Claim, claimed
from labelkit.stats.metrics import wilson

ROWS = 600


def claim(machine: np.ndarray, people: np.ndarray, audit: np.ndarray) -> Claim | None:
    rows = len(machine)
    none = np.zeros(rows, dtype=bool)
    said = Said(["a", "b"], ["a", "b"], people, audit, audit, none, none, [])
    verdict = Decision(machine, np.where(machine >= 0, 0.8, np.nan), np.full(rows, "weak", object))
    return claimed(said, verdict, with_people(people, verdict), ~none)


def drawn(rng: np.random.Generator, asked: int, audit: int, silent: float = 0.0) -> tuple:
    """A machine that errs on hard rows, of which people are asked the hardest outside the audit."""
    truth = rng.integers(0, 2, ROWS)
    hard = rng.random(ROWS)
    machine = np.where(rng.random(ROWS) < 0.35 * hard**2 + 0.02, 1 - truth, truth)
    machine = np.where(rng.random(ROWS) < silent, -1, machine)
    by_chance = rng.permutation(ROWS)[:audit]
    is_audit = np.isin(np.arange(ROWS), by_chance)
    picked = np.flatnonzero(~is_audit)[np.argsort(-hard[~is_audit])[:asked]]
    people = np.full(ROWS, -1)
    people[by_chance], people[picked] = truth[by_chance], truth[picked]
    final = np.where(people >= 0, people, machine)
    right = float((final == truth)[final >= 0].mean())
    return claim(machine, people, is_audit), right


@pytest.mark.parametrize(
    ("asked", "audit", "silent"), [(0, 40, 0), (60, 40, 0), (200, 40, 0), (200, 150, 0.3)]
)
def test_the_claim_is_right_on_average_and_its_interval_covers(
    asked: int, audit: int, silent: float
) -> None:
    rng = np.random.default_rng(0)
    off, covered = [], []
    for _ in range(400):
        found, right = drawn(rng, asked, audit, silent)
        assert found is not None and found.low <= found.value <= found.high
        off.append(found.value - right)
        covered.append(found.low <= right <= found.high)
    assert abs(np.mean(off)) < 0.01
    assert np.mean(covered) > 0.92


def test_rows_that_people_set_right_are_counted() -> None:
    machine = np.zeros(100, dtype=int)
    people = np.full(100, -1)
    people[:40] = 0
    people[40:60] = [1] * 10 + [0] * 10
    found = claim(machine, people, np.arange(100) < 40)
    assert found is not None
    assert (found.labels, found.people, found.audit) == (100, 60, 40)
    # Voters were right on every audit row, and yet people changed ten of the others.
    assert found.value == found.high == 1.0
    assert found.low == pytest.approx((60 + 40 * wilson(40, 40)[0]) / 100)


def test_where_people_labelled_everything_nothing_is_left_to_chance() -> None:
    people = np.zeros(50, dtype=int)
    found = claim(np.ones(50, dtype=int), people, np.arange(50) < 20)
    assert found is not None and tuple(found[:3]) == (1.0, 1.0, 1.0)


def test_without_audit_rows_that_a_voter_labelled_nothing_is_claimed() -> None:
    people = np.where(np.arange(50) < 20, 0, -1)
    assert claim(np.zeros(50, dtype=int), people, np.zeros(50, dtype=bool)) is None
    silent = np.where(np.arange(50) < 20, -1, 0)
    assert claim(silent, people, np.arange(50) < 20) is None
