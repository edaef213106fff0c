"""When a run stops because nothing comes of it: failures of rows and of the endpoint apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from labelkit import console
from labelkit.errors import BudgetReached, LabelkitError
from labelkit.llm.client.cost_meter import Meter

# Of the endpoint, whatever the row: no connection, no time, "500" also after all retries.
FAILURES_IN_A_ROW = 10
# Paid answers without a label before the first one with a label.
UNUSABLE_ANSWERS = 10
# Rows that the endpoint refuses before the first one that it answers: nothing is paid for them.
REFUSED_ROWS = 50
# Rows from all over the file that are asked first: those at its head may be all of one kind.
SPREAD_ROWS = 50


@dataclass
class FailureLimits:
    """Counts what came of the requests of a run, and says when it has to stop."""

    meter: Meter
    failures: int = 0
    in_a_row: int = 0
    refused: int = 0
    unusable: int = 0
    cut_off: int = 0
    usable: int = 0

    def endpoint_failed(self, why: str) -> LabelkitError | None:
        """Count a request that got no answer after all retries; return why to stop, if so."""
        self.failures += 1
        self.in_a_row += 1
        if self.in_a_row < FAILURES_IN_A_ROW:
            return None
        if self.meter.answers:
            return BudgetReached(
                f"stopped after {self.in_a_row} failures in a row; the last: {why}. All "
                f"{console.count(self.meter.answers, 'answers')} of this run are kept: the same "
                "command goes on from here."
            )
        return LabelkitError(
            f"no answer came, after {self.in_a_row} failures in a row; the last: {why}"
        )

    def row_refused(self, why: str) -> LabelkitError | None:
        """Count a row that the endpoint refuses, which costs nothing; return why to stop, if so."""
        self.failures += 1
        self.in_a_row = 0
        self.refused += 1
        if self.usable or self.unusable or self.refused < REFUSED_ROWS:
            return None
        return LabelkitError(
            f"no row was answered: the endpoint refused {console.count(self.refused, 'rows')} from "
            f"all over the file; the last: {why}"
        )

    def answered(self, reason: str, cut_off: bool, room: int) -> LabelkitError | None:
        """Count a paid answer; `reason` says why it gives no label, `room` is its --max-tokens."""
        self.in_a_row = 0
        if not reason:
            self.usable += 1
            return None
        self.unusable += 1
        self.cut_off += cut_off
        if self.usable or self.unusable < UNUSABLE_ANSWERS:
            return None
        return nothing_usable(self.unusable, self.cut_off, self.meter.spent, reason, room)


def nothing_usable(
    answers: int, cut_off: int, dollars: float | None, reason: str, room: int
) -> LabelkitError:
    """Return the error for answers none of which gives a label, of which some were cut off.

    Where all were, an option helps: that is BudgetReached. `room` is the --max-tokens of them.
    """
    paid = f" for ${dollars:.4f}" if dollars else ""
    if cut_off == answers:
        return BudgetReached(
            f"stopped: all {console.count(answers, 'answers')}{paid} were cut off at --max-tokens "
            f"{room}. A model that thinks first needs more: the same command goes on with "
            f"--max-tokens {room * 5}"
        )
    return LabelkitError(
        f"stopped: none of {console.count(answers, 'answers')}{paid} gives a label; the last: "
        f"{reason}. Look at --show-prompt, or name another --model; all answers are kept"
    )


def spread(rows: int) -> Sequence[int]:
    """Return an order of rows that begins with SPREAD_ROWS from all over the file."""
    if rows <= SPREAD_ROWS:
        return range(rows)
    first = [place * rows // SPREAD_ROWS for place in range(SPREAD_ROWS)]
    early = set(first)
    return [*first, *(place for place in range(rows) if place not in early)]
