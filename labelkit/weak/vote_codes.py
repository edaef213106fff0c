"""What a vote may be, and the integer code that stands for it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

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

    Text names a class; an integer indexes the declared order; None, -1, "" and "ABSTAIN" abstain.
    Without declared classes either all votes are text or all are integers (`classes` are then
    "0", "1", …). The codes that were given while reading are turned into the final ones by
    `final()`.
    """

    def __init__(self, classes: Sequence[str] | None = None) -> None:
        self.declared = tuple(classes) if classes else ()
        self._codes: dict[Any, int] = {None: ABSTAIN, ABSTAIN: ABSTAIN, "": ABSTAIN}
        if "ABSTAIN" not in self.declared:
            self._codes["ABSTAIN"] = ABSTAIN
        self._found: list[str | int] = []
        for code, name in enumerate(self.declared):
            self._codes[name] = self._codes[code] = code

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

    def _plain(self, votes: list[Any]) -> list[Any]:
        plain: list[Any] = []
        for position, vote in enumerate(votes):
            if isinstance(vote, bool | np.bool_):
                raise WrongVote(position, f"returned {vote}; {self._wanted()}")
            if isinstance(vote, str):
                plain.append(str.__str__(vote))
            elif isinstance(vote, int | np.integer):
                plain.append(int(vote))
            elif vote is None or _is_missing(vote):
                plain.append(None)
            else:
                kind = type(vote).__name__
                raise WrongVote(position, f"returned {_cut(vote)} ({kind}); {self._wanted()}")
        return plain

    def _wanted(self) -> str:
        if self.declared:
            return f"return a class ({listing(self.declared)}), its number, or None to abstain"
        return "return a class as text, or None to abstain"

    def _new(self, vote: str | int, position: int) -> int:
        if self.declared:
            raise WrongVote(position, self._undeclared(vote))
        if isinstance(vote, int) and not 0 <= vote < MOST_UNDECLARED:
            raise WrongVote(
                position,
                f"returned {vote}; a number is the place of a class, 0 for the first "
                "(name the classes by --classes)",
            )
        if self._found and type(self._found[0]) is not type(vote):
            other = self._found[0]
            raise WrongVote(
                position,
                f"returned {vote!r} where others return {other!r}: numbers stand for the classes "
                "in the order of --classes A,B, and none are declared",
            )
        if len(self._found) >= MOST_UNDECLARED:
            raise WrongVote(
                position,
                f"returned {_cut(vote)}, a further class after {MOST_UNDECLARED:,} others: are "
                "these labels? (--classes declares them)",
            )
        code = self._codes[vote] = len(self._found)
        self._found.append(vote)
        return code

    def _undeclared(self, vote: str | int) -> str:
        if isinstance(vote, int):
            return (
                f"returned {vote}; the classes are numbered 0 to {len(self.declared) - 1} "
                f"({listing(self.declared)}), -1 abstains"
            )
        return (
            f"returned {_cut(vote)}, which is not a declared class{nearest(vote, self.declared)} "
            f"(classes: {listing(self.declared)})"
        )

    @property
    def found(self) -> list[str | int]:
        """Return the classes that were not declared, in the order of their codes."""
        return list(self._found)

    @property
    def numbered(self) -> bool:
        """Return whether classes are known only by number."""
        return bool(self._found) and isinstance(self._found[0], int)

    def final(self) -> tuple[list[str], Votes]:
        """Return the classes in their final order, and for each code used so far its final code.

        Declared order; else sorted text; else "0" to the highest number returned. The second
        array has one more element for -1, so that `remap[votes]` keeps abstentions.
        """
        if self.declared:
            return list(self.declared), _with_abstain(range(len(self.declared)))
        if self.numbered:
            numbers = [int(vote) for vote in self._found]
            return [str(number) for number in range(max(numbers) + 1)], _with_abstain(numbers)
        names = [str(vote) for vote in self._found]
        classes = sorted(names)
        place = {name: code for code, name in enumerate(classes)}
        return classes, _with_abstain(place[name] for name in names)


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
