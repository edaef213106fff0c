"""Which rows train learns from: their labels, hard or soft, and how much each counts."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.data.columns import RELABEL
from labelkit.data.duplicates import Groups, share_group
from labelkit.data.probability_columns import classes_of_columns
from labelkit.errors import LabelkitError, UsageError

if TYPE_CHECKING:
    from labelkit.job.job import Job

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]


class Told(NamedTuple):
    """What may be learned: codes (-1 none) and soft labels a row, and rows left out by reason.

    `uncleaned` are the codes as they would be without noise_use.
    """

    classes: list[str]
    codes: Codes
    soft: Floats | None
    sources: npt.NDArray[np.object_]
    audit: Mask
    truth: Codes
    left_out: dict[str, int]
    weights: Floats | None
    uncleaned: Codes

    def unused(self) -> bool:
        """Tell whether there are labels, all of which noise_use leaves out."""
        return bool((self.uncleaned >= 0).any()) and not (self.codes >= 0).any()


def gather(job: "Job", weight: str | None) -> Told:
    """Return all that may be learned; raises LabelkitError where columns do not fit."""
    labels = job.labels()
    classes = _classes(job, labels.classes)
    place = np.array([classes.index(name) for name in labels.classes] + [-1])
    codes = place[labels.codes]
    soft = job.from_proba(classes)
    truth = _truth(job, labels, classes)
    left_out: dict[str, int] = {}
    usable = np.ones(len(codes), dtype=bool)
    filled = codes >= 0
    if soft is not None:
        filled = filled | ~np.isnan(soft).all(axis=1)
    weights = _weights(job, weight)
    for reason, stays in _filters(job, labels, weights):
        left_out[reason] = int((filled & usable & ~stays).sum())
        usable &= stays
    chosen = np.ones(len(codes), dtype=bool) if job.chosen is None else job.chosen
    uncleaned = np.where(chosen, codes, -1)
    codes = np.where(usable, codes, -1)
    if soft is not None:
        soft[~usable] = np.nan
    found = labels.column, labels.audit, truth, left_out, weights, uncleaned
    return Told(classes, codes, soft, *found)


def _weights(job: "Job", column: str | None) -> Floats | None:
    """Return how much each row counts: the number in a column, 1 where it is empty."""
    if column is None:
        return None
    job.source.require([column], "--weight")
    if job.source.kinds([column])[column] != "number":
        raise UsageError(f"--weight {column}: the column holds no numbers; name a confidence")
    cells = job.source.read([column], typed=True).column(0).to_numpy()
    values = np.nan_to_num(np.asarray(cells, dtype=np.float64), nan=1.0, posinf=np.inf)
    wrong = np.flatnonzero((values < 0) | ~np.isfinite(values))
    if len(wrong):
        raise LabelkitError(
            f"{job.source.name}, row {wrong[0] + 1}: {column} is {values[wrong[0]]:g}; a weight "
            f"is a number from 0 on (--weight)"
        )
    return values


def _classes(job: "Job", found: list[str]) -> list[str]:
    prefix = job.options.get("from_proba")
    if job.classes is not None or not prefix:
        return found
    named = classes_of_columns(job.source.columns, prefix, found)
    if not named:
        raise LabelkitError(
            f"{job.source.name} has no column that begins with {prefix!r} (--from-proba)"
        )
    return sorted({*found, *named})


def _filters(job: "Job", labels: Any, weights: Floats | None) -> list[tuple[str, Mask]]:
    found = []
    if weights is not None:
        found.append(("of weight 0", weights > 0))
    if job.source.has("noise_use"):
        beside = [n for n in ("label_origin",) if job.source.has(n)]
        read = job.source.texts_of(["noise_use", *beside])
        read |= job.label_texts([n for n in ("noise_given",) if job.source.has(n)])
        stays = read["noise_use"] != "false"
        if "label_origin" in read:  # a person was asked again, and that word counts
            stays |= read["label_origin"] == RELABEL
        if "noise_given" in read:  # decide has chosen another label than the doubted one
            stays |= labels.values != read["noise_given"]
        found.append(("noise_use = false", np.asarray(stays, dtype=bool)))
    if job.chosen is not None:
        found.append(("outside --where", job.chosen))
    return found


def _truth(job: "Job", labels: Any, classes: list[str]) -> Codes:
    """Return what people said of the audit rows: codes, -1 where nothing, -2 for other classes."""
    people = {str(path) for path in job.options.get("answers") or []} | {"label"}
    said = np.where(np.isin(labels.column.astype(str), list(people)), labels.values, "")
    if job.source.has("label") and job.options.get("gold") != "label":
        said = np.where(said == "", job.label_texts(["label"])["label"], said)
    codes = {name: code for code, name in enumerate(classes)} | {"": -1}
    return np.array([codes.get(text, -2) for text in said], dtype=np.int64)


def without_audit(told: Told, groups: Groups, excluded: Mask) -> Told:
    """Take the audit rows and all other `excluded` rows out of what is learned from.

    Rows of a group with an audit row are excluded too.
    """
    if not told.audit.any():
        return told
    twins = (excluded | share_group(groups, told.audit)) & ~told.audit
    filled = told.codes >= 0
    if told.soft is not None:
        filled = filled | ~np.isnan(told.soft).all(axis=1)
    gone = told.audit | twins
    left_out = told.left_out | {
        "audit rows": int(((filled | (told.truth != -1)) & told.audit).sum()),
        "duplicates of audit rows": int((filled & twins).sum()),
    }
    soft = None if told.soft is None else np.where(gone[:, None], np.nan, told.soft)
    codes, uncleaned = (np.where(gone, -1, each) for each in (told.codes, told.uncleaned))
    return told._replace(codes=codes, uncleaned=uncleaned, soft=soft, left_out=left_out)
