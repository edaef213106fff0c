"""Which of several answers to a row counts."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from labelkit.stats.ties import leader


class Answer(NamedTuple):
    """One person's label of a row: which row, who (a name or what stands for one), which label."""

    row: int
    who: str
    label: str


class Chosen(NamedTuple):
    """Which answer counts for each row, and the rows where people disagree.

    `winner` maps a row to a place among the answers, `ties` a row without a winner to its newest
    answer; `disputed` maps a row to (who, label) of each person's last word; `sure` a row to the
    probability of its label (0 at a tie), where the crowd model chose.
    """

    winner: dict[int, int]
    ties: dict[int, int]
    disputed: dict[int, list[tuple[str, str]]]
    sure: dict[int, float]


def choose(answers: Sequence[Answer], prefer: str, earlier: int = 0) -> Chosen:
    """Return the answer that counts for each row; `answers` run from the oldest to the newest.

    Each person has one voice a row, the last. `latest` takes the newest answer of all, `majority`
    the label with most voices, `consensus` the likeliest by the crowd model, which learns from all
    answers how far each person is to be trusted. At a tie between labels that the file had
    already (the first `earlier` answers) and new answers, the new answers alone count.
    """
    voices: dict[int, dict[str, int]] = {}
    for place, answer in enumerate(answers):
        of_row = voices.setdefault(answer.row, {})
        of_row.pop(answer.who, None)  # so that the newest stands last
        of_row[answer.who] = place
    winner: dict[int, int] = {}
    ties, disputed = {}, {}
    likely = _likely(answers, voices) if prefer == "consensus" and voices else {}
    for row, by_person in voices.items():
        places = list(by_person.values())
        labels = {place: answers[place].label for place in places}
        label = _label(list(labels.values()), likely.get(row), prefer)
        if label is None:
            new = [labels[place] for place in places if place >= earlier]
            label = _label(new, None, "majority")
        agreed = [place for place in places if labels[place] == label]
        if label is None:
            ties[row] = places[-1]
        else:  # a label that the file had and that others confirm stays as it is
            confirmed = prefer != "latest" and agreed[0] < earlier
            winner[row] = agreed[0] if confirmed else agreed[-1]
        if len(set(labels.values())) > 1:
            disputed[row] = [(answers[place].who, labels[place]) for place in places]
    sure = {
        row: of_row[answers[winner[row]].label] if row in winner else 0.0
        for row, of_row in likely.items()
    }
    return Chosen(winner, ties, disputed, sure)


def _label(labels: list[str], likely: dict[str, float] | None, prefer: str) -> str | None:
    """Return the label that counts, by one label a person from the oldest on; None: a tie."""
    if prefer == "latest":
        return labels[-1]
    return leader(likely or Counter(labels))


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
