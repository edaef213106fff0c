"""A table for a spreadsheet: one row a task, an empty column `label` to fill in."""

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
    Said,
    held_back,
    let_go,
)

if TYPE_CHECKING:
    from labelkit.interop.destination import Place
    from labelkit.interop.tasks import Tasks
    from labelkit.interop.tool_file import Given

_DELIMITERS = {".csv": ",", ".tsv": "\t", "": ","}
_PEOPLE_FILL_IN = ("label", "label_note", ANNOTATOR)


def write(tasks: "Tasks", place: "Place") -> str:
    """Write the table; return what to do with it."""
    ending = place.ending.removesuffix(".gz").removesuffix(".zst")
    if ending not in _DELIMITERS:
        raise UsageError(f"-o {place.name}: --to csv writes .csv or .tsv (also .gz, .zst)")
    titles = [field.title if field.title not in _OURS else field.name for field in tasks.fields]
    with place.open() as stream:
        # Some spreadsheets take UTF-8 for what it is only after this mark. The line ends are
        # such that a lone carriage return in a cell is quoted as well.
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="", write_through=True)
        lines = csv.writer(text, delimiter=_DELIMITERS[ending], lineterminator="\r\n")
        lines.writerow([ROW_ID, *map(held_back, titles), *_OURS[1:]])
        for task in tasks:
            sure = "" if task.guess is None else task.guess.confidence
            cells = [
                task.key, *task.cells,
                task.guess.label if task.guess else "", "" if sure is None else f"{sure}",
                task.label, "", task.annotator if task.label else "",
                task.origin, tasks.key_name, task.check,
            ]  # fmt: skip
            lines.writerow(map(held_back, cells))
        text.detach()
    return (
        f"fill in the column label of {place.name}; then "
        f"labelkit import {place.name} -o ANSWERS.csv --from csv"
    )


_OURS = (ROW_ID, GUESS, GUESS_CONFIDENCE, *_PEOPLE_FILL_IN, ORIGIN, ROW_KEY, ROW_CHECK)


def read(given: "Given") -> Iterator[Said]:
    """Yield what people filled in; the file may have been saved by any spreadsheet."""
    field = given.label_field or "label"
    for number, cells in given.rows((field,)):
        row = {name: let_go(cell or "") for name, cell in cells.items()}
        blank = given.said(row, f"row {number}")
        label = row[field].strip()
        yield blank._replace(
            labels=(label,) if label else (),
            who=row.get(ANNOTATOR, ""),
            seconds=given.seconds(row.get("label_seconds", ""), f"row {number}"),
            note=row.get("label_note", ""),
            flag=row["label_flag"].casefold() in ("true", "1", "yes")
            if row.get("label_flag")
            else None,
            guess=row.get(GUESS, ""),
        )
