"""What is known about labels: how many are right, by class and by source, and which are doubtful.

Everything here comes from rows that do not bias it: audit rows with a human label, or gold where
all labelled rows have it. Rows that people labelled because they were picked are left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.stats import metrics

Codes = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

AUDIT = "audit rows"
GOLD = "rows with gold"
UNSEEN_GOLD = "rows with gold that were not learned from"


class Figure(NamedTuple):
    """The share of `labels` labels that is right, with its 95 % interval, from `rows` rows.

    `people` of the labels are human ones, which count as right. `of` names what is measured where
    it is not the labels of a file.
    """

    value: float
    low: float
    high: float
    rows: int
    basis: str
    labels: int
    people: int = 0
    of: str = ""


class Share(NamedTuple):
    """How many of `rows` rows have a class by the machine, by the truth, and by both."""

    name: str
    machine: int
    truth: int
    both: int
    rows: int


class Agreement(NamedTuple):
    """On how many of `rows` rows two sources agree; `chance` is the share if neither knew."""

    name: str
    rows: int
    same: int
    chance: float


class Source(NamedTuple):
    """A column of labels: its rows, the classes that it names, how often it is right.

    `chance` is the share of `judged` rows on which its labels, dealt out at random, were right.
    """

    name: str
    rows: int
    classes: int
    judged: int
    right: int
    chance: float
    agreements: tuple[Agreement, ...] = ()


class Confidence(NamedTuple):
    """The mean confidence of labels on `rows` rows, of which `right` labels are right."""

    mean: float
    right: int
    rows: int


class Evidence(NamedTuple):
    """What is known of the labels of a file.

    `named` are the classes that machine labels have, `others` how many rows people, gold or other
    sources give another class than the one that all machine labels have. `askable` rows have no
    human label yet; `doubt` holds, for each of them whose label has a confidence, the probability
    that it is wrong, highest first.
    """

    rows: int
    labelled: int
    figure: Figure | None
    shares: tuple[Share, ...]
    sources: tuple[Source, ...]
    confidence: Confidence | None
    named: tuple[str, ...]
    others: int
    machine: int
    askable: int
    doubt: Floats
    basis: str = AUDIT


class Labels(NamedTuple):
    """Machine labels: a class code a row (-1 none), and how sure each is (NaN not known)."""

    codes: Codes
    confidence: Floats


def is_complete(gold: Mask, labelled: Mask) -> bool:
    """Tell whether gold is there for all labels: if not, the rows that have it may be odd ones."""
    return bool(labelled.any() and gold[labelled].all())


def measured(labels: Codes, truth: Codes, judged: Mask, basis: str) -> Figure | None:
    """Return how many labels are right on the judged rows; None without one."""
    rows = judged & (truth >= 0) & (labels >= 0)
    n = int(rows.sum())
    if not n:
        return None
    figure = metrics.accuracy(truth[rows], labels[rows])
    return Figure(*figure, rows=n, basis=basis, labels=int((labels >= 0).sum()))


def gather(
    names: Sequence[str],
    machine: Labels,
    truth: Codes,
    judged: Mask,
    askable: Mask,
    sources: Mapping[str, Codes],
    figure: Figure | None,
    *,
    rows: int,
    labelled: int,
    reader: Codes | None = None,
) -> Evidence:
    """Return what is known of machine labels.

    `truth` are class codes by people or gold (-1 none), `judged` the rows of them that do not bias
    a figure, `askable` the rows that have no human label yet, `sources` the columns that the labels
    come from, `reader` what a model says of the rows that it did not learn from.
    """
    known = judged & (truth >= 0)
    codes, at = machine.codes, known & (machine.codes >= 0)
    has_label = codes >= 0
    used = np.unique(codes[has_label])
    return Evidence(
        rows=rows,
        labelled=labelled,
        figure=figure,
        shares=_shares(names, codes[at], truth[at]),
        sources=tuple(
            _source(name, of_source, truth, known, sources, reader)
            for name, of_source in sources.items()
        ),
        confidence=_confidence(machine, truth, at),
        named=tuple(names[code] for code in used),
        others=_others(used, truth, sources),
        machine=int(has_label.sum()),
        askable=int(askable.sum()),
        doubt=_doubt(machine, askable, len(names), figure),
        basis=AUDIT if figure is None else figure.basis,
    )


def _shares(names: Sequence[str], codes: Codes, truth: Codes) -> tuple[Share, ...]:
    n, k = len(codes), len(names) + 1  # a gold label may be of a class that nobody else gives
    machine, real = np.bincount(codes, minlength=k), np.bincount(truth, minlength=k)
    both = np.bincount(codes[codes == truth], minlength=k)
    found = zip(
        [*names, "another class"], machine.tolist(), real.tolist(), both.tolist(), strict=True
    )
    return tuple(Share(name, m, r, b, n) for name, m, r, b in found if m or r)


def _source(
    name: str,
    codes: Codes,
    truth: Codes,
    known: Mask,
    every: Mapping[str, Codes],
    reader: Codes | None,
) -> Source:
    rows = known & (codes >= 0)
    agreements = [_agreement(other, codes, of) for other, of in every.items() if other != name]
    if reader is not None:
        agreements.append(_agreement("a model of the rows", codes, reader))
    return Source(
        name,
        rows=int((codes >= 0).sum()),
        classes=len(np.unique(codes[codes >= 0])),
        judged=int(rows.sum()),
        right=int((codes == truth)[rows].sum()),
        chance=_chance(codes[rows], truth[known]),
        agreements=tuple(agreements),
    )


def _agreement(name: str, codes: Codes, other: Codes) -> Agreement:
    both = (codes >= 0) & (other >= 0)
    one, two = codes[both], other[both]
    return Agreement(name, len(one), int((one == two).sum()), _chance(one, two))


def _chance(labels: Codes, truth: Codes) -> float:
    """Return how often labels are right that are dealt out at random to rows of these classes."""
    if not len(labels) or not len(truth):
        return 0.0
    k = int(max(labels.max(), truth.max())) + 1
    shares = np.bincount(labels, minlength=k) / len(labels)
    return float(shares @ np.bincount(truth, minlength=k) / len(truth))


def _confidence(machine: Labels, truth: Codes, rows: Mask) -> Confidence | None:
    rows = rows & np.isfinite(machine.confidence)
    n = int(rows.sum())
    if not n:
        return None
    right = int((machine.codes == truth)[rows].sum())
    return Confidence(float(machine.confidence[rows].mean()), right, n)


def _others(used: Codes, truth: Codes, sources: Mapping[str, Codes]) -> int:
    if len(used) != 1:
        return 0
    others = (truth >= 0) & (truth != used[0])
    for codes in sources.values():
        others |= (codes >= 0) & (codes != used[0])
    return int(others.sum())


def _doubt(machine: Labels, askable: Mask, k: int, figure: Figure | None) -> Floats:
    """Return how likely the label of each row is wrong, highest first.

    Confidences say it, scaled so that their sum is what the audit tells of all labels.
    """
    guess = 1 / max(k, 1)
    sure = np.where(machine.codes >= 0, np.nan_to_num(machine.confidence, nan=0.7), guess)
    doubt = np.sort(1 - np.clip(sure[askable], guess, 1))[::-1]
    if figure is not None and len(doubt) and doubt.sum() > 0:
        errors = (1 - figure.value) * figure.labels
        doubt = np.minimum(doubt * errors / doubt.sum(), 1 - guess)
    return np.asarray(doubt, dtype=np.float64)
