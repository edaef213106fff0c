"""Prodigy: tasks of the `choice` interface out, what `db-out` writes in."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labelkit.interop.task_types import GUESS, GUESS_CONFIDENCE, Said, Task, one_text

if TYPE_CHECKING:
    from labelkit.interop.destination import Place
    from labelkit.interop.tasks import Tasks
    from labelkit.interop.tool_file import Given


def write(tasks: "Tasks", place: "Place") -> str:
    """Write one JSON object a line; return what to do with them."""
    options = [{"id": name, "text": name} for name in tasks.classes]
    with place.open() as stream:
        for task in tasks:
            text = json.dumps(_task(task, tasks, options), ensure_ascii=False, allow_nan=False)
            stream.write(f"{text}\n".encode())
    return (
        f"prodigy mark DATASET {place.name} --view-id choice, prodigy db-out DATASET > OUT.jsonl; "
        f"then labelkit import OUT.jsonl -o ANSWERS.csv --from prodigy"
    )


def _task(task: Task, tasks: "Tasks", options: list[dict[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "text": one_text(task.cells, tasks.fields),
        "options": options,
        "config": {"choice_style": "single"},
        **task.passport(tasks.key_name),
    }
    if task.label:
        return found | {"accept": [task.label], "answer": "accept"}
    if task.guess is None:
        return found
    # What stands in `accept` is ticked when the task is shown; the fields tell it afterwards.
    found |= {"accept": [task.guess.label], GUESS: task.guess.label}
    if task.guess.confidence is not None:
        found |= {GUESS_CONFIDENCE: task.guess.confidence, "score": task.guess.confidence}
        found["meta"] = {"score": task.guess.confidence}
    return found


def read(given: "Given") -> Iterator[Said]:
    """Yield what people said; a class that was only refused, with nothing chosen, is a skip."""
    field, refused = given.label_field or "accept", 0
    classes: dict[str, None] = {}
    having, without = [], []
    for place, task in given.objects():
        answer = task.get("answer")
        blank = given.said({**(task.get("meta") or {}), **task}, place)
        names = _option_names(given, task)
        classes |= dict.fromkeys(names.values())
        refused += answer == "reject"
        chosen = task.get(field, task.get("label"))
        having.append("answer" in task and (answer != "accept" or chosen is not None))
        if not having[-1]:
            without.append((place, task))
        yield blank._replace(
            labels=_labels(chosen, names) if answer == "accept" else (),
            skipped=answer in ("ignore", "reject"),
            who=str(task.get("_annotator_id") or task.get("_session_id") or ""),
            note=str(task.get("note") or ""),
            flag=bool(task["flagged"]) if "flagged" in task else None,
            guess=names.get(str(task.get(GUESS) or ""), str(task.get(GUESS) or "")),
            when=_when(task.get("_timestamp")),
        )
    given.check_answer_fields(f"answer, {field} or label", having, without)
    given.classes = list(classes) or None
    if refused:
        given.remark(f"{refused:,} rejected tasks name no class, and count as skipped")


def _option_names(given: "Given", task: dict[str, Any]) -> dict[str, str]:
    """Return the class of each option's id: the id, or its text where ids only number the texts."""
    offered = [option for option in task.get("options") or [] if isinstance(option, dict)]
    texts = {str(option.get("id")): str(option.get("text") or "") for option in offered}
    if all(given.declares(number) for number in texts):
        return {number: number for number in texts}
    numbered = all(number.isdigit() for number in texts) and all(texts.values())
    if numbered and len(set(texts.values())) == len(texts):
        return texts
    return {number: number for number in texts}


def _labels(chosen: Any, names: dict[str, str]) -> tuple[str, ...]:
    # The interface for one class says `label`; the one for several says `accept`.
    listed = chosen if isinstance(chosen, list) else [] if chosen in (None, "") else [chosen]
    return tuple(dict.fromkeys(names.get(str(name), str(name)) for name in listed))


def _when(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
