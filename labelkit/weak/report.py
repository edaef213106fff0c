"""The LF summary for people (a table) and for programs (CSV, JSON, text)."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labelkit.errors import UsageError
from labelkit.weak.analysis import Summary

SUFFIXES = (".csv", ".json", ".txt")
FIELDS = ("name", "polarity", "votes", "coverage", "overlaps", "conflicts")
GOLD_FIELDS = ("correct", "incorrect", "accuracy")


def check_path(path: Path) -> None:
    """Raise UsageError for a report whose suffix says no known format."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--lf-report {path}: the name must end in {', '.join(SUFFIXES)}")


def records(
    summaries: Sequence[Summary], classes: Sequence[str], errors: Mapping[str, int], gold: bool
) -> list[dict[str, Any]]:
    """Return one record for each function; `polarity` is a list of class names."""
    found = []
    for summary in summaries:
        record: dict[str, Any] = {
            "name": summary.name,
            "polarity": [classes[code] for code in summary.polarity],
            "votes": summary.votes,
            "coverage": round(summary.coverage, 6),
            "overlaps": round(summary.overlaps, 6),
            "conflicts": round(summary.conflicts, 6),
        }
        if gold:
            accuracy = summary.accuracy
            record["correct"] = summary.correct
            record["incorrect"] = summary.incorrect
            record["accuracy"] = None if accuracy is None else round(accuracy, 6)
        if errors:
            record["errors"] = errors.get(summary.name, 0)
        found.append(record)
    return found


def header(gold: str | None, errors: bool) -> list[str]:
    """Return the table's header; `gold` is what the accuracy is called."""
    accuracy = ["correct", "incorrect", gold] if gold else []
    return ["function", *FIELDS[1:], *accuracy, *(["errors"] if errors else [])]


def table_rows(found: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Return the records as rows of a table, the polarity in one cell."""
    return [
        [" ".join(value) if isinstance(value, list) else value for value in record.values()]
        for record in found
    ]


def rendered(path: Path, found: Sequence[Mapping[str, Any]], gold: str | None) -> bytes:
    """Return the report in the format that the file's suffix names."""
    suffix = path.suffix.lower()
    if suffix == ".json":
        whole = {"schema": 1, "accuracy": gold, "functions": list(found)}
        return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode()
    names = list(found[0]) if found else list(FIELDS)
    rows = table_rows(found)
    if suffix == ".csv":
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([["" if value is None else value for value in row] for row in rows])
        return stream.getvalue().encode()
    cells = [header(gold, "errors" in names), *([_plain(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return ("\n".join(lines) + "\n").encode()


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
