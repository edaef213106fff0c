"""doccano: its JSON lines of text classification, out and in."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labelkit.errors import listing
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


# By version and project: the labels' texts, or (annotations) objects of a label's number or text.
FIELDS = ("label", "labels", "cats", "annotations")


def read(given: "Given") -> Iterator[Said]:
    """Yield what people said; doccano tells neither who nor how long, and has no skip."""
    names = (given.label_field,) if given.label_field else FIELDS
    having, without = [], []
    for place, row in given.objects():
        fields = {**row, **(row["meta"] if isinstance(row.get("meta"), dict) else {})}
        blank = given.said(fields, place, id_is="doccano's own number of the text")
        field = next((name for name in names if name in row), None)
        having.append(field is not None)
        if field is None:
            without.append((place, row))
        labels, who = _labels(given, row.get(field) if field else None, place)
        comments = row.get("Comments") or row.get("comments") or []
        yield blank._replace(
            labels=labels,
            who=who,
            note="\n".join(map(str, [comments] if isinstance(comments, str) else comments)),
            guess=str(fields.get(GUESS) or ""),
        )
    given.check_answer_fields(", ".join(names), having, without)


def _labels(given: "Given", chosen: Any, place: str) -> tuple[tuple[str, ...], str]:
    """Return the labels of a row, and who gave them where the file has it."""
    if isinstance(chosen, dict):  # spaCy's cats: a share for each class
        return tuple(str(name) for name, share in chosen.items() if float(share or 0) >= 0.5), ""
    listed = [chosen] if isinstance(chosen, str) else list(chosen or [])
    if any(isinstance(one, list) for one in listed):
        raise given.wrong(f"{place} has spans of text, not the class of a row")
    people = {str(one.get("user") or "") for one in listed if isinstance(one, dict)}
    labels = [one.get("label") if isinstance(one, dict) else one for one in listed]
    if any(isinstance(one, dict) for one in listed) and any(isinstance(n, int) for n in labels):
        raise given.wrong(
            f"{place} has the numbers of labels ({listing(map(str, labels))}), not their names; "
            f"export it from doccano with the labels' text"
        )
    who = people.pop() if len(people) == 1 else ""
    return tuple(dict.fromkeys(str(label) for label in labels)), who
