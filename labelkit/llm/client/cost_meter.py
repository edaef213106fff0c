"""Money: an estimate and a bound before, a limit that is never crossed, a sum after."""

import asyncio
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labelkit import console
from labelkit.config import costs
from labelkit.errors import BudgetReached, UsageError

# Tokens of `{"label": "..."}`; said to be an estimate wherever it is shown.
ANSWER_TOKENS = 12
RATIONALE_TOKENS = 40
# No language has so many characters a token: an endpoint that counts so few did not read it all.
UNREAD_FROM_CHARACTERS, UNREAD_PER_TOKEN = 4000, 8
# What a chat template adds to a message, and to a request, at the most that is known.
TOKENS_OF_MESSAGE, TOKENS_OF_REQUEST = 16, 16
# The message that asks once more about an answer that cannot be used.
TOKENS_OF_SECOND_QUESTION = 300


@dataclass(frozen=True)
class Price:
    """Dollars per million tokens."""

    tokens_in: float
    tokens_out: float

    def dollars(self, tokens_in: float, tokens_out: float) -> float:
        """Return what so many tokens cost."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / 1e6


def cost(reply: Mapping[str, Any], price: Price | None) -> float | None:
    """Return what a reply costs at a price; None without one."""
    if price is None:
        return None
    return price.dollars(reply.get("tokens_in", 0), reply.get("tokens_out", 0))


def read_price(text: str, option: str = "--price") -> Price:
    """Return the price given as `IN,OUT`; UsageError when it is not two numbers of 0 or more."""
    return Price(*costs.token_price(text, option))


def needs_price(limit: str, model: str) -> UsageError:
    """Return the error for a limit in dollars without a price, with the line to paste."""
    return UsageError(
        f"{limit} needs the price of {model}. Give dollars per million tokens in and out, as the "
        "provider states them: --price IN,OUT, or in the task file:\n"
        "[llm-label]\nprice = [0.15, 0.60]"
    )


def texts_of(request: Mapping[str, Any]) -> list[str]:
    """Return the texts that a request sends to the model: its messages, its schema."""
    if "prompt" in request:
        return [request["prompt"]]
    schema = json.dumps(request.get("schema") or "", ensure_ascii=False)
    return [*(message["content"] for message in request["messages"]), schema]


def size(request: Mapping[str, Any]) -> int:
    """Return the characters that a request sends to the model."""
    return sum(map(len, texts_of(request))) + 12 * len(request.get("messages", ()))


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has: four ASCII letters each, three other bytes."""
    letters = len(text.encode("ascii", "ignore"))
    return math.ceil(letters / 4 + (_bytes(text) - letters) / 3)


def estimate_tokens_in(request: Mapping[str, Any]) -> int:
    """Return about how many tokens a request has."""
    return sum(map(estimate_tokens, texts_of(request))) + 3 * len(request.get("messages", ()))


def most_tokens_in(request: Mapping[str, Any]) -> int:
    """Return the most tokens that a request can have: a token is a byte of UTF-8 or more."""
    messages = len(request.get("messages", ()))
    return sum(map(_bytes, texts_of(request))) + TOKENS_OF_MESSAGE * messages + TOKENS_OF_REQUEST


def _prefix(request: Mapping[str, Any]) -> int:
    """Return a number for what stands before the last message, the schema with it."""
    *before, _, schema = texts_of(request) if "messages" in request else ("", "", "")
    return hash((*before, schema))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


class Meter:
    """Counts tokens and dollars, and holds each request until it is sure to fit the limit."""

    def __init__(
        self,
        price: Price | None,
        limit: float | None,
        said: str = "--max-cost",
        elsewhere: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`limit` is in dollars for this run (None: no limit); `said` names it in messages.

        `elsewhere` tells what other runs have spent of the limit since this one began.
        """
        self.price, self.limit, self.said = price, limit, said
        self.answers = self.requests = self.tokens_in = self.tokens_out = 0
        self.read_in_part = self.known_in = self.known_out = self.unconfirmed = 0
        self.dollars = 0.0
        self.known_dollars: float | None = 0.0
        self._elsewhere = elsewhere
        self._held, self._unpriced = 0.0, False
        self._per_character = 0.5  # cautious until the first answer
        # Tokens of a request, by what stands before its last message: that part has no more.
        self._known_prefix: dict[int, int] = {}
        # What an endpoint counts above the bound: a factor of 1 as long as it keeps to it.
        self._over_in = self._over_out = 1.0
        self._changed = asyncio.Condition()

    def could_cost(self, request: Mapping[str, Any], price: Price | None = None) -> float:
        """Return the most that a request may cost; 0 without a price."""
        price = price or self.price
        if price is None:
            return 0.0
        tokens_in = self._most_tokens_in(request) * self._over_in
        return price.dollars(tokens_in, request.get("max_tokens", 1) * self._over_out)

    def _most_tokens_in(self, request: Mapping[str, Any]) -> int:
        most = most_tokens_in(request)
        known = self._known_prefix.get(_prefix(request))
        if known is None:
            return most
        return min(most, known + _bytes(texts_of(request)[-2]) + TOKENS_OF_MESSAGE)

    async def hold(self, request: Mapping[str, Any]) -> float:
        """Set aside what a request may cost; wait for others where only they are in the way.

        Until the first answer has come, one request goes alone. Raises BudgetReached when it
        would cross the limit.
        """
        if self.limit is None:
            return 0.0
        async with self._changed:
            while True:
                most = self.could_cost(request)
                alone = self._held <= 1e-12
                fits = self._held + most <= self.left
                if fits and (alone or self.requests):
                    self._held += most
                    return most
                if alone:
                    raise self.reached(most)
                await self._changed.wait()

    @property
    def left(self) -> float:
        """The dollars that may still be spent."""
        return math.inf if self.limit is None else self.limit - self.dollars - self._elsewhere()

    def reached(self, most: float) -> BudgetReached:
        """Return the error for a next request that may cost more than is left."""
        return BudgetReached(
            f"stopped before crossing {self.said}: {console.count(self.answers, 'answers')} for "
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

    def cost(self, reply: Mapping[str, Any]) -> float | None:
        """Return what a reply cost; None without a price."""
        return cost(reply, self.price)

    def count(self, request: Mapping[str, Any], reply: Mapping[str, Any], answers: int = 1) -> None:
        """Add a reply that is on disk; it may hold the answers to several rows."""
        first, characters = not self.answers, size(request)
        self.add(reply, answers, self.cost(reply))
        counted = reply.get("tokens_in", 0)
        if characters >= UNREAD_FROM_CHARACTERS:
            self.read_in_part += 0 < counted * UNREAD_PER_TOKEN < characters
        seen = counted / max(characters, 1)
        self._per_character = max(seen * 1.1, 0.0 if first else self._per_character)
        if counted and "messages" in request:
            prefix = _prefix(request)
            self._known_prefix[prefix] = min(counted, self._known_prefix.get(prefix, counted))
        self._over_in = _over(counted, most_tokens_in(request), self._over_in)
        self._over_out = _over(
            reply.get("tokens_out", 0), request.get("max_tokens", 1), self._over_out
        )

    def recall(self, reply: Mapping[str, Any], dollars: float | None) -> None:
        """Note an answer that an earlier run paid for, and what it cost then (None: not known)."""
        self.known_in += int(reply.get("tokens_in", 0))
        self.known_out += int(reply.get("tokens_out", 0))
        dollars = self.cost(reply) if dollars is None else dollars
        known = self.known_dollars
        self.known_dollars = None if known is None or dollars is None else known + dollars

    def raise_limit(self, dollars: float) -> None:
        """Allow for what was spent now but set aside before this run."""
        if self.limit is not None:
            self.limit += dollars

    def add(self, reply: Mapping[str, Any], answers: int, dollars: float | None) -> None:
        """Add a reply that is on disk at what it cost."""
        self.answers += answers
        self.requests += 1
        self.tokens_in += int(reply.get("tokens_in", 0))
        self.tokens_out += int(reply.get("tokens_out", 0))
        self._pay(dollars)

    def add_unconfirmed(self, tokens_in: int, tokens_out: int, dollars: float | None) -> None:
        """Add a request without a readable answer that the provider may have billed."""
        self.unconfirmed += 1
        self.requests += 1
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out
        self._pay(dollars)

    def _pay(self, dollars: float | None) -> None:
        self._unpriced |= dollars is None
        self.dollars += dollars or 0.0

    @property
    def spent(self) -> float | None:
        """What this run has cost in dollars; None where a part of it has no known price."""
        return None if self._unpriced else self.dollars


def _over(counted: float, most: float, so_far: float) -> float:
    return max(so_far, 1.1 * counted / most) if counted > most else so_far
