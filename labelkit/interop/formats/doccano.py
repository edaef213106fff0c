"""doccano: writes and reads the JSON lines of text classification."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labelkit.errors import listing
from labelkit.interop.task_types import GUESS, GUESS_CONFIDENCE, ImportedAnswer, Task, one_text

if TYPE_CHECKING:
    from labelkit.interop.destination import Destination
    from labelkit.interop.tasks import Tasks
    from labelkit.interop.tool_file import ToolFile


def write(tasks: "Tasks", destination: "Destination") -> str:
    """Write one JSON object per line; return the next steps for the user.

    doccano has no suggestions: a guess is written as an extra field, which its page shows.
    """
    with destination.open() as stream:
        for task in tasks:
            text = json.dumps(_task(task, tasks), ensure_ascii=False, allow_nan=False)
            stream.write(f"{text}\n".encode())
    return (
        f"in doccano create a text classification project, import {destination.name} (JSONL, "
        f"columns text and label), label, export as JSONL; then "
        f"labelkit import EXPORT.jsonl -o ANSWERS.csv --from doccano --annotator NAME"
    )


def _task(task: Task, tasks: "Tasks") -> dict[str, Any]:
    record: dict[str, Any] = {
        "text": one_text(task.cells, tasks.fields),
        "label": [task.label] if task.label else [],
        **task.row_reference(tasks.key_name),
    }
    if task.guess is not None:
        record[GUESS] = task.guess.label
        if task.guess.confidence is not None:
            record[GUESS_CONFIDENCE] = task.guess.confidence
    return record


# Fields of different versions: the labels' texts; `annotations` are objects with number or text.
FIELDS = ("label", "labels", "cats", "annotations")


def read(tool_file: "ToolFile") -> Iterator[ImportedAnswer]:
    """Yield the answers; doccano exports neither annotator nor time, and has no skip."""
    names = (tool_file.label_field,) if tool_file.label_field else FIELDS
    have_field, objects_without = [], []
    for location, row in tool_file.objects():
        fields = {**row, **(row["meta"] if isinstance(row.get("meta"), dict) else {})}
        blank = tool_file.blank_answer(fields, location, id_is="doccano's own number for the text")
        field = next((name for name in names if name in row), None)
        have_field.append(field is not None)
        if field is None:
            objects_without.append((location, row))
        labels, who = _labels(tool_file, row.get(field) if field else None, location)
        comments = row.get("Comments") or row.get("comments") or []
        yield blank._replace(
            labels=labels,
            who=who,
            note="\n".join(map(str, [comments] if isinstance(comments, str) else comments)),
            guess=str(fields.get(GUESS) or ""),
        )
    tool_file.check_answer_fields(", ".join(names), have_field, objects_without)


def _labels(tool_file: "ToolFile", chosen: Any, location: str) -> tuple[tuple[str, ...], str]:
    """Return the labels of a row, and the annotator ('' if the file has none)."""
    if isinstance(chosen, dict):  # spaCy's cats: a share for each class
        return tuple(str(name) for name, share in chosen.items() if float(share or 0) >= 0.5), ""
    entries = [chosen] if isinstance(chosen, str) else list(chosen or [])
    if any(isinstance(entry, list) for entry in entries):
        raise tool_file.error(f"{location} has spans of text, not the class of a row")
    people = {str(entry.get("user") or "") for entry in entries if isinstance(entry, dict)}
    labels = [entry.get("label") if isinstance(entry, dict) else entry for entry in entries]
    if any(isinstance(entry, dict) for entry in entries) and any(
        isinstance(n, int) for n in labels
    ):
        raise tool_file.error(
            f"{location} has label numbers ({listing(map(str, labels))}) instead of names; "
            f"export it from doccano with the labels' text"
        )
    who = people.pop() if len(people) == 1 else ""
    return tuple(dict.fromkeys(str(label) for label in labels)), who
