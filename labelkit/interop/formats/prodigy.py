"""Prodigy: writes tasks for the `choice` interface, reads the output of `db-out`."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labelkit.interop.task_types import GUESS, GUESS_CONFIDENCE, ImportedAnswer, Task, one_text

if TYPE_CHECKING:
    from labelkit.interop.destination import Destination
    from labelkit.interop.tasks import Tasks
    from labelkit.interop.tool_file import ToolFile


def write(tasks: "Tasks", destination: "Destination") -> str:
    """Write one JSON object per line; return the next steps for the user."""
    options = [{"id": name, "text": name} for name in tasks.classes]
    with destination.open() as stream:
        for task in tasks:
            text = json.dumps(_task(task, tasks, options), ensure_ascii=False, allow_nan=False)
            stream.write(f"{text}\n".encode())
    return (
        f"prodigy mark DATASET {destination.name} --view-id choice, "
        f"prodigy db-out DATASET > OUT.jsonl; "
        f"then labelkit import OUT.jsonl -o ANSWERS.csv --from prodigy"
    )


def _task(task: Task, tasks: "Tasks", options: list[dict[str, str]]) -> dict[str, Any]:
    record: dict[str, Any] = {
        "text": one_text(task.cells, tasks.fields),
        "options": options,
        "config": {"choice_style": "single"},
        **task.row_reference(tasks.key_name),
    }
    if task.label:
        return record | {"accept": [task.label], "answer": "accept"}
    if task.guess is None:
        return record
    # Options in `accept` are selected when the task is shown; GUESS keeps the suggestion.
    record |= {"accept": [task.guess.label], GUESS: task.guess.label}
    if task.guess.confidence is not None:
        record |= {GUESS_CONFIDENCE: task.guess.confidence, "score": task.guess.confidence}
        record["meta"] = {"score": task.guess.confidence}
    return record


def read(tool_file: "ToolFile") -> Iterator[ImportedAnswer]:
    """Yield the answers; a rejected task without a chosen class is a skip."""
    field, refused = tool_file.label_field or "accept", 0
    classes: dict[str, None] = {}
    have_field, objects_without = [], []
    for location, task in tool_file.objects():
        answer = task.get("answer")
        blank = tool_file.blank_answer({**(task.get("meta") or {}), **task}, location)
        names = _option_names(tool_file, task)
        classes |= dict.fromkeys(names.values())
        refused += answer == "reject"
        chosen = task.get(field, task.get("label"))
        have_field.append("answer" in task and (answer != "accept" or chosen is not None))
        if not have_field[-1]:
            objects_without.append((location, task))
        yield blank._replace(
            labels=_labels(chosen, names) if answer == "accept" else (),
            skipped=answer in ("ignore", "reject"),
            who=str(task.get("_annotator_id") or task.get("_session_id") or ""),
            note=str(task.get("note") or ""),
            flag=bool(task["flagged"]) if "flagged" in task else None,
            guess=names.get(str(task.get(GUESS) or ""), str(task.get(GUESS) or "")),
            when=_when(task.get("_timestamp")),
        )
    tool_file.check_answer_fields(f"answer, {field} or label", have_field, objects_without)
    tool_file.classes = list(classes) or None
    if refused:
        tool_file.note_once(f"{refused:,} rejected tasks have no class and count as skipped")


def _option_names(tool_file: "ToolFile", task: dict[str, Any]) -> dict[str, str]:
    """Return the class of each option id: the id, or the text where the ids are only numbers."""
    offered = [option for option in task.get("options") or [] if isinstance(option, dict)]
    texts = {str(option.get("id")): str(option.get("text") or "") for option in offered}
    if all(tool_file.declares(number) for number in texts):
        return {number: number for number in texts}
    numbered = all(number.isdigit() for number in texts) and all(texts.values())
    if numbered and len(set(texts.values())) == len(texts):
        return texts
    return {number: number for number in texts}


def _labels(chosen: Any, names: dict[str, str]) -> tuple[str, ...]:
    # The interface for one class writes `label`; the one for several classes writes `accept`.
    listed = chosen if isinstance(chosen, list) else [] if chosen in (None, "") else [chosen]
    return tuple(dict.fromkeys(names.get(str(name), str(name)) for name in listed))


def _when(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
