"""The verdict on one column of labels, by gold or by audit rows that people labelled."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.data.labels import Codes, Mask, Texts, read_labels
from labelkit.verdict import evidence, messages
from labelkit.verdict.alarms import Alarm
from labelkit.verdict.evidence import AUDIT, GOLD, Floats
from labelkit.verdict.judge import target_of
from labelkit.verdict.messages import Conclusion, File

if TYPE_CHECKING:
    from labelkit.job.job import Job


class Truth(NamedTuple):
    """The class of each row that measures labels without bias, in `names`; -1 for the others."""

    names: list[str]
    codes: Codes
    basis: str


def truth_of(job: "Job", classes: Sequence[str], labelled: Mask) -> Truth:
    """Return gold where all labelled rows have it, else what people say of the audit rows."""
    gold = job.gold()
    if gold is not None and evidence.is_complete(np.asarray(gold != ""), labelled):
        return _encoded(gold, classes, GOLD)
    values = np.full(job.rows, "", dtype=object)
    if job.audit_mask.any():
        values = np.where(job.audit_mask, job.labels(_human(job)).values, "")
    return _encoded(values, classes, AUDIT)


def _encoded(values: Texts, classes: Sequence[str], basis: str) -> Truth:
    cells = pa.array(read_labels(values, classes), pa.string())
    names = [*classes]
    names += [name for name in pc.unique(cells).to_pylist() if name and name not in classes]
    codes = pc.fill_null(pc.index_in(cells, pa.array(names, pa.string())), -1)
    return Truth(names, codes.to_numpy(zero_copy_only=False).astype(np.int32), basis)


def _human(job: "Job") -> list[str]:
    named = job.source.has("label") and job.options.get("gold") != "label"
    return ["label"] if named else []


def askable(job: "Job", among: Mask) -> Mask:
    """Return which of some rows have no human label yet."""
    free = among.copy()
    for name in _human(job):
        free &= ~job.is_labelled(name)
    if job.options.get("answers"):
        free &= job.labels([]).values == ""
    return free


def conclude(
    job: "Job",
    labels: tuple[Codes, Floats],
    truth: Truth,
    among: Mask,
    target: float | None,
    more: Sequence[Alarm] = (),
) -> Conclusion:
    """Return the verdict on the column that a command writes.

    `labels` are the codes and confidences of the rows `among`; `more` alarms are the command's own.
    """
    codes, confidence = labels
    judged = among & (truth.codes >= 0)
    known = evidence.gather(
        truth.names,
        evidence.Labels(codes, confidence),
        truth.codes,
        judged,
        askable(job, among),
        {job.column("label"): codes},
        evidence.measured(codes, truth.codes, judged, truth.basis),
        rows=int(among.sum()),
        labelled=int((codes >= 0).sum()),
    )
    columns = [*_human(job), job.column("label")]
    file = File(job.options, job.task, job.output, columns, job.column("confidence"))
    return messages.conclude(known, target_of(target), file, more)
