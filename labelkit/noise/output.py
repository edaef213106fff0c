"""What find-noise writes: its columns, and the batch of suspects for people."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labelkit import console
from labelkit.job import batch_file
from labelkit.noise.findings import Findings
from labelkit.noise.labels import Given

if TYPE_CHECKING:
    from labelkit.job.job import Job

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def annotations(
    job: "Job",
    found: Findings,
    given: Given,
    firsts: Codes,
    outlier: Mask | None,
    exclude: bool,
) -> dict[str, Any]:
    """Return our columns, one value a row, None where a row was not looked at."""
    keys = np.array([*job.keys(), ""], dtype=object)
    unlike = pa.nulls(job.rows, pa.bool_())
    if outlier is not None:
        values, known = np.zeros((2, job.rows), dtype=bool)
        values[given.rows], known[given.rows] = outlier, True
        unlike = pa.array(values, mask=~known)
    columns = {
        "given": found.given,
        "suggested": found.suggested,
        "quality": found.quality,
        "flag": pa.array(found.flag, mask=~found.judged),
        "reason": found.reason,
        "duplicate_of": keys[firsts],
        "outlier": unlike,
    }
    if exclude:
        labelled = np.zeros(job.rows, dtype=bool)
        labelled[given.rows] = True
        columns["use"] = pa.array(~found.flag, mask=~labelled)
    return {job.column(name): _typed(values) for name, values in columns.items()}


def write_batch(job: "Job", path: Path, found: Findings, among: Mask) -> None:
    """Write the flagged rows for people, likeliest errors first, with what was found on them."""
    rows = np.flatnonzero(found.flag & among)
    rows = rows[np.argsort(np.nan_to_num(found.quality[rows], nan=1.0), kind="stable")]
    columns = {
        "given": found.given, "suggested": found.suggested, "quality": found.quality,
        "reason": found.reason,
    }  # fmt: skip
    told = {job.column(name): _typed(values[rows]) for name, values in columns.items()}
    batch_file.write_batch(job, path, rows.tolist(), ["relabel"] * len(rows), told)
    console.note(f"{len(rows):,} flagged rows for people -> {path}")


def _typed(values: Any) -> Any:
    # A column of text that is empty in every row is still text.
    if isinstance(values, np.ndarray) and values.dtype == object:
        return pa.array([value or None for value in values], pa.string())
    return values
