"""The invented films: their people, and the facts that a film site would know of them."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from material.chance import Chance, Deck


@dataclass
class Film:
    """One invented film; `quality` is about normal, what its reviewers and prizes share."""

    title: str
    genre: str
    premise: str
    people: dict[str, str]
    quality: float
    facts: dict[str, str]
    premise_told: bool = False

    @property
    def number(self) -> int:
        """The sequel number in the title, 1 without one."""
        found = re.search(r" (\d+|II)$", self.title)
        return (2 if found[1] == "II" else int(found[1])) if found else 1


def rows_of(path: Path) -> Iterator[list[str]]:
    """The ` | `-separated fields of each line that is not a comment."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield [part.strip() for part in line.split(" | ")]


def make_films(folder: Path, chance: Chance) -> list[Film]:
    """All films with their people, their quality and the facts that are known of them."""
    given, family = zip(*rows_of(folder / "material" / "people.txt"), strict=True)
    celebrated = set((folder / "known_titles.txt").read_text(encoding="utf-8").splitlines())
    firsts, lasts = Deck(given, chance), Deck(family, chance)
    films = []
    for title, genre, premise in rows_of(folder / "material" / "films.txt"):
        people = {k: f"{firsts.deal()} {lasts.deal()}" for k in ("lead", "support", "director")}
        film = Film(title, genre, premise, people, chance.normal(), {})
        film.quality += 0.9 * (title in celebrated) - 0.25 * (film.number > 2) - 0.1
        film.facts = make_facts(film, chance)
        films.append(film)
    return films


def make_facts(film: Film, chance: Chance) -> dict[str, str]:
    """What the film's page says, many cells of it empty."""
    rating = min(9.6, max(1.4, 6.3 + 1.25 * film.quality + 0.6 * chance.normal()))
    takings = math.exp(15.6 + 0.6 * film.quality + 1.9 * chance.normal())
    facts = {
        "rating": f"{rating:.1f}",
        "awards": describe_awards(film.quality + 0.6 * chance.normal(), chance),
        "box_office": str(int(takings)),
        "year": str(2024 - int(38 * chance.unit() ** 1.6)),
    }
    missing = {"rating": 0.38, "awards": 0.55, "box_office": 0.46, "year": 0.04}
    return {name: "" if chance.unit() < missing[name] else v for name, v in facts.items()}


def describe_awards(standing: float, chance: Chance) -> str:
    """The prize line, as film sites write it."""
    prize = chance.pick(["Oscar", "BAFTA", "Oscar", "César", "Golden Globe"])
    count = 1 + int(3 * chance.unit())
    prizes = prize if count == 1 else f"{prize}s"
    if standing > 1.1:
        return f"Won {count} {prizes}. Another {3 + int(30 * chance.unit())} wins"
    if standing > 0.4:
        return f"Nominated for {count} {prizes}. {2 + int(9 * chance.unit())} wins"
    if standing > -0.6:
        return f"{2 + int(6 * chance.unit())} nominations"
    return chance.pick(["", "1 nomination", "Won 1 Razzie", "Nominated for 2 Razzies"])
