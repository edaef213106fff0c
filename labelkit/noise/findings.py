"""What was found on each row: flags, reasons, suggestions, in arrays as long as the file."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.noise.checks.duplicates import Conflict
from labelkit.noise.label_quality import LabelEvidence, LabelQuality
from labelkit.noise.reasons import Speaker
from labelkit.stats.blocks import row_blocks

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
        self.filled_up = np.zeros(rows, dtype=bool)
        self.kind = np.full(rows, "", dtype=object)
        self.reason = np.full(rows, "", dtype=object)

    def add_verdict(self, evidence: LabelEvidence, verdict: LabelQuality) -> None:
        """Take over the method's verdict; the suggestion is the class believed likeliest.

        For a flagged label it is the likeliest of the others.
        """
        rows, names = evidence.rows, np.array(evidence.classes, dtype=object)
        best = np.empty(len(rows), dtype=np.int64)
        for part in row_blocks(*evidence.probabilities.shape):
            among, flagged = evidence.belief(part).copy(), np.flatnonzero(verdict.flag[part])
            among[flagged, evidence.given[part][flagged]] = -1.0
            best[part] = among.argmax(axis=1)
        self.suggested[rows] = names[best]
        self.quality[rows] = verdict.quality
        self.judged[rows] = True
        self.flag[rows] = verdict.flag

    def add_typos(self, meant: Mapping[int, str], evidence: LabelEvidence | None) -> None:
        """Flag labels that look misspelt where the views say that what was meant is right.

        Their probability must be nearer to one than to the share of that class: rows that are
        unlike all others are taken for the most frequent class. Other rows are not judged, for
        they may be of a rare class.
        """
        agreed = _agreed(meant, evidence) if evidence is not None else set()
        for row, name in meant.items():
            agrees = row in agreed and not self.flag[row]
            self.reason[row] = f"typo: {self.given[row]!r} looks like {name!r}"
            self.kind[row] = "typo" if agrees else ""
            self.suggested[row] = name if agrees else ""
            self.quality[row] = 0.0 if agrees else np.nan
            self.judged[row] = self.flag[row] = agrees

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
        self.filled_up[picked] = ~self.flag[picked]
        self.flag[:] = False
        self.flag[picked] = True
        return int(self.filled_up.sum())

    def explain(self, evidence: LabelEvidence, speaker: Speaker | None = None) -> None:
        """Give a reason for each flagged row that has none yet.

        An error is a label that another class clearly beats, an ambiguous one may be either, a
        doubtful one is flagged because so many were asked for. `speaker` adds who says so.
        """
        for place in np.flatnonzero(self.flag[evidence.rows]):
            row = evidence.rows[place]
            if self.kind[row]:
                continue
            chances, given = evidence.belief([place])[0], int(evidence.given[place])
            best = evidence.classes.index(self.suggested[row])
            if best == given:  # flagged by number alone
                best = int(np.argsort(-chances, kind="stable")[1])
                self.suggested[row] = evidence.classes[best]
            clear = chances[best] - chances[given] >= CLOSE
            kind = "error" if clear else "doubtful" if self.filled_up[row] else "ambiguous"
            same = speaker.near_duplicate(int(place)) if speaker is not None else None
            parts = [
                f"model says {evidence.classes[best]} {chances[best]:.2f}, "
                f"given {evidence.classes[given]} {chances[given]:.2f}"
            ]
            if speaker is not None and same is not None:
                kind, label = "duplicate-conflict", evidence.classes[same.label]
                parts.insert(0, f"nearly the same text labelled {label} in {speaker.key(same.row)}")
            if speaker is not None:
                parts += speaker.parts(int(place), best)
            self.kind[row] = kind
            self.reason[row] = f"{kind}: {' · '.join(parts)}"

    def counts(self, among: Mask) -> dict[str, int]:
        """Return how many flagged rows there are of each kind of reason."""
        kinds = self.kind[self.flag & among]
        return {kind: int((kinds == kind).sum()) for kind in KINDS if (kinds == kind).any()}


def _agreed(meant: Mapping[int, str], evidence: LabelEvidence) -> set[int]:
    given, probabilities = evidence.given, evidence.probabilities
    share = np.bincount(given, minlength=len(evidence.classes)) / len(given)
    own = probabilities[np.arange(len(given)), given]
    return set(evidence.rows[own > (1 + share[given]) / 2].tolist()) & meant.keys()
