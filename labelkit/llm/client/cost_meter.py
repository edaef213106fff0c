"""Money: an estimate before, a limit that is never crossed, a sum after."""

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labelkit.errors import BudgetReached, UsageError

# Tokens of `{"label": "..."}`; said to be an estimate wherever it is shown.
ANSWER_TOKENS = 12
RATIONALE_TOKENS = 40
# No language has so many characters a token: an endpoint that counts so few did not read it all.
UNREAD_FROM_CHARACTERS, UNREAD_PER_TOKEN = 4000, 8


@dataclass(frozen=True)
class Price:
    """Dollars per million tokens."""

    tokens_in: float
    tokens_out: float

    def dollars(self, tokens_in: float, tokens_out: float) -> float:
        """Return what so many tokens cost."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / 1e6


def read_price(text: str, option: str = "--price") -> Price:
    """Return the price given as `IN,OUT`; UsageError when it is not two numbers of 0 or more."""
    try:
        tokens_in, tokens_out = (float(part) for part in text.split(","))
    except ValueError:
        tokens_in = tokens_out = -1.0
    if not (0 <= tokens_in < math.inf and 0 <= tokens_out < math.inf):
        raise UsageError(
            f"{option} {text!r}: give dollars per million tokens in and out, as in 0.15,0.60"
        )
    return Price(tokens_in, tokens_out)


def needs_price(limit: str, model: str) -> UsageError:
    """Return the error for a limit in dollars without a price, with the line to paste."""
    return UsageError(
        f"{limit} needs the price of {model}. Give dollars per million tokens in and out, as the "
        "provider states them: --price IN,OUT, or in the task file:\n"
        "[llm-label]\nprice = [0.15, 0.60]"
    )


def size(request: Mapping[str, Any]) -> int:
    """Return the characters that a request sends to the model."""
    if "prompt" in request:
        return len(request["prompt"])
    return sum(len(message["content"]) + 12 for message in request["messages"]) + len(
        json.dumps(request.get("schema") or "")
    )


def estimate_tokens(characters: int) -> int:
    """Return about how many tokens a text has: a quarter of its characters."""
    return math.ceil(characters / 4)


class Meter:
    """Counts tokens and dollars, and holds each request until it is sure to fit the limit."""

    def __init__(self, price: Price | None, limit: float | None, said: str = "--max-cost") -> None:
        """`limit` is in dollars for this run (None: no limit); `said` names it in messages."""
        self.price, self.limit, self.said = price, limit, said
        self.answers = self.requests = self.tokens_in = self.tokens_out = 0
        self.read_in_part = self.known_in = self.known_out = 0
        self.dollars = 0.0
        self._held = 0.0
        self._per_character = 0.5  # cautious until the first answer has told
        self._changed = asyncio.Condition()

    def could_cost(self, request: Mapping[str, Any], price: Price | None = None) -> float:
        """Return the most that a request may cost."""
        price = price or self.price
        if price is None:
            return 0.0
        tokens_in = size(request) * self._per_character + 16
        return price.dollars(tokens_in, request.get("max_tokens", 1))

    async def hold(self, request: Mapping[str, Any]) -> float:
        """Set aside what a request may cost; wait for others where only they are in the way.

        Raises BudgetReached when it would cross the limit.
        """
        if self.limit is None:
            return 0.0
        async with self._changed:
            while True:
                most = self.could_cost(request)
                if self.dollars + self._held + most <= self.limit:
                    self._held += most
                    return most
                if self._held <= 1e-12:
                    raise self.reached(most)
                await self._changed.wait()

    def reached(self, most: float) -> BudgetReached:
        """Return the error for a next request that may cost more than is left."""
        return BudgetReached(
            f"stopped before crossing {self.said}: {self.answers:,} answers for "
            f"${self.dollars:.4f}, the next may cost ${most:.4f}. All answers are kept: the same "
            "command with a higher limit goes on from here."
        )

    async def free(self, held: float) -> None:
        """Give back what was set aside."""
        if self.limit is None:
            return
        async with self._changed:
            self._held = max(0.0, self._held - held)
            self._changed.notify_all()

    def expects(self, request: Mapping[str, Any]) -> float:
        """Return about how many tokens a request will take, its answer included."""
        answer = self.tokens_out / self.requests if self.requests else ANSWER_TOKENS
        return size(request) * self._per_character + answer

    def cost(self, reply: Mapping[str, Any]) -> float:
        """Return what a reply cost."""
        if self.price is None:
            return 0.0
        return self.price.dollars(reply.get("tokens_in", 0), reply.get("tokens_out", 0))

    def count(self, request: Mapping[str, Any], reply: Mapping[str, Any], answers: int = 1) -> None:
        """Add a reply that is on disk; it may hold the answers to several rows."""
        first, characters = not self.answers, size(request)
        self.add(reply, answers, self.cost(reply))
        counted = reply.get("tokens_in", 0)
        if characters >= UNREAD_FROM_CHARACTERS:
            self.read_in_part += 0 < counted * UNREAD_PER_TOKEN < characters
        seen = counted / max(characters, 1)
        self._per_character = max(seen * 1.1, 0.0 if first else self._per_character)

    def recall(self, reply: Mapping[str, Any]) -> None:
        """Note what an answer took that an earlier run paid for."""
        self.known_in += int(reply.get("tokens_in", 0))
        self.known_out += int(reply.get("tokens_out", 0))

    def recalled(self) -> float:
        """Return what the answers cost that earlier runs paid for, at the price of this one."""
        return 0.0 if self.price is None else self.price.dollars(self.known_in, self.known_out)

    def raise_limit(self, dollars: float) -> None:
        """Allow for what was spent now but set aside before this run."""
        if self.limit is not None:
            self.limit += dollars

    def add(self, reply: Mapping[str, Any], answers: int, dollars: float) -> None:
        """Add a reply that is on disk at what it cost."""
        self.answers += answers
        self.requests += 1
        self.tokens_in += int(reply.get("tokens_in", 0))
        self.tokens_out += int(reply.get("tokens_out", 0))
        self.dollars += dollars
