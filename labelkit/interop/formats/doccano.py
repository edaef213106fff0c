"""doccano: its JSON lines of text classification, out and in."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labelkit.interop.task_types import GUESS, GUESS_CONFIDENCE, Said, Task, one_text

if TYPE_CHECKING:
    from labelkit.interop.destination import Place
    from labelkit.interop.tasks import Tasks
    from labelkit.interop.tool_file import Given


def write(tasks: "Tasks", place: "Place") -> str:
    """Write one JSON object a line; return what to do with them.

    doccano knows no suggestions: a guess goes along as a field that the page shows beside.
    """
    with place.open() as stream:
        for task in tasks:
            text = json.dumps(_task(task, tasks), ensure_ascii=False, allow_nan=False)
            stream.write(f"{text}\n".encode())
    return (
        f"in doccano make a project of text classification, import {place.name} (JSONL, columns "
        f"text and label), label, export as JSONL; then "
        f"labelkit import EXPORT.jsonl -o ANSWERS.csv --from doccano --annotator NAME"
    )


def _task(task: Task, tasks: "Tasks") -> dict[str, Any]:
    found: dict[str, Any] = {
        "text": one_text(task.cells, tasks.fields),
        "label": [task.label] if task.label else [],
        **task.passport(tasks.key_name),
    }
    if task.guess is not None:
        found[GUESS] = task.guess.label
        if task.guess.confidence is not None:
            found[GUESS_CONFIDENCE] = task.guess.confidence
    return found


def read(given: "Given") -> Iterator[Said]:
    """Yield what people said; doccano tells neither who nor how long, and has no skip."""
    field = given.label_field or "label"
    for place, row in given.objects():
        fields = {**row, **(row["meta"] if isinstance(row.get("meta"), dict) else {})}
        blank = given.said(fields, place, id_is="doccano's own number of the text")
        chosen = row.get(field) or []
        comments = row.get("Comments") or []
        yield blank._replace(
            labels=(chosen,) if isinstance(chosen, str) else tuple(map(str, chosen)),
            note="\n".join(map(str, [comments] if isinstance(comments, str) else comments)),
            guess=str(fields.get(GUESS) or ""),
        )
