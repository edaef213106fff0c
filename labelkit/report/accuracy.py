"""How often each column of labels is right: by audit rows, by gold, and what is biased."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.data.labels import Mask, Texts
from labelkit.report.data import FINAL, ReportData, confidence_of, figures
from labelkit.stats import metrics
from labelkit.stats.metrics import Figure
from labelkit.verdict.evidence import is_complete

BY_AUDIT = "audit rows"
BY_GOLD = "all rows, by gold"
WITHOUT_PEOPLE = f"{FINAL} without people"
BY_PICKED = "rows that people were asked (biased)"


class Judged(NamedTuple):
    """How often a column is right on some rows, `reliability` by what it said of itself.

    `labels`: of how many labels the figure is, where it is not about all of the column.
    """

    column: str
    measured_on: str
    rows: int
    figure: Figure
    biased: bool
    reliability: list[dict[str, Any]]
    labels: int | None = None


class Basis(NamedTuple):
    """Rows whose truth is known; `words` say which they are."""

    words: str
    truth: Texts
    rows: Mask
    biased: bool


def judged(found: ReportData) -> list[Judged]:
    """Return the figures of each column, those to be claimed first."""
    every = []
    for basis in _bases(found):
        for column in found.machines:
            every.append(_on(found, column, basis))
        if basis.truth is found.gold and found.decided:
            every.append(_on(found, FINAL, basis))
    every += _decided(figures(found.latest("decide"))) if found.decided else []
    known = [one for one in every if one.rows]
    return sorted(known, key=lambda one: (one.biased, one.column != FINAL))


def claim(every: list[Judged], measured_on: str = BY_AUDIT) -> Judged | None:
    """Return the figure of the decided labels, else of a column, on rows that do not bias it.

    What the audit claims and what gold says are two figures: neither takes the other's place.
    """
    honest = [one for one in every if not one.biased and one.measured_on == measured_on]
    final = [one for one in honest if one.column == FINAL]
    return next(iter([*final, *honest]), None)


def _bases(found: ReportData) -> list[Basis]:
    people, known, audit = found.people.values, found.by_people, found.people.audit
    bases = [
        Basis(BY_AUDIT, people, known & audit, biased=False),
        Basis(BY_PICKED, people, known & ~audit, biased=True),
    ]
    if found.gold is not None:
        filled = np.asarray(found.gold != "")
        some = not is_complete(filled, np.ones(found.rows, dtype=bool))
        words = "rows with gold (biased)" if some else BY_GOLD
        bases.append(Basis(words, found.gold, filled, biased=some))
    return bases


def _on(found: ReportData, column: str, basis: Basis) -> Judged:
    labels = found.texts(column)
    rows = basis.rows & (labels != "")
    right = np.asarray(labels[rows] == basis.truth[rows])
    n = len(right)
    share = float(right.mean()) if n else float("nan")
    figure = Figure(share, *metrics.wilson(float(right.sum()), n))
    reliability = []
    if found.has(confidence_of(column)) and n:
        said = found.numbers(confidence_of(column))[rows]
        usable = np.isfinite(said) & (said >= 0) & (said <= 1)
        reliability = metrics.reliability(said[usable], right[usable])
    return Judged(column, basis.words, n, figure, basis.biased, reliability)


def _decided(said: Mapping[str, Any]) -> list[Judged]:
    """Return what decide measured: of all labels, and what would stand there without people."""
    found = []
    if said.get("claim"):
        of_all = said["claim"]
        figure = Figure(*(float(of_all[part]) for part in ("value", "low", "high")))
        rows, labels = int(of_all["audit"]), int(of_all["labels"])
        found.append(Judged(FINAL, BY_AUDIT, rows, figure, False, [], labels))
    for name, words in (("audit", BY_AUDIT), ("biased", BY_PICKED)):
        if said.get(f"{name}_rows"):
            parts = (said[f"{name}_accuracy"], said[f"{name}_low"], said[f"{name}_high"])
            figure, rows = Figure(*map(float, parts)), int(said[f"{name}_rows"])
            bins = list(said.get(f"{name}_reliability") or [])
            found.append(Judged(WITHOUT_PEOPLE, words, rows, figure, name == "biased", bins))
    return found


def agreement(found: ReportData, columns: list[str]) -> npt.NDArray[np.float64]:
    """Return how often each two columns agree where both have a label; NaN where none has."""
    texts = [found.texts(name) for name in columns]
    shares = np.full((len(columns), len(columns)), np.nan)
    for i, one in enumerate(texts):
        for j, other in enumerate(texts):
            both = (one != "") & (other != "")
            if i != j and both.any():
                shares[i, j] = float((one[both] == other[both]).mean())
    return shares
