"""The labels to judge: which rows have one, misspelt ones read as what was meant."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.combine.sources import PEOPLE, usual_columns
from labelkit.data.labels import encode, first_filled
from labelkit.errors import LabelkitError
from labelkit.ml import label_typos

if TYPE_CHECKING:
    from labelkit.data.labels import Labels, Texts
    from labelkit.job.job import Job

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

FINAL, FINAL_SOURCE = "final_label", "final_source"

MOST_TYPOS = 2  # rows of a label that is taken for a misspelling, where the views agree


class Given(NamedTuple):
    """The labels to judge: `rows` have one (audit rows aside), `codes` places in `names`.

    `meant` maps the rows of labels that occur once or twice and look misspelt to what was meant,
    which is what `codes` holds. `suspected` maps more frequent labels that look like another to
    that one: they are classes of their own, unless they are spelt alike but for case and spaces.
    """

    rows: Codes
    codes: Codes
    names: list[str]
    meant: dict[int, str]
    suspected: dict[str, str]


def without_people_of_audit(job: "Job", labels: "Labels", machine: "Texts | None") -> "Labels":
    """Return the labels with those of machines on audit rows, where a machine's are judged.

    How good the machine's labels are is measured on the audit rows, so those must have gone
    through the same judgement as all others: as if nobody had labelled the row. `machine` is what
    the sources of the file together say, where that is known; else the first of them counts.
    """
    names = [name for name in job.label_columns() if name in job.machine_columns and name != PEOPLE]
    if not names or not labels.audit.any():
        return labels
    if FINAL in names and machine is None:
        names += [name for name in usual_columns(job) if name not in names]
    read = job.label_texts(names)
    if FINAL in names:  # decide has put people's label there
        silent = np.full(job.rows, "", dtype=object) if machine is None else machine
        read[FINAL] = np.where(labels.audit & _is_of_people(job), silent, read[FINAL])
    machine, source = first_filled(list(read.items()), job.rows)
    # A class that no other row has cannot be judged, as if the machine were silent.
    machine, codes, _ = encode(machine, labels.classes, True, job.source.name, job.keys)
    swapped = labels.audit & (codes >= 0)
    return labels._replace(
        values=np.where(swapped, machine, labels.values).astype(object),
        codes=np.where(swapped, codes, labels.codes),
        column=np.where(swapped, source, labels.column).astype(object),
        audit=labels.audit & ~swapped,
    )


def _is_of_people(job: "Job") -> Mask:
    """Return the rows whose final label is, or may be, a person's."""
    if not job.source.has(FINAL_SOURCE):
        return np.ones(job.rows, dtype=bool)
    return np.asarray(job.source.texts(FINAL_SOURCE) == "people")


def find(job: "Job", labels: "Labels") -> Given:
    """Return the labels to judge; raises LabelkitError where there are none or of one class."""
    rows = np.flatnonzero((labels.codes >= 0) & ~labels.audit)
    job.need_rows()
    if not len(rows):
        where = "only on audit rows, which are not judged" if labels.audit.any() else "on no row"
        raise LabelkitError(
            f"{job.source.name} has labels {where}: name the columns that hold labels with --label"
        )
    codes, names = labels.codes[rows].astype(np.int64), labels.classes
    counts = np.bincount(codes, minlength=len(names))
    present = {name: int(count) for name, count in zip(names, counts, strict=True) if count}
    alike = label_typos.find(present) if job.classes is None else {}
    rare = {name: other for name, other in alike.items() if present[name] <= MOST_TYPOS}
    meant = {
        name: other
        for name, other in alike.items()
        if name in rare or label_typos.fold(name) == label_typos.fold(other)
    }
    if len(present) - len(meant) < 2:
        only = next(name for name in present if name not in meant)
        raise LabelkitError(
            f"{job.source.name}: all {console.count(len(rows), 'labels', 'are')} "
            f"{console.clean(only)!r}; "
            f"labels can be judged only where there are two classes or more"
        )
    right = np.array([names.index(meant.get(name, name)) for name in names])
    changed = np.flatnonzero(right[codes] != codes)
    misspelt = {
        int(rows[place]): names[right[codes[place]]]
        for place in changed
        if names[codes[place]] in rare
    }
    suspected = {name: other for name, other in alike.items() if name not in rare}
    return Given(rows, right[codes], names, misspelt, suspected)


def texts(labels: "Labels", given: Given) -> npt.NDArray[np.object_]:
    """Return the labels to judge as they stand in the file, '' elsewhere."""
    found = np.full(len(labels.values), "", dtype=object)
    found[given.rows] = labels.values[given.rows]
    return found
