"""A labelling session, independent of its user interface: current row, decisions, undo."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from labelkit.annotate.journal import Journal, now
from labelkit.annotate.row import RowInfo
from labelkit.annotate.row_answer import UNANSWERED, RowAnswer, apply_entry
from labelkit.annotate.row_order import Order
from labelkit.annotate.working_time import longest_work, worked
from labelkit.data.answers_journal import DECISIONS, Entry
from labelkit.data.columns import AUDIT
from labelkit.data.suggestions import BLIND_ORIGINS
from labelkit.errors import LabelkitError, UsageError, listing, nearest

if TYPE_CHECKING:
    from labelkit.annotate.rows import RowTable

REDO = ("flagged", "skipped")
_RECENT = 50  # decisions from which the pace is computed


class Progress(NamedTuple):
    """Rows answered, rows in all (None: no limit), seconds per row and seconds to the end."""

    done: int
    total: int | None
    pace: float | None
    left: float | None
    skipped: int
    flagged: int


class Session:
    """One person labelling the rows of a table; `current` is the row shown, None at the end.

    `answers` has the answer to each row. Each decision is in the journal before the next row is
    shown. If the journal cannot be written, methods raise LabelkitError and change nothing.
    """

    def __init__(
        self,
        table: "RowTable",
        order: Order,
        classes: Sequence[str],
        journal: Journal,
        *,
        who: str = "",
        blind: bool = False,
        redo: str | None = None,
        total: int | None = None,
        counts_labels: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.table, self.order, self.classes = table, order, list(classes)
        self.who, self.blind, self.clock = who, blind, clock
        self.answers: dict[int, RowAnswer] = {}
        self._counts_labels = counts_labels
        self.with_copies = True
        self.after_decision: Callable[[], None] = _do_nothing
        self._journal = journal
        self._past: list[list[tuple[int, RowAnswer]]] = []
        self._guesses: list[
            tuple[bool, bool]
        ] = []  # of each decision: suggestion shown, suggestion accepted
        self._seconds: list[float] = []
        self._handled: set[int] = set()
        for number, entry in enumerate(journal.entries, 2):
            self._replay(entry, number)
        self._check_classes()
        self._redo = self._rows_to_redo(redo)
        self._handled = set()  # rows of --redo decided in this session
        self._total = total if self._redo is None else len(self._redo)
        self.started = clock()
        self.current: int | None = None
        self._about: RowInfo | None = None
        self._shown_at = clock()
        self.show_next()

    # -- the current row -----------------------------------------------------------------------

    def show_next(self) -> None:
        """Show the next open row."""
        self.order.changed(reopened=False)
        over = self.stop_reason
        self.show(None if over else self.order.next(self.is_open))

    def show(self, row: int | None) -> None:
        """Make this the current row."""
        self.current = row
        self._about = None
        self.with_copies = True
        self._shown_at = self.clock()

    @property
    def stop_reason(self) -> str:
        """Why no more rows are shown, '' while there are rows."""
        return self.order.stop_reason(self)

    def is_open(self, row: int) -> bool:
        """Return whether a row has no decision yet."""
        if self._redo is not None:
            return row in self._redo and row not in self._handled
        answer = self.answers.get(row, UNANSWERED)
        return not answer.label and not answer.skipped

    def asks_blind(self, row: int) -> bool:
        """Return whether a row is answered blind, without machine labels."""
        return self._origin(row) in BLIND_ORIGINS

    def row_info(self) -> RowInfo:
        """Return origin, reason and suggestion of the current row; no suggestion with --blind.

        For rows that measure accuracy (audit, calibration) only the origin is returned. The result
        does not change while the row is shown, so that a person accepts the suggestion that they
        see, even if the model has changed meanwhile.
        """
        assert self.current is not None
        if self._about is None:
            self._about = self.order.row_info(self.current)
            if self.asks_blind(self.current):
                self._about = RowInfo(self._origin(self.current), "", None)
        return self._about._replace(suggestion=None) if self.blind else self._about

    def current_answer(self) -> RowAnswer:
        """Return the answer to the current row so far; none if the audit repeats the row."""
        if self.current is None:
            return UNANSWERED
        answer = self.answers.get(self.current, UNANSWERED)
        asks_again = self.row_info().origin == AUDIT and answer.origin not in ("", AUDIT)
        return UNANSWERED if asks_again else answer

    def copies(self) -> list[int]:
        """Return the open duplicates of the current row.

        A blind row is never answered together with one that has a suggestion.
        """
        assert self.current is not None
        about = self.row_info()
        blind = about.suggestion is None and not about.reason
        return [
            row
            for row in self.table.copies(self.current)
            if self.is_open(row) and (blind or not self.asks_blind(row))
        ]

    # -- decisions -----------------------------------------------------------------------------

    def decide(self, label: str) -> None:
        """Label the current row (and its duplicates, unless turned off), and show the next one."""
        if label not in self.classes:
            raise UsageError(
                f"{label!r} is not one of the classes {listing(self.classes)}"
                f"{nearest(label, self.classes)}"
            )
        suggestion = self.row_info().suggestion
        entry = {"do": "label", **self._rows_asked(), "label": label}
        if suggestion is not None:
            entry["suggested"] = suggestion.label
        self._record(entry)
        self.show_next()

    def accept(self) -> bool:
        """Accept the suggestion; return False if there is none."""
        suggestion = self.row_info().suggestion
        if suggestion is None:
            return False
        self.decide(suggestion.label)
        return True

    def skip(self) -> None:
        """Leave the current row (and its duplicates) without a label, and show the next one."""
        self._record({"do": "skip", **self._rows_asked()})
        self.show_next()

    def flag(self) -> bool:
        """Flag the current row for review, or remove the flag; stay on it."""
        mark = not self.current_answer().flag
        self._record({"do": "flag", "keys": [self._key()], "flag": mark})
        return mark

    def note(self, text: str) -> None:
        """Add a note to the current row; stay on it."""
        self._record({"do": "note", "keys": [self._key()], "note": text.strip()})

    def undo(self) -> int | None:
        """Undo the last decision, also of an earlier session, and show its row again."""
        if not self._past:
            return None
        row = self._past[-1][0][0]
        self._record({"do": "undo"})
        self.order.changed(reopened=True)
        self.show(row)
        return row

    def _key(self) -> str:
        assert self.current is not None
        return self.table.keys[self.current]

    def _rows_asked(self) -> Entry:
        rows = self.copies() if self.with_copies else []
        seconds = round(self.clock() - self._shown_at, 2)
        keys = [self._key(), *(self.table.keys[row] for row in rows)]
        origins = [self._origin(self.table.index_by_key[key]) for key in keys]
        return {"keys": keys, "seconds": seconds, "origins": origins}

    def _origin(self, row: int) -> str:
        """Return the row's origin; a repeated row keeps its origin, or becomes an audit row."""
        drawn = self.order.row_info(row).origin
        return drawn if drawn == AUDIT else self.answers.get(row, UNANSWERED).origin or drawn

    def _record(self, entry: Entry) -> None:
        full = {"at": now(), "who": self.who, **entry}
        self._journal.append(full)
        self._apply(full)
        self.after_decision()

    # -- applying entries ------------------------------------------------------------------------

    def _replay(self, entry: Entry, number: int) -> None:
        """Apply an entry of an earlier session; raises LabelkitError if it is invalid."""
        try:
            self._apply(entry)
        except (IndexError, KeyError, TypeError, ValueError):
            raise LabelkitError(
                f"{self._journal.path}, line {number}: not an entry written by labelkit; "
                f"fix or remove the line (nothing was changed)"
            ) from None

    def _apply(self, entry: Entry) -> None:
        if entry["do"] == "undo":
            self._revert_last()
            return
        if entry["do"] not in DECISIONS:
            return
        rows = [self.table.index_by_key[key] for key in entry["keys"]]
        self._past.append([(row, self.answers.get(row, UNANSWERED)) for row in rows])
        self._guesses.append((False, False))
        for index, row in enumerate(rows):
            self.answers[row] = apply_entry(self.answers.get(row, UNANSWERED), entry, index)
            if entry["do"] in ("label", "skip"):
                self._handled.add(row)
        if entry["do"] == "label":
            self._seconds.append(float(entry["seconds"]))
            self._guesses[-1] = ("suggested" in entry, entry.get("suggested") == entry["label"])

    def _revert_last(self) -> None:
        if self._past:
            self._guesses.pop()
            for row, before in self._past.pop():
                # The decision is undone, but its working time counts.
                self.answers[row] = before._replace(shown=self.answers[row].shown)
                self._handled.discard(row)

    def _rows_to_redo(self, which: str | None) -> set[int] | None:
        if which is None:
            return None
        if which not in REDO:
            raise UsageError(f"--redo {which!r}: choose {' or '.join(REDO)}")
        flagged = which == "flagged"
        return {
            row
            for row, answer in self.answers.items()
            if (answer.flag if flagged else answer.skipped)
        }

    def _check_classes(self) -> None:
        foreign = sorted(
            {answer.label for answer in self.answers.values() if answer.label} - set(self.classes)
        )
        if foreign:
            raise LabelkitError(
                f"earlier answers contain {listing([repr(name) for name in foreign])}, which "
                f"{'is' if len(foreign) == 1 else 'are'} not among the classes "
                f"{listing(self.classes)}{nearest(foreign[0], self.classes)}; pass all classes "
                f"with --classes"
            )

    # -- progress ----------------------------------------------------------------------------------

    @property
    def offered(self) -> int:
        """Number of labels for which a suggestion was shown."""
        return sum(offered for offered, _ in self._guesses)

    @property
    def accepted(self) -> int:
        """Number of these that accepted the suggestion."""
        return sum(taken for _, taken in self._guesses)

    def labels_given(self) -> int:
        """Return the number of labelled rows, without duplicates labelled together."""
        return sum(1 for answer in self.answers.values() if answer.label and not answer.is_copy)

    def worked(self) -> dict[int, float]:
        """Return the working seconds for each decided row, without breaks."""
        all_seconds = [seconds for answer in self.answers.values() for seconds in answer.shown]
        longest = longest_work(all_seconds)
        return {row: worked(answer.shown, longest) for row, answer in self.answers.items()}

    def remaining(self) -> int:
        """Return the number of rows still to be labelled."""
        done, total, *_ = self.progress()
        return 0 if self.current is None and not self.stop_reason else max(0, (total or 0) - done)

    def minutes(self) -> float:
        """Return the minutes since this session started."""
        return (self.clock() - self.started) / 60

    def progress(self) -> Progress:
        """Return the progress so far."""
        from statistics import median  # slow to import, and not needed for the first screen

        skipped = flagged = labelled = 0
        for answer in self.answers.values():
            skipped += answer.skipped
            flagged += answer.flag
            labelled += bool(answer.label)
        done = labelled + skipped if self._redo is None else len(self._redo & self._handled)
        if self._counts_labels:
            done = self.labels_given()
        pace = median(self._seconds[-_RECENT:]) if self._seconds else None
        left = None
        if pace is not None and self._total is not None:
            left = pace * max(0, self._total - done)
        return Progress(done, self._total, pace, left, skipped, flagged)


def _do_nothing() -> None:
    """Do nothing after a decision."""
