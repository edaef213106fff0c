"""The names of our columns, and which columns of a file are ours."""

import re
from collections.abc import Iterable, Sequence

AUDIT, CALIBRATION, RELABEL = "audit", "calibration", "relabel"  # values of label_origin
ROW_CHECK = "row_check"

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
