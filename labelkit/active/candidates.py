"""Which rows may be asked: those without a label of people's, no two of them alike."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from labelkit.data.labels import Labels
    from labelkit.job.job import Job

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# Punctuation, spaces and case make no other text; symbols do (one emoji praises, another blames).
_BLANKS = r"[\s\p{P}\p{Z}]+"


class Candidates(NamedTuple):
    """Rows by number: `pool` has no label (or is flagged), `eligible` of them may be asked.

    `audit` was drawn from the rows without a label; `alike` is a number a row of the file, the
    same for rows that say the same.
    """

    pool: Rows
    audit: Rows
    eligible: Rows
    alike: npt.NDArray[np.int64]


def people_columns(job: "Job") -> list[str]:
    """Return the columns of people's labels: `label`, and the first --label if it is not ours."""
    first = job.label_columns()[:1]
    own = set(job.our_columns)
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


def draw_audit(pool: Rows, wanted: int, seed: int) -> Rows:
    """Return rows drawn from the pool, each equally likely, in random order.

    Copies of labelled rows may be among them: left out, the sample would no longer stand for
    the pool.
    """
    rng = np.random.default_rng([seed, 2])
    return np.asarray(rng.choice(pool, min(wanted, len(pool)), replace=False), dtype=np.int64)


def candidates(
    pool: Rows, audit: Rows, labelled: Mask, alike: npt.NDArray[np.int64], kept_apart: Mask
) -> Candidates:
    """Return what may be asked: the pool without the audit, rows kept apart, and copies.

    A copy of a row that people labelled, or that is in the audit, teaches nothing new.
    """
    free = np.zeros(len(alike), dtype=bool)
    free[pool] = True
    free[audit] = False
    known = labelled.copy()
    known[audit] = True
    free &= ~kept_apart & ~np.isin(alike, alike[known])
    rows = np.flatnonzero(free)
    _, first = np.unique(alike[rows], return_index=True)
    return Candidates(pool, audit, np.sort(rows[first]), alike)


def sampled(found: Candidates, most: int, seed: int) -> Candidates:
    """Return the candidates with so many eligible rows at most, each equally likely to be kept."""
    if len(found.eligible) <= most:
        return found
    rng = np.random.default_rng([seed, 7])
    return found._replace(eligible=np.sort(rng.choice(found.eligible, most, replace=False)))


def alike(data: Any, texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return a number for each row of a typed table, the same where rows say the same.

    Columns in `texts` are compared without case, spaces and punctuation, the others exactly.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = []
    for name in data.column_names:
        column = data.column(name).combine_chunks()
        if name in texts:
            lower = pc.utf8_lower(pc.fill_null(column, ""))
            column = pc.replace_substring_regex(lower, _BLANKS, "")
        parts.append(pc.fill_null(column.cast(pa.large_string()), ""))
    if not parts:
        return np.arange(data.num_rows, dtype=np.int64)
    separator = pa.scalar("\x1f", pa.large_string())
    joined = pc.binary_join_element_wise(*parts, separator) if len(parts) > 1 else parts[0]
    return np.asarray(joined.dictionary_encode().indices.to_numpy(), dtype=np.int64)


def blank(data: Any) -> Mask:
    """Return which rows of a typed table hold nothing to judge: every cell empty or spaces."""
    import pyarrow as pa
    import pyarrow.compute as pc

    said = np.zeros(data.num_rows, dtype=bool)
    for name in data.column_names:
        column = data.column(name).combine_chunks()
        filled = pc.is_valid(column)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            filled = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(column), ""), False)
        said |= np.asarray(filled.to_numpy(zero_copy_only=False), dtype=bool)
    return ~said
