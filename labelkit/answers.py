"""People's answers: read from a file and matched to rows by key, refused where rows changed."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import columns, console
from labelkit.columns import ROW_CHECK, Texts
from labelkit.errors import LabelkitError, listing, nearest

if TYPE_CHECKING:
    from labelkit.table import Table

DETAILS = ("label_origin", "label_annotator", "label_note", "label_flag", "label_seconds")


class Matched(NamedTuple):
    """Answers that belong to rows of a file, in the order of the answers."""

    rows: npt.NDArray[np.int64]
    labels: Texts
    origins: Texts
    annotators: Texts
    seconds: Texts


class Answers(NamedTuple):
    """The lines of an answers file that hold a label, in order."""

    name: str
    key_name: str
    lines: npt.NDArray[np.int64]  # 1-based rows of the file
    keys: Texts
    labels: Texts
    checks: Texts | None
    details: dict[str, Texts]

    def matched(self, job: Any, unknown_keys_are_errors: bool) -> Matched:
        """Find the row of each answer.

        Raises LabelkitError for keys that the data does not have (or leaves them out with a
        warning) and for rows whose content differs from what the person saw.
        """
        place = {key: i for i, key in enumerate(job.unique_keys())}
        rows = np.array([place.get(key, -1) for key in self.keys], dtype=np.int64)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            self._say_unknown(job, unknown, place, unknown_keys_are_errors)
        known = rows >= 0
        self._check_rows(job, rows, known)
        picked = {name: values[known] for name, values in self.details.items()}
        return Matched(
            rows[known],
            self.labels[known],
            picked["label_origin"],
            picked["label_annotator"],
            picked["label_seconds"],
        )

    def _say_unknown(
        self, job: Any, unknown: npt.NDArray[np.int64], place: dict[str, int], refuse: bool
    ) -> None:
        keys = [str(self.keys[i]) for i in unknown]
        first = int(self.lines[unknown[0]])
        text = (
            f"{self.name}, row {first}: {len(keys)} answer{'s' if len(keys) > 1 else ''} with "
            f"{self.key_name} not in {job.source.name}: {listing([repr(k) for k in keys], 5)}"
            f"{nearest(keys[0], place)}"
        )
        if refuse:
            raise LabelkitError(f"{text}; are these the answers to another file?")
        console.warn(text)

    def _check_rows(
        self, job: Any, rows: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]
    ) -> None:
        if self.checks is None or not known.any():
            return
        now = np.array(job.row_checks(), dtype=object)
        wrong = known & (self.checks != "") & (now[np.maximum(rows, 0)] != self.checks)
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            raise LabelkitError(
                f"{self.name}, row {int(self.lines[at])}: {self.key_name} {self.keys[at]!r} now "
                f"has other content in {job.source.name} than when the batch was made "
                f"({int(wrong.sum())} of {int(known.sum())} answers); was the file re-sorted or "
                f"changed? Use the file that query read, or key the rows by --id COLUMN"
            )


def read_answers(source: "Table", key_name: str) -> Answers:
    """Read an answers file, or a batch whose `label` column was filled in.

    Raises LabelkitError where the key or the label column is missing.
    """
    source.require([key_name], "the key of the answers")
    source.require(["label"], "the answers")
    labels = source.texts("label")
    given = labels != ""
    blank = np.full(len(labels), "", dtype=object)
    details = {n: (source.texts(n) if source.has(n) else blank)[given] for n in DETAILS}
    return Answers(
        source.name,
        key_name,
        np.flatnonzero(given) + 1,
        source.texts(key_name)[given],
        labels[given],
        source.texts(columns.ROW_CHECK)[given] if source.has(ROW_CHECK) else None,
        details,
    )
