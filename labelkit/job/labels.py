"""The labels of a run: which columns hold them, read in one way for all commands."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit import console
from labelkit.data.columns import AUDIT
from labelkit.data.labels import (
    Labels,
    Mask,
    Texts,
    encode,
    first_filled,
    is_labelled,
    missing_text_warning,
    read_labels,
    spelling_warnings,
)
from labelkit.errors import UsageError

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

        def also_reads(self, path: Path) -> None:
            """Record a file beside the input that the result depends on."""

    def __init__(self) -> None:
        self._warned: set[str] = set()
        self._label_cells: dict[str, Texts] = {}

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
        return self._labels_of(among, self.options.get("answers") or [])

    def gold_labels(self) -> Labels:
        """Return the gold column as labels, for a command that reveals it row by row."""
        return self._labels_of([str(self.options["gold"])], [])

    def _labels_of(self, among: Sequence[str], answers: Sequence[Path]) -> Labels:
        read = self.label_texts(among)
        ignore = self.ignores_unknown_labels()
        sources = [
            (name, encode(read[name], self.classes, ignore, self.source.name, self.keys)[0])
            for name in among
        ]
        audit = np.zeros(self.rows, dtype=bool)
        if self.source.has("label_origin"):
            audit = self.source.texts("label_origin") == AUDIT
        for path in answers:
            values, origin = self._answers(path)
            sources.insert(0, (str(path), values))
            audit |= origin == AUDIT
        values, source = first_filled(sources, self.rows)
        values, codes, classes = encode(values, self.classes, ignore, self.source.name, self.keys)
        self.warn_of_spellings(classes)
        return Labels(values, codes, classes, audit, source)

    def ignores_unknown_labels(self) -> bool:
        """Tell whether labels outside the classes are left out instead of being an error."""
        given = self.options.get("unknown_label", "error")
        if given not in ("error", "ignore"):
            raise UsageError(f"--unknown-label {given!r}: choose error or ignore")
        return bool(given == "ignore")

    def _answers(self, path: Path) -> tuple[Texts, Texts]:
        from labelkit.data.answers_file import read_answers

        self.also_reads(path)
        answers = read_answers(self.open(path), self.key_name, self.classes)
        matched = answers.matched(self, unknown_keys_are_errors=True)
        values = np.full(self.rows, "", dtype=object)
        origin = np.full(self.rows, "", dtype=object)
        values[matched.rows] = matched.labels
        ignore = self.ignores_unknown_labels()
        values = encode(values, self.classes, ignore, answers.name, self.keys)[0]
        origin[matched.rows] = matched.origins
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
