"""What is known about the rows: a gold column, or people's labels that are not audit rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.data.columns import AUDIT
from labelkit.data.labels import Mask, Texts, read_labels
from labelkit.weak.vote_patterns import Counted

if TYPE_CHECKING:
    from labelkit.job.job import Job


class Truth(NamedTuple):
    """The true class of each row (-1: not known), and which rows were drawn for an audit.

    `names` are the classes that functions return, then those that only the truth has.
    """

    codes: npt.NDArray[np.int32]
    names: list[str]
    audit: Mask

    def by_pattern(self, counted: Counted) -> npt.NDArray[np.int64]:
        """Return patterns × classes: how many rows of a pattern have which true class."""
        return counted.by_class(self.codes, len(self.names))

    def title(self, counted: Counted) -> str:
        """Return what an accuracy against it is called: biased unless every voted row is known."""
        complete = bool((self.codes[counted.rows >= 0] >= 0).all())
        return "accuracy" if complete else "accuracy (biased)"

    def to_learn_from(self) -> npt.NDArray[np.int32]:
        """Return the codes without the audit rows, which nothing may learn from."""
        return np.where(self.audit, -1, self.codes).astype(np.int32)

    @property
    def seen(self) -> list[str]:
        """Return the classes that occur."""
        return [self.names[code] for code in np.unique(self.codes[self.codes >= 0])]


def known(job: "Job", classes: Sequence[str]) -> Truth | None:
    """Return the gold column, else people's labels without their audit rows; None: neither."""
    gold, audit = job.gold(), np.zeros(0, dtype=bool)
    if gold is None:
        if not (job.options.get("answers") or job.label_columns()):
            return None
        labels = job.labels()
        gold, audit = np.where(labels.audit, "", labels.values), labels.audit
    elif job.source.has("label_origin"):
        audit = job.source.texts("label_origin") == AUDIT
    if not (gold != "").any():
        return None
    if not len(audit):
        audit = np.zeros(len(gold), dtype=bool)
    return _encoded(gold, audit, classes)


def _encoded(gold: Texts, audit: Mask, classes: Sequence[str]) -> Truth:
    cells = pa.array(read_labels(gold, classes), pa.string())
    found = [name for name in pc.unique(cells).to_pylist() if name]
    names = [*classes, *(name for name in found if name not in classes)]
    codes = pc.fill_null(pc.index_in(cells, pa.array(names, pa.string())), -1)
    return Truth(codes.to_numpy(zero_copy_only=False).astype(np.int32), names, audit)
