"""Argilla: writes and reads the JSON of its records."""

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from labelkit.errors import listing
from labelkit.interop.task_types import ImportedAnswer, Task, by_name

if TYPE_CHECKING:
    from labelkit.interop.destination import Destination
    from labelkit.interop.tasks import Tasks
    from labelkit.interop.tool_file import ToolFile

QUESTION = "label"


def write(tasks: "Tasks", destination: "Destination") -> str:
    """Write the records as one JSON list; return the next steps for the user.

    An existing label is written as a suggestion, because a response needs a user of the server.
    """
    destination.write_list(_record(task, tasks) for task in tasks)
    names = ", ".join(field.name for field in tasks.fields)
    return (
        f"in Argilla create a dataset with the text field{'s' if len(tasks.fields) > 1 else ''} "
        f"{names}, a label question {QUESTION!r} and extra metadata allowed; "
        f"dataset.records.from_json({destination.name!r}), label, "
        f"json.dump(dataset.records.to_list(flatten=True), open('OUT.json', 'w')); "
        f"then labelkit import OUT.json -o ANSWERS.csv --from argilla"
    )


def _record(task: Task, tasks: "Tasks") -> dict[str, Any]:
    suggestion: dict[str, Any] = {}
    if task.label:
        suggestion = {"value": task.label, "score": None, "agent": task.annotator or "people"}
    elif task.guess is not None:
        confidence = task.guess.confidence
        suggestion = {"value": task.guess.label, "score": confidence, "agent": task.guess.column}
    return {
        "id": task.key,
        "fields": by_name(tasks.fields, task.cells),
        "metadata": task.row_reference(tasks.key_name),
        "suggestions": {QUESTION: suggestion} if suggestion else {},
        "responses": {},
        "vectors": {},
    }


def read(tool_file: "ToolFile") -> Iterator[ImportedAnswer]:
    """Yield the answers; raises LabelkitError for answers without a status.

    Reads the records of version 2 (flattened or nested), those of a feedback dataset of version 1
    (from the server or as a dataset) and its records of text classification.
    """
    have_field, objects_without, no_status = [], [], ""
    for location, record in tool_file.objects():
        blank = tool_file.blank_answer(_fields(record), location)
        answers = _responses(record)
        have_field.append(answers is not None)
        if answers is None:
            objects_without.append((location, record))
            yield blank
            continue
        question = tool_file.label_field or _question(tool_file, answers, location)
        blank = blank._replace(guess=_guess(record, question))
        responses = answers.get(question) or []
        if not responses:
            yield blank
        for response in responses:
            no_status = no_status or ("" if response.status else location)
            skipped = response.status == "discarded"
            labels = _labels(response.value) if response.status == "submitted" else ()
            yield blank._replace(labels=labels, skipped=skipped, who=response.user)
    tool_file.check_answer_fields("responses, NAME.responses", have_field, objects_without)
    if no_status:
        raise tool_file.error(
            f"{no_status} has an answer without a status: records.to_json does not write whether "
            f"an answer was submitted, discarded or is a draft; write "
            f"dataset.records.to_list(flatten=True) as JSON instead"
        )


class Response(NamedTuple):
    """One person's answer to a question; `status` is '' if the file has none."""

    value: Any
    user: str
    status: str


_Answers = dict[str, list[Response]]


def _fields(record: dict[str, Any]) -> dict[str, Any]:
    metadata = record.get("metadata")
    if isinstance(metadata, str) and metadata.startswith("{"):  # a dataset keeps it as text
        metadata = json.loads(metadata)
    fields = {**record, **(metadata if isinstance(metadata, dict) else {})}
    own = record.get("external_id")
    return fields if own in (None, "") else fields | {"id": own}


def _question(tool_file: "ToolFile", answers: _Answers, location: str) -> str:
    if not answers or QUESTION in answers:
        return QUESTION
    if len(answers) > 1:
        raise tool_file.error(
            f"{location} has answers to several questions ({listing(answers)}); name the one with "
            f"the classes with --label-field NAME"
        )
    (question,) = answers
    tool_file.note_once(f"the classes are the answers to the question {question!r}")
    return question


def _responses(record: dict[str, Any]) -> _Answers | None:
    """Return the answers to each question; None if the record has no field with answers."""
    if "responses" in record:
        responses = record["responses"] or {}
        return _by_person(responses) if isinstance(responses, list) else _nested(responses)
    if "annotation" in record and "status" in record:
        return {QUESTION: _classified(record)}
    flat, questions = _flat(record), {k: v for k, v in record.items() if _is_asked(v)}
    return flat or {name: _rows(value) for name, value in questions.items()} or None


def _nested(responses: dict[str, Any]) -> _Answers:
    return {name: _rows(answers or []) for name, answers in responses.items()}


def _rows(responses: Any) -> list[Response]:
    """Return the answers from a list of objects or an object of lists."""
    if isinstance(responses, dict):
        columns = [responses.get(name) or [] for name in ("value", "user_id", "status")]
        rows = zip_longest(*columns)
        return [Response(value, str(user or ""), _status(status)) for value, user, status in rows]
    return [
        Response(
            response.get("value"),
            str(response.get("user_id") or ""),
            _status(response.get("status")),
        )
        for response in responses
    ]


def _by_person(responses: list[dict[str, Any]]) -> _Answers:
    """Return the answers from a feedback record, where each person's answers are one object."""
    answers: _Answers = {}
    for response in responses:
        user, status = str(response.get("user_id") or ""), _status(response.get("status"))
        for name, value in (response.get("values") or {}).items():
            plain = value.get("value") if isinstance(value, dict) else value
            answers.setdefault(name, []).append(Response(plain, user, status))
    return answers


def _classified(record: dict[str, Any]) -> list[Response]:
    """Return the answer of a text classification record: validated, discarded or none."""
    statuses = {"validated": "submitted", "discarded": "discarded"}
    status = statuses.get(_status(record["status"]), "pending")
    return [Response(record["annotation"], str(record.get("annotation_agent") or ""), status)]


def _flat(record: dict[str, Any]) -> _Answers:
    answers: _Answers = {}
    for key in record:
        if key.endswith(".responses"):
            values = record[key] or []
            users = record.get(f"{key}.users") or [""] * len(values)
            states = record.get(f"{key}.status") or [""] * len(values)
            rows = zip(values, users, states, strict=True)
            name = key.removesuffix(".responses")
            answers[name] = [
                Response(value, str(user), _status(state)) for value, user, state in rows
            ]
    return answers


def _is_asked(value: Any) -> bool:
    """Return whether a field of a dataset contains the answers to a question."""
    if isinstance(value, dict):
        return {"value", "status"} <= set(value)
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and {"value", "status"} <= set(one) for one in value)
    )


def _guess(record: dict[str, Any], question: str) -> str:
    suggestions = record.get("suggestions") or {}
    if isinstance(suggestions, list):
        suggestions = {one.get("question_name"): one for one in suggestions}
    suggestion = suggestions.get(question) or {}
    names = (f"{question}.suggestion", f"{question}-suggestion")
    guess = suggestion.get("value") or next((record[n] for n in names if record.get(n)), None)
    predicted = record.get("prediction") if "annotation" in record else None
    if guess is None and predicted:
        best = predicted[0]
        guess = best.get("label") if isinstance(best, dict) else best[0]
    return "" if guess is None else str(guess)


def _status(value: Any) -> str:
    return str(value or "").rpartition(".")[2].casefold()


def _labels(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(map(str, value))
    return (str(value),) if value not in (None, "") else ()
