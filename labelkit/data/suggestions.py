"""Columns with suggested labels and their confidences, and the rows that must not show them.

Audit rows are answered blind: they measure accuracy, and a person who has seen a machine label is
biased towards it. The first screen of annotate uses this module, so it imports data libraries
only to read whole columns.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labelkit.data.columns import AUDIT, CALIBRATION

if TYPE_CHECKING:
    from labelkit.data.labels import Texts

# Columns that suggest a label, the most relevant first, and the source named in messages.
SUGGESTING = {
    "noise_suggested": "find-noise suggests",
    "query_guess": "guess",
    "final_label": "decide says",
    "llm_label": "the language model says",
    "model_label": "the model says",
    "weak_label": "the rules say",
}
BLIND_ORIGINS = (AUDIT, CALIBRATION)


def confidence_beside(name: str) -> str:
    """Return the confidence column of a label column."""
    return f"{name.removesuffix('label').rstrip('_')}_confidence"


def blind_origin(origin: str, reason: str = "") -> str:
    """Return the origin of a row that is answered blind, '' for any other row.

    `origin` is the cell of label_origin, `reason` that of query_reason, which has the origin in
    a file that query wrote and nobody has answered yet.
    """
    if origin in BLIND_ORIGINS:
        return origin
    return next((name for name in BLIND_ORIGINS if reason.startswith(name)), "")


def blind_origins(source: Any) -> "Texts":
    """Return the origin of each row that is answered blind, else ''."""
    import numpy as np

    names = [name for name in ("label_origin", "query_reason") if source.has(name)]
    rows = source.count()
    read = source.texts_of(names)
    blank = np.full(rows, "", dtype=object)
    origins = read.get("label_origin", blank)
    reasons = read.get("query_reason", blank)
    result = np.where(np.isin(origins.astype(str), BLIND_ORIGINS), origins, "").astype(object)
    for name in BLIND_ORIGINS:
        drawn = np.char.startswith(reasons.astype(str), name)
        result[drawn & (result == "")] = name
    return result


def shown_labels(columns: "Mapping[str, Texts]", blind: "Texts") -> set[str]:
    """Return the labels in these columns, without those of blind rows.

    `blind` are the `blind_origins` of the rows.
    """
    visible = blind == ""
    return {str(label) for labels in columns.values() for label in labels[visible] if label}
