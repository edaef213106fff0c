"""People's answers: read from a file and matched to rows by key, refused where rows changed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.data.columns import ROW_CHECK
from labelkit.data.labels import Texts, read_labels
from labelkit.data.spreadsheet_keys import recognised
from labelkit.errors import LabelkitError, listing, nearest

if TYPE_CHECKING:
    from labelkit.io.table import Table

DETAILS = ("label_origin", "label_annotator", "label_note", "label_flag", "label_seconds")
_DELIMITERS = (",", "\t", ";")
_MOST_TO_COMPARE = 20_000  # a did-you-mean among more keys takes seconds


class Lines(NamedTuple):
    """Lines of a file that stand for rows of the data: a key each, and a check of the content."""

    name: str
    key_name: str
    numbers: npt.NDArray[np.int64]  # 1-based rows of the file
    keys: Texts
    checks: Texts | None

    def rows_in(self, job: Any, unknown_keys_are_errors: bool) -> npt.NDArray[np.int64]:
        """Return the data row of each line, -1 where the data has no such key.

        Raises LabelkitError for keys that the data does not have (or warns of them) and for rows
        whose content differs from what the person saw.
        """
        place = {key: i for i, key in enumerate(job.unique_keys())}
        rows = np.array([place.get(key, -1) for key in self.keys], dtype=np.int64)
        if (rows < 0).any():
            self._match_changed(job, rows, place)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            self._say_unknown(job, unknown, place, unknown_keys_are_errors)
        self._check_rows(job, rows)
        return rows

    def _match_changed(self, job: Any, rows: npt.NDArray[np.int64], place: dict[str, int]) -> None:
        """Find the rows of keys that a spreadsheet changed, with --spreadsheet-keys.

        Raises LabelkitError without it.
        """
        unknown = np.flatnonzero(rows < 0)
        before = recognised([str(self.keys[i]) for i in unknown], list(place))
        changed = [i for i in unknown if self.keys[i] in before]
        if not changed:
            return
        pairs = {str(self.keys[i]): before[self.keys[i]] for i in changed}
        examples = [f"{console.clean(b)!r} is now {console.clean(a)!r}" for a, b in pairs.items()]
        told = (
            f"{self.name}: a spreadsheet has changed {len(pairs):,} of the keys "
            f"({self.key_name}): {listing(examples, 3)}"
        )
        if not job.own.get("spreadsheet_keys"):
            raise LabelkitError(
                f"{told}. Give merge --spreadsheet-keys to match them all the same (in a task "
                f"file: [merge] spreadsheet-keys = true)"
            )
        console.note(f"{told}; they are matched")
        rows[changed] = [place[before[self.keys[i]]] for i in changed]

    def _say_unknown(
        self, job: Any, unknown: npt.NDArray[np.int64], place: dict[str, int], refuse: bool
    ) -> None:
        keys = [str(self.keys[i]) for i in unknown]
        of = (
            f"the {self.key_name}"
            if len(keys) == 1
            else f"{console.count(len(keys), 'keys')} ({self.key_name})"
        )
        named = listing([repr(console.clean(key)) for key in keys], 5)
        close = nearest(keys[0], place) if len(place) <= _MOST_TO_COMPARE else ""
        text = (
            f"{self.name}, row {int(self.numbers[unknown[0]])}: {of} {named} "
            f"{'is' if len(keys) == 1 else 'are'} not in {job.source.name}{close or '.'}"
        )
        if refuse:
            raise LabelkitError(
                f"{text} Are these the answers to another file? Where rows were removed since, "
                f"merge --ignore-unknown leaves their answers out (in a task file: [merge] "
                f"ignore-unknown = true)"
            )
        console.warn(f"{text} Left out")

    def _check_rows(self, job: Any, rows: npt.NDArray[np.int64]) -> None:
        if self.checks is None:
            return
        checked = (rows >= 0) & (self.checks != "")
        if not checked.any():
            return
        now = np.array(job.row_checks(), dtype=object)
        wrong = checked & (now[np.maximum(rows, 0)] != self.checks)
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            remedy = "was the file re-sorted or changed? Use the file that query read, or key the "
            remedy += "rows by --id COLUMN"
            if self.key_name != "row":
                remedy = "put the row back, or, where the labels hold all the same, empty the "
                remedy += f"column {ROW_CHECK} of {self.name}"
            raise LabelkitError(
                f"{self.name}, row {int(self.numbers[at])}: {self.key_name} "
                f"{console.clean(self.keys[at])!r} now "
                f"has other content in {job.source.name} than when the batch was made "
                f"({int(wrong.sum())} of {int(checked.sum())} rows); {remedy}"
            )


class Matched(NamedTuple):
    """Answers that belong to rows of a file, in the order of the answers.

    `taken` are their places among the answers of the file.
    """

    rows: npt.NDArray[np.int64]
    labels: Texts
    origins: Texts
    annotators: Texts
    seconds: Texts
    taken: npt.NDArray[np.int64]


class Answers(NamedTuple):
    """The lines of an answers file that hold a label, in order; details where it has them."""

    lines: Lines
    labels: Texts
    details: dict[str, Texts]
    unlabelled_seconds: Texts  # label_seconds of the lines without a label: rows that were skipped

    @property
    def name(self) -> str:
        """The file."""
        return self.lines.name

    def detail(self, name: str) -> Texts:
        """Return a detail of each answer, '' where the file does not have it."""
        blank = np.full(len(self.labels), "", dtype=object)
        return self.details.get(name, blank)

    def seconds(self) -> tuple[list[float], list[float]]:
        """Return the seconds of labels, and those of rows that were skipped, where measured.

        Raises LabelkitError where a cell is no number.
        """
        try:
            labelled, skipped = (
                [float(text) for text in texts if text]
                for texts in (self.detail("label_seconds"), self.unlabelled_seconds)
            )
        except ValueError:
            raise LabelkitError(
                f"{self.name}: column 'label_seconds' holds a cell that is no number"
            ) from None
        return labelled, skipped

    def matched(self, job: Any, unknown_keys_are_errors: bool) -> Matched:
        """Find the row of each answer; raises as `Lines.rows_in` does."""
        rows = self.lines.rows_in(job, unknown_keys_are_errors)
        taken = np.flatnonzero(rows >= 0)
        return Matched(
            rows[taken],
            self.labels[taken],
            self.detail("label_origin")[taken],
            self.detail("label_annotator")[taken],
            self.detail("label_seconds")[taken],
            taken,
        )


def read_answers(source: "Table", key_name: str, classes: Sequence[str] | None = None) -> Answers:
    """Read an answers file, or a batch whose `label` column was filled in.

    A row may be answered on several lines; of one person's the last counts. Raises LabelkitError
    where the key or the label column is missing.
    """
    source = as_people_write(source, (key_name, "label"))
    source.require([key_name], "the key of the answers")
    source.require(["label"], "the answers")
    labels = read_labels(source.texts("label"), classes)
    given = np.flatnonzero(labels != "")
    details = source.texts_of([name for name in DETAILS if source.has(name)])
    seconds = details.get("label_seconds", np.zeros(0, dtype=object))
    return Answers(
        _lines(source, key_name, given),
        labels[given],
        {name: cells[given] for name, cells in details.items()},
        seconds[labels == ""] if len(seconds) else seconds,
    )


class Batch(NamedTuple):
    """The rows that people were asked for, and why each was picked ('' where it is not said)."""

    lines: Lines
    origins: Texts


def read_batch(source: "Table", key_name: str) -> Batch:
    """Read a batch that `query` wrote; raises LabelkitError where the key is missing."""
    source = as_people_write(source, (key_name,))
    source.require([key_name], "the key of the batch")
    every = np.arange(source.count())
    blank = np.full(len(every), "", dtype=object)
    origins = source.texts("label_origin") if source.has("label_origin") else blank
    return Batch(_lines(source, key_name, every), origins)


def _lines(source: "Table", key_name: str, given: npt.NDArray[np.int64]) -> Lines:
    checks = source.texts(ROW_CHECK)[given] if source.has(ROW_CHECK) else None
    return Lines(source.name, key_name, given + 1, source.texts(key_name)[given], checks)


def as_people_write(source: "Table", needed: tuple[str, ...]) -> "Table":
    """Return the file read as people save it, where the data's own delimiter does not fit.

    Batches are comma-separated UTF-8 whatever the data's delimiter and encoding are, and
    spreadsheets of many countries save them with semicolons.
    """
    if source.format not in ("csv", "tsv"):
        return source
    fits = all(source.has(name) for name in needed)
    found = source
    for delimiter in [source.delimiter] if fits else _DELIMITERS:
        for encoding in dict.fromkeys(("utf-8", source.encoding)):
            tried = _reopened(source, delimiter, encoding)
            if tried is None or not all(tried.has(name) for name in needed):
                continue
            found = tried
            if _is_readable(tried):
                return tried
    return found


def _reopened(source: "Table", delimiter: str, encoding: str) -> "Table | None":
    from labelkit.io.table import Table

    try:
        found = Table(
            source.paths, given_format=source.format, delimiter=delimiter, encoding=encoding
        )
    except LabelkitError:
        return None
    found.name = source.name
    return found


def _is_readable(source: "Table") -> bool:
    try:
        source.count()
    except LabelkitError:
        return False
    return True
