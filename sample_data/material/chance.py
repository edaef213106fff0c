"""Seeded chance. Only `random.random()` is promised to be the same in every Python version."""

import random
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import Generic, TypeVar

T = TypeVar("T")


class Chance:
    """All draws of one run, in order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def unit(self) -> float:
        """A number from 0 to 1."""
        return self._random.random()

    def normal(self) -> float:
        """A number from the standard normal distribution."""
        return NormalDist().inv_cdf(min(max(self.unit(), 1e-9), 1 - 1e-9))

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int((high - low + 1) * self.unit())

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[int(len(choices) * self.unit())]

    def weighted(self, weights: Mapping[str, float]) -> str:
        """One of the names, as often as its weight says."""
        left = sum(weights.values()) * self.unit()
        for name, weight in weights.items():
            left -= weight
            if left < 0:
                return name
        return next(reversed(list(weights)))

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in another order."""
        keys = [self.unit() for _ in items]
        return [items[i] for i in sorted(range(len(items)), key=keys.__getitem__)]


class Deck(Generic[T]):
    """Deals every card once before any card comes again."""

    def __init__(self, cards: Sequence[T], chance: Chance) -> None:
        self._cards, self._chance = list(cards), chance
        self._left: list[T] = []

    def deal(self, fits: Callable[[T], bool] = lambda card: True) -> T:
        """The next card that fits; LookupError if no card of the deck does."""
        for _ in range(2):
            for position, card in enumerate(self._left):
                if fits(card):
                    return self._left.pop(position)
            self._left = self._left + self._chance.shuffled(self._cards)
        raise LookupError("no card fits")
