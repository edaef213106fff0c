"""The labels of a run and their columns, read in the same way by all commands."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit import console
from labelkit.data.audit import combined_origins, picked_origins
from labelkit.data.columns import AUDIT
from labelkit.data.labels import (
    Labels,
    Mask,
    Texts,
    class_names,
    encode,
    first_filled,
    is_labelled,
    missing_text_warning,
    read_labels,
    spelling_warnings,
)
from labelkit.data.suggestions import SUGGESTING, blind_origins, shown_labels
from labelkit.errors import UsageError
from labelkit.io import history

if TYPE_CHECKING:
    from labelkit.io.table import Table


class JobLabels:
    """The part of a job that reads labels, answers and gold."""

    options: dict[str, Any]

    if TYPE_CHECKING:  # from the job

        @property
        def source(self) -> Table:
            """The input, opened."""

        @property
        def classes(self) -> list[str] | None:
            """The declared classes, in their order."""

        @property
        def rows(self) -> int:
            """The number of rows."""

        @property
        def key_name(self) -> str:
            """The key column, or `row`."""

        def keys(self) -> list[str]:
            """Return each row's key as text."""

        def open(self, *paths: str | Path) -> Table:
            """Open a data file with the reading options of this run."""

        @property
        def steps(self) -> list[dict[str, Any]]:
            """The steps in the history of the input."""

        @property
        def machine_columns(self) -> list[str]:
            """The columns of the file that labelkit wrote."""

        def also_reads(self, path: Path) -> None:
            """Record a file beside the input that the result depends on."""

    def __init__(self) -> None:
        super().__init__()
        self._warned: set[str] = set()
        self._label_cells: dict[str, Texts] = {}
        self._read_answers: dict[Path, tuple[Texts, Texts]] = {}

    def label_columns(self) -> list[str]:
        """Return the label columns; none if there is no column `label` yet.

        Raises UsageError if --label names the gold column, which is not used for training.
        """
        gold = self.options.get("gold")
        label_option = self.options.get("label") or []
        if gold in label_option and label_option:
            raise UsageError(
                f"--label {gold} and --gold {gold}: the gold column is not used for training; "
                f"omit one of the two options"
            )
        columns = [
            name
            for name in label_option or ["label"]
            if name != "label" or (self.source.has("label") and gold != "label")
        ]
        self.source.require(columns, "--label")
        return columns

    def label_texts(self, names: Sequence[str]) -> dict[str, Texts]:
        """Return columns of labels or gold, read like labels in every command ('' for none)."""
        unread = [name for name in dict.fromkeys(names) if name not in self._label_cells]
        self.source.require(unread)
        if unread:
            self._label_cells |= self.source.texts_of(unread)
        for name in unread:
            self.warn_once(missing_text_warning(self._label_cells[name], self.classes, name))
        return {name: read_labels(self._label_cells[name], self.classes) for name in names}

    def is_labelled(self, name: str) -> Mask:
        """Return a mask of the rows with a label in a column, the same for all commands."""
        values = self.label_texts([name])[name]
        return is_labelled(values, self.classes, self.ignores_unknown_labels())

    def warn_once(self, text: str) -> None:
        """Print a warning, unless it is '' or was printed before."""
        if text and text not in self._warned:
            self._warned.add(text)
            console.warn(text)

    def warn_of_spellings(self, classes: Sequence[str]) -> None:
        """Warn about undeclared classes that may be the same class."""
        if self.classes is None:
            for text in spelling_warnings(classes):
                self.warn_once(text)

    def labels(self, named: Sequence[str] | None = None) -> Labels:
        """Return the labels: first from --answers, then from the --label columns in order.

        `named` replaces the --label columns; the gold column is never used. Raises LabelkitError
        for a label outside the declared classes.
        """
        gold = self.options.get("gold")
        columns = (
            self.label_columns() if named is None else [name for name in named if name != gold]
        )
        return self._labels_of(columns, self.options.get("answers") or [], self.audit_mask)

    def known_classes(self) -> list[str]:
        """Return the declared classes, else those of the file's history and its label columns.

        Labels in blind rows are not used.
        """
        if self.classes is not None:
            return list(self.classes)
        recorded = history.known_classes(self.steps)
        gold = self.options.get("gold")
        columns = dict.fromkeys(["label", *self.label_columns(), *SUGGESTING])
        texts = self.label_texts([n for n in columns if self.source.has(n) and n != gold])
        labels = shown_labels(texts, blind_origins(self.source))
        if self.options.get("answers"):
            labels.update(self.labels().classes)
        classes = [*recorded, *sorted(labels.difference(recorded))]
        self.warn_of_spellings(classes)
        return classes

    def human_labels(self) -> Labels | None:
        """Return the human labels: --answers, and the --label columns that are not machine columns.

        None if there is no such column and no answers file. Machine columns are recognised by
        name, or by the file's history.
        """
        by_people = {"label", *(f"{n[: -len('_origin')]}_label" for n in self._origin_columns())}
        columns_of_option = self.label_columns()
        machine = set(self.machine_columns) - by_people
        columns = [name for name in columns_of_option if name not in machine]
        answers = self.options.get("answers") or []
        for name in columns_of_option:
            if name in machine:
                self.warn_once(
                    f"column {console.clean(name)!r} contains machine labels, which do not count "
                    f"as human labels here"
                )
        return self._labels_of(columns, answers, self.audit_mask) if columns or answers else None

    def _origin_columns(self) -> list[str]:
        return self._columns_of("merge", "label", "origin")

    def gold_labels(self) -> Labels:
        """Return the gold column as labels, for a command that reveals it row by row."""
        no_audit = np.zeros(self.rows, dtype=bool)
        return self._labels_of([str(self.options["gold"])], [], no_audit)

    def _labels_of(self, columns: Sequence[str], answers: Sequence[Path], audit: Mask) -> Labels:
        texts = self.label_texts(columns)
        ignore = self.ignores_unknown_labels()
        sources = [
            (name, encode(texts[name], self.classes, ignore, self.source.name, self.keys)[0])
            for name in columns
        ]
        for path in answers:
            sources.insert(0, (str(path), self._answers(path)[0]))
        values, source = first_filled(sources, self.rows)
        if self.classes is not None:
            return Labels(
                *encode(values, self.classes, ignore, self.source.name, self.keys), audit, source
            )
        # A class that only audit rows have must not be used for training.
        classes = class_names(values[~audit])
        unknown = audit & ~np.isin(values.astype(str), classes)
        values_in_classes = np.where(unknown, "", values).astype(object)
        codes = encode(values_in_classes, classes, ignore, self.source.name, self.keys)[1]
        self.warn_of_spellings(classes)
        return Labels(values, codes, classes, audit, source)

    @cached_property
    def audit_mask(self) -> Mask:
        """The mask of audit rows, the same for all commands."""
        return np.asarray(self.origins == AUDIT, dtype=bool)

    @cached_property
    def origins(self) -> Texts:
        """The origin of each row (`label_origin`), '' if unknown.

        From the data and --answers, else from the columns that query wrote; a row is an audit row
        if the data or any answers say so.
        """
        file_origins = [self.source.texts(name) for name in self._origin_columns()]
        answers = [self._answers(path)[1] for path in self.options.get("answers") or []]
        origins = combined_origins([*file_origins, *answers], self.rows)
        return np.where(origins == "", self.picked_origins, origins).astype(object)

    @cached_property
    def picked_origins(self) -> Texts:
        """How query selected the rows of this file, from the columns that it wrote."""
        ranks = [self.source.texts(n) != "" for n in self._columns_of("query", "query", "rank")]
        reasons = [self.source.texts(n) for n in self._columns_of("query", "query", "reason")]
        return picked_origins(ranks, reasons, self.rows)

    def _columns_of(self, command: str, prefix: str, ending: str) -> list[str]:
        """Return the columns with this ending that a command wrote, also under --as."""
        written = [
            str(name)
            for step in self.steps
            if step.get("command") == command
            for name in step.get("columns", [])
            if str(name).endswith(f"_{ending}")
        ]
        return [n for n in dict.fromkeys([f"{prefix}_{ending}", *written]) if self.source.has(n)]

    def ignores_unknown_labels(self) -> bool:
        """Return whether labels outside the classes are ignored instead of being an error."""
        choice = self.options.get("unknown_label", "error")
        if choice not in ("error", "ignore"):
            raise UsageError(f"--unknown-label {choice!r}: choose error or ignore")
        return bool(choice == "ignore")

    def _answers(self, path: Path) -> tuple[Texts, Texts]:
        """Return the label and the origin of each row from an answers file, '' for none.

        If the file has no column `label_origin`, the origins are from query's columns.
        """
        if path not in self._read_answers:
            self._read_answers[path] = self._answers_of(path)
        return self._read_answers[path]

    def _answers_of(self, path: Path) -> tuple[Texts, Texts]:
        from labelkit.data.answers_file import read_answers

        self.also_reads(path)
        answers = read_answers(self.open(path), self.key_name, self.classes)
        matched = answers.matched(self, unknown_keys_are_errors=True)
        values = np.full(self.rows, "", dtype=object)
        origin = np.full(self.rows, "", dtype=object)
        values[matched.rows] = matched.labels  # the last answer to a row counts
        ignore = self.ignores_unknown_labels()
        values = encode(values, self.classes, ignore, answers.name, self.keys)[0]
        says_origin = "label_origin" in answers.details
        origin[matched.rows] = matched.origins if says_origin else self.picked_origins[matched.rows]
        origin[matched.rows[matched.origins == AUDIT]] = AUDIT
        return values, origin

    def gold(self) -> Texts | None:
        """Return the gold labels of the column in --gold, '' for rows without; None without --gold.

        Raises LabelkitError for a gold label outside the declared classes.
        """
        name = self.options.get("gold")
        if not name:
            return None
        self.source.require([name], "--gold")
        values = self.label_texts([name])[name]
        where = f"{self.source.name}, column {name!r} (--gold)"
        return encode(values, self.classes, self.ignores_unknown_labels(), where, self.keys)[0]
