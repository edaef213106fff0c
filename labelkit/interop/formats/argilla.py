"""Argilla: the JSON that its records are read from and written to, out and in."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labelkit.errors import listing
from labelkit.interop.task_types import Said, Task, by_name

if TYPE_CHECKING:
    from labelkit.interop.destination import Place
    from labelkit.interop.tasks import Tasks
    from labelkit.interop.tool_file import Given

QUESTION = "label"


def write(tasks: "Tasks", place: "Place") -> str:
    """Write the records as one JSON list; return what to do with them.

    A label that is known already goes along as a suggestion: a response needs a user of the server.
    """
    place.write_list(_record(task, tasks) for task in tasks)
    names = ", ".join(field.name for field in tasks.fields)
    return (
        f"in Argilla make a dataset with the text field{'s' if len(tasks.fields) > 1 else ''} "
        f"{names}, a label question {QUESTION!r} and extra metadata allowed; "
        f"dataset.records.from_json({place.name!r}), label, dataset.records.to_json('OUT.json'); "
        f"then labelkit import OUT.json -o ANSWERS.csv --from argilla"
    )


def _record(task: Task, tasks: "Tasks") -> dict[str, Any]:
    said: dict[str, Any] = {}
    if task.label:
        said = {"value": task.label, "score": None, "agent": task.annotator or "people"}
    elif task.guess is not None:
        confidence = task.guess.confidence
        said = {"value": task.guess.label, "score": confidence, "agent": task.guess.column}
    return {
        "id": task.key,
        "fields": by_name(tasks.fields, task.cells),
        "metadata": task.passport(tasks.key_name),
        "suggestions": {QUESTION: said} if said else {},
        "responses": {},
        "vectors": {},
    }


def read(given: "Given") -> Iterator[Said]:
    """Yield what people said, from records as they are (to_json) or flattened (to_list)."""
    for place, record in given.objects():
        metadata = record.get("metadata")
        fields = {**record, **(metadata if isinstance(metadata, dict) else {})}
        blank = given.said(fields, place)
        flat = "responses" not in record
        question = given.label_field or _question(given, record, place, flat)
        guess, answers = (_flat if flat else _nested)(record, question)
        blank = blank._replace(guess=guess)
        if not answers:
            yield blank
        for value, who, status in answers:
            skipped = status == "discarded"
            labels = () if skipped or status == "draft" else _labels(value)
            yield blank._replace(labels=labels, skipped=skipped, who=who)


def _question(given: "Given", record: dict[str, Any], place: str, flat: bool) -> str:
    if flat:
        suffix = ".responses"
        asked = [name.removesuffix(suffix) for name in record if name.endswith(suffix)]
    else:
        asked = list(record.get("responses") or {})
    if not asked or QUESTION in asked:
        return QUESTION
    if len(asked) > 1:
        raise given.wrong(
            f"{place} answers several questions ({listing(asked)}); name the one with the classes "
            f"by --label-field NAME"
        )
    given.remark(f"the classes are the answers to the question {asked[0]!r}")
    return asked[0]


_Answers = list[tuple[Any, str, str]]


def _nested(record: dict[str, Any], question: str) -> tuple[str, _Answers]:
    suggestion = (record.get("suggestions") or {}).get(question) or {}
    responses = (record.get("responses") or {}).get(question) or []
    found = [(r.get("value"), str(r.get("user_id") or ""), _status(r)) for r in responses]
    return str(suggestion.get("value") or ""), found


def _flat(record: dict[str, Any], question: str) -> tuple[str, _Answers]:
    key = f"{question}.responses"
    values = record.get(key) or []
    users = record.get(f"{key}.users") or [""] * len(values)
    states = record.get(f"{key}.status") or [""] * len(values)
    found = [(v, str(u), str(s)) for v, u, s in zip(values, users, states, strict=True)]
    return str(record.get(f"{question}.suggestion") or ""), found


def _status(response: dict[str, Any]) -> str:
    return str(response.get("status") or "")


def _labels(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(map(str, value))
    return (str(value),) if value not in (None, "") else ()
