"""Labels of rows: which column counts, and their codes in the class order."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.errors import LabelkitError, listing, nearest

Texts = npt.NDArray[np.object_]
Codes = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


class Labels(NamedTuple):
    """One label a row, from the first column that has one.

    `values` text ('' where there is none), `codes` places in `classes` (-1 where there is none),
    `audit` rows drawn at random to judge by, `column` where each label came from.
    """

    values: Texts
    codes: Codes
    classes: list[str]
    audit: Mask
    column: Texts


def first_filled(columns: Sequence[tuple[str, Texts]], rows: int) -> tuple[Texts, Texts]:
    """Return each row's first label that is not empty, and the column that it came from."""
    values = np.full(rows, "", dtype=object)
    source = np.full(rows, "", dtype=object)
    for name, texts in columns:
        fresh = (values == "") & (texts != "")
        values[fresh] = texts[fresh]
        source[fresh] = name
    return values, source


def encode(
    values: Texts, classes: Sequence[str] | None, ignore_unknown: bool, name: str, keys: Any
) -> tuple[Texts, Codes, list[str]]:
    """Return labels as places in the class order, the declared one or else the sorted one.

    Raises LabelkitError, naming rows and the nearest class, for a label outside the classes.
    """
    array = pa.array(values, pa.string())
    if classes is None:
        classes = sorted(value for value in pc.unique(array).to_pylist() if value)
    codes = pc.index_in(array, value_set=pa.array(list(classes), pa.string()))
    numbers = pc.fill_null(codes, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    unknown = (numbers < 0) & (values != "")
    if unknown.any():
        if not ignore_unknown:
            raise _unknown_label(values, unknown, list(classes), name, keys)
        values = np.where(unknown, "", values).astype(object)
    return values, numbers, list(classes)


def _unknown_label(
    values: Texts, unknown: Mask, classes: list[str], name: str, keys: Any
) -> LabelkitError:
    rows = np.flatnonzero(unknown)
    label = str(values[rows[0]])
    same = rows[values[rows] == label]
    named = keys()
    return LabelkitError(
        f"{name}: the label {label!r} of {len(same)} row{'s' if len(same) > 1 else ''} "
        f"({listing([named[i] for i in same], 5)}) is not one of the classes "
        f"{listing(classes)}{nearest(label, classes)}; mend it, or give --unknown-label ignore"
    )
