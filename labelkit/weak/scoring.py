"""From votes to labels: the label model runs once for each pattern, a tie is no label."""

import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.config.label_text import ClassReader, spelled
from labelkit.errors import LabelkitError, UsageError, listing, nearest
from labelkit.stats.blocks import number_type, row_blocks
from labelkit.stats.ties import NO_CLASS, SAME, likeliest
from labelkit.weak.label_models import majority
from labelkit.weak.vote_codes import ABSTAIN, Votes
from labelkit.weak.vote_patterns import Counted

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """For each pattern: the class (-1: no vote or a tie), its probability, all probabilities."""

    codes: npt.NDArray[np.int64]
    confidence: Floats
    probabilities: Floats
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """What is known of the patterns beside their votes; with `said` or `gold` each is one row."""

    said: Floats | None  # patterns × classes: a text model's probabilities
    gold: npt.NDArray[np.int32] | None  # people's labels, -1: none
    judged: Floats | None = None  # what the texts of some rows say of each vote
    relearn: Callable[[Votes], "Known"] | None = None  # the same from other votes on these rows

    def without(self, votes: Votes, column: int | None) -> "Known":
        """Return what is known where one function was never there; `votes` are all of them.

        With None all are there: learned in the same way, for a fair comparison.
        """
        if self.relearn is None:
            return self
        fewer = votes.copy()
        if column is not None:
            fewer[:, column] = ABSTAIN
        return self.relearn(fewer)

    def of(self, counted: Counted) -> dict[str, Any]:
        """Return the arguments of a label model; a pattern made up has the text of its like."""
        if self.said is None and self.gold is None:
            return {"judged": self.judged}
        itself = counted.like == np.arange(len(counted.like))
        said = self.said
        if said is not None and not (itself.all() and len(itself) == len(said)):
            said = said[counted.like]
        gold = None
        if self.gold is not None:
            gold = np.where(itself, self.gold[counted.like], -1)
        return {"said": said, "gold": gold, "judged": self.judged}


def takes(combine: Callable[..., Any], name: str) -> bool:
    """Tell whether a label model has an argument."""
    return name in inspect.signature(combine).parameters


def score(
    counted: Counted,
    n_classes: int,
    combine: Callable[..., Any],
    prior: Floats | None,
    seed: int,
    model: str,
    known: Known | None = None,
) -> Scores:
    """Return the label model's answer for each pattern.

    A model that takes `counts` gets the patterns with their counts; any other one (a user's own)
    gets every row. One that takes `said` also gets what is `known` beside the votes. Raises
    LabelkitError where a model fails or gives something else than probabilities.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        found = _combined(counted, n_classes, combine, prior, seed, model, known)
    notes = tuple(dict.fromkeys(str(item.message) for item in caught if _is_ours(item)))
    found[counted.voters == 0] = 0
    return Scores(*likeliest(found), found, notes)


class AgainstVote(NamedTuple):
    """Rows with a label, those of them with another one than most votes, and of tied votes."""

    labels: int
    moved: int
    decided_ties: int


def against_majority(counted: Counted, scores: Scores) -> AgainstVote:
    """Return how the labels differ from those of the plain vote."""
    classes = scores.probabilities.shape[1]
    if not classes:  # no function voted, and no class is declared
        return AgainstVote(0, 0, 0)
    tally = majority.tally(counted.votes, classes)
    labelled = scores.codes != NO_CLASS
    moved, decided = np.zeros((2, len(labelled)), dtype=bool)
    for rows in row_blocks(*tally.shape):
        part, codes = tally[rows].toarray(), scores.codes[rows]
        high = part.max(axis=1, initial=0.0)
        top = (part >= (high - SAME)[:, None]) & (high > 0)[:, None]
        moved[rows] = labelled[rows] & ~top[np.arange(len(codes)), codes]
        decided[rows] = labelled[rows] & (top.sum(axis=1) > 1)
    return AgainstVote(*(int(counted.counts[mask].sum()) for mask in (labelled, moved, decided)))


def tied(counted: Counted, scores: Scores) -> int:
    """Return how many rows with a vote have no label, because two classes are equally likely."""
    return int(counted.counts[(counted.voters > 0) & (scores.codes == NO_CLASS)].sum())


def _is_ours(item: warnings.WarningMessage) -> bool:
    return issubclass(item.category, UserWarning) and "majority" in str(item.message)


def _combined(
    counted: Counted,
    n_classes: int,
    combine: Callable[..., Any],
    prior: Floats | None,
    seed: int,
    model: str,
    known: Known | None,
) -> Floats:
    if not len(counted.votes) or not n_classes:
        return np.zeros((len(counted.votes), n_classes))
    if takes(combine, "counts"):
        everything = known.of(counted) if known else {}
        more = {name: value for name, value in everything.items() if takes(combine, name)}
        given = combine(
            counted.votes, n_classes, prior=prior, seed=seed, counts=counted.counts, **more
        )
        return _checked(given, len(counted.votes), n_classes, model)
    voted = np.flatnonzero(counted.rows >= 0)
    given = combine(counted.votes[counted.rows[voted]], n_classes, prior, None, seed)
    rows = _checked(given, len(voted), n_classes, model)
    # Equal votes get equal answers: the first row of each pattern speaks for it.
    _, first = np.unique(counted.rows[voted], return_index=True)
    return rows[first]


def _checked(given: Any, rows: int, n_classes: int, model: str) -> Floats:
    found = np.asarray(given, dtype=number_type(rows, n_classes))
    if not found.flags.writeable:
        found = found.copy()
    if found.shape != (rows, n_classes):
        raise LabelkitError(
            f"--label-model {model} returned an array of shape {found.shape}; "
            f"it must be ({rows}, {n_classes}): rows × classes"
        )
    low, high = found.min(initial=0), found.max(initial=0)  # NaN where one is NaN
    if not (low >= 0 and high <= 1 + 1e-6):
        raise LabelkitError(f"--label-model {model} returned numbers that are no probabilities")
    return np.minimum(found, 1.0) if high > 1 else found


def parse_prior(text: str) -> dict[str, float]:
    """Return the weights of `a=0.3,b=0.7`; raises UsageError for anything else."""
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = part.rpartition("=")
        try:
            weight = float(value)
        except ValueError:
            weight = -1.0
        if not equals or not name.strip() or not 0 <= weight < float("inf"):
            raise UsageError(
                f"--prior {text!r}: {part.strip()!r} is not CLASS=NUMBER "
                "(write --prior a=0.3,b=0.7)"
            )
        name = spelled(name)
        if name in weights:
            raise UsageError(f"--prior names {name!r} twice")
        weights[name] = weight
    if not sum(weights.values()) > 0:
        raise UsageError(f"--prior {text!r}: the numbers must not all be 0")
    return weights


def prior_of(weights: dict[str, float], classes: Sequence[str]) -> Floats:
    """Return the prior in the order of the classes, with sum 1; raises UsageError."""
    reader = ClassReader(classes)
    weights = {reader.class_of(name) or name: weight for name, weight in weights.items()}
    for name in weights:
        if name not in classes:
            raise UsageError(
                f"--prior names {name!r}, which is no class{nearest(name, classes)} "
                f"(classes: {listing(classes)})"
            )
    missing = [name for name in classes if name not in weights]
    if missing:
        raise UsageError(f"--prior must name every class; missing: {listing(missing)}")
    values = np.array([weights[name] for name in classes], dtype=np.float64)
    return np.asarray(values / values.sum())
