"""Labeling functions for the film reviews, written from the task's description.

They were not tuned on the gold column and are left as they were first written: some are good,
some are prejudice. None (or -1 where the labels are integers) is no vote.
"""

import re
from pathlib import Path

import pandas as pd
from snorkel.labeling import labeling_function

from labelkit import vectorized

ABSTAIN = None
POSITIVE = "POSITIVE"
NEGATIVE = "NEGATIVE"

KNOWN_TITLES = frozenset(
    (Path(__file__).parent / "known_titles.txt").read_text(encoding="utf-8").splitlines()
)

PRAISE = re.compile(
    r"\b(amazing|beautiful(ly)?|best|brilliant|charming|delight(ful)?|enjoy(ed|able)?|excellent"
    r"|fantastic|gem|glad|great|joy|lovely|loved?|masterpiece|moving|perfect(ly)?|recommend(ed)?"
    r"|stunning|superb|terrific|treat|wonderful(ly)?)\b"
)
BLAME = re.compile(
    r"\b(annoying|avoid|awful|bad(ly)?|bor(e|ed|ing)|cheap|disappoint(ed|ing|ment)|dreadful|dull"
    r"|hated?|lazy|mess|miserable|nonsense|pointless|poor|predictable|ridiculous|rubbish|skip"
    r"|stupid|tedious|terrible|ugly|wast(e|ed)|weak|worse|worst)\b"
)
# "not bad", "isn't great", "never boring": the word counts for the other side.
TURNED = re.compile(r"(\b(no|not|never|hardly|neither)|n't)( \w+)? $")


def says(pattern: re.Pattern[str], text: str) -> bool:
    """Whether the text has one of the words, with no negation just before it."""
    lowered = text.lower()
    return any(not TURNED.search(lowered[: hit.start()]) for hit in pattern.finditer(lowered))


def lf_praise(text):
    """Words of praise and none of blame."""
    if says(PRAISE, text) and not says(BLAME, text):
        return POSITIVE
    return ABSTAIN


def lf_blame(row):
    """Words of blame and none of praise."""
    if says(BLAME, row.text) and not says(PRAISE, row.text):
        return NEGATIVE
    return ABSTAIN


def lf_very_short(text):
    """People who write five words or fewer are usually cross."""
    return NEGATIVE if len(text.split()) <= 5 else None


def lf_exclamation_marks(x):
    """Three exclamation marks are enthusiasm."""
    return POSITIVE if x.text.count("!") >= 3 else None


@vectorized
def lf_rating(films: pd.DataFrame) -> pd.Series:
    """The site's rating: above 7.5 the reviewer probably agrees, below 5 as well."""
    votes = pd.Series(None, index=films.index, dtype=object)
    votes[films.rating >= 7.5] = POSITIVE
    votes[films.rating < 5] = NEGATIVE
    return votes


def lf_award(awards):
    """It won an Oscar or a BAFTA."""
    return POSITIVE if awards.startswith("Won") and re.search("Oscar|BAFTA", awards) else None


def lf_box_office(row):
    """Hardly anyone paid to see it."""
    if row.box_office and row.box_office < 500_000:
        return NEGATIVE
    return ABSTAIN


def lf_tired_sequel(title):
    """From the fourth part on, the ideas have run out."""
    number = re.search(r" (\d+)$", title)
    return NEGATIVE if number and int(number[1]) >= 4 else None


def lf_known_title(title):
    """On our own list of celebrated films."""
    return POSITIVE if title in KNOWN_TITLES else None


@labeling_function()
def lf_watch_again(x):
    """Wants to see it again, or sends others: 1 is POSITIVE, -1 abstains."""
    return 1 if re.search(r"\b(again|twice|go and see|see it|don't miss)\b", x.text.lower()) else -1


@labeling_function()
def lf_wants_it_back(movie):
    """Asks for money or time back, or left early: 0 is NEGATIVE, -1 abstains."""
    asked = re.search(r"\b(money|hours|evening)\b.* back\b|refund|walked out|asleep", movie.text)
    return 0 if asked else -1
