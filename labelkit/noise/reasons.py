"""Why a label is doubted, in words that a person can check: views, neighbours, near-duplicates.

The words that speak for the suggestion are those whose share of the counts differs most between
the two classes (the log-odds of naive Bayes, times the row's TF-IDF).
"""

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.errors import listing
from labelkit.noise.label_quality import LabelEvidence

if TYPE_CHECKING:
    from labelkit.job.job import Job

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SHOWN = 10  # neighbours
MOST_WORDS = 3
SMOOTHING = 0.5
NEAREST, CLOSE = 3, 0.4  # rows, and squared distance, among which near-duplicates are looked for
ALIKE = 0.8  # share of different words that near-duplicates have in common
WORD = re.compile(r"\w+")


class Neighbour(NamedTuple):
    """A near row of the file, its label and its distance."""

    row: int
    label: int
    distance: float


class Speaker:
    """Says of places in the evidence why another class is likelier."""

    def __init__(self, job: "Job", evidence: LabelEvidence) -> None:
        self._job, self.evidence = job, evidence

    @cached_property
    def _keys(self) -> list[str]:
        return self._job.keys()

    @cached_property
    def _texts(self) -> list[Any]:
        if not self._job.has_text() or self.evidence.looks.terms is None:
            return []
        return [self._job.source.texts(name) for name in self._job.text]

    def key(self, row: int) -> str:
        """Return what people call a row."""
        return f"{self._job.key_name} {self._keys[row]}"

    def text(self, row: int) -> str:
        """Return the row's text, '' where texts are not read."""
        return "\n".join(str(column[row]) for column in self._texts)

    def neighbours(self, place: int) -> list[Neighbour]:
        """Return the nearest rows that have a label, nearest first."""
        nearest = self.evidence.looks.nearest
        if nearest is None:
            return []
        rows, given = self.evidence.rows, self.evidence.given
        return [
            Neighbour(int(rows[near]), int(given[near]), float(distance))
            for near, distance in zip(
                nearest.places[place, :SHOWN], nearest.distances[place, :SHOWN], strict=True
            )
            if near >= 0
        ]

    def near_duplicate(self, place: int) -> Neighbour | None:
        """Return the nearest row of another label whose text has nearly the same words."""
        mine = self._words_of(int(self.evidence.rows[place]))
        if len(mine) < 3:
            return None
        for near in self.neighbours(place):
            if near.label == self.evidence.given[place]:
                continue
            other = self._words_of(near.row)
            if len(mine & other) >= ALIKE * len(mine | other):
                return near
        return None

    def near_duplicates(self) -> list[tuple[int, int]]:
        """Return the pairs of rows whose texts have nearly the same words, each pair once."""
        nearest, rows = self.evidence.looks.nearest, self.evidence.rows
        if nearest is None or not self._texts:
            return []
        found = set()
        for place in np.flatnonzero(nearest.distances[:, 0] < CLOSE):
            mine = self._words_of(int(rows[place]))
            near = nearest.places[place, :NEAREST]
            for other in near[(near >= 0) & (nearest.distances[place, :NEAREST] < CLOSE)]:
                theirs = self._words_of(int(rows[other]))
                if len(mine) >= 3 and len(mine & theirs) >= ALIKE * len(mine | theirs):
                    found.add((int(rows[min(place, other)]), int(rows[max(place, other)])))
        return sorted(found)

    def _words_of(self, row: int) -> set[str]:
        return set(WORD.findall(self.text(row).lower()))

    def words(self, place: int, best: int, most: int = MOST_WORDS) -> list[tuple[str, float]]:
        """Return the terms of the row that speak for class `best`, strongest first."""
        looks, given = self.evidence.looks, int(self.evidence.given[place])
        if looks.terms is None:
            return []
        row = slice(*looks.words.indptr[place : place + 2])
        terms = looks.words.indices[row]
        lead = self._log_shares(best)[terms] - self._log_shares(given)[terms]
        weights = looks.words.data[row] * lead
        order = np.argsort(-weights, kind="stable")[:most]
        return [(str(looks.terms[terms[o]]), float(weights[o])) for o in order if weights[o] > 0]

    def _log_shares(self, code: int) -> Floats:
        """Return the log of each term's share of a class."""
        counts = self._counts[[code]].toarray()[0] + SMOOTHING
        return np.asarray(np.log(counts / counts.sum()))

    @cached_property
    def _counts(self) -> Any:
        """How much of each term each class has: sparse, classes x terms."""
        from scipy import sparse

        given, words = self.evidence.given, self.evidence.looks.words
        places = np.arange(len(given))
        shape = (len(self.evidence.classes), len(given))
        return sparse.csr_matrix((np.ones(len(given)), (given, places)), shape) @ words

    def views(self, place: int) -> dict[int, list[str]]:
        """Return the names of the views by the class that each finds likeliest."""
        found: dict[int, list[str]] = {}
        for opinion in self.evidence.opinions:
            found.setdefault(int(opinion.probabilities[place].argmax()), []).append(opinion.name)
        return found

    def parts(self, place: int, best: int) -> list[str]:
        """Return the reasons, each a few words."""
        classes, found = self.evidence.classes, []
        sides = self.views(place) if len(self.evidence.opinions) > 1 else {}
        for code in sorted(sides, key=lambda code: (code != best, code)):
            names = sides[code]
            found.append(f"{listing(names)} say{'s' * (len(names) == 1)} {classes[code]}")
        near = self.neighbours(place)
        same = [each for each in near if each.label == best]
        if same:
            where = listing([self._keys[each.row] for each in same[:3]])
            key = self._job.key_name
            found.append(f"{len(same)} of {len(near)} nearest are {classes[best]} ({key} {where})")
        words = [f"“{term}”" for term, _ in self.words(place, best)]
        if words:
            found.append(f"words: {listing(words)}")
        return found
