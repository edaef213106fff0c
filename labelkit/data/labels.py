"""Labels of rows: how they are read, which column counts, their codes in the class order."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from labelkit import console
from labelkit.config.label_text import (
    ClassReader,
    case_variants,
    is_missing_text,
    label_text,
)
from labelkit.console import clean
from labelkit.errors import LabelkitError, listing, nearest

Texts = npt.NDArray[np.object_]
Codes = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


class Labels(NamedTuple):
    """One label a row, from the first column that has one.

    `values` text ('' where there is none), `codes` places in `classes` (-1 where there is none, and
    for a class that only audit rows have), `audit` rows drawn at random to measure accuracy,
    `column` where each label came from.
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


def read_labels(values: Texts, classes: Sequence[str] | None) -> Texts:
    """Return the labels of rows as every command reads them, '' where there is none.

    `values` are cells as text; another spelling or case of a declared class becomes that class.
    """
    array = pa.array(values, pa.string()).dictionary_encode()
    cells = array.dictionary.to_pylist()
    read = ClassReader(classes).read if classes is not None else label_text
    labels = [read(cell) for cell in cells]
    if labels == cells:
        return values
    # A last label for null, whose index is -1.
    indices = pc.fill_null(array.indices, -1).to_numpy(zero_copy_only=False)
    read_values: Texts = np.array([*labels, ""], dtype=object)[indices]
    return read_values


def is_labelled(values: Texts, classes: Sequence[str] | None, ignore_unknown: bool) -> Mask:
    """Return which rows have a label: none that is blank, or outside the classes and ignored."""
    labels = read_labels(values, classes)
    labelled = labels != ""
    if classes is not None and ignore_unknown:
        labelled &= np.isin(labels.astype(str), list(classes))
    return np.asarray(labelled, dtype=bool)


def class_names(values: Texts) -> list[str]:
    """Return the labels that occur, sorted: the classes where nobody declared them."""
    unique = pc.unique(pa.array(read_labels(values, None), pa.string())).to_pylist()
    return sorted(value for value in unique if value)


def encode(
    values: Texts, classes: Sequence[str] | None, ignore_unknown: bool, name: str, keys: Any
) -> tuple[Texts, Codes, list[str]]:
    """Return labels, read, and as class codes in the declared class order, or else the sorted one.

    Raises LabelkitError, naming rows and the nearest class, for a label outside the classes.
    """
    values = read_labels(values, classes)
    array = pa.array(values, pa.string())
    if classes is None:
        classes = class_names(values)
    codes = pc.index_in(array, value_set=pa.array(list(classes), pa.string()))
    numbers = pc.fill_null(codes, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    unknown = (numbers < 0) & (values != "")
    if unknown.any():
        if not ignore_unknown:
            raise _unknown_label(values, unknown, list(classes), name, keys)
        values = np.where(unknown, "", values).astype(object)
    return values, numbers, list(classes)


# Words for "not known" that no program writes for a label on purpose; `none` may be a class.
_NO_LABELS = frozenset({"NULL", "null", "None", "N/A", "n/a", "#N/A", "NA"})


def spelling_warnings(classes: Sequence[str]) -> list[str]:
    """Return what to warn of where nobody declared the classes: names that may be one class."""
    warnings = [
        f"the labels {' and '.join(repr(clean(name)) for name in group)} differ only in case and "
        f"count as {console.count(len(group), 'classes')}; --classes says which class there is"
        for group in case_variants(classes)
    ]
    blank = sorted(_NO_LABELS.intersection(classes))
    if blank:
        warnings.append(
            f"the label {listing([repr(name) for name in blank])} counts as a class; if it means "
            f"that a row has no label, empty these cells, or name the classes with --classes and "
            f"give --unknown-label ignore"
        )
    return warnings


def missing_text_warning(values: Texts, classes: Sequence[str] | None, column: str) -> str:
    """Return the warning that some cells hold a missing value as text, '' where none does."""
    cells = pa.array(values, pa.string())
    reader = ClassReader(classes or ())
    unique = (cell for cell in pc.unique(cells).to_pylist() if cell)
    names = [cell for cell in unique if is_missing_text(cell) and reader.class_of(cell) is None]
    if not names:
        return ""
    count = pc.sum(pc.is_in(cells, pa.array(names, pa.string()))).as_py()
    return (
        f"column {clean(column)!r}: {count:,} cell{'s' if count > 1 else ''} with the text "
        f"{listing([repr(name) for name in names])} count{'s' if count == 1 else ''} as no label"
    )


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
        f"{listing(classes)}{nearest(label, classes)}; correct it, or give --unknown-label ignore"
    )
