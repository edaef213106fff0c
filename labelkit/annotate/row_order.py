"""Which row is shown next, and the limits after which no more rows are shown."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from labelkit.annotate.row import RowInfo

if TYPE_CHECKING:
    from labelkit.annotate.rows import RowTable


class SessionProgress(Protocol):
    """The progress that the limits depend on."""

    def labels_given(self) -> int:
        """Return the number of labels, without those of copies."""

    def minutes(self) -> float:
        """Return the minutes since the session started."""


class Limits(NamedTuple):
    """Limits of a session, None for no limit."""

    labels: int | None = None
    minutes: float | None = None

    def reached(self, session: SessionProgress) -> str:
        """Return which limit is reached, '' if none."""
        if self.labels is not None and session.labels_given() >= self.labels:
            return f"limit of --labels {self.labels} reached"
        if self.minutes is not None and session.minutes() >= self.minutes:
            return f"limit of --minutes {self.minutes:g} reached"
        return ""


class Order(Protocol):
    """Chooses which row is shown next."""

    def next(self, is_open: Callable[[int], bool]) -> int | None:
        """Return the next open row, None if there is none."""

    def row_info(self, row: int) -> RowInfo:
        """Return why the row is shown, and a suggestion."""

    def changed(self, reopened: bool) -> None:
        """Update the order after answers have changed; `reopened`: by an undo."""

    def stop_reason(self, session: SessionProgress) -> str:
        """Return why no more rows are shown, '' while there are rows."""


_NO_LIMITS = Limits()


class FileOrder:
    """The given rows in file order."""

    def __init__(self, table: "RowTable", rows: Iterable[int], limits: Limits = _NO_LIMITS) -> None:
        self._table, self._limits = table, limits
        self._rows = list(rows)
        self._at = 0

    @property
    def total(self) -> int:
        """Number of rows in all."""
        return len(self._rows)

    def next(self, is_open: Callable[[int], bool]) -> int | None:
        """Return the first open row."""
        while self._at < len(self._rows) and not is_open(self._rows[self._at]):
            self._at += 1
        return self._rows[self._at] if self._at < len(self._rows) else None

    def row_info(self, row: int) -> RowInfo:
        """Return what the file contains about the row."""
        return self._table.row_info(row)

    def changed(self, reopened: bool) -> None:
        """Search from the start again after an undo, which opens an earlier row."""
        if reopened:
            self._at = 0

    def stop_reason(self, session: SessionProgress) -> str:
        """Return which limit is reached, '' if none."""
        return self._limits.reached(session)
