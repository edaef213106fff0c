"""After the answers: confidence as how often it is right, the cut, and what the audit rows say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import UsageError
from labelkit.llm.answers import reliability, threshold
from labelkit.llm.answers.reply_labels import Labelled
from labelkit.llm.answers.threshold import Cut
from labelkit.stats import metrics

Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Known:
    """What is known of each distinct text: its class or -1, and which texts are the same."""

    codes: Codes
    groups: NDArray[np.int64]
    at_random: bool  # whether the known rows stand for all, or were picked for another reason

    @property
    def count(self) -> int:
        """The number of texts whose class is known."""
        return int((self.codes >= 0).sum())


def calibrated(
    found: Sequence[Labelled], known: Known, classes: Sequence[str]
) -> tuple[list[Labelled], str]:
    """Return the answers with calibrated confidence, and by what; the labels stay."""
    sure = np.array([np.nan if a.confidence is None else a.confidence for a in found], np.float64)
    sure[[not answer.label for answer in found]] = np.nan
    right = _right(found, known.codes, classes)
    better, way = reliability.calibrated(sure, right, known.codes >= 0, known.groups)
    return [
        answer if np.isnan(value) else answer._replace(confidence=float(value))
        for answer, value in zip(found, better, strict=True)
    ], way


def confidence_of(given: str | None, option: str) -> float | None:
    """Return the confidence that an option gives, None for `auto` and for none."""
    if given in (None, "auto"):
        return None
    try:
        value = float(str(given))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"{option} {given!r}: give auto, or a confidence from 0 to 1")
    return value


def cut(
    found: Sequence[Labelled], known: Known, classes: Sequence[str], given: str, target: float
) -> Cut:
    """Return the cut that --threshold asks for, with what the known rows say of it.

    LabelkitError where the known rows do not show the target accuracy.
    """
    judged = (known.codes >= 0) & [a.confidence is not None and bool(a.label) for a in found]
    sure = np.array([a.confidence or 0.0 for a in found], np.float64)[judged]
    right = _right(found, known.codes, classes)[judged]
    fixed = confidence_of(given, "--threshold")
    if fixed is None:
        return threshold.choose(sure, right, target)
    above = sure >= fixed
    rows, hits = int(above.sum()), int(right[above].sum())
    return Cut(fixed, rows, hits, *metrics.wilson(hits, rows))


def passes(answer: Labelled | None, cut: Cut) -> bool:
    """Tell whether an answer is sure enough to stand."""
    return bool(answer and answer.label and (answer.confidence or 0.0) >= cut.confidence)


def audited(
    outcomes: Sequence[Labelled | None], audit: Codes, classes: Sequence[str], cut: Cut | None
) -> dict[str, Any]:
    """Return the figures on the rows that were drawn at random to judge by; empty without any."""
    judged = [
        (code >= 0 and answer.label == classes[code], answer)
        for answer, code in zip(outcomes, audit.tolist(), strict=True)
        if answer is not None and answer.label and code != -1
    ]
    if not judged:
        return {}
    right = np.array([hit for hit, _ in judged])
    found = {"audit": _share(right)}
    sure = np.array([np.nan if a.confidence is None else a.confidence for _, a in judged])
    said = np.isfinite(sure)
    if said.any():
        found["audit"]["calibration_error"] = metrics.calibration_error(sure[said], right[said])
    if cut is not None:
        above = np.array([passes(answer, cut) for _, answer in judged])
        found["audit_above_the_cut"] = _share(right[above])
    return found


def _share(right: NDArray[np.bool_]) -> dict[str, Any]:
    rows, hits = len(right), int(right.sum())
    low, high = metrics.wilson(hits, rows)
    return {"rows": rows, "accuracy": hits / rows if rows else None, "interval": [low, high]}


def _right(found: Sequence[Labelled], codes: Codes, classes: Sequence[str]) -> NDArray[np.bool_]:
    return np.array(
        [
            code >= 0 and answer.label == classes[code]
            for answer, code in zip(found, codes.tolist(), strict=True)
        ],
        dtype=np.bool_,
    )
