"""What was found on each row: flags, reasons, suggestions, in arrays as long as the file."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.noise.duplicates import Conflict
from labelkit.noise.judging import Evidence, Verdict

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

CLOSE = 0.2  # a lead of the suggested class below this is called ambiguous
KINDS = ("typo", "duplicate-conflict", "error", "ambiguous", "doubtful")


class Findings:
    """One value a row of the file for each column that is written.

    `judged` rows have a flag; `quality` is NaN where the model could not judge; `kind` and
    `reason` are '' where there is nothing to say.
    """

    def __init__(self, rows: int, given: npt.NDArray[np.object_]) -> None:
        self.given = given
        self.suggested = np.full(rows, "", dtype=object)
        self.quality = np.full(rows, np.nan)
        self.judged = np.zeros(rows, dtype=bool)
        self.flag = np.zeros(rows, dtype=bool)
        self.kind = np.full(rows, "", dtype=object)
        self.reason = np.full(rows, "", dtype=object)

    def add_verdict(self, evidence: Evidence, verdict: Verdict) -> None:
        """Take over the method's verdict; the suggestion is the most probable class.

        For a flagged label it is the most probable of the others.
        """
        rows, names = evidence.rows, np.array(evidence.classes, dtype=object)
        among = evidence.probabilities.copy()
        flagged = np.flatnonzero(verdict.flag)
        among[flagged, evidence.given[flagged]] = -1.0
        best = among.argmax(axis=1)
        self.suggested[rows] = names[best]
        self.quality[rows] = verdict.quality
        self.judged[rows] = True
        self.flag[rows] = verdict.flag

    def add_typos(self, rows: Codes, meant: Sequence[str]) -> None:
        """Flag labels that are misspelt, whatever the model says of what was meant."""
        for row, name in zip(rows, meant, strict=True):
            self.kind[row] = "typo"
            self.reason[row] = f"typo: {self.given[row]!r} looks like {name!r}"
            self.suggested[row] = name
        self.judged[rows] = True
        self.flag[rows] = True
        self.quality[rows] = 0.0

    def add_conflict(self, conflict: Conflict, names: Sequence[str], where: Any) -> None:
        """Say that equal texts have different labels, and flag those that are outvoted.

        A label that wins and that the model doubts keeps the model's reason. `where(row)` names a
        row for people.
        """
        rows = conflict.rows
        winner = names[conflict.winner] if conflict.winner >= 0 else None
        for label in dict.fromkeys(self.given[rows]):
            mine = self.given[rows] == label
            others = rows[~mine]
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            said = rows[mine & (self.kind[rows] != "typo")]
            if label == winner:
                self.judged[said] = True
                said = said[~self.flag[said]]
            self.kind[said] = "duplicate-conflict"
            self.reason[said] = (
                f"duplicate-conflict: same text labelled {self.given[others[0]]} "
                f"in {where(others[0])}{more}"
            )
            if winner is not None:
                self.suggested[said] = winner
                self.judged[said] = True
                self.flag[said] |= label != winner

    def limit(self, most: int, among: Mask) -> int:
        """Flag exactly so many rows: the flagged ones of lowest quality, then the next lowest.

        Returns how many were not flagged before.
        """
        rows = np.flatnonzero(self.judged & among)
        worst = np.lexsort((np.nan_to_num(self.quality[rows], nan=1.0), ~self.flag[rows]))
        picked = rows[worst[:most]]
        filling_up = int((~self.flag[picked]).sum())
        self.flag[:] = False
        self.flag[picked] = True
        return filling_up

    def explain(self, evidence: Evidence) -> None:
        """Give a reason for each flagged row that has none yet."""
        order = np.argsort(-evidence.probabilities, axis=1, kind="stable")
        for place in np.flatnonzero(self.flag[evidence.rows]):
            row = evidence.rows[place]
            if self.kind[row]:
                continue
            chances, given = evidence.probabilities[place], evidence.given[place]
            best = order[place, 0] if order[place, 0] != given else order[place, 1]
            lead = chances[best] - chances[given]
            kind = "doubtful" if lead <= 0 else "ambiguous" if lead < CLOSE else "error"
            self.kind[row] = kind
            self.reason[row] = (
                f"{kind}: model says {evidence.classes[best]} {chances[best]:.2f}, "
                f"given {evidence.classes[given]} {chances[given]:.2f}"
            )

    def counts(self, among: Mask) -> dict[str, int]:
        """Return how many flagged rows there are of each kind of reason."""
        kinds = self.kind[self.flag & among]
        return {kind: int((kinds == kind).sum()) for kind in KINDS if (kinds == kind).any()}
