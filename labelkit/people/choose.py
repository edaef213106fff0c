"""Which of several answers to a row counts."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class Answer(NamedTuple):
    """One person's label of a row: which row, who (a name or what stands for one), which label."""

    row: int
    who: str
    label: str


class Chosen(NamedTuple):
    """Which answer counts for each row, and the rows where people disagree.

    `winner` maps a row to a place among the answers; `disputed` a row to (who, label) of each
    person's last word.
    """

    winner: dict[int, int]
    disputed: dict[int, list[tuple[str, str]]]


def choose(answers: Sequence[Answer], prefer: str) -> Chosen:
    """Return the answer that counts for each row; `answers` run from the oldest to the newest.

    Each person has one voice a row, the last. `latest` takes the newest answer of all, `majority`
    the label with most voices, among equals the one given last.
    """
    voices: dict[int, dict[str, int]] = {}
    for place, answer in enumerate(answers):
        of_row = voices.setdefault(answer.row, {})
        of_row.pop(answer.who, None)  # so that the newest stands last
        of_row[answer.who] = place
    winner, disputed = {}, {}
    for row, by_person in voices.items():
        places = list(by_person.values())
        labels = [answers[place].label for place in places]
        winner[row] = places[-1] if prefer == "latest" else _most(places, labels)
        if len(set(labels)) > 1:
            disputed[row] = [(answers[place].who, answers[place].label) for place in places]
    return Chosen(winner, disputed)


def _most(places: list[int], labels: list[str]) -> int:
    voices = Counter(labels)
    best = max(range(len(places)), key=lambda i: (voices[labels[i]], places[i]))
    return places[best]
