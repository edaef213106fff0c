"""The names of our columns, which label counts, keys and row checks."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from labelkit.errors import LabelkitError, listing, nearest
from labelkit.names import AUDIT as AUDIT
from labelkit.names import RELABEL as RELABEL
from labelkit.names import ROW_CHECK as ROW_CHECK

Texts = npt.NDArray[np.object_]
Codes = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

# What each command writes, under its prefix or the name given by --as.
OWNED: dict[str, tuple[str, ...]] = {
    "weak": ("label", "confidence", "votes", "source", "proba_*", "lf_*"),
    "llm": ("label", "confidence", "model", "error", "rationale"),
    "query": ("score", "rank", "reason", "guess", "guess_confidence"),
    "noise": (
        "given", "suggested", "quality", "flag", "reason", "duplicate_of", "outlier", "use",
    ),
    "model": ("label", "confidence", "proba_*"),
    "final": ("label", "confidence", "source", "route"),
    "label": ("origin", "annotator", "confidence", "note", "flag", "seconds"),
}  # fmt: skip


def owned(names: Iterable[str], prefix: str, written_as: str | None = None) -> list[str]:
    """Return those columns that a command with this prefix writes and replaces."""
    ours = _owned_pattern(written_as or prefix, OWNED[prefix])
    return [name for name in names if ours.fullmatch(name)]


def ours(names: Iterable[str]) -> list[str]:
    """Return those columns that any of our commands writes under its usual prefix."""
    patterns = [_owned_pattern(prefix, endings) for prefix, endings in OWNED.items()]
    return [n for n in names if n == ROW_CHECK or any(p.fullmatch(n) for p in patterns)]


def _owned_pattern(prefix: str, endings: Sequence[str]) -> re.Pattern[str]:
    alternatives = "|".join(re.escape(ending).replace(r"\*", ".*") for ending in endings)
    return re.compile(f"{re.escape(prefix)}_(?:{alternatives})", re.DOTALL)


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


def row_checks(table: pa.Table) -> list[str]:
    """Return a short hash of each row's text, to notice that rows have moved or changed."""
    from hashlib import blake2b

    if not table.num_columns:
        return [""] * table.num_rows
    parts = [pc.fill_null(column.combine_chunks(), "") for column in table.columns]
    joined = pc.binary_join_element_wise(*parts, "\x1f") if len(parts) > 1 else parts[0]
    return [blake2b(t.encode(), digest_size=6).hexdigest() for t in joined.to_pylist()]


def doubled(keys: Sequence[str]) -> str | None:
    """Return a key that stands more than once, if there is one."""
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return None
