"""A table for spreadsheets: one row per task, with an empty column `label` to fill in."""

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from labelkit.errors import UsageError
from labelkit.interop.task_types import (
    ANNOTATOR,
    GUESS,
    GUESS_CONFIDENCE,
    ORIGIN,
    ROW_CHECK,
    ROW_ID,
    ROW_KEY,
    ImportedAnswer,
    escape_formula,
    unescape_formula,
)

if TYPE_CHECKING:
    from labelkit.interop.destination import Destination
    from labelkit.interop.tasks import Tasks
    from labelkit.interop.tool_file import ToolFile

_DELIMITERS = {".csv": ",", ".tsv": "\t", "": ","}
_PEOPLE_FILL_IN = ("label", "label_note", ANNOTATOR)


def write(tasks: "Tasks", destination: "Destination") -> str:
    """Write the table; return the next steps for the user."""
    ending = destination.ending.removesuffix(".gz").removesuffix(".zst")
    if ending not in _DELIMITERS:
        raise UsageError(f"-o {destination.name}: --to csv writes .csv or .tsv (also .gz, .zst)")
    titles = [field.title if field.title not in _COLUMNS else field.name for field in tasks.fields]
    with destination.open() as stream:
        # Some spreadsheets read a file as UTF-8 only if it has a byte order mark. With \r\n line
        # ends the csv module also quotes cells with a lone carriage return.
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="", write_through=True)
        lines = csv.writer(text, delimiter=_DELIMITERS[ending], lineterminator="\r\n")
        lines.writerow([ROW_ID, *map(escape_formula, titles), *_COLUMNS[1:]])
        for task in tasks:
            confidence = "" if task.guess is None else task.guess.confidence
            cells = [
                task.key, *task.cells,
                task.guess.label if task.guess else "",
                "" if confidence is None else f"{confidence}",
                task.label, "", task.annotator if task.label else "",
                task.origin, tasks.key_name, task.check,
            ]  # fmt: skip
            lines.writerow(map(escape_formula, cells))
        text.detach()
    return (
        f"fill in the column label of {destination.name}; then "
        f"labelkit import {destination.name} -o ANSWERS.csv --from csv"
    )


_COLUMNS = (ROW_ID, GUESS, GUESS_CONFIDENCE, *_PEOPLE_FILL_IN, ORIGIN, ROW_KEY, ROW_CHECK)


def read(tool_file: "ToolFile") -> Iterator[ImportedAnswer]:
    """Yield the answers filled in; the file may have been saved by any spreadsheet."""
    field = tool_file.label_field or "label"
    for number, cells in tool_file.rows((field,)):
        row = {name: unescape_formula(cell or "") for name, cell in cells.items()}
        blank = tool_file.blank_answer(row, f"row {number}")
        label = row[field].strip()
        yield blank._replace(
            labels=(label,) if label else (),
            who=row.get(ANNOTATOR, ""),
            seconds=tool_file.seconds(row.get("label_seconds", ""), f"row {number}"),
            note=row.get("label_note", ""),
            flag=row["label_flag"].casefold() in ("true", "1", "yes")
            if row.get("label_flag")
            else None,
            guess=row.get(GUESS, ""),
        )
