"""Which rows may be asked: those without a label of people's, no two of them duplicates."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.data.duplicates import share_group

if TYPE_CHECKING:
    from labelkit.data.labels import Labels
    from labelkit.job.job import Job

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Candidates(NamedTuple):
    """Rows by number: `pool` has no label (or is flagged), `eligible` of them may be asked.

    `audit` was drawn at random, also from rows that were chosen and labelled before; `groups` is a
    number a row of the file, the same for duplicates.
    """

    pool: Rows
    audit: Rows
    eligible: Rows
    groups: npt.NDArray[np.int64]


def people_columns(job: "Job") -> list[str]:
    """Return the columns of people's labels: `label`, and the first --label if it is not ours."""
    first = job.label_columns()[:1]
    own = set(job.machine_columns)
    named = dict.fromkeys(["label", *(name for name in first if name not in own)])
    gold = job.options.get("gold")
    return [name for name in named if job.source.has(name) and name != gold]


def people_labelled(job: "Job", labels: "Labels") -> Mask:
    """Return which rows people have labelled, in the file or in --answers."""
    answers = [str(path) for path in job.options.get("answers") or []]
    given = np.isin(labels.column.astype(str), answers) if answers else np.zeros(job.rows, bool)
    for name in people_columns(job):
        given |= job.is_labelled(name)
    return np.asarray(given, dtype=bool)


def candidates(
    pool: Rows, audit: Rows, labelled: Mask, groups: npt.NDArray[np.int64], kept_apart: Mask
) -> Candidates:
    """Return what may be asked: the pool without the audit, rows kept apart, and copies.

    A copy of a row that people labelled, or that is in the audit, teaches nothing new.
    """
    free = np.zeros(len(groups), dtype=bool)
    free[pool] = True
    free[audit] = False
    known = labelled.copy()
    known[audit] = True
    free &= ~kept_apart & ~share_group(groups, known)
    rows = np.flatnonzero(free)
    _, first = np.unique(groups[rows], return_index=True)
    return Candidates(pool, audit, np.sort(rows[first]), groups)


def sampled(found: Candidates, most: int, seed: int) -> Candidates:
    """Return the candidates with so many eligible rows at most, each equally likely to be kept."""
    if len(found.eligible) <= most:
        return found
    rng = np.random.default_rng([seed, 7])
    return found._replace(eligible=np.sort(rng.choice(found.eligible, most, replace=False)))
