"""What our columns suggest as a row's label, how sure they are, and who may see it.

An audit row is answered blind: its labels measure accuracy, and a person who has seen what a
machine thinks of a row leans towards it. The first screen of annotate uses this: no data library is
imported before whole columns are read.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labelkit.data.columns import AUDIT, CALIBRATION

if TYPE_CHECKING:
    from labelkit.data.labels import Texts

# Columns that suggest a label, the nearest to the person's question first, and who suggests it.
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
    """Return the column that tells how sure such a column is."""
    return f"{name.removesuffix('label').rstrip('_')}_confidence"


def blind_origin(origin: str, reason: str = "") -> str:
    """Return the origin of a row that is answered blind, '' for any other row.

    `origin` is the cell of label_origin. `reason` is that of query_reason, which tells it in a
    file that query has written and nobody has answered yet.
    """
    if origin in BLIND_ORIGINS:
        return origin
    return next((name for name in BLIND_ORIGINS if reason.startswith(name)), "")


def blind_origins(source: Any) -> "Texts":
    """Return for each row of an open file its origin where it is answered blind, else ''."""
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
    """Return the labels in these columns; what rows that are answered blind have is not shown.

    `blind` are the `blind_origins` of the rows.
    """
    seen = blind == ""
    return {str(label) for labels in columns.values() for label in labels[seen] if label}
