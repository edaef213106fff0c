"""The rows that are worth a person's look: probably wrong labels, and the least sure ones."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.html import page as pages
from labelkit.html.page import LongText
from labelkit.report.data import FINAL, ReportData, confidence_of

MOST = 100
_EXCERPT = 160

Rows = npt.NDArray[np.int64]


class Excerpts(NamedTuple):
    """A table of rows, with their number."""

    html: str
    rows: int


def worst(found: ReportData) -> Excerpts:
    """Return the flagged labels, the worst first."""
    flagged = np.flatnonzero(found.texts("noise_flag") == "true")
    if not len(flagged):
        return Excerpts("", 0)
    quality = found.numbers("noise_quality")[flagged]
    order = np.argsort(np.where(np.isnan(quality), 2.0, quality), kind="stable")[:MOST]
    picked, scores = flagged[order], quality[order]
    columns = [found.texts(f"noise_{name}")[picked] for name in ("given", "suggested", "reason")]
    rows: list[list[Any]] = []
    for place, (key, text) in enumerate(_shown(found, picked)):
        given, suggested, reason = (column[place] for column in columns)
        score = None if np.isnan(scores[place]) else float(scores[place])
        rows.append([key, LongText(text), given, suggested, score, LongText(reason)])
    title = _title("Labels that are probably wrong, the worst first", len(picked), len(flagged))
    header = ["key", "row", "given", "suggested", "quality", "reason"]
    return Excerpts(pages.table(title, header, rows), len(picked))


def least_sure(found: ReportData) -> Excerpts:
    """Return the decided labels that no person made and that are least sure."""
    column = FINAL if found.decided else next(iter(found.machines), "")
    if not column or not found.has(confidence_of(column)):
        return Excerpts("", 0)
    labels, sure = found.texts(column), found.numbers(confidence_of(column))
    open_ = np.flatnonzero(~found.by_people & np.isfinite(sure))
    picked = open_[np.argsort(sure[open_], kind="stable")[:MOST]]
    if not len(picked):
        return Excerpts("", 0)
    rows = [
        [key, LongText(text), labels[row], float(sure[row])]
        for row, (key, text) in zip(picked, _shown(found, picked), strict=True)
    ]
    title = _title(f"Least sure labels of {column}", len(picked), len(open_))
    header = ["key", "row", "label", "confidence"]
    return Excerpts(pages.table(title, header, rows), len(picked))


def _title(words: str, shown: int, all_: int) -> str:
    return f"{words}: {shown:,} of {all_:,}" if shown < all_ else f"{words}: {all_:,}"


def _shown(found: ReportData, rows: Rows) -> list[tuple[str, str]]:
    """Return the key of each row and the beginning of its text, or of its columns."""
    job = found.job
    keyed = job.key_name != "row"
    names = job.text if job.has_text() else [n for n in job.visible_columns() if n != job.key_name]
    wanted = list(dict.fromkeys([*names[:6], *([job.key_name] if keyed else [])]))
    data = job.source.gather_texts(rows, wanted)
    shown = []
    for place, record in enumerate(data.to_pylist()):
        key = record[job.key_name] if keyed else str(rows[place] + 1)
        text = " · ".join(record[n] for n in names[:6] if record[n])
        shown.append((key, text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"))
    return shown
