"""Columns of labels from before: how far each is believed, said or estimated.

Such labels are nobody's answer to these rows: they vote, with the share of them that is right as
their confidence.
"""

from collections.abc import Sequence

import numpy as np

from labelkit import console
from labelkit.combine import opinion_pool
from labelkit.combine.opinion_pool import UNSTATED, Codes, Voter
from labelkit.data.labels import Mask
from labelkit.errors import UsageError

AUTO = "auto"
FEWEST = 10  # rows to estimate from
_AS_ROWS = 5  # what is known beforehand counts as so many rows


def parse(text: str | None, people: str) -> dict[str, float | None]:
    """Return the columns of --trust and the share of right labels in each, None to estimate it.

    Raises UsageError for a share that is none, and for any but 1 of people's own column.
    """
    found: dict[str, float | None] = {}
    for part in [part.strip() for part in (text or "").split(",") if part.strip()]:
        column, sign, share = (word.strip() for word in part.rpartition("="))
        if not sign or not column:
            raise UsageError(f"--trust {part!r}: give COLUMN=SHARE or COLUMN={AUTO}")
        if column in found:
            raise UsageError(f"--trust names {column!r} twice")
        found[column] = None if share == AUTO else _share(part, share)
        if column == people and found.pop(column) != 1:
            raise UsageError(
                f"--trust {part!r}: the column {people!r} holds people's answers, which count "
                f"first; labels that may be wrong stand in a column of another name"
            )
    for column, believed in found.items():
        if believed == 1:
            raise UsageError(
                f"--trust {column}=1: only people's answers (column {people!r}) count first; "
                f"give a share below 1, or {AUTO}"
            )
    return found


def _share(part: str, share: str) -> float:
    try:
        number = float(share)
    except ValueError:
        number = np.nan
    if not 0 < number <= 1:
        raise UsageError(f"--trust {part!r}: give a share above 0, up to 1, or {AUTO}")
    return number


def estimated(
    codes: Codes,
    truth: Codes,
    quality: opinion_pool.Floats,
    others: Sequence[Voter],
    n_classes: int,
) -> tuple[float, str]:
    """Return the share of a column's labels that are right, and what tells it.

    `truth` are people's codes (-1 none, no audit rows), `quality` the probabilities of find-noise
    that the labels are right (NaN none). Whichever has enough rows tells, in this order; then the
    other voters, as sure as they say they are.
    """
    speaks = codes >= 0
    asked = speaks & (truth >= 0)
    if asked.sum() >= FEWEST:
        return _mean(
            (codes == truth)[asked]
        ), f"{console.count(int(asked.sum()), 'rows')} that people labelled"
    judged = speaks & ~np.isnan(quality)
    if judged.sum() >= FEWEST:
        return _mean(quality[judged]), f"find-noise of {console.count(int(judged.sum()), 'rows')}"
    beside = speaks & _heard(others, len(codes))
    if beside.sum() >= FEWEST:
        said = [voter.at(beside) for voter in others]
        shares = opinion_pool.pooled(said, opinion_pool.own_word(len(said), n_classes), n_classes)
        agreed = shares[np.arange(len(shares)), codes[beside]]
        return _mean(agreed), f"other voters of {console.count(int(beside.sum()), 'rows')}"
    return UNSTATED, "nothing: no other voter, no people's labels, no find-noise"


def _heard(others: Sequence[Voter], rows: int) -> Mask:
    heard = np.zeros(rows, dtype=bool)
    for voter in others:
        heard |= voter.codes >= 0
    return heard


def _mean(values: np.ndarray) -> float:
    return float((values.sum() + _AS_ROWS * UNSTATED) / (len(values) + _AS_ROWS))
