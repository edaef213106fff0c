"""Human answers: read from a file and matched to rows by key; refused if rows have changed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.data.columns import ROW_CHECK
from labelkit.data.labels import Texts, read_labels
from labelkit.data.spreadsheet_keys import recognise_keys
from labelkit.errors import LabelkitError, listing, nearest

if TYPE_CHECKING:
    from labelkit.io.table import Table

DETAILS = ("label_origin", "label_annotator", "label_note", "label_flag", "label_seconds")
_DELIMITERS = (",", "\t", ";")
_MAX_KEYS_TO_COMPARE = 20_000  # a did-you-mean hint for more keys takes seconds


class AnswerRows(NamedTuple):
    """Rows of an answers file or batch: keys of data rows, and checksums of their content."""

    name: str
    key_name: str
    numbers: npt.NDArray[np.int64]  # 1-based rows of the file
    keys: Texts
    checks: Texts | None

    def rows_in(self, job: Any, unknown_keys_are_errors: bool) -> npt.NDArray[np.int64]:
        """Return the index of the data row of each line, -1 if the data has no such key.

        Raises LabelkitError for (or warns about) unknown keys, and for rows that have changed since
        the batch was written.
        """
        index_by_key = {key: i for i, key in enumerate(job.unique_keys())}
        rows = np.array([index_by_key.get(key, -1) for key in self.keys], dtype=np.int64)
        if (rows < 0).any():
            self._match_changed(job, rows, index_by_key)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            self._report_unknown(job, unknown, index_by_key, unknown_keys_are_errors)
        self._check_rows(job, rows)
        return rows

    def _match_changed(
        self, job: Any, rows: npt.NDArray[np.int64], index_by_key: dict[str, int]
    ) -> None:
        """With --spreadsheet-keys match keys changed by a spreadsheet; else raise LabelkitError."""
        unknown = np.flatnonzero(rows < 0)
        original_keys = recognise_keys([str(self.keys[i]) for i in unknown], list(index_by_key))
        changed = [i for i in unknown if self.keys[i] in original_keys]
        if not changed:
            return
        pairs = {str(self.keys[i]): original_keys[self.keys[i]] for i in changed}
        examples = [f"{console.clean(b)!r} is now {console.clean(a)!r}" for a, b in pairs.items()]
        message = (
            f"{self.name}: a spreadsheet has changed {len(pairs):,} of the keys "
            f"({self.key_name}): {listing(examples, 3)}"
        )
        if not job.own.get("spreadsheet_keys"):
            raise LabelkitError(
                f"{message}. Pass --spreadsheet-keys to merge to match them anyway (in a task "
                f"file: [merge] spreadsheet-keys = true)"
            )
        console.note(f"{message}; they were matched")
        rows[changed] = [index_by_key[original_keys[self.keys[i]]] for i in changed]

    def _report_unknown(
        self, job: Any, unknown: npt.NDArray[np.int64], index_by_key: dict[str, int], refuse: bool
    ) -> None:
        keys = [str(self.keys[i]) for i in unknown]
        what = (
            f"the {self.key_name}"
            if len(keys) == 1
            else f"{console.count(len(keys), 'keys')} ({self.key_name})"
        )
        keys_shown = listing([repr(console.clean(key)) for key in keys], 5)
        hint = nearest(keys[0], index_by_key) if len(index_by_key) <= _MAX_KEYS_TO_COMPARE else ""
        text = (
            f"{self.name}, row {int(self.numbers[unknown[0]])}: {what} {keys_shown} "
            f"{'is' if len(keys) == 1 else 'are'} not in {job.source.name}{hint or '.'}"
        )
        if refuse:
            raise LabelkitError(
                f"{text} Are these answers for another file? If rows were removed, use merge "
                f"--ignore-unknown to skip their answers (in a task file: [merge] "
                f"ignore-unknown = true)"
            )
        console.warn(f"{text} Ignored")

    def _check_rows(self, job: Any, rows: npt.NDArray[np.int64]) -> None:
        if self.checks is None:
            return
        checked = (rows >= 0) & (self.checks != "")
        if not checked.any():
            return
        checks = np.array(job.row_checks(), dtype=object)
        differs = checked & (checks[np.maximum(rows, 0)] != self.checks)
        if differs.any():
            index = int(np.flatnonzero(differs)[0])
            remedy = "use the file that query read, or name a key column with --id COLUMN"
            if self.key_name != "row":
                remedy = f"restore the row, or clear the column {ROW_CHECK} of {self.name} to "
                remedy += "accept the labels anyway"
            raise LabelkitError(
                f"{self.name}, row {int(self.numbers[index])}: {self.key_name} "
                f"{console.clean(self.keys[index])!r} has changed in {job.source.name} since the "
                f"batch was written "
                f"({int(differs.sum())} of {int(checked.sum())} rows); {remedy}"
            )


class MatchedAnswers(NamedTuple):
    """The answers that belong to rows of the data, in the order of the answers file.

    `taken` are their indices in the answers file.
    """

    rows: npt.NDArray[np.int64]
    labels: Texts
    origins: Texts
    annotators: Texts
    seconds: Texts
    taken: npt.NDArray[np.int64]


class Answers(NamedTuple):
    """The rows of an answers file that have a label, in order, with details if it has them."""

    lines: AnswerRows
    labels: Texts
    details: dict[str, Texts]
    unlabelled_seconds: Texts  # label_seconds of rows without a label, which were skipped

    @property
    def name(self) -> str:
        """The file name."""
        return self.lines.name

    def detail(self, name: str) -> Texts:
        """Return a detail of each answer, '' if the file does not have it."""
        blank = np.full(len(self.labels), "", dtype=object)
        return self.details.get(name, blank)

    def seconds(self) -> tuple[list[float], list[float]]:
        """Return the measured seconds of labelled rows, and those of skipped rows.

        Raises LabelkitError if a cell is not a number.
        """
        try:
            labelled, skipped = (
                [float(text) for text in texts if text]
                for texts in (self.detail("label_seconds"), self.unlabelled_seconds)
            )
        except ValueError:
            raise LabelkitError(
                f"{self.name}: column 'label_seconds' contains a cell that is not a number"
            ) from None
        return labelled, skipped

    def matched(self, job: Any, unknown_keys_are_errors: bool) -> MatchedAnswers:
        """Match each answer to a row; raises LabelkitError like `AnswerRows.rows_in`."""
        rows = self.lines.rows_in(job, unknown_keys_are_errors)
        indices = np.flatnonzero(rows >= 0)
        return MatchedAnswers(
            rows[indices],
            self.labels[indices],
            self.detail("label_origin")[indices],
            self.detail("label_annotator")[indices],
            self.detail("label_seconds")[indices],
            indices,
        )


def read_answers(source: "Table", key_name: str, classes: Sequence[str] | None = None) -> Answers:
    """Read an answers file, or a batch whose `label` column was filled in.

    A row may have several answers; the last answer of a person counts. Raises LabelkitError if
    the key or the label column is missing.
    """
    source = reopen_with_spreadsheet_dialect(source, (key_name, "label"))
    source.require([key_name], "the key of the answers")
    source.require(["label"], "the answers")
    labels = read_labels(source.texts("label"), classes)
    answered = np.flatnonzero(labels != "")
    details = source.texts_of([name for name in DETAILS if source.has(name)])
    seconds = details.get("label_seconds", np.zeros(0, dtype=object))
    return Answers(
        _answer_rows(source, key_name, answered),
        labels[answered],
        {name: cells[answered] for name, cells in details.items()},
        seconds[labels == ""] if len(seconds) else seconds,
    )


class Batch(NamedTuple):
    """The rows of a batch, and their origins ('' if unknown)."""

    lines: AnswerRows
    origins: Texts


def read_batch(source: "Table", key_name: str) -> Batch:
    """Read a batch that `query` wrote; raises LabelkitError if the key is missing."""
    source = reopen_with_spreadsheet_dialect(source, (key_name,))
    source.require([key_name], "the key of the batch")
    all_rows = np.arange(source.count())
    blank = np.full(len(all_rows), "", dtype=object)
    origins = source.texts("label_origin") if source.has("label_origin") else blank
    return Batch(_answer_rows(source, key_name, all_rows), origins)


def _answer_rows(source: "Table", key_name: str, indices: npt.NDArray[np.int64]) -> AnswerRows:
    checks = source.texts(ROW_CHECK)[indices] if source.has(ROW_CHECK) else None
    return AnswerRows(source.name, key_name, indices + 1, source.texts(key_name)[indices], checks)


def reopen_with_spreadsheet_dialect(source: "Table", needed: tuple[str, ...]) -> "Table":
    """Return the file opened with the dialect that a spreadsheet saved, if `source` does not fit.

    Batches are comma-separated UTF-8, independent of the delimiter and encoding of the data, and
    in many countries spreadsheets save them with semicolons.
    """
    if source.format not in ("csv", "tsv"):
        return source
    has_columns = all(source.has(name) for name in needed)
    reopened = source
    for delimiter in [source.delimiter] if has_columns else _DELIMITERS:
        for encoding in dict.fromkeys(("utf-8", source.encoding)):
            candidate = _reopened(source, delimiter, encoding)
            if candidate is None or not all(candidate.has(name) for name in needed):
                continue
            reopened = candidate
            if _is_readable(candidate):
                return candidate
    return reopened


def _reopened(source: "Table", delimiter: str, encoding: str) -> "Table | None":
    from labelkit.io.table import Table

    try:
        table = Table(
            source.paths, given_format=source.format, delimiter=delimiter, encoding=encoding
        )
    except LabelkitError:
        return None
    table.name = source.name
    return table


def _is_readable(source: "Table") -> bool:
    try:
        source.count()
    except LabelkitError:
        return False
    return True
