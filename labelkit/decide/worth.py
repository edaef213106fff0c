"""What each step that made a file is worth: the labels up to it, and the labels without it.

Both are decided again from the columns of the file: nobody is asked and nothing is paid. The same
audit rows (and gold) tell how good they are, so a difference has the interval of pairs of Agresti
and Min (2005), which adds half a row to each kind of pair. A row without a label counts as not
right. Of a large file labels are decided again for rows that are drawn at random, and for those
that people labelled.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from labelkit.combine.opinion_pool import Codes
from labelkit.combine.policy import Decision, Machine, with_people
from labelkit.combine.sources import PEOPLE, Said, Source
from labelkit.data.labels import Mask, Texts
from labelkit.decide.claim import interval
from labelkit.decide.made_by import Part
from labelkit.stats import metrics
from labelkit.stats.metrics import Figure
from labelkit.stats.sampling import some_rows

MOST = 5_000
_INPUT = "input"


class Labels(NamedTuple):
    """Labels of the rows looked at: what is decided, and what is decided without people."""

    final: Codes
    machine: Codes


class Looked(NamedTuple):
    """The rows looked at; of these, which are decided on, and which of them stand for all."""

    rows: Codes
    among: Mask
    drawn: Mask

    @property
    def is_all(self) -> bool:
        """Tell whether no row is left out."""
        return bool((self.among == self.drawn).all())


def looked_at(said: Said, among: Mask, seed: int) -> Looked:
    """Return all rows, of a large file some at random and those that people labelled."""
    every = np.arange(len(among))
    if len(every) <= MOST:
        return Looked(every, among, among)
    drawn = some_rows(np.flatnonzero(among), MOST, np.random.default_rng([seed, 9]))
    rows = np.union1d(drawn, np.flatnonzero(among & (said.people >= 0)))
    return Looked(rows, np.ones(len(rows), dtype=bool), np.isin(rows, drawn))


def figures(
    parts: Sequence[Part],
    said: Said,
    final: Decision,
    told: "Told",
    in_order: Machine | None,
) -> dict[str, Any]:
    """Return the figures of the steps, in order, and of the decision itself, for the summary.

    `in_order` is what the first voter that speaks would give, where voters are weighed.
    """
    labelled = told.among & (final.codes >= 0)
    by_parts = np.any([_spoke(part, len(labelled)) for part in parts], axis=0) if parts else False
    heard = np.asarray(said.people >= 0)
    for source in said.sources:
        heard |= source.voter.codes >= 0
    spoken = labelled & heard & ~by_parts
    found: list[dict[str, Any]] = []
    if spoken.any():
        found.append({"command": _INPUT, "first": int(spoken.sum())} | told.after([*parts]))
    for place, part in enumerate(parts):
        fresh = labelled & _spoke(part, len(labelled)) & ~spoken & (not part.picks)
        spoken |= fresh
        about = {"step": part.place, "command": part.command, "first": int(fresh.sum())}
        found.append(about | told.after(parts[place + 1 :]) | told.without(part))
    own = {"command": "decide", "first": int((labelled & ~spoken).sum())} | told.after([])
    if in_order is not None:
        plain = with_people(said.people, in_order.decision)
        own |= told.beside(Labels(plain.codes, in_order.decision.codes))
    return {"steps": [*found, own], **told.measured_on()}


def _spoke(part: Part, rows: int) -> Mask:
    found = np.zeros(rows, dtype=bool)
    for mask in part.columns.values():
        found |= mask
    return found


class Told:
    """How good labels are: those decided, and those that are decided again without some parts."""

    def __init__(
        self,
        said: Said,
        whole: Labels,
        among: Mask,
        looked: Looked,
        again: Callable[[Said], Machine],
        gold: Texts | None,
    ) -> None:
        """`whole` are the labels of all rows, `again` decides on those looked at."""
        self.among = among
        self._looked, self._again = looked, again
        self._said = _at(said, looked.rows)
        self._whole = _labels_at(whole, looked.rows)
        self._known: dict[Any, Labels] = {}
        self._by_audit = _ByAudit(self._said, looked.among, int(among.sum()))
        truth = None if gold is None else gold[looked.rows]
        self._by_gold = _ByGold(truth, said.names, looked.drawn)

    def measured_on(self) -> dict[str, Any]:
        """Return on how many rows the figures stand."""
        drawn = None if self._looked.is_all else int(self._looked.drawn.sum())
        return {"audit_rows": self._by_audit.n, "gold_rows": self._by_gold.n, "drawn": drawn,
                "gold_biased": self._by_gold.is_biased}  # fmt: skip

    def after(self, later: Sequence[Part]) -> dict[str, Any]:
        """Return how good the labels are that are decided without later parts."""
        labels = self._without(later) if later else self._whole
        if not (labels.final[self._looked.among] >= 0).any():
            return {}
        # Decided again the same labels may come out a little different, as a model learned anew.
        again = self._without([]) if later else self._whole
        found = {}
        for name, measure in (("audit", self._by_audit), ("gold", self._by_gold)):
            figure, whole, same = map(measure.right, (labels, self._whole, again))
            if figure and whole and same:
                shifted = (share - same[0] + whole[0] for share in figure)
                found[name] = [round(min(max(share, 0.0), 1.0), 6) for share in shifted]
        return found

    def without(self, part: Part) -> dict[str, Any]:
        """Return what is lost without a part: rows that get another label, right ones."""
        return self._compared(self._without([]), self._without([part]))

    def beside(self, other: Labels) -> dict[str, Any]:
        """Return what is lost where other labels of all rows stand for those decided."""
        return self._compared(self._whole, _labels_at(other, self._looked.rows))

    def _compared(self, whole: Labels, other: Labels) -> dict[str, Any]:
        differs = (whole.final != other.final) & self._looked.among
        changed = self._in_all(differs)
        most = changed / max(int(self.among.sum()), 1) if self._looked.is_all else 1.0
        found: dict[str, Any] = {"changed": changed}
        for name, measure in (("audit", self._by_audit), ("gold", self._by_gold)):
            gain = measure.gain(whole, other) if changed else measure.nothing()
            if gain is not None:
                # No more can be lost or won than is changed; the value itself lies in its interval.
                value, low, high = (min(max(each, -most), most) for each in gain)
                bounds = (value, min(low, value), max(high, value))
                found[f"{name}_gain"] = [round(each, 6) for each in bounds]
        return found

    def _in_all(self, rows: Mask) -> int:
        """Return of how many rows of the file this is true: those that people labelled are all."""
        if self._looked.is_all:
            return int(rows.sum())
        known = self._said.people >= 0
        standing = self._looked.drawn & ~known
        rest = int(self.among.sum()) - int(known.sum())
        share = float(rows[standing].mean()) if standing.any() else 0.0
        return int(rows[known].sum()) + round(rest * share)

    def _without(self, parts: Sequence[Part]) -> Labels:
        silent: dict[str, Mask] = {}
        for part in parts:
            for column, mask in part.columns.items():
                here = mask[self._looked.rows]
                silent[column] = silent.get(column, False) | here
        undoubted = any(part.doubts for part in parts)
        key = undoubted, tuple((c, np.packbits(m).tobytes()) for c, m in sorted(silent.items()))
        if key not in self._known:
            said = _silenced(self._said, silent, undoubted)
            machine = self._again(said).decision
            self._known[key] = Labels(with_people(said.people, machine).codes, machine.codes)
        return self._known[key]


class _ByAudit:
    """The share of all rows whose label is right, told by audit rows as `claim` tells it."""

    def __init__(self, said: Said, among: Mask, rows: int) -> None:
        known = among & (said.people >= 0)
        self._audit, self._asked = known & said.audit, known & ~said.audit
        self._truth, self._rows = said.people, rows
        self.n = int(self._audit.sum())
        self._rest = rows - self.n

    def _rights(self, labels: Labels) -> tuple[float, float]:
        """Return the rows known to be right, and those of them that are without people."""
        final, machine = labels.final == self._truth, labels.machine == self._truth
        return float(final[self._audit | self._asked].sum()), float(machine[self._asked].sum())

    def right(self, labels: Labels) -> list[float] | None:
        """Return the share with its interval; None without audit rows."""
        if not self.n:
            return None
        share = float((labels.machine == self._truth)[self._audit].mean())
        low, high = interval(share, self.n, self._rest)
        lowest = self._of_all(labels, low, metrics.wilson(self.n, self.n)[0])
        return [round(self._of_all(labels, share), 6), round(lowest, 6),
                round(self._of_all(labels, high), 6)]  # fmt: skip

    def _of_all(self, labels: Labels, share: float, most: float = 1.0) -> float:
        known, by_machine = self._rights(labels)
        unasked = self._rest - int(self._asked.sum())
        others = min(max(self._rest * share - by_machine, 0.0), unasked * most)
        return (known + others) / self._rows

    def gain(self, whole: Labels, other: Labels) -> Figure | None:
        """Return how much larger the share is, with the interval of pairs."""
        if not self.n:
            return None
        one, two = ((each.machine == self._truth)[self._audit] for each in (whole, other))
        low, high = (end - float(one.mean() - two.mean()) for end in _paired(one, two)[1:])
        shares = (float(each.mean()) for each in (one, two))
        value = self._of_all(whole, next(shares)) - self._of_all(other, next(shares))
        weight = self._rest / self._rows
        return Figure(value, value + weight * low, value + weight * high)

    def nothing(self) -> Figure | None:
        """Return the gain of what changes no label."""
        return Figure(0.0, 0.0, 0.0) if self.n else None


class _ByGold:
    """The share of the rows with gold whose label is right."""

    def __init__(self, truth: Texts | None, names: Sequence[str], drawn: Mask) -> None:
        self._names = np.array([*names, ""], dtype=object)
        self._truth = np.full(len(drawn), "", dtype=object) if truth is None else truth
        self._rows = drawn & (self._truth != "")
        self.n = int(self._rows.sum())
        self.is_biased = bool(self.n and self.n < drawn.sum())

    def _is_right(self, labels: Labels) -> Mask:
        right: Mask = (self._names[labels.final] == self._truth)[self._rows]
        return right

    def right(self, labels: Labels) -> list[float] | None:
        """Return the share with its interval; None without gold."""
        right = self._is_right(labels)
        if not self.n:
            return None
        share, ends = float(right.mean()), metrics.wilson(float(right.sum()), self.n)
        return [round(each, 6) for each in (share, *ends)]

    def gain(self, whole: Labels, other: Labels) -> Figure | None:
        """Return how much larger the share is, with the interval of pairs."""
        return _paired(self._is_right(whole), self._is_right(other)) if self.n else None

    def nothing(self) -> Figure | None:
        """Return the gain of what changes no label."""
        return Figure(0.0, 0.0, 0.0) if self.n else None


def _paired(one: Mask, other: Mask) -> Figure:
    """Return the difference of two shares of the same rows with its interval."""
    n, only_one, only_other = len(one), int((one & ~other).sum()), int((other & ~one).sum())
    rows, centre = n + 2, (only_one - only_other) / (n + 2)
    spread = (only_one + only_other + 1) / rows - centre**2
    half = metrics.Z95 * (spread / rows) ** 0.5
    return Figure((only_one - only_other) / n, max(-1.0, centre - half), min(1.0, centre + half))


def _labels_at(labels: Labels, rows: Codes) -> Labels:
    return Labels(labels.final[rows], labels.machine[rows])


def _at(said: Said, rows: Codes) -> Said:
    """Return what a file holds of some rows."""
    if len(rows) == len(said.people):
        return said
    sources = [
        source._replace(
            voter=source.voter.at(rows),
            looked=source.looked[rows],
            undoubted=source.undoubted.at(rows),
        )
        for source in said.sources
    ]
    masks = {
        name: getattr(said, name)[rows] for name in ("audit", "excluded", "flagged", "demoted")
    }
    doubts = None if said.doubts is None else said.doubts.at(rows)
    return said._replace(people=said.people[rows], sources=sources, doubts=doubts, **masks)


def _silenced(said: Said, silent: Mapping[str, Mask], undoubted: bool) -> Said:
    """Return what a file would hold if some had not spoken, or if no label were doubted."""
    sources = [_without_rows(source, silent.get(source.column)) for source in said.sources]
    people = np.where(silent[PEOPLE], -1, said.people) if PEOPLE in silent else said.people
    spoken = [source for source in sources if (source.voter.codes >= 0).any()]
    if undoubted:
        spoken = [source._replace(voter=source.undoubted) for source in spoken]
        said = said._replace(flagged=np.zeros_like(said.flagged), doubts=None)
    return said._replace(people=people, sources=spoken)


def _without_rows(source: Source, silent: Mask | None) -> Source:
    if silent is None or not silent.any():
        return source
    voter, undoubted = (
        each._replace(codes=np.where(silent, -1, each.codes))
        for each in (source.voter, source.undoubted)
    )
    return source._replace(voter=voter, undoubted=undoubted, looked=source.looked & ~silent)
