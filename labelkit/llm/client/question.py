"""What is asked in one request, and what a provider has to do with it."""

from dataclasses import dataclass
from typing import Any, Protocol

from labelkit.errors import LabelkitError
from labelkit.llm.prompts import multi_row

Request = dict[str, Any]
Reply = dict[str, Any]


class JobGone(LabelkitError):
    """The provider does not know a batch job, or a file of it, that was handed in."""


class Provider(Protocol):
    """What a provider's `connect` returns."""

    identity: dict[str, Any]
    facts: dict[str, Any]

    async def ask(self, request: Request) -> Reply:
        """Make one attempt.

        The reply is an answer (`tokens_in`, `tokens_out` and the provider's own fields; `pause`
        where its headers ask for one), or `{"again": why, "wait": seconds or None, "all": bool,
        "late": bool, "billed": bool}` for a passing fault (`all`: the others should wait too;
        `late`: there may be too many at once; `billed`: it may have to be paid for all the same,
        with `tokens_in` and `tokens_out` where they are known), or `{"failed": why}` when only
        this request cannot be answered. LabelkitError when no request can be.
        """

    async def close(self) -> None:
        """End the connection."""


@dataclass(frozen=True)
class Question:
    """What is asked in one request: one row, or several, each under its number.

    `room` is the most tokens that one row's answer may have.
    """

    request: Request
    key: str
    keys: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    room: int = 0

    @property
    def limit(self) -> int:
        """The most tokens that the whole reply may have."""
        return int(self.request.get("max_tokens", 0))

    @property
    def row_keys(self) -> tuple[str, ...]:
        """The keys of the rows that it is about."""
        return self.keys or (self.key,)

    def answers(self, reply: Reply) -> list[tuple[str, Reply]]:
        """Return the replies to keep, each by its key; the whole where it cannot be taken apart."""
        parts = multi_row.apart(reply, self.numbers) if self.numbers else None
        return [(self.key, reply)] if parts is None else list(zip(self.keys, parts, strict=True))

    def matches(self, reply: Reply) -> bool:
        """Tell whether a reply can be taken apart into one for each row."""
        return "failed" not in reply and multi_row.apart(reply, self.numbers) is not None
