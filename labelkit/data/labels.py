"""Labels of rows: reading them, the first filled column, and class codes."""

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
    """One label per row, from the first column that has one.

    `values` are texts ('' for no label), `codes` are indices in `classes` (-1 for no label, and for
    a class that only audit rows have), `audit` is the mask of audit rows, `column` is the column
    of each label.
    """

    values: Texts
    codes: Codes
    classes: list[str]
    audit: Mask
    column: Texts


def first_filled(columns: Sequence[tuple[str, Texts]], rows: int) -> tuple[Texts, Texts]:
    """Return the first label of each row that is not empty, and its column."""
    values = np.full(rows, "", dtype=object)
    source = np.full(rows, "", dtype=object)
    for name, texts in columns:
        fresh = (values == "") & (texts != "")
        values[fresh] = texts[fresh]
        source[fresh] = name
    return values, source


def read_labels(values: Texts, classes: Sequence[str] | None) -> Texts:
    """Return the labels of rows as every command reads them, '' for no label.

    `values` are cells as text; other spellings or case of a declared class become that class.
    """
    array = pa.array(values, pa.string()).dictionary_encode()
    cells = array.dictionary.to_pylist()
    read = ClassReader(classes).read if classes is not None else label_text
    labels = [read(cell) for cell in cells]
    if labels == cells:
        return values
    # The last label is for null, whose index is -1.
    indices = pc.fill_null(array.indices, -1).to_numpy(zero_copy_only=False)
    read_values: Texts = np.array([*labels, ""], dtype=object)[indices]
    return read_values


def is_labelled(values: Texts, classes: Sequence[str] | None, ignore_unknown: bool) -> Mask:
    """Return a mask of the labelled rows; not those with a blank or an ignored unknown label."""
    labels = read_labels(values, classes)
    labelled = labels != ""
    if classes is not None and ignore_unknown:
        labelled &= np.isin(labels.astype(str), list(classes))
    return np.asarray(labelled, dtype=bool)


def class_names(values: Texts) -> list[str]:
    """Return the distinct labels, sorted: the classes if none are declared."""
    unique = pc.unique(pa.array(read_labels(values, None), pa.string())).to_pylist()
    return sorted(value for value in unique if value)


def encode(
    values: Texts, classes: Sequence[str] | None, ignore_unknown: bool, name: str, keys: Any
) -> tuple[Texts, Codes, list[str]]:
    """Return the labels as texts and as codes of the classes (declared, else sorted), and these.

    Raises LabelkitError, with rows and the most similar class, for a label outside the classes.
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


# Texts for a missing value that are unlikely to be classes; `none` may be a class.
_NO_LABELS = frozenset({"NULL", "null", "None", "N/A", "n/a", "#N/A", "NA"})


def spelling_warnings(classes: Sequence[str]) -> list[str]:
    """Return warnings for undeclared classes: names that may mean the same class or no label."""
    warnings = [
        f"the labels {' and '.join(repr(clean(name)) for name in group)} differ only in case and "
        f"count as {console.count(len(group), 'classes')}; declare the classes with --classes"
        for group in case_variants(classes)
    ]
    blank = sorted(_NO_LABELS.intersection(classes))
    if blank:
        warnings.append(
            f"the label {listing([repr(name) for name in blank])} counts as a class; if it means "
            f"that a row has no label, clear these cells, or declare the classes with --classes "
            f"and pass --unknown-label ignore"
        )
    return warnings


def missing_text_warning(values: Texts, classes: Sequence[str] | None, column: str) -> str:
    """Return a warning about cells with a missing value as text, '' if there are none."""
    cells = pa.array(values, pa.string())
    reader = ClassReader(classes or ())
    unique = (cell for cell in pc.unique(cells).to_pylist() if cell)
    names = [cell for cell in unique if is_missing_text(cell) and reader.class_of(cell) is None]
    if not names:
        return ""
    count = pc.sum(pc.is_in(cells, pa.array(names, pa.string()))).as_py()
    return (
        f"column {clean(column)!r}: {console.count(count, 'cells')} with the text "
        f"{listing([repr(name) for name in names])} count{'s' if count == 1 else ''} as no label"
    )


def _unknown_label(
    values: Texts, unknown: Mask, classes: list[str], name: str, keys: Any
) -> LabelkitError:
    rows = np.flatnonzero(unknown)
    label = str(values[rows[0]])
    same = rows[values[rows] == label]
    names = keys()
    return LabelkitError(
        f"{name}: the label {label!r} of {console.count(len(same), 'rows')} "
        f"({listing([names[i] for i in same], 5)}) is not one of the classes "
        f"{listing(classes)}{nearest(label, classes)}; fix the label, or pass "
        f"--unknown-label ignore"
    )
