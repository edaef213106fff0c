"""The labels of a run: which columns hold them, read in one way for all commands."""

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

    if TYPE_CHECKING:  # what the job has beside

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
            """The key's column, or `row`."""

        def keys(self) -> list[str]:
            """Return each row's key as text."""

        def open(self, *paths: str | Path) -> Table:
            """Open a data file with the reading options of this run."""

        @property
        def steps(self) -> list[dict[str, Any]]:
            """The steps that made the input, by its history."""

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
        """Return the columns that labels come from; an absent `label` means none yet.

        Raises UsageError where --label names the gold column, which nothing is learned from.
        """
        gold = self.options.get("gold")
        named = self.options.get("label") or []
        if gold in named and named:
            raise UsageError(
                f"--label {gold} and --gold {gold}: labels are not learned from the gold column; "
                f"leave one of the two out"
            )
        columns = [
            name
            for name in named or ["label"]
            if name != "label" or (self.source.has("label") and gold != "label")
        ]
        self.source.require(columns, "--label")
        return columns

    def label_texts(self, names: Sequence[str]) -> dict[str, Texts]:
        """Return columns that hold labels or gold, as every command reads a label ('' none)."""
        unread = [name for name in dict.fromkeys(names) if name not in self._label_cells]
        self.source.require(unread)
        if unread:
            self._label_cells |= self.source.texts_of(unread)
        for name in unread:
            self.warn_once(missing_text_warning(self._label_cells[name], self.classes, name))
        return {name: read_labels(self._label_cells[name], self.classes) for name in names}

    def is_labelled(self, name: str) -> Mask:
        """Return which rows have a label in a column, the same for all commands."""
        values = self.label_texts([name])[name]
        return is_labelled(values, self.classes, self.ignores_unknown_labels())

    def warn_once(self, text: str) -> None:
        """Warn, unless it was said before or there is nothing to say."""
        if text and text not in self._warned:
            self._warned.add(text)
            console.warn(text)

    def warn_of_spellings(self, classes: Sequence[str]) -> None:
        """Warn of classes that may be one, where nobody declared them."""
        if self.classes is None:
            for text in spelling_warnings(classes):
                self.warn_once(text)

    def labels(self, named: Sequence[str] | None = None) -> Labels:
        """Return the labels so far: --label columns in order, people's --answers before them.

        `named` stands for the --label columns; the gold column is never among them. Raises
        LabelkitError for a label outside the declared classes.
        """
        gold = self.options.get("gold")
        among = self.label_columns() if named is None else [name for name in named if name != gold]
        return self._labels_of(among, self.options.get("answers") or [], self.audit_mask)

    def known_classes(self) -> list[str]:
        """Return the declared classes, else those of the file's history and its label columns.

        Labels in rows that are answered blind are not looked at.
        """
        if self.classes is not None:
            return list(self.classes)
        named = history.known_classes(self.steps)
        gold = self.options.get("gold")
        columns = dict.fromkeys(["label", *self.label_columns(), *SUGGESTING])
        read = self.label_texts([n for n in columns if self.source.has(n) and n != gold])
        labels = shown_labels(read, blind_origins(self.source))
        if self.options.get("answers"):
            labels.update(self.labels().classes)
        classes = [*named, *sorted(labels.difference(named))]
        self.warn_of_spellings(classes)
        return classes

    def human_labels(self) -> Labels | None:
        """Return the labels of people alone: --answers, and the --label columns of no machine.

        None where there is no such column and no file of answers. A column is a machine's by its
        name, or because the file's history says that one of our commands wrote it.
        """
        by_people = {"label", *(f"{n[: -len('_origin')]}_label" for n in self._origin_columns())}
        named = self.label_columns()
        machine = set(self.machine_columns) - by_people
        columns = [name for name in named if name not in machine]
        answers = self.options.get("answers") or []
        for name in named:
            if name in machine:
                self.warn_once(
                    f"column {console.clean(name)!r} holds machine labels: they do not count as "
                    f"labels of people here"
                )
        return self._labels_of(columns, answers, self.audit_mask) if columns or answers else None

    def _origin_columns(self) -> list[str]:
        return self._columns_of("merge", "label", "origin")

    def gold_labels(self) -> Labels:
        """Return the gold column as labels, for a command that reveals it row by row."""
        nobody = np.zeros(self.rows, dtype=bool)
        return self._labels_of([str(self.options["gold"])], [], nobody)

    def _labels_of(self, among: Sequence[str], answers: Sequence[Path], audit: Mask) -> Labels:
        read = self.label_texts(among)
        ignore = self.ignores_unknown_labels()
        sources = [
            (name, encode(read[name], self.classes, ignore, self.source.name, self.keys)[0])
            for name in among
        ]
        for path in answers:
            sources.insert(0, (str(path), self._answers(path)[0]))
        values, source = first_filled(sources, self.rows)
        if self.classes is not None:
            return Labels(
                *encode(values, self.classes, ignore, self.source.name, self.keys), audit, source
            )
        # Nothing that learns may know a class that audit rows alone have.
        classes = class_names(values[~audit])
        unknown = audit & ~np.isin(values.astype(str), classes)
        known = np.where(unknown, "", values).astype(object)
        codes = encode(known, classes, ignore, self.source.name, self.keys)[1]
        self.warn_of_spellings(classes)
        return Labels(values, codes, classes, audit, source)

    @cached_property
    def audit_mask(self) -> Mask:
        """The rows that were drawn at random to measure accuracy, the same for all commands."""
        return np.asarray(self.origins == AUDIT, dtype=bool)

    @cached_property
    def origins(self) -> Texts:
        """How each row was drawn (`label_origin`), '' where nothing says it.

        The data, --answers and, for rows of which these say nothing, the columns that query wrote;
        a row that the data or any answers have as an audit row is one.
        """
        named = [self.source.texts(name) for name in self._origin_columns()]
        answers = [self._answers(path)[1] for path in self.options.get("answers") or []]
        known = combined_origins([*named, *answers], self.rows)
        return np.where(known == "", self.picked_origins, known).astype(object)

    @cached_property
    def picked_origins(self) -> Texts:
        """How query drew the rows of this very file, by the columns that it wrote."""
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
        """Tell whether labels outside the classes are left out instead of being an error."""
        given = self.options.get("unknown_label", "error")
        if given not in ("error", "ignore"):
            raise UsageError(f"--unknown-label {given!r}: choose error or ignore")
        return bool(given == "ignore")

    def _answers(self, path: Path) -> tuple[Texts, Texts]:
        """Return the label and the origin that a file of answers gives each row, '' for none.

        Where the file has no column `label_origin`, its rows were drawn as query's columns say.
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
        values[matched.rows] = matched.labels  # of several lines of a row the last counts
        ignore = self.ignores_unknown_labels()
        values = encode(values, self.classes, ignore, answers.name, self.keys)[0]
        says_origin = "label_origin" in answers.details
        origin[matched.rows] = matched.origins if says_origin else self.picked_origins[matched.rows]
        origin[matched.rows[matched.origins == AUDIT]] = AUDIT
        return values, origin

    def gold(self) -> Texts | None:
        """Return the gold labels, where --gold names a column, '' where a row has none.

        Raises LabelkitError for a gold label outside the declared classes.
        """
        name = self.options.get("gold")
        if not name:
            return None
        self.source.require([name], "--gold")
        values = self.label_texts([name])[name]
        where = f"{self.source.name}, column {name!r} (--gold)"
        return encode(values, self.classes, self.ignores_unknown_labels(), where, self.keys)[0]
