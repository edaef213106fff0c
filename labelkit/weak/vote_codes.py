"""What a vote may be, and the integer code that stands for it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.config.label_text import (
    ClassReader,
    is_number,
    label_text,
    spelled,
    whole_number,
)
from labelkit.errors import listing, nearest

ABSTAIN = -1
MOST_UNDECLARED = 1000

Votes = npt.NDArray[np.int16]


class WrongVote(Exception):
    """A vote that is no class: its position in the batch, and the reason as a sentence."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason


class Codebook:
    """Codes of the classes: the declared ones in their order, else in the order of appearance.

    A vote that is a declared class, whatever its type, is that class. Other integers index the
    declared order, unless a class name is a number: then integers are names. None, "" and
    "ABSTAIN" abstain, and so does -1 where it is no class. Without declared classes either all
    votes are words or all are integers (`classes` are then "0", "1", …). The codes that were given
    while reading are turned into the final ones by `final()`.
    """

    def __init__(self, classes: Sequence[str] | None = None) -> None:
        self.declared = tuple(classes) if classes else ()
        self._reader = ClassReader(self.declared)
        self._place = {name: code for code, name in enumerate(self.declared)}
        self._has_numbers = any(is_number(name) for name in self.declared)
        self._codes: dict[Any, int] = {None: ABSTAIN}  # by vote, as it was returned
        self._found: dict[str, int] = {}  # by name: the classes that nobody declared
        self._first: str | int = ""
        self._has_integers = False

    def encode(self, votes: list[Any]) -> Votes:
        """Return the codes of the votes of one function on one batch; raises WrongVote."""
        # True == 1 and 1.0 == 1: a table alone would take them for the class number 1.
        for kind in set(map(type, votes)):
            if kind is not str and kind is not type(None) and kind is not int:
                votes = self._plain(votes)
                break
        codes = self._codes
        try:
            return np.fromiter(map(codes.__getitem__, votes), np.int16, len(votes))
        except KeyError:
            pass
        return np.fromiter(
            (codes[vote] if vote in codes else self._new(vote, i) for i, vote in enumerate(votes)),
            np.int16,
            len(votes),
        )

    def code(self, vote: str | int) -> int:
        """Return the code of one class; raises WrongVote."""
        return int(self.encode([vote])[0])

    def names_class(self, vote: object) -> bool:
        """Return whether a vote is the name of a declared class."""
        return self._reader.class_of(vote) is not None

    def _plain(self, votes: list[Any]) -> list[Any]:
        return [self._plain_vote(vote, position) for position, vote in enumerate(votes)]

    def _plain_vote(self, vote: Any, position: int) -> str | int | None:
        """Return a vote as text, integer or None; raises WrongVote."""
        if isinstance(vote, str):
            return str.__str__(vote)
        if vote is None or _is_missing(vote):
            return None
        is_boolean = isinstance(vote, bool | np.bool_)
        if isinstance(vote, int | np.integer) and not is_boolean:
            return int(vote)
        if self._reader.class_of(vote) is not None:
            return spelled(vote)
        if isinstance(vote, float | np.floating) and float(vote).is_integer():
            return int(vote)
        kind = "" if is_boolean else f" ({type(vote).__name__})"
        raise WrongVote(position, f"returned {_cut(vote)}{kind}; {self._wanted()}")

    def _wanted(self) -> str:
        if not self.declared:
            return "return a class as text, or None to abstain"
        number = "" if self._has_numbers else ", its number"
        return f"return a class ({listing(self.declared)}){number}, or None to abstain"

    def _new(self, vote: str | int, position: int) -> int:
        """Return the code of a vote that was not met before, and remember it."""
        code = self._code_of(vote, position)
        self._codes[vote] = code
        return code

    def _code_of(self, vote: str | int, position: int) -> int:
        name = self._reader.class_of(vote)
        if name is not None:
            return self._place[name]
        if vote == ABSTAIN or label_text(vote) in ("", "ABSTAIN"):
            return ABSTAIN
        if not self.declared:
            return self._further(vote, position)
        if isinstance(vote, int) and not self._has_numbers and 0 <= vote < len(self.declared):
            return vote
        raise WrongVote(position, self._undeclared(vote))

    def _further(self, vote: str | int, position: int) -> int:
        """Return the code of a class that nobody declared; raises WrongVote."""
        name = label_text(vote)
        if isinstance(vote, int) and not 0 <= vote < MOST_UNDECLARED:
            raise WrongVote(
                position,
                f"returned {vote}; a number is the place of a class, 0 for the first "
                "(name the classes by --classes)",
            )
        integers = self._has_integers or isinstance(vote, int)
        if integers and not all(map(_is_place, (*self._found, name))):
            raise WrongVote(
                position,
                f"returned {vote!r} where others return {self._first!r}: numbers stand for the "
                "classes in the order of --classes A,B, and none are declared",
            )
        self._has_integers = integers
        if name in self._found:
            return self._found[name]
        if len(self._found) >= MOST_UNDECLARED:
            raise WrongVote(
                position,
                f"returned {_cut(vote)}, a further class after {MOST_UNDECLARED:,} others: are "
                "these labels? (--classes declares them)",
            )
        if not self._found:
            self._first = vote
        self._found[name] = len(self._found)
        return self._found[name]

    def _undeclared(self, vote: str | int) -> str:
        if isinstance(vote, int) and not self._has_numbers:
            return (
                f"returned {vote}; the classes are numbered 0 to {len(self.declared) - 1} "
                f"({listing(self.declared)}), -1 abstains"
            )
        return (
            f"returned {_cut(vote)}, which is not a declared class"
            f"{nearest(str(vote), self.declared)} "
            f"(classes: {listing(self.declared)})"
        )

    @property
    def found(self) -> list[str | int]:
        """Return the classes that were not declared, in the order of their codes."""
        return [int(name) for name in self._found] if self._has_integers else list(self._found)

    @property
    def numbered(self) -> bool:
        """Return whether classes are known only by number."""
        return self._has_integers

    def final(self) -> tuple[list[str], Votes]:
        """Return the classes in their final order, and for each code used so far its final code.

        Declared order; else sorted text; else "0" to the highest number returned. The second
        array has one more element for -1, so that `remap[votes]` keeps abstentions.
        """
        if self.declared:
            return list(self.declared), _with_abstain(range(len(self.declared)))
        if self.numbered:
            numbers = [int(name) for name in self._found]
            return [str(number) for number in range(max(numbers) + 1)], _with_abstain(numbers)
        classes = sorted(self._found)
        place = {name: code for code, name in enumerate(classes)}
        return classes, _with_abstain(place[name] for name in self._found)


def _is_place(name: str) -> bool:
    number = whole_number(name)
    return number is not None and 0 <= number < MOST_UNDECLARED


def _with_abstain(codes: Iterable[int]) -> Votes:
    return np.array([*codes, ABSTAIN], dtype=np.int16)


def _is_missing(value: Any) -> bool:
    """Tell NaN, NaT and pandas.NA: none of them equals itself."""
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas.NA has no truth value, an array has many
        return type(value).__name__ == "NAType"


def _cut(value: object, width: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= width else text[: width - 1] + "…"
