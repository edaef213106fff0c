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
    person's last word; `sure` a row to the probability of its label, where the crowd model chose.
    """

    winner: dict[int, int]
    disputed: dict[int, list[tuple[str, str]]]
    sure: dict[int, float]


def choose(answers: Sequence[Answer], prefer: str) -> Chosen:
    """Return the answer that counts for each row; `answers` run from the oldest to the newest.

    Each person has one voice a row, the last. `latest` takes the newest answer of all, `majority`
    the label with most voices, among equals the one given last, `consensus` the likeliest by the
    crowd model, which learns from all answers how far each person is to be trusted.
    """
    voices: dict[int, dict[str, int]] = {}
    for place, answer in enumerate(answers):
        of_row = voices.setdefault(answer.row, {})
        of_row.pop(answer.who, None)  # so that the newest stands last
        of_row[answer.who] = place
    winner, disputed = {}, {}
    likely = _likely(answers, voices) if prefer == "consensus" and voices else {}
    for row, by_person in voices.items():
        places = list(by_person.values())
        labels = [answers[place].label for place in places]
        if row in likely:
            winner[row] = places[_last(labels, max(likely[row], key=likely[row].__getitem__))]
        else:
            winner[row] = places[-1] if prefer == "latest" else _most(places, labels)
        if len(set(labels)) > 1:
            disputed[row] = [(answers[place].who, answers[place].label) for place in places]
    sure = {row: max(of_row.values()) for row, of_row in likely.items()}
    return Chosen(winner, disputed, sure)


def _last(labels: list[str], label: str) -> int:
    return len(labels) - 1 - labels[::-1].index(label)


def _likely(
    answers: Sequence[Answer], voices: dict[int, dict[str, int]]
) -> dict[int, dict[str, float]]:
    """Return for each row the probability of each label that somebody gave it."""
    import numpy as np

    from labelkit.stats import dawid_skene

    places = [place for of_row in voices.values() for place in of_row.values()]
    used = [answers[place] for place in places]
    rows, item = np.unique([answer.row for answer in used], return_inverse=True)
    people, who = np.unique([answer.who for answer in used], return_inverse=True)
    classes, label = np.unique([answer.label for answer in used], return_inverse=True)
    votes = dawid_skene.Votes(item, who, label, len(rows), len(people), len(classes))
    found = dawid_skene.consensus(votes).probabilities
    likely: dict[int, dict[str, float]] = {}
    for answer, place, code in zip(used, item, label, strict=True):
        likely.setdefault(answer.row, {})[answer.label] = float(found[place, code])
    return likely


def _most(places: list[int], labels: list[str]) -> int:
    voices = Counter(labels)
    best = max(range(len(places)), key=lambda i: (voices[labels[i]], places[i]))
    return places[best]
