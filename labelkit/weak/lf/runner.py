"""Votes of labeling functions on record batches, without a pandas Series for each row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.console import clean
from labelkit.errors import LabelkitError, nearest
from labelkit.io.files import end_at_once
from labelkit.weak.lf.binding import Bound, FileColumns
from labelkit.weak.lf.loader import line_of, running
from labelkit.weak.lf.rows import Row, View
from labelkit.weak.lf.timeout import Stopwatch, TookTooLong
from labelkit.weak.vote_codes import ABSTAIN, Codebook, Votes, WrongVote

OnError = Literal["stop", "abstain"]
# Small slices keep the row objects in the processor's cache and few for the garbage collector.
SLICE = 1024
QUOTED_COLUMNS = 5
MOST_TIMEOUTS = 5  # of one function that may abstain where it fails
SECONDS = 10.0  # for one row, or for so many rows of a vectorised function:
ROWS_A_LIMIT = 1000


@dataclass
class Voters:
    """Labeling functions ready to vote on batch after batch of one file.

    `describe(position)` names a row for an error message, given its position in the file.
    """

    bound: Sequence[Bound]
    columns: FileColumns
    codebook: Codebook
    on_error: OnError = "stop"
    describe: Callable[[int], str] = lambda position: f"row {position + 1}"
    stopwatch: Stopwatch = field(default_factory=lambda: Stopwatch(SECONDS))
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    first_error: dict[str, str] = field(default_factory=dict)
    timeouts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    kept_state: str = ""  # why several processes would give other votes

    def vote(self, view: View, positions: npt.NDArray[np.int64]) -> Votes:
        """Return the votes on one batch, rows × functions; `positions` of its rows in the file.

        Raises LabelkitError where a function fails (unless errors abstain), and where what it
        returns is no class.
        """
        votes = np.full((len(view), len(self.bound)), ABSTAIN, dtype=np.int16)
        if not self.bound or not len(view):
            return votes
        with running(self.bound[0].function.file), self.stopwatch.running():
            for start in range(0, len(view), SLICE):
                part = View(view.batch.slice(start, SLICE), view.text)
                here = positions[start : start + SLICE]
                self._vote_by_row(part, here, votes[start : start + SLICE])
            for column, bound in enumerate(self.bound):
                if bound.way in ("frame", "series"):
                    returned = self._vote_by_frame(bound, view, positions)
                    votes[:, column] = self._encode(bound, returned, view, positions)
        return votes

    def _vote_by_row(self, view: View, positions: npt.NDArray[np.int64], votes: Votes) -> None:
        rows: dict[frozenset[str], list[Row]] = {}
        for column, bound in enumerate(self.bound):
            if bound.way == "row":
                own = self._rows(bound, view, rows)
                returned = self._call(bound, bound.function.call, (own,), view, positions)
            elif bound.way == "columns":
                cells = tuple(view.values(name) for name in bound.names)
                returned = self._call(bound, _by_keyword(bound), cells, view, positions)
            else:
                continue
            votes[:, column] = self._encode(bound, returned, view, positions)

    def _rows(self, bound: Bound, view: View, shared: dict[frozenset[str], list[Row]]) -> list[Row]:
        """Return a function's rows: those of `shared`, or fresh ones if it may change them."""
        if bound.own_rows:
            return view.rows(bound.names)
        # A column that only this function named stays out of the others' rows.
        key = frozenset(bound.names) & self.columns.hidden
        if key not in shared:
            shared[key] = view.rows(self._row_names(key))
        return shared[key]

    def _row_names(self, key: frozenset[str]) -> list[str]:
        names: dict[str, None] = {}
        for bound in self.bound:
            if bound.way != "row" or bound.own_rows:
                continue
            if frozenset(bound.names) & self.columns.hidden == key:
                names.update(dict.fromkeys(bound.names))
        return list(names)

    def _call(
        self,
        bound: Bound,
        call: Callable[..., Any],
        arguments: tuple[list[Any], ...],
        view: View,
        positions: npt.NDArray[np.int64],
    ) -> list[Any]:
        votes: list[Any] = []
        calls = map(call, *arguments)
        while len(votes) < len(view):
            failure: BaseException | None = None

            def give_up() -> None:
                self._give_up(bound, view, len(votes), positions)

            with self.stopwatch.watching(votes.__len__, give_up=give_up) as slow:
                try:
                    votes.extend(calls)  # keeps what it has when a call fails
                    if len(votes) < len(view):
                        # `map` takes a StopIteration out of the function for its own end.
                        call(*(cells[len(votes)] for cells in arguments))
                        raise StopIteration
                except (Exception, SystemExit, TookTooLong) as error:  # the user's code: anything
                    failure = error
            for at in slow:
                if at < len(votes):  # the function caught the interruption and went on
                    self._failed(bound, TookTooLong(self.stopwatch.seconds), view, at, positions)
                    votes[at] = None
            if failure is not None:
                self._failed(bound, failure, view, len(votes), positions)
                votes.append(None)
        return votes

    def _vote_by_frame(
        self, bound: Bound, view: View, positions: npt.NDArray[np.int64]
    ) -> list[Any]:
        frame = view.frame(bound.names)
        limits = max(1.0, len(view) / ROWS_A_LIMIT)

        def give_up() -> None:
            self._give_up(bound, view, None, positions)

        try:
            with self.stopwatch.watching(lambda: 0, limits, give_up) as slow:
                if bound.way == "series":
                    returned = bound.function.call(*(frame[name] for name in bound.names))
                else:
                    returned = bound.function.call(frame)
            if slow:  # the function caught the interruption and went on
                raise TookTooLong(self.stopwatch.seconds * limits)
        except (Exception, SystemExit, TookTooLong) as error:  # the user's code may raise anything
            self._failed(bound, error, view, None, positions)
            return [None] * len(view)
        return _one_vote_a_row(bound, returned, len(view))

    def _encode(
        self, bound: Bound, returned: list[Any], view: View, positions: npt.NDArray[np.int64]
    ) -> Votes:
        try:
            return self.codebook.encode(returned)
        except WrongVote as wrong:
            where = self.describe(int(positions[wrong.position]))
            raise LabelkitError(
                f"{bound.function.place}, {where}: it {wrong.reason}"
                f"{_quoted(bound, view, wrong.position)}"
            ) from wrong

    def _failed(
        self,
        bound: Bound,
        error: BaseException,
        view: View,
        at: int | None,
        positions: npt.NDArray[np.int64],
    ) -> None:
        name = bound.function.name
        self.errors[name] += len(view) if at is None else 1
        slow = isinstance(error, TookTooLong)
        self.timeouts[name] += slow
        too_often = self.timeouts[name] > MOST_TIMEOUTS
        if name in self.first_error and not too_often:
            return
        message = self._message(bound, error, view, at, positions)
        self.first_error.setdefault(name, message)
        more_time = ", or give it more time: --lf-timeout SECONDS" * slow
        if self.on_error == "stop":
            raise LabelkitError(
                f"{message}\nCorrect the function, or let it abstain on such rows: "
                f"--on-lf-error abstain{more_time}"
            ) from error
        if too_often:
            raise LabelkitError(
                f"{message}\nIt took too long for {console.count(self.timeouts[name], 'rows')}: "
                f"correct it{more_time}"
            ) from error

    def _give_up(
        self,
        bound: Bound,
        view: View,
        at: int | None,
        positions: npt.NDArray[np.int64],
    ) -> None:
        late = TookTooLong(self.stopwatch.seconds)
        message = self._message(bound, late, view, at, positions)
        end_at_once(
            f"{message}\nIt catches what would stop it, so the process was ended; a bare `except:` "
            f"must be `except Exception:`",
            1,
        )

    def _message(
        self,
        bound: Bound,
        error: BaseException,
        view: View,
        at: int | None,
        positions: npt.NDArray[np.int64],
    ) -> str:
        if at is None:
            where = f"rows {positions[0] + 1} to {positions[-1] + 1}"
        else:
            where = self.describe(int(positions[at]))
        text = f"{type(error).__name__}: {clean(error, 200)}"
        if isinstance(error, TookTooLong):
            text = f"it took more than {self.stopwatch.seconds:g} seconds"
            text += f" for each {ROWS_A_LIMIT:,} rows" * (at is None and len(view) > ROWS_A_LIMIT)
            if at is not None and error.seconds > 1.5 * self.stopwatch.seconds:
                text += f" ({error.seconds:.1f}; code in C ends before it is interrupted)"
        if isinstance(error, AttributeError) and isinstance(error.obj, Row):
            text = (
                f"there is no column {error.name!r}{nearest(str(error.name), self.columns.every)}"
            )
        line = line_of(error, bound.function.file)
        code = f"\n    line {line[0]}: {line[1]}" if line else ""
        quoted = _quoted(bound, view, at) if at is not None else ""
        return f"{bound.function.place} failed on {where}: {text}{code}{quoted}"


def _by_keyword(bound: Bound) -> Callable[..., Any]:
    call, count = bound.function.call, len(bound.function.required)
    if not bound.keywords:
        return call
    return lambda *cells: call(
        *cells[:count], **dict(zip(bound.keywords, cells[count:], strict=True))
    )


def _quoted(bound: Bound, view: View, at: int) -> str:
    lines = []
    for name in bound.shown[:QUOTED_COLUMNS]:
        value = view.values(name)[at]
        shown = f'"{clean(value)}"' if isinstance(value, str) else clean(value)
        lines.append(f"\n    {name} = {shown}")
    return "".join(lines)


def _one_vote_a_row(bound: Bound, returned: Any, length: int) -> list[Any]:
    """Turn what a vectorised function returned into a list; raises LabelkitError."""
    import pandas as pd

    place = bound.function.place
    if isinstance(returned, str) or not hasattr(returned, "__len__") or returned is None:
        raise LabelkitError(
            f"{place} returned {clean(repr(returned))}; it must return one label a row"
        )
    if getattr(returned, "ndim", 1) != 1:
        raise LabelkitError(f"{place} returned a table; it must return one label a row")
    if len(returned) != length:
        raise LabelkitError(
            f"{place} returned {console.count(len(returned), 'labels')} for {length} rows; it "
            "must return one a row"
        )
    if isinstance(returned, pd.Series):
        if returned.index.is_unique and not returned.index.equals(pd.RangeIndex(length)):
            returned = returned.reindex(range(length))  # sorted rows find their places again
        series = returned
    else:
        series = pd.Series(list(returned), dtype=object).infer_objects()
    if pd.api.types.is_float_dtype(series.dtype) and not series.isna().all():
        # Whole numbers beside NaN are floats to pandas.
        known = series.dropna()
        if (known == known.round()).all():
            series = series.astype("Int64")
    return [None if missing else vote for vote, missing in zip(series, series.isna(), strict=True)]
