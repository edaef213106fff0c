"""Why a row has its label: which functions voted on it, and what each vote changes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit import console
from labelkit.errors import LabelkitError, nearest
from labelkit.weak.outcome import Outcome
from labelkit.weak.scoring import Scores
from labelkit.weak.vote_codes import ABSTAIN
from labelkit.weak.vote_patterns import Counted

if TYPE_CHECKING:
    from labelkit.job.job import Job

HEADER = ("key", "label", "confidence", "function", "vote", "without", "effect")
MOST_TO_COMPARE = 20_000  # a did-you-mean among more keys takes seconds
CERTAIN = 1e-6


def explained(job: "Job", outcome: Outcome, keys: Sequence[str]) -> list[list[Any]]:
    """Return a row of HEADER for each vote on the rows with these keys.

    `without` is the probability of the row's label when that vote is taken away, `effect` how much
    the vote adds to the log-odds of the label. Raises LabelkitError for a key that the file has
    not, and for a row that was not voted on.
    """
    everyone = job.keys()
    found: list[list[Any]] = []
    for key in keys:
        rows = [row for row, name in enumerate(everyone) if name == key]
        if not rows:
            hint = nearest(key, everyone) if len(everyone) <= MOST_TO_COMPARE else ""
            raise LabelkitError(f"--explain {key!r}: no row has that {job.key_name}{hint}")
        for row in rows:
            pattern = int(outcome.counted.rows[row])
            if pattern < 0:
                raise LabelkitError(
                    f"--explain {key!r}: the row was not voted on (--where or --sample leaves "
                    "it out)"
                )
            found += [[key, *cells] for cells in _votes(outcome, pattern)]
    return found


def say(rows: Sequence[Sequence[Any]], outcome: Outcome) -> None:
    """Say in a line for each key how many of the functions voted."""
    for key in dict.fromkeys(row[0] for row in rows):
        voted = sum(row[0] == key and row[3] is not None for row in rows)
        console.note(
            f"{console.clean(key)}: {voted} of "
            f"{console.count(len(outcome.names), 'functions')} voted"
        )


def _votes(outcome: Outcome, pattern: int) -> list[list[Any]]:
    votes = outcome.counted.votes[pattern]
    code = int(outcome.scores.codes[pattern])
    voters = [int(column) for column in np.flatnonzero(votes != ABSTAIN)]
    if not voters:
        return [[None, 0.0, None, None, None, None]]
    if code < 0:  # a tie: no label whose probability a vote could change
        named = [(outcome.names[column], outcome.classes[votes[column]]) for column in voters]
        return [[None, 0.0, name, vote, None, None] for name, vote in named]
    label, sure = outcome.classes[code], float(outcome.scores.confidence[pattern])
    others = _without_each(outcome, pattern, voters)
    found = []
    for place, column in enumerate(voters, start=len(outcome.counted.votes)):
        left = float(others.probabilities[place, code])
        if not others.probabilities[place].any():
            left = 1 / len(outcome.classes)  # nothing is known without any vote
        found.append(
            [
                *(label, sure, outcome.names[column], outcome.classes[votes[column]]),
                *(left, _log_odds(sure) - _log_odds(left)),
            ]
        )
    return found


def _without_each(outcome: Outcome, pattern: int, voters: list[int]) -> Scores:
    """Return the model's answer, with one more pattern for each voter: this one without its vote.

    They are added with a count of 0, so that a model that counts learns what it learned before.
    """
    counted = outcome.counted
    fewer = np.repeat(counted.votes[pattern][None], len(voters), axis=0)
    fewer[np.arange(len(voters)), voters] = ABSTAIN
    places = np.arange(len(counted.votes), len(counted.votes) + len(voters), dtype=np.int32)
    return outcome.rescore(
        Counted(
            np.vstack([counted.votes, fewer]),
            np.concatenate([counted.counts, np.zeros(len(voters), np.int64)]),
            np.concatenate([counted.rows, places]),
            np.concatenate([counted.like, np.repeat(counted.like[pattern], len(voters))]),
        )
    )


def _log_odds(probability: float) -> float:
    inside = min(max(probability, CERTAIN), 1 - CERTAIN)
    return float(np.log(inside / (1 - inside)))
