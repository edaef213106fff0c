"""The LF summary for people (a table) and for programs (CSV, JSON, text)."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.errors import UsageError
from labelkit.stats.metrics import wilson
from labelkit.weak.analysis.lf_statistics import Summary
from labelkit.weak.outcome import Estimate
from labelkit.weak.vote_codes import ABSTAIN, Votes

Counts = npt.NDArray[np.int64]

SUFFIXES = (".html", ".csv", ".json", ".txt")
FIELDS = ("name", "polarity", "votes", "coverage", "overlaps", "conflicts")
HEADINGS = {
    "name": "function",
    "estimated_accuracy": "estimated",
    "estimated_low": "from",
    "estimated_high": "to",
    "learned_weight": "weight",
    "accuracy_low": "low",
    "accuracy_high": "high",
    "marginal_gain": "gain",
}


def check_path(path: Path) -> None:
    """Raise UsageError for a report whose suffix says no known format."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--lf-report {path}: the name must end in {', '.join(SUFFIXES)}")


def records(
    summaries: Sequence[Summary],
    classes: Sequence[str],
    errors: Mapping[str, int],
    gold: bool,
    estimates: Sequence[Estimate] | None = None,
    weights: npt.NDArray[np.float64] | None = None,
) -> list[dict[str, Any]]:
    """Return one record for each function; `polarity` is a list of class names."""
    found = []
    for number, summary in enumerate(summaries):
        record: dict[str, Any] = {
            "name": summary.name,
            "polarity": [classes[code] for code in summary.polarity],
            "votes": summary.votes,
            "coverage": round(summary.coverage, 6),
            "overlaps": round(summary.overlaps, 6),
            "conflicts": round(summary.conflicts, 6),
        }
        if estimates is not None:
            accuracy = estimates[number].accuracy
            ends = (None, None, None) if accuracy is None else accuracy[:3]
            names = ("estimated_accuracy", "estimated_low", "estimated_high")
            record |= {name: _rounded(end) for name, end in zip(names, ends, strict=True)}
        if weights is not None:
            weight = float(weights[number])
            record["learned_weight"] = None if weight != weight else _rounded(weight)
        if gold:
            record |= _against_gold(summary)
        if gold and estimates is not None:
            record["marginal_gain"] = _rounded(estimates[number].gain)
        if errors:
            record["errors"] = errors.get(summary.name, 0)
        found.append(record)
    return found


def _against_gold(summary: Summary) -> dict[str, Any]:
    right, wrong = summary.correct or 0, summary.incorrect or 0
    low, high = wilson(right, right + wrong) if right + wrong else (None, None)
    return {
        "correct": right,
        "incorrect": wrong,
        "accuracy": _rounded(summary.accuracy),
        "accuracy_low": _rounded(low),
        "accuracy_high": _rounded(high),
    }


def worse_than_chance(
    summaries: Sequence[Summary],
    chances: Sequence[float] | None,
    estimates: Sequence[Estimate] | None,
) -> list[str]:
    """Return a message for each function whose interval lies below the accuracy of a guess.

    By known labels (`chances`: the accuracy of a guess of each function's votes) where there are
    some of its votes, else by the estimates.
    """
    messages = []
    for number, summary in enumerate(summaries):
        accuracy = None if estimates is None else estimates[number].accuracy
        if chances is not None and summary.accuracy is not None:
            right, wrong = summary.correct or 0, summary.incorrect or 0
            share, ends, chance = summary.accuracy, wilson(right, right + wrong), chances[number]
            source, advice = f"n={right + wrong}", "remove it, or invert its vote"
        elif accuracy is not None:
            share, ends, chance = accuracy.accuracy, accuracy[1:3], accuracy.chance
            source = "estimated from the other functions"
            advice = "look at some of its votes, then remove it or invert its vote"
        else:
            continue
        if ends[1] < chance:
            messages.append(
                f"{summary.name} is right less often than a guess ({chance:.2f}): {share:.2f} "
                f"(95% CI {ends[0]:.2f}–{ends[1]:.2f}, {source}); {advice}"
            )
    return messages


def chances(votes: Votes, counts: Counts, known: Any) -> list[float]:
    """Return for each function how often a guess of its votes is right, by the known classes.

    `votes` patterns x functions, `counts` rows of each pattern, `known` patterns x true classes.
    """
    total = known.sum(axis=0)
    shares = total / max(int(total.sum()), 1)
    found = []
    for column in votes.T:
        voted = column != ABSTAIN
        rows = float(counts[voted].sum())
        found.append(float(counts[voted] @ shares[column[voted]]) / max(rows, 1.0))
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def header(found: Sequence[Mapping[str, Any]], gold: str | None) -> list[str]:
    """Return the table's header; `gold` is what the accuracy is called."""
    names = {**HEADINGS, "accuracy": gold or "accuracy"}
    return [names.get(field, field) for field in (found[0] if found else FIELDS)]


def table_rows(found: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Return the records as rows of a table, the polarity in one cell."""
    return [
        [" ".join(value) if isinstance(value, list) else value for value in record.values()]
        for record in found
    ]


def rendered(path: Path, found: Sequence[Mapping[str, Any]], gold: str | None) -> bytes:
    """Return the report as JSON, CSV or text, as the file's suffix says."""
    suffix = path.suffix.lower()
    if suffix == ".json":
        whole = {"schema": 1, "accuracy": gold, "functions": list(found)}
        return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode()
    rows = table_rows(found)
    if suffix == ".csv":
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(list(found[0]) if found else FIELDS)
        writer.writerows([["" if value is None else value for value in row] for row in rows])
        return stream.getvalue().encode()
    cells = [header(found, gold), *([plain(value) for value in row] for row in rows)]
    widths = [max(map(console.cells_of, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(console.padded, row, widths)).rstrip() for row in cells]
    return ("\n".join(lines) + "\n").encode()


def plain(value: Any) -> str:
    """Return a figure as people read it: shares with three decimals, nothing for None."""
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
