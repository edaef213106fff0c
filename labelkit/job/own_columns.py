"""The columns that a command writes: their names, and whether it may replace those of a file."""

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
    """The part of a job that knows the command's own columns."""

    name: str
    prefix: str
    annotates: bool
    own: dict[str, Any]

    if TYPE_CHECKING:  # what the job has beside

        @property
        def output(self) -> str:
            """Where the result goes."""

        def _input_paths(self) -> list[Path]: ...

    def column(self, name: str) -> str:
        """Return the full name of one of this command's columns."""
        return f"{self.options.get('as_name') or self.prefix}_{name}"

    def may_replace(self, column: str) -> bool:
        """Tell whether this command may write a column: it is new, or labelkit wrote it before."""
        return column in self._earlier.columns or not self.source.has(column)

    @cached_property
    def _recorded(self) -> list[str]:
        """The columns that labelkit wrote by the histories of the inputs, of each of them."""
        named = [history.written_columns(path) or [] for path in self._input_paths()]
        return [name for name in (named or [[]])[0] if all(name in names for names in named)]

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
        """Refuse, before any work, an input whose own columns the output would replace.

        Answers fill columns that the input may have: of these the cells tell, when all is read.
        With `details`, those of the answers, the input is that of an earlier command, from whose
        output this one will write.
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
        """Return which columns answers to rows without a label would find cells of the user in."""
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
