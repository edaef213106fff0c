"""Scores read from columns of the file: a confidence of any source, or find-noise's flags."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.data.columns import AUDIT
from labelkit.data.columns import RELABEL as RELABEL
from labelkit.errors import LabelkitError, UsageError, nearest

if TYPE_CHECKING:
    from labelkit.active.candidates import Rows
    from labelkit.job.job import Job

PREFIX = "by-column:"


class Read(NamedTuple):
    """A score for each of some rows, and why a row would be picked."""

    scores: npt.NDArray[np.float64]
    reasons: list[str]


def check(job: "Job", column: str) -> None:
    """Raise UsageError for a column that is not there or holds no numbers."""
    if not job.source.has(column):
        raise UsageError(
            f"--strategy {PREFIX}{column}: {job.source.name} has no column {column!r}"
            f"{nearest(column, job.source.columns)}"
        )
    if job.source.kinds([column])[column] != "number":
        raise UsageError(
            f"--strategy {PREFIX}{column}: the column holds no numbers; name a confidence, "
            f"lowest is asked first"
        )


def by_column(job: "Job", column: str, rows: "Rows") -> Read:
    """Return the least confident rows first, by a column of numbers; an empty cell is the least.

    Numbers from 0 to 1 give 1 - number, others are brought to that range first.
    """
    cells = job.source.read([column], typed=True).column(0).to_numpy()
    values = np.asarray(cells, dtype=np.float64)[rows]
    reasons = [
        f"{column} is empty" if missing else f"{column} {value:.2f}"
        for value, missing in zip(values.tolist(), np.isnan(values).tolist(), strict=True)
    ]
    return Read(1.0 - _zero_to_one(values), reasons)


def _zero_to_one(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the numbers brought to 0..1, empty ones as 0, infinite ones as the nearest end."""
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 1.0)
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    values = np.clip(np.where(np.isnan(values), low, values), low, high)
    return (values - low) / (high - low) if high > low else np.zeros(len(values))


def flagged(job: "Job") -> npt.NDArray[np.bool_]:
    """Return the rows that find-noise flagged and that nobody was asked about again.

    Raises LabelkitError where find-noise has not run.
    """
    if not job.source.has("noise_flag"):
        raise LabelkitError(
            f"{job.source.name} has no column 'noise_flag' (--strategy relabel); run "
            f"`labelkit find-noise {job.source.name} -o …` first"
        )
    settled = np.zeros(job.rows, dtype=bool)
    if job.source.has("label_origin"):
        # An audit row's flag is about a machine's label, and asked again it would be none any more.
        settled = np.isin(job.source.texts("label_origin").astype(str), [RELABEL, AUDIT])
    return np.asarray((job.source.texts("noise_flag") == "true") & ~settled, dtype=bool)


def relabel(job: "Job", rows: "Rows") -> Read:
    """Return the flagged rows whose label is worst first, and what speaks against it."""
    scores = np.ones(len(rows))
    has_quality = job.source.has("noise_quality")
    if has_quality and job.source.kinds(["noise_quality"])["noise_quality"] == "number":
        scores = by_column(job, "noise_quality", rows).scores
    given, suggested = (
        job.label_texts([name])[name][rows]
        if job.source.has(name)
        else np.full(len(rows), "?", object)
        for name in ("noise_given", "noise_suggested")
    )
    reasons = [
        f"flagged: {old} given, {new} suggested" for old, new in zip(given, suggested, strict=True)
    ]
    return Read(scores, reasons)
