"""What is known about the rows: a gold column, or people's labels that are not audit rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.data.labels import Mask, Texts, read_labels
from labelkit.verdict.evidence import is_complete
from labelkit.weak.vote_patterns import Counted

if TYPE_CHECKING:
    from labelkit.job.job import Job


COMPLETE = "accuracy"


class Truth(NamedTuple):
    """The true class of each row (-1: not known), and which rows are excluded from training.

    `names` are the classes that functions return, then those that only the truth has.
    """

    codes: npt.NDArray[np.int32]
    names: list[str]
    excluded: Mask

    def by_pattern(self, counted: Counted) -> Any:
        """Return patterns × classes, sparse: how many rows of a pattern have which true class."""
        return counted.by_class(self.codes, len(self.names))

    def title(self, counted: Counted) -> str:
        """Return what an accuracy against it is called: biased unless every voted row is known."""
        return COMPLETE if is_complete(self.codes >= 0, counted.rows >= 0) else "accuracy (biased)"

    def to_learn_from(self) -> npt.NDArray[np.int32]:
        """Return the codes without the audit rows and their duplicates."""
        return np.where(self.excluded, -1, self.codes).astype(np.int32)

    @property
    def seen(self) -> list[str]:
        """Return the classes that occur."""
        return [self.names[code] for code in np.unique(self.codes[self.codes >= 0])]


def known(job: "Job", classes: Sequence[str]) -> Truth | None:
    """Return the gold column, else people's labels without their audit rows; None: neither."""
    gold = job.gold()
    if gold is None:
        labels = job.human_labels()
        if labels is None:
            return None
        gold = np.where(job.audit_mask, "", labels.values)
    if not (gold != "").any():
        return None
    return _encoded(gold, job.excluded_from_training, classes)


def _encoded(gold: Texts, excluded: Mask, classes: Sequence[str]) -> Truth:
    cells = pa.array(read_labels(gold, classes), pa.string())
    found = [name for name in pc.unique(cells).to_pylist() if name]
    names = [*classes, *(name for name in found if name not in classes)]
    codes = pc.fill_null(pc.index_in(cells, pa.array(names, pa.string())), -1)
    return Truth(codes.to_numpy(zero_copy_only=False).astype(np.int32), names, excluded)
