"""The one way to tell the user that something is wrong: raise, and the message is read."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self


class LabelkitError(Exception):
    """Printed to stderr as it is, without a traceback; the command ends with `exit_code`.

    `remedy` is an option with which the same command would work, and its value as a shell takes
    it: the command line to paste is printed too.
    """

    exit_code = 1
    remedy: tuple[str, str] | None = None

    def remedied_by(self, option: str, value: str) -> "Self":
        """Return the error with its remedy."""
        self.remedy = option, value
        return self


class UsageError(LabelkitError):
    """The command line or the task file asks for something that cannot be."""

    exit_code = 2


class PeopleNeeded(LabelkitError):
    """A pipeline waits for people's labels; the message gives the next command."""

    exit_code = 3


class IssuesFound(LabelkitError):
    """Issues were found and the user asked for a failing exit code."""

    exit_code = 4


class BudgetReached(LabelkitError):
    """A budget or too many failures stopped the work; all that was paid for is kept."""

    exit_code = 5


class StoppingRuleReached(LabelkitError):
    """The rule of --stop-when is reached; what was to be written is written."""

    exit_code = 6


class Terminated(KeyboardInterrupt):
    """The process was asked to end, by a signal that is not Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class EndedBySignal(LabelkitError):
    """A command has kept what it had when it was asked to end; the message says where."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class WrongCell(LabelkitError):
    """A cell does not read as the kind of its column; `row` is its place in the batch, from 0."""

    def __init__(self, message: str, row: int) -> None:
        super().__init__(message)
        self.row = row


# Errors whose command has written its output.
AFTER_WRITING = (IssuesFound, StoppingRuleReached, EndedBySignal)


def nearest(name: str, choices: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the closest of `choices`, or an empty string."""
    listed = list(choices)
    by_fold = {choice.casefold(): choice for choice in listed}
    found = get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    return f"; did you mean {by_fold[found[0]]!r}?" if found else ""


def listing(names: Iterable[str], most: int = 12) -> str:
    """Return `a, b, c` for a message, on one line, cut after `most` names."""
    shown = [str(name).replace("\r\n", "⏎").replace("\n", "⏎") for name in names]
    rest = len(shown) - most
    return ", ".join(shown[:most]) + (f" and {rest} more" if rest > 0 else "")
