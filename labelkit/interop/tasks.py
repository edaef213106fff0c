"""The rows of a file as tasks for people: what they see, what is supposed, what is known."""

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
from labelkit.interop.destination import Place
from labelkit.interop.task_types import (
    ANNOTATOR,
    ORIGIN,
    ROW_CHECK,
    ROW_ID,
    ROW_KEY,
    TAKEN,
    Field,
    Guess,
    Task,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.data.labels import Labels
    from labelkit.job.job import Job


_KEPT_OF_BLIND = (ROW_CHECK, ORIGIN)  # they say which row it is, not what it may be


class Tasks:
    """The chosen rows in order; counts what it hands out."""

    def __init__(self, job: "Job", show: Sequence[str], blind: bool) -> None:
        self._job, self._source = job, job.source
        self.key_name = job.key_name
        self._is_batch = self._source.has(ROW_CHECK)
        self._refuse_our_names()
        self._columns = _seen(job, show)
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
                    f"{self._source.name} has a column {name!r} of its own, and the tasks carry "
                    f"their key under that name; key the rows by it (--id {ROW_ID}), or rename it"
                )

    def _classes(self) -> list[str]:
        if self._job.classes:
            return self._job.classes
        found = self._job.known_classes()
        if not found:
            raise UsageError("which classes are there? Name them: --classes A,B")
        console.note(
            f"classes, as the file's labels have them: "
            f"{listing(console.clean(name) for name in found)} (--classes)"
        )
        return found

    def _keys(self) -> list[str]:
        if self.key_name != "row" or not self._is_batch:
            return self._job.unique_keys()
        # A batch holds some rows of another file, and tells which.
        if not self._source.has("row"):
            raise LabelkitError(
                f"{self._source.name} is a batch without a column 'id' or 'row': which column is "
                f"the key? Name it with --id COLUMN"
            )
        keys = [str(key) for key in self._source.texts("row")]
        check_unique(keys, "row", self._source.name)
        return keys

    def _checks(self) -> list[str]:
        """Return what tells that a row has changed since; '' where that cannot be told."""
        if not self._is_batch:
            try:
                return self._job.row_checks()
            except LabelkitError:  # a binary column; rows known by their place alone need it
                if self.key_name == "row":
                    raise
        return [""] * len(self.keys)

    def chosen(self, start: int, n: int) -> npt.NDArray[np.int64]:
        """Return which of the `n` rows from `start` on are wanted, as places among the n."""
        mask = self._job.chosen
        return np.arange(n) if mask is None else np.flatnonzero(mask[start : start + n])

    def __iter__(self) -> Iterator[Task]:
        said = [(name, confidence_beside(name)) for name in self._guessing]
        told = {
            name
            for name in (ROW_CHECK, ORIGIN, ANNOTATOR, *(n for pair in said for n in pair))
            if self._source.has(name)
        }
        start = 0
        for table in self._texts([*self._columns, *sorted(told)]):
            columns = {name: table.column(name).to_pylist() for name in table.column_names}
            cells = [columns[name] for name in self._columns]
            for i in self.chosen(start, table.num_rows).tolist():
                row = {name: columns[name][i] for name in told}
                place, blind = start + i, str(self._blind[start + i])
                yield self._counted(
                    Task(
                        key=self.keys[place],
                        check=self.checks[place] or row.get(ROW_CHECK, ""),
                        origin=blind or row.get(ORIGIN, ""),
                        cells=self._cells([column[i] for column in cells], bool(blind)),
                        guess=None if blind else self._guess(row, said),
                        label=str(self.known.values[place]),
                        annotator=row.get(ANNOTATOR, ""),
                    )
                )
            start += table.num_rows

    def _cells(self, cells: Sequence[str], blind: bool) -> tuple[str, ...]:
        """Return what people see of a row; of a blind one nothing that labelkit wrote."""
        return tuple(
            "" if blind and hidden else cell
            for cell, hidden in zip(cells, self._hidden, strict=True)
        )

    def _guess(self, row: dict[str, str], said: Sequence[tuple[str, str]]) -> Guess | None:
        for name, confidence in said:
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
        """Yield the wanted rows with all their columns, and their places in the file."""
        import pyarrow as pa

        from labelkit.io.native_text import taken

        names, start = self._source.every_column(), 0
        for batch in self._source.reader.batches(names):
            wanted = self.chosen(start, batch.num_rows)
            self.rows += len(wanted)
            self.labelled += int((self.known.values[start + wanted] != "").sum())
            rows = taken(pa.Table.from_batches([batch]), pa.array(wanted))
            yield self._without_opinions(rows, start + wanted), start + wanted
            start += batch.num_rows
        if not start:
            yield self._source.read(names), np.arange(0)

    def _without_opinions(self, rows: "pa.Table", places: npt.NDArray[np.int64]) -> "pa.Table":
        """Return the rows with no machine column in those that wait to be answered blind."""
        import pyarrow as pa

        waiting = (self._blind[places] != "") & (self.known.values[places] == "")
        machine = set(self._job.machine_columns)
        shown = pa.array(np.arange(len(places)), mask=waiting)
        for at, name in enumerate(rows.column_names):
            if waiting.any() and name in machine and name not in _KEPT_OF_BLIND:
                rows = rows.set_column(at, rows.schema.field(at), rows.column(at).take(shown))
        return rows

    @property
    def metadata(self) -> dict[bytes, bytes]:
        """What a Parquet file says of itself; nothing of others."""
        return dict(getattr(self._source.reader, "metadata", {}))

    @property
    def label_columns(self) -> list[str]:
        """The columns that the known labels come from."""
        return self._job.label_columns()


def _without_machine_labels(labels: "Labels", blind: npt.NDArray[np.bool_]) -> "Labels":
    """Return the labels, those of blind rows only where a person gave them: in `label`."""
    hidden = blind & (labels.column != "label")
    values, codes = labels.values.copy(), labels.codes.copy()
    values[hidden], codes[hidden] = "", -1
    return labels._replace(values=values, codes=codes)


def _seen(job: "Job", show: Sequence[str]) -> list[str]:
    """Return the columns that people see: the texts and those of --show, else all features."""
    job.require(show)
    text = list(job.text) if job.has_text() else []
    others = list(show) if text or show else [n for n in job.visible_columns() if n != job.key_name]
    found = list(dict.fromkeys([*text, *others]))
    if not found:
        raise LabelkitError(f"{job.source.name} has no column to show people; see --text, --show")
    return found


def _named(columns: Sequence[str], texts: int) -> list[Field]:
    """Return the columns under names that every tool bears; the first text is called `text`."""
    found: list[Field] = []
    used = set(TAKEN) if not texts else {*TAKEN, "text"}
    for place, column in enumerate(columns):
        plain = re.sub(r"[^a-z0-9_]", "_", column.lower()).strip("_")[:40] or "column"
        name = "text" if texts and place == 0 else plain
        number = 2
        while name in used and not (texts and place == 0):
            name, number = f"{plain}_{number}", number + 1
        used.add(name)
        found.append(Field(name, column))
    return found


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return round(found, 6) if 0 <= found <= 1 else None


def export(job: "Job", to: str, show: Sequence[str], blind: bool) -> None:
    """Write the rows in a tool's format; raises LabelkitError for what it cannot hold."""
    write = plugins.load("to", to)
    output = job.options.get("output")
    if not output:
        raise UsageError("export needs -o FILE (- for stdout; a folder for --to hf)")
    given = job.options["input"]
    place = Place(str(output), [Path(path) for path in given if path != "-"])
    tasks = Tasks(job, show, blind)
    in_tool = write(tasks, place)
    job.count(
        rows=tasks.rows, guesses=tasks.guesses, labelled=tasks.labelled, classes=len(tasks.classes)
    )
    for path in place.written:
        job.record(path)
    parts = [
        f"{console.count(tasks.rows, 'rows')} for {to}",
        *([f"{tasks.guesses:,} with a guess"] if tasks.guesses else []),
        *([f"{tasks.labelled:,} labelled already"] if tasks.labelled else []),
        console.count(len(tasks.classes), "classes"),
    ]
    job.closing(" · ".join(parts))
    console.note(in_tool)
