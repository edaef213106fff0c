"""The names of the columns that a command writes, and which columns of a file it may replace."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.data import columns
from labelkit.io import history
from labelkit.job import output
from labelkit.job.labels import JobLabels

if TYPE_CHECKING:
    from labelkit.io.table import Table


class OwnColumns(JobLabels):
    """The part of a job for the command's own columns."""

    name: str
    prefix: str
    annotates: bool
    own: dict[str, Any]

    if TYPE_CHECKING:  # from the job

        @property
        def output(self) -> str:
            """The output path."""

        def _input_paths(self) -> list[Path]: ...

    def column(self, name: str) -> str:
        """Return the full name of one of this command's columns."""
        return f"{self.options.get('as_name') or self.prefix}_{name}"

    def may_replace(self, column: str) -> bool:
        """Return whether this command may write a column: it is new, or labelkit wrote it."""
        return column in self._earlier.columns or not self.source.has(column)

    @cached_property
    def _recorded(self) -> list[str]:
        """The columns that labelkit wrote, according to the history of every input."""
        by_input = [history.written_columns(path) or [] for path in self._input_paths()]
        return [name for name in (by_input or [[]])[0] if all(name in names for names in by_input)]

    @cached_property
    def _earlier(self) -> columns.Replaceable:
        """The columns of the input that this command may replace."""
        return self._replaceable(self.source, self._has_history())

    def _has_history(self) -> bool:
        return bool(self.steps) and not any(map(history.reads_stream, self.steps))

    def _replaceable(self, source: "Table", has_history: bool) -> columns.Replaceable:
        as_name = self.options.get("as_name")
        return columns.replaceable_columns(
            source, self.prefix, as_name, self._recorded, has_history
        )

    def check_columns(self, source: "Table", details: Sequence[str] | None = None) -> None:
        """Raise UsageError early if the output would replace columns of the user.

        Columns that answers fill are checked later, when the cells are read. With `details`, the
        detail columns of answers, the input is that of an earlier command whose output this one
        will read.
        """
        if not (self.annotates and self.output) or self.options.get("overwrite"):
            return
        endings = columns.ENDINGS[self.prefix]
        written = [*endings.always, *(e for e in endings.optional if self.own.get(e))]
        if self.prefix == columns.PEOPLE:
            written = [] if details is None else self._filled(source, [*endings.always, *details])
        names = {self.column(ending) for ending in written} & set(source.every_column())
        if names:
            earlier = self._replaceable(source, details is not None or self._has_history())
            output.refuse_users_columns(source, names, earlier, self.name)

    def _filled(self, source: "Table", endings: Sequence[str]) -> list[str]:
        """Return the endings of columns that have cells of the user in unlabelled rows."""
        label = self.options.get("as_name") or columns.PEOPLE
        label = f"{label}_label" if label != columns.PEOPLE else label
        is_open = source.texts(label) == "" if source.has(label) else slice(None)
        always = columns.ENDINGS[self.prefix].always if source.has(label) else ()
        return [
            ending
            for ending in dict.fromkeys(endings)
            if ending not in always
            and source.has(self.column(ending))
            and (source.texts(self.column(ending))[is_open] != "").any()
        ]
