"""How accuracy grows with labels by people, drawn on from trials to as many as a budget buys.

Of voters and n labels by people a share e(n) of the labels of other rows is wrong; it falls by a
power law. People's rows are picked where errors are likely: of all errors, people who label a share
s of the rows find 1 - (1 - s) ** k. Both powers are learned from the trials; where these are few,
they stay near what was seen on sets with all labels known (benchmarks/plan.py).
"""

from collections.abc import Mapping, Sequence
from math import log
from typing import NamedTuple

import numpy as np

from labelkit.plan.trials import LLM, TRIALS, WEAK, Count, Mix
from labelkit.stats import metrics
from labelkit.stats.metrics import Figure

_FIRST = 30  # labels by people from which on a model learns from them
# How steeply errors fall with labels: chosen on rt_polarity and sms_spam (benchmarks/plan.py).
_FALL = {(): 0.2, (WEAK,): 0.15, (LLM,): 0.08, (WEAK, LLM): 0.08}
_FALL_SPREAD = 0.1  # how far it was from that
# With a few labels by people a model that reads the language model's labels of all rows mends a
# part of its errors; a trial has too few of these labels to show it. Chosen likewise.
_MENDED = 0.3
_STEEPEST = 0.6
_PICKING = {(): 1.0, (WEAK,): 1.3, (LLM,): 1.6, (WEAK, LLM): 1.6}  # chosen likewise
_PICKING_WEIGHT = 10.0  # errors that weigh as much as what is expected
_LEAST_PICKING, _MOST_PICKING = 0.8, 3.0


class Curve(NamedTuple):
    """What is expected of voters of one kind, by the number of labels by people.

    Figures are those of all rows where nobody labelled, at the `sizes` that were tried. Errors
    beyond the largest fall by the power `fall`, known up to `spread`; `picking` is how much more
    errors than rows people find; a part `mended` of the errors goes with a few labels by people.
    """

    sizes: tuple[int, ...]
    figures: tuple[Figure, ...]
    fall: float
    spread: float
    picking: float
    mended: float = 0.0

    def accuracy(self, people: int, audit: int, rows: int) -> Figure:
        """Return the accuracy of all rows, people's own counted as right."""
        rest = max(rows - audit, 1)
        left = (1 - min(people, rest) / rest) ** self.picking * (1 - min(audit, rows) / rows)
        left *= 1 - self.mended if people >= _FIRST else 1
        figure = self._of_others(people)
        gain = (1 - left) * (1 - figure.value)
        # The interval stays as wide as it was: how many errors lie where is not sure either.
        moved = Figure(*(min(1.0, value + gain) for value in figure))
        return Figure(1.0, 1.0, 1.0) if people >= rest else moved

    def is_extrapolated(self, people: int) -> bool:
        """Tell whether more labels are meant than any trial had."""
        return people > self.sizes[-1]

    def _of_others(self, people: int) -> Figure:
        """Return the accuracy where nobody labelled: between trials in line, beyond them by law."""
        last = self.sizes[-1]
        if people <= last:
            x = [log(n + _FIRST) for n in self.sizes]
            at = log(people + _FIRST)
            columns = zip(*self.figures, strict=True)
            return Figure(*(float(np.interp(at, x, values)) for values in columns))
        drawn = log(max(people, _FIRST) / max(last, _FIRST))
        figure = self.figures[-1]
        errors = [(1 - value) * float(np.exp(-self.fall * drawn)) for value in figure]
        more = errors[0] * self.spread * drawn * metrics.Z95
        low, high = 1 - errors[1] - more, 1 - errors[2] + more
        return Figure(1 - errors[0], max(0.0, low), min(1.0, high))


def curves(counts: Mapping[Mix, Count]) -> dict[Mix, Curve]:
    """Return the curve of each kind of mix: that without labels by people names it.

    A mix with find-noise is one that is like another, as far as its picks go.
    """
    found = {}
    figures = levelled(counts)
    for kind in dict.fromkeys(mix._replace(people=0) for mix in counts):
        alike = sorted(mix for mix in counts if mix._replace(people=0) == kind)
        sizes = tuple(mix.people for mix in alike)
        near = [mix for mix in counts if mix._replace(people=0, noise=False, model=kind.model)
                == kind._replace(noise=False)]  # fmt: skip
        fall, spread = _fall(kind, [counts[mix] for mix in alike], alike)
        picking = _picking(kind, [counts[mix] for mix in near])
        figs = tuple(figures[mix] for mix in alike)
        mended = _MENDED if LLM in kind.voters and not kind.doubtful else 0.0
        found[kind] = Curve(sizes, figs, fall, spread, picking, mended)
    return found


def _fall(kind: Mix, counts: Sequence[Count], mixes: Sequence[Mix]) -> tuple[float, float]:
    """Return the power by which errors fall, and its standard error.

    What trials say of it is weighed against what is expected, each by how sure it is.
    """
    usual = _FALL[kind.voters]
    tried = [(mix.people, count) for mix, count in zip(mixes, counts, strict=True) if mix.people]
    known = [(n, c) for n, c in tried if 0 < c.right < c.rows]
    if len(known) < 2:
        return usual, _FALL_SPREAD
    x = np.array([log(n) for n, _ in known])
    errors = np.array([1 - c.right / c.rows for _, c in known])
    chance = np.array([c.variance * (1 + 1 / TRIALS) for _, c in known])
    rows = np.array([c.rows for _, c in known])
    # The rows are the same at all sizes, so what differs is a part of their chance.
    variance = (errors * (1 - errors) / rows + chance) / errors**2
    slope = -float(np.polyfit(x, np.log(errors), 1)[0])
    of_slope = float(variance.mean()) / float(((x - x.mean()) ** 2).sum())
    weight = of_slope / (of_slope + _FALL_SPREAD**2)
    fall = weight * usual + (1 - weight) * slope
    return min(max(fall, 0.0), _STEEPEST), (weight * _FALL_SPREAD**2) ** 0.5


def _picking(kind: Mix, counts: Sequence[Count]) -> float:
    """Return the power that tells how many errors are among the rows picked for people."""
    powers, weights = [_PICKING[kind.voters]], [_PICKING_WEIGHT]
    for count in counts:
        errors = 1 - count.right / count.rows
        if count.picked and errors and 0 < count.share < 1:
            found = 1 - count.right_picked / count.picked
            part = min(count.share * found / errors, 0.95)
            powers.append(log(1 - part) / log(1 - count.share))
            weights.append(count.picked * errors)
    mean = float(np.average(powers, weights=weights))
    return min(max(mean, _LEAST_PICKING), _MOST_PICKING)


def levelled(counts: Mapping[Mix, Count]) -> dict[Mix, Figure]:
    """Return the share right of each mix, with its interval.

    Of the same voters more labels by people never count as worse: where a trial says so, chance
    does, and neighbours share their mean (isotonic regression). The interval holds both chances:
    that of the rows measured on, and that of the rows which people happen to get, in the trials
    and in the run to come. So few trials tell the latter only for all numbers of labels together:
    it is taken to fall as labels grow.
    """
    from sklearn.isotonic import isotonic_regression

    figures: dict[Mix, Figure] = {}
    for kind in dict.fromkeys(mix._replace(people=0) for mix in counts):
        alike = sorted(mix for mix in counts if mix._replace(people=0) == kind)
        rows = [max(counts[mix].rows, 1) for mix in alike]
        shares = [counts[mix].right / n for mix, n in zip(alike, rows, strict=True)]
        level = isotonic_regression(shares, sample_weight=rows)
        spread = [counts[mix].variance * mix.people for mix in alike if mix.people]
        of_label = float(np.mean(spread)) * (1 + 1 / TRIALS) if spread else 0.0
        for mix, share, n in zip(alike, map(float, level), rows, strict=True):
            variance = of_label / mix.people if mix.people else 0.0
            figures[mix] = with_chance(share, n, variance)
    return figures


def with_chance(share: float, rows: int, variance: float) -> Figure:
    """Return a share with the interval of as many rows as leave it as unsure as both chances do."""
    of_rows = max(share * (1 - share), 1 / rows) / rows
    worth = rows * of_rows / (of_rows + variance)
    return Figure(share, *metrics.wilson(share * worth, worth))
