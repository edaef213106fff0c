"""A rehearsal: a column of the data answers what people would be asked."""

import csv
import io
from pathlib import Path

from labelkit.errors import LabelkitError, listing, nearest
from labelkit.io.files import whole

ANNOTATOR = "oracle"


def answer(batch: Path, answers: Path, column: str) -> None:
    """Answer a batch by the column, unless that is done already; audit rows stay audit rows.

    Raises LabelkitError where the batch has no such column.
    """
    done = answers.exists() and answers.stat().st_mtime_ns >= batch.stat().st_mtime_ns
    if done:
        return
    with batch.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        names, rows = list(reader.fieldnames or []), list(reader)
    if column not in names:
        raise LabelkitError(
            f"{batch} has no column {column!r} (--oracle){nearest(column, names)} "
            f"(columns: {listing(names, 20)})"
        )
    extra = [name for name in ("label_annotator",) if name not in names]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*names, *extra], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "label": row[column], "label_annotator": ANNOTATOR})
    with whole(answers) as stream:
        stream.write(text.getvalue().encode())
