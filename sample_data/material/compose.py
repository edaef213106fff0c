"""Composes one review of one film out of the written material."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from material.chance import Chance, Deck
from material.films import Film

OTHER = {"+": "-", "-": "+"}

# Which sides of a film its genre allows a reviewer to speak of.
SIDES = ("acting", "script", "pace", "ending", "look", "music", "direction", "heart")
SIDES_OF = {
    "documentary": ("pace", "music", "direction", "heart"),
    "animation": ("script", "pace", "ending", "music", "direction", "heart"),
}
WITHOUT_CAST = ("documentary", "animation")
# Weights of the ways to build a review: they set how hard the task is.
PLANS = {
    "clear": 60,
    "concede": 16,
    "split": 6,
    "turn": 2,
    "aside": 5,
    "long": 9,
    "list": 3,
    "short": 9,
    "ironic": 6,
    "whole": 9,
}
HARD_PLANS = ("split", "turn", "ironic")
GRANTING = {
    "+": ("To be fair, ", "Yes, ", "I grant you, ", "", ""),
    "-": ("Granted, ", "Yes, ", "Admittedly, ", "", ""),
}
TURNING = ("But ", "Still, ", "And yet ", "That said, ", "Even so, ", "", "")
NAMES_CAST = re.compile(r"\{lead|\{support|\b[Cc]ast\b|actor")
AT_HOME = re.compile(r"flight|sleeper|Rented|streamed|Sunday")
AT_CINEMA = re.compile(
    r"cinema|usher|\brow\b|hall|lights|ticket|\bseats?\b|screen four|screening|car park|walked out"
    r"|popcorn|way home|walk home|bus\b|projection|price|train|left",
    re.IGNORECASE,
)
CONTRACTIONS = [
    (re.compile(rf"\b{long}(?= \w)"), short)
    for long, short in (
        ("([Dd]o|[Dd]oes|[Dd]id|[Ii]s|[Cc]ould|[Ww]ould|[Hh]as|[Hh]ad) not", r"\1n't"),
        ("([Cc])annot", r"\1an't"),
        ("(It|That|[Tt]here) is", r"\1's"),
        ("(and|but|because|so|yet|said,) it is", r"\1 it's"),
        ("I am", "I'm"),
        ("I would", "I'd"),
        ("([Yy]ou) will", r"\1'll"),
    )
]
SLIPS = (("which", "wich"), ("because", "becuase"), ("their", "thier"), ("really", "realy"),
         ("would have", "would of"), ("the ", "teh "), ("you are", "your"))  # fmt: skip
EMOJI = {"+": ("😍", "👏👏", "❤️", "😭❤️", "🙌", "😂"), "-": ("🙄", "😴", "👎", "😂", "🤦", "💤")}
WRY = {"+": ("🤦", "🙄"), "-": ("👏👏", "🙌", "😍")}
ANY_EMOJI = ("🎬", "🍿", "😅", "🤷")


@dataclass
class Stock:
    """The written material, dealt like decks of cards so that nothing comes round too soon."""

    chance: Chance
    sections: dict[str, Deck[str]] = field(default_factory=dict)
    whole: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, chance: Chance) -> "Stock":
        """The stock of the folder's sentences.txt and whole.txt."""
        sections = read_sections(folder / "sentences.txt")
        decks = {name: Deck(lines, chance) for name, lines in sections.items()}
        whole = read_whole(folder / "whole.txt")
        return cls(chance, decks, {sign: chance.shuffled(w) for sign, w in whole.items()})

    def deal(self, section: str, review: "Review") -> str:
        """One sentence with its choices made that goes with what the review already says."""
        return review.take(self.sections[section].deal(review.accepts))


@dataclass
class Review:
    """A review that is being written: its film, its verdict (+ or -) and what it has said."""

    film: Film
    sign: str
    chance: Chance
    said: list[str] = field(default_factory=list)

    def accepts(self, line: str) -> bool:
        """No cast where there is none, no cinema on an aeroplane, no word told twice."""
        if self.film.genre in WITHOUT_CAST and NAMES_CAST.search(line):
            return False
        so_far = " ".join(self.said)
        if AT_HOME.search(so_far) and AT_CINEMA.search(line):
            return False
        if line.count("{") and any(slot in so_far for slot in re.findall(r"\{\w+\}", line)):
            return False
        words = set(re.findall(r"[a-z']{6,}", line.lower())) - {"{director}", "director"}
        return not words & set(re.findall(r"[a-z']{6,}", so_far.lower()))

    def take(self, line: str) -> str:
        """The line with its choices made; slots are filled at the very end."""
        chosen = re.sub(r"\[([^]]*)\]", lambda m: self.chance.pick(m[1].split("|")), line)
        chosen = chosen.replace(" ,", ",")
        self.said.append(chosen)
        return chosen


def read_sections(path: Path) -> dict[str, list[str]]:
    """The lines of each `== name` section."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            lines = sections.setdefault(line[3:], [])
        elif line and not line.startswith("#"):
            lines.append(line)
    return sections


def read_whole(path: Path) -> dict[str, list[tuple[str, bool]]]:
    """The whole reviews of each sign; True marks those that speak of a sequel."""
    whole: dict[str, list[tuple[str, bool]]] = {"+": [], "-": []}
    for block in path.read_text(encoding="utf-8").split("\n--- ")[1:]:
        head, _, text = block.partition("\n")
        whole[head[0]].append((text.strip(), head.endswith("sequel")))
    return whole


def joined(opening: str, sentence: str) -> str:
    """The sentence after a word like `But `, its capital lowered where that is right."""
    if sentence.startswith("~ "):
        return sentence[2:]
    if not opening or sentence.startswith("{") or re.match(r"I\b", sentence):
        return opening + sentence
    return opening + sentence[0].lower() + sentence[1:]


def sides(review: Review, stock: Stock, signs: str) -> list[str]:
    """One sentence for each sign, every one about another side of the film.

    A plain word on the whole film ("I really enjoyed it") always has the review's own sign.
    """
    genre, chance = review.film.genre, review.chance
    topics = chance.shuffled(SIDES_OF.get(genre, SIDES))
    if genre != "drama" and chance.unit() < 0.35:
        topics.insert(chance.whole(0, len(signs) - 1), genre)
    if review.sign in signs and chance.unit() < 0.6:
        own = [i for i, sign in enumerate(signs) if sign == review.sign]
        topics.insert(chance.pick(own), "plain")
    return [stock.deal(f"{t} {sign}", review) for t, sign in zip(topics, signs, strict=False)]


def opening(review: Review, stock: Stock, likely: float) -> list[str]:
    """Perhaps how the reviewer came to the film, perhaps what it is about."""
    start = []
    if review.chance.unit() < likely:
        start.append(stock.deal("opener", review))
    if not review.film.premise_told and review.chance.unit() < likely * 0.7:
        review.film.premise_told = True
        start.append(review.film.premise)
    return start


def write_clear(review: Review, stock: Stock) -> list[str]:
    own = review.sign
    count = review.chance.whole(2, 4)
    start = opening(review, stock, 0.4)
    body = [joined("", line) for line in sides(review, stock, own * count)]
    if review.chance.unit() < 0.35:
        return start + body
    return [*start, *body, stock.deal(f"verdict {own}", review)]


def write_concede(review: Review, stock: Stock) -> list[str]:
    own, chance = review.sign, review.chance
    start = opening(review, stock, 0.3)
    granted, *rest = sides(review, stock, OTHER[own] + own * chance.whole(1, 3))
    body = [
        joined(chance.pick(GRANTING[OTHER[own]]), granted),
        joined(chance.pick(TURNING), rest[0]),
    ]
    body += [joined("", line) for line in rest[1:]]
    if chance.unit() < 0.6:
        body.append(stock.deal(f"{chance.pick(['lean', 'verdict'])} {own}", review))
    return start + body


def write_split(review: Review, stock: Stock) -> list[str]:
    own, chance = review.sign, review.chance
    start = opening(review, stock, 0.3)
    good, bad = sides(review, stock, chance.pick([own + OTHER[own], OTHER[own] + own]))
    body = [joined("", good), joined(chance.pick(TURNING), bad)]
    return [*start, *body, stock.deal(f"lean {own}", review)]


def write_turn(review: Review, stock: Stock) -> list[str]:
    own, other = review.sign, OTHER[review.sign]
    first, second, third = sides(review, stock, other + other + own)
    body = [joined("", first), joined("", second), joined(review.chance.pick(TURNING), third)]
    section = review.chance.pick(["lean", "verdict"])
    return [*body, stock.deal(f"{section} {own}", review)]


def write_aside(review: Review, stock: Stock) -> list[str]:
    own = review.sign
    start = opening(review, stock, 0.9) or [stock.deal("opener", review)]
    start.append(stock.deal("remark", review))
    if review.chance.unit() < 0.5:
        return [*start, stock.deal(f"lean {own}", review)]
    return start + [joined("", line) for line in sides(review, stock, own)]


def write_long(review: Review, stock: Stock) -> list[str]:
    own, chance = review.sign, review.chance
    start = opening(review, stock, 1.0)
    lines = sides(review, stock, own + own + OTHER[own] + OTHER[own] + own)
    if len(lines) < 5:
        return [*start, *(joined("", line) for line in lines), stock.deal(f"verdict {own}", review)]
    with_it = " ".join(joined("", line) for line in lines[:2])
    against = f"{joined(chance.pick(GRANTING[OTHER[own]]), lines[2])} {joined('', lines[3])}"
    parts = [with_it, against] if chance.unit() < 0.4 else [against, with_it]
    closing = f"{joined('', lines[4])} {stock.deal(f'verdict {own}', review)}"
    remark = [stock.deal("remark", review)] if chance.unit() < 0.4 else []
    return ["\n\n".join([" ".join(start + remark), *parts, closing])]


def write_list(review: Review, stock: Stock) -> list[str]:
    if review.film.genre in WITHOUT_CAST:
        return write_clear(review, stock)
    chance, own = review.chance, review.sign
    counts = {own: 2 + int(2 * chance.unit()), OTHER[own]: 1 + int(2 * chance.unit())}
    pros = [stock.deal("pro", review) for _ in range(counts["+"])]
    cons = [stock.deal("con", review) for _ in range(counts["-"])]
    verdict = stock.deal(f"{chance.pick(['lean', 'verdict'])} {own}", review)
    head = chance.pick([("Pros: ", "Cons: "), ("+ ", "- "), ("Good: ", "Less good: ")])
    return [f"{head[0]}{', '.join(pros)}\n{head[1]}{', '.join(cons)}\n{verdict}"]


def write_short(review: Review, stock: Stock) -> list[str]:
    return [stock.deal(f"short {review.sign}", review)]


def write_ironic(review: Review, stock: Stock) -> list[str]:
    line = stock.deal(f"ironic {review.sign}", review)
    if review.chance.unit() < 0.5:
        return [*opening(review, stock, 0.5), line]
    return [line, *(joined("", s) for s in sides(review, stock, review.sign))]


def write_whole(review: Review, stock: Stock) -> list[str]:
    left = stock.whole[review.sign]
    for position, (text, of_a_sequel) in enumerate(left):
        fits = review.film.number > 1 or not of_a_sequel
        if fits and review.film.genre != "documentary" and review.accepts(text):
            del left[position]
            return [text]
    return write_clear(review, stock)


WRITERS: dict[str, Callable[["Review", "Stock"], list[str]]] = {
    "clear": write_clear,
    "concede": write_concede,
    "split": write_split,
    "turn": write_turn,
    "aside": write_aside,
    "long": write_long,
    "list": write_list,
    "short": write_short,
    "ironic": write_ironic,
    "whole": write_whole,
}


def dress(text: str, review: Review) -> str:
    """The text in one reviewer's manner: contractions, capitals, marks, slips, emoji."""
    chance = review.chance
    if chance.unit() < 0.7:
        for long, short in CONTRACTIONS:
            text = long.sub(short, text)
    if chance.unit() < 0.1:
        text = re.sub(r"\.(?= |$)", lambda _: chance.pick(["!", "!!", ".", "!"]), text)
    text = fill(text, review.film, chance)
    if chance.unit() < 0.08:
        text = text.lower().removesuffix(".")
        slip = chance.pick(SLIPS)
        text = text.replace(*slip, 1)
    if chance.unit() < 0.08 and text[-1] in ".!?":
        mood = chance.unit()
        kind = EMOJI[review.sign] if mood < 0.6 else ANY_EMOJI if mood < 0.85 else WRY[review.sign]
        text += f" {chance.pick(kind)}"
    return text


def fill(text: str, film: Film, chance: Chance) -> str:
    """The text with the film's title, at times in quotes, and its people's names."""
    quoted = chance.unit() < 0.3 and '"' not in film.title and '"{film}"' not in text
    names = {"film": f'"{film.title}"' if quoted else film.title}
    for role, name in film.people.items():
        names[role] = name.split(" ", 1)[1] if chance.unit() < 0.35 else name
    return re.sub(r"\{(\w+)\}", lambda m: names[m[1]], text)


@dataclass(frozen=True)
class Written:
    """A finished review: its text, its verdict (+ or -), and whether it is hard to judge."""

    text: str
    sign: str
    hard: bool


def write_review(film: Film, chance: Chance, stock: Stock) -> Written:
    """One review of the film; a better film finds more friends."""
    liked = 1 / (1 + math.exp(-(0.25 + 0.95 * film.quality)))
    review = Review(film, "+" if chance.unit() < liked else "-", chance)
    plan = chance.weighted(PLANS)
    text = dress(" ".join(WRITERS[plan](review, stock)), review)
    return Written(text, review.sign, plan in HARD_PLANS)
