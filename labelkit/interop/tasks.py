"""The rows of a file as tasks for people: the columns shown, suggestions, labels, keys."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.config import plugins
from labelkit.config.label_text import ClassReader
from labelkit.data.row_keys import check_unique
from labelkit.data.suggestions import (
    SUGGESTING,
    blind_origins,
    confidence_beside,
)
from labelkit.errors import LabelkitError, UsageError, listing
from labelkit.interop.destination import Destination
from labelkit.interop.task_types import (
    ANNOTATOR,
    ORIGIN,
    RESERVED_NAMES,
    ROW_CHECK,
    ROW_ID,
    ROW_KEY,
    Field,
    Guess,
    Task,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.data.labels import Labels
    from labelkit.job.job import Job


_KEPT_OF_BLIND = (ROW_CHECK, ORIGIN)  # they identify the row and do not hint at its class


class Tasks:
    """The selected rows in file order; counts the rows, guesses and labels that it yields."""

    def __init__(self, job: "Job", show: Sequence[str], blind: bool) -> None:
        self._job, self._source = job, job.source
        self.key_name = job.key_name
        self._is_batch = self._source.has(ROW_CHECK)
        self._refuse_our_names()
        self._columns = _shown_columns(job, show)
        self.fields = _named(self._columns, len(job.text) if job.has_text() else 0)
        self._blind = blind_origins(self._source)
        machine = set(job.machine_columns)
        self._hidden = [column in machine for column in self._columns]
        own = job.label_columns()
        guessing = [n for n in SUGGESTING if self._source.has(n) and n not in own]
        self._guessing = [] if blind else guessing
        self.known = _without_machine_labels(job.labels(), self._blind != "")
        self.classes = self._classes()
        self._reader = ClassReader(self.classes)
        self.descriptions = job.task.descriptions
        self.guidelines = job.task.guidelines
        self.keys = self._keys()
        self.checks = self._checks()
        self.rows = self.guesses = self.labelled = 0

    def _refuse_our_names(self) -> None:
        # A dataset that was exported before has both, and is keyed by the first.
        for name in (ROW_ID, ROW_KEY):
            if self._source.has(name) and self.key_name != ROW_ID:
                raise UsageError(
                    f"{self._source.name} already has a column {name!r}, a name that the tasks "
                    f"use for the row's key; use it as the key (--id {ROW_ID}), or rename it"
                )

    def _classes(self) -> list[str]:
        if self._job.classes:
            return self._job.classes
        classes = self._job.known_classes()
        if not classes:
            raise UsageError("no classes given; pass --classes A,B")
        console.note(
            f"classes taken from the file's labels: "
            f"{listing(console.clean(name) for name in classes)} (set them with --classes)"
        )
        return classes

    def _keys(self) -> list[str]:
        if self.key_name != "row" or not self._is_batch:
            return self._job.unique_keys()
        # A batch has some rows of another file; its column `row` has their numbers there.
        if not self._source.has("row"):
            raise LabelkitError(
                f"{self._source.name} is a batch without a column 'id' or 'row'; name the key "
                f"column with --id COLUMN"
            )
        keys = [str(key) for key in self._source.texts("row")]
        check_unique(keys, "row", self._source.name)
        return keys

    def _checks(self) -> list[str]:
        """Return each row's checksum, which shows later changes; '' where there is none."""
        if not self._is_batch:
            try:
                return self._job.row_checks()
            except LabelkitError:  # a binary column; only rows without a key column need a check
                if self.key_name == "row":
                    raise
        return [""] * len(self.keys)

    def selected(self, start: int, n: int) -> npt.NDArray[np.int64]:
        """Return the selected rows among the `n` rows from `start` on, as indices from 0 to n-1."""
        mask = self._job.chosen
        return np.arange(n) if mask is None else np.flatnonzero(mask[start : start + n])

    def __iter__(self) -> Iterator[Task]:
        suggestion_columns = [(name, confidence_beside(name)) for name in self._guessing]
        extra_columns = {
            name
            for name in (
                ROW_CHECK,
                ORIGIN,
                ANNOTATOR,
                *(n for pair in suggestion_columns for n in pair),
            )
            if self._source.has(name)
        }
        start = 0
        for table in self._texts([*self._columns, *sorted(extra_columns)]):
            columns = {name: table.column(name).to_pylist() for name in table.column_names}
            cells = [columns[name] for name in self._columns]
            for i in self.selected(start, table.num_rows).tolist():
                row = {name: columns[name][i] for name in extra_columns}
                row_index, blind = start + i, str(self._blind[start + i])
                yield self._counted(
                    Task(
                        key=self.keys[row_index],
                        check=self.checks[row_index] or row.get(ROW_CHECK, ""),
                        origin=blind or row.get(ORIGIN, ""),
                        cells=self._cells([column[i] for column in cells], bool(blind)),
                        guess=None if blind else self._guess(row, suggestion_columns),
                        label=str(self.known.values[row_index]),
                        annotator=row.get(ANNOTATOR, ""),
                    )
                )
            start += table.num_rows

    def _cells(self, cells: Sequence[str], blind: bool) -> tuple[str, ...]:
        """Return the cells shown to people; in blind rows machine columns are empty."""
        return tuple(
            "" if blind and hidden else cell
            for cell, hidden in zip(cells, self._hidden, strict=True)
        )

    def _guess(
        self, row: dict[str, str], suggestion_columns: Sequence[tuple[str, str]]
    ) -> Guess | None:
        for name, confidence in suggestion_columns:
            label = self._reader.class_of(row[name])
            if label is not None:
                return Guess(label, _number(row.get(confidence, "")), name)
        return None

    def _counted(self, task: Task) -> Task:
        self.rows += 1
        self.guesses += task.guess is not None
        self.labelled += task.label != ""
        return task

    def _texts(self, names: Sequence[str]) -> Iterator["pa.Table"]:
        """Yield columns as text, null as ''."""
        from labelkit.io.parquet import as_text_table

        for batch in self._source.batches(names):
            yield as_text_table(batch, self._source.name)

    def whole_rows(self) -> Iterator[tuple["pa.Table", npt.NDArray[np.int64]]]:
        """Yield the selected rows with all their columns, and their row indices in the file."""
        import pyarrow as pa

        from labelkit.io.native_text import taken

        names, start = self._source.every_column(), 0
        for batch in self._source.reader.batches(names):
            selected = self.selected(start, batch.num_rows)
            self.rows += len(selected)
            self.labelled += int((self.known.values[start + selected] != "").sum())
            rows = taken(pa.Table.from_batches([batch]), pa.array(selected))
            yield self._without_machine_columns(rows, start + selected), start + selected
            start += batch.num_rows
        if not start:
            yield self._source.read(names), np.arange(0)

    def _without_machine_columns(
        self, rows: "pa.Table", row_indices: npt.NDArray[np.int64]
    ) -> "pa.Table":
        """Return the rows, with empty machine columns in unanswered blind rows."""
        import pyarrow as pa

        waiting = (self._blind[row_indices] != "") & (self.known.values[row_indices] == "")
        machine = set(self._job.machine_columns)
        shown = pa.array(np.arange(len(row_indices)), mask=waiting)
        for column_index, name in enumerate(rows.column_names):
            if waiting.any() and name in machine and name not in _KEPT_OF_BLIND:
                rows = rows.set_column(
                    column_index,
                    rows.schema.field(column_index),
                    rows.column(column_index).take(shown),
                )
        return rows

    @property
    def metadata(self) -> dict[bytes, bytes]:
        """The metadata of a Parquet file; empty for other formats."""
        return dict(getattr(self._source.reader, "metadata", {}))

    @property
    def label_columns(self) -> list[str]:
        """The columns that the labels come from."""
        return self._job.label_columns()


def _without_machine_labels(labels: "Labels", blind: npt.NDArray[np.bool_]) -> "Labels":
    """Return the labels; in blind rows only human labels (column `label`) are kept."""
    hidden = blind & (labels.column != "label")
    values, codes = labels.values.copy(), labels.codes.copy()
    values[hidden], codes[hidden] = "", -1
    return labels._replace(values=values, codes=codes)


def _shown_columns(job: "Job", show: Sequence[str]) -> list[str]:
    """Return the columns shown to people: text columns and --show, else all features."""
    job.require(show)
    text = list(job.text) if job.has_text() else []
    others = list(show) if text or show else [n for n in job.visible_columns() if n != job.key_name]
    columns = list(dict.fromkeys([*text, *others]))
    if not columns:
        raise LabelkitError(f"{job.source.name} has no column to show; pass --text or --show")
    return columns


def _named(columns: Sequence[str], texts: int) -> list[Field]:
    """Return the columns with names that all tools accept; the first text column is `text`."""
    fields: list[Field] = []
    used_names = set(RESERVED_NAMES) if not texts else {*RESERVED_NAMES, "text"}
    for index, column in enumerate(columns):
        plain = re.sub(r"[^a-z0-9_]", "_", column.lower()).strip("_")[:40] or "column"
        name = "text" if texts and index == 0 else plain
        number = 2
        while name in used_names and not (texts and index == 0):
            name, number = f"{plain}_{number}", number + 1
        used_names.add(name)
        fields.append(Field(name, column))
    return fields


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return round(number, 6) if 0 <= number <= 1 else None


def export(job: "Job", to: str, show: Sequence[str], blind: bool) -> None:
    """Write the rows in a tool's format; raises LabelkitError if the format cannot hold them."""
    write = plugins.load("to", to)
    output = job.options.get("output")
    if not output:
        raise UsageError("export needs -o FILE (- for stdout; a folder for --to hf)")
    inputs = job.options["input"]
    destination = Destination(str(output), [Path(path) for path in inputs if path != "-"])
    tasks = Tasks(job, show, blind)
    next_step = write(tasks, destination)
    job.count(
        rows=tasks.rows, guesses=tasks.guesses, labelled=tasks.labelled, classes=len(tasks.classes)
    )
    for path in destination.written:
        job.record(path)
    parts = [
        f"{console.count(tasks.rows, 'rows')} for {to}",
        *([f"{tasks.guesses:,} with a guess"] if tasks.guesses else []),
        *([f"{tasks.labelled:,} already labelled"] if tasks.labelled else []),
        console.count(len(tasks.classes), "classes"),
    ]
    job.print_summary(" · ".join(parts))
    console.note(next_step)
