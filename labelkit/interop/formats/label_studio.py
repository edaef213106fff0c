"""Label Studio: writes tasks with predictions and a labelling interface, reads its exports."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from labelkit.errors import listing, nearest
from labelkit.interop.formats.label_studio_config import CONTROL, NOTE, config
from labelkit.interop.task_types import ANNOTATOR, ROW_REFERENCE, ImportedAnswer, Task, by_name

if TYPE_CHECKING:
    from labelkit.interop.destination import Destination
    from labelkit.interop.tasks import Tasks
    from labelkit.interop.tool_file import ToolFile

_THEIRS = "Label Studio's own number for the task"
_KEEPS_ALL = "export it as JSON, which keeps every field"


# -- out -----------------------------------------------------------------------------------------


def write(tasks: "Tasks", destination: "Destination") -> str:
    """Write the tasks as one JSON list, and the interface beside it; return the next steps."""
    with destination.beside(".config.xml") as stream:
        interface = config(tasks.fields, tasks.classes, tasks.descriptions, tasks.guidelines)
        stream.write(interface.encode())
    destination.write_list(_task(task, tasks) for task in tasks)
    return (
        f"in Label Studio create a project with the labelling interface of "
        f"{destination.beside_name('.config.xml')} (paste it under Code), import "
        f"{destination.name}, label, export as JSON; then "
        f"labelkit import EXPORT.json -o ANSWERS.csv --from label-studio"
    )


def _task(task: Task, tasks: "Tasks") -> dict[str, Any]:
    to = tasks.fields[0].name
    record: dict[str, Any] = {
        "data": by_name(tasks.fields, task.cells) | task.row_reference(tasks.key_name)
    }
    if task.guess is not None:
        score = {} if task.guess.confidence is None else {"score": task.guess.confidence}
        version = {"model_version": f"labelkit {task.guess.column}"}
        record["predictions"] = [version | score | {"result": _chosen(task.guess.label, to)}]
    if task.label:
        # Without this the server would use it as ground truth for scoring annotators.
        record["annotations"] = [{"ground_truth": False, "result": _chosen(task.label, to)}]
    return record


def _chosen(label: str, to: str) -> list[dict[str, Any]]:
    value = {"choices": [label]}
    return [{"from_name": CONTROL, "to_name": to, "type": "choices", "value": value}]


# -- in ------------------------------------------------------------------------------------------


def read(tool_file: "ToolFile") -> Iterator[ImportedAnswer]:
    """Yield the answers of an export: JSON, JSON_MIN, CSV or TSV."""
    if tool_file.ending in (".csv", ".tsv"):
        rows = list(tool_file.rows(()))
        yield from _flat(tool_file, [(f"row {n}", row) for n, row in rows])
        return
    tasks = tool_file.json()
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise tool_file.error("not a list of tasks")
    if not tasks:
        tool_file.note_once("the list of tasks is empty: no task has been annotated yet")
        return
    if any("data" in task or _annotations(task) is not None for task in tasks):
        yield from _full(tool_file, tasks)
    else:
        yield from _flat(tool_file, [(f"task {t.get('id', n)}", t) for n, t in enumerate(tasks, 1)])


def _annotations(task: dict[str, Any]) -> list[Any] | None:
    """Return a task's annotations; None if it has no such field.

    Versions before 1.0 call annotations `completions`.
    """
    for name in ("annotations", "completions"):
        if name in task:
            annotations = task[name] or []
            return annotations if isinstance(annotations, list) else [annotations]
    return None


def _results(annotation: dict[str, Any]) -> list[dict[str, Any]]:
    results = annotation.get("result") or annotation.get("results") or []
    return [results] if isinstance(results, dict) else results


def _full(tool_file: "ToolFile", tasks: list[dict[str, Any]]) -> Iterator[ImportedAnswer]:
    located_tasks = [
        (f"task {task.get('id', number)}", task) for number, task in enumerate(tasks, 1)
    ]
    have_field = [_annotations(task) is not None for task in tasks]
    objects_without = [
        pair for pair, present in zip(located_tasks, have_field, strict=True) if not present
    ]
    tool_file.check_answer_fields("annotations", have_field, objects_without)
    control = _control(tool_file, tasks)
    drafts = sum(len(task.get("drafts") or []) for task in tasks)
    if drafts:
        tool_file.note_once(f"drafts (not submitted, not counted): {drafts:,}")
    for location, task in located_tasks:
        data = task.get("data")
        annotations = _annotations(task) or []
        if not isinstance(data, dict) or not all(isinstance(a, dict) for a in annotations):
            raise tool_file.error(f"{location} is not a task of a Label Studio JSON export")
        blank = tool_file.blank_answer(data, location)
        if not annotations:
            yield blank
        for annotation in annotations:
            yield _answer(tool_file, annotation, data, blank, control)


def _answer(
    tool_file: "ToolFile",
    annotation: dict[str, Any],
    data: dict[str, Any],
    blank: ImportedAnswer,
    control: str,
) -> ImportedAnswer:
    results = _results(annotation)
    skipped = bool(annotation.get("was_cancelled") or annotation.get("skipped"))
    prediction = annotation.get("prediction") or {}
    guess = _choices(prediction.get("result") or [], control)
    # An unchanged label that was exported with the task keeps its annotator.
    untouched = "updated_by" in annotation and annotation["updated_by"] is None
    before = str(data.get(ANNOTATOR) or "") if untouched else ""
    return blank._replace(
        labels=() if skipped else _choices(results, control),
        skipped=skipped,
        who=before or _who(annotation.get("completed_by")),
        seconds=tool_file.seconds(annotation.get("lead_time"), blank.location),
        note=_note(results),
        guess=guess[0] if len(guess) == 1 else "",
        when=_when(annotation.get("updated_at") or annotation.get("created_at")),
    )


def _control(tool_file: "ToolFile", tasks: list[dict[str, Any]]) -> str:
    """Return the name of the control for the classes."""
    controls: dict[str, str] = {}
    for task in tasks:
        for annotation in _annotations(task) or []:
            for result in _results(annotation) if isinstance(annotation, dict) else []:
                controls.setdefault(str(result.get("from_name")), str(result.get("type")))
    choices = [name for name, kind in controls.items() if kind == "choices"]
    name = tool_file.label_field
    if name is not None:
        if controls and name not in choices:
            raise tool_file.error(
                f"no choices from a control {name!r}{nearest(name, choices)} "
                f"(controls: {_list_controls(controls)})"
            )
        return name
    if CONTROL in choices or not controls:
        return CONTROL
    if len(choices) == 1:
        tool_file.note_once(f"classes are read from the control {choices[0]!r}")
        return choices[0]
    others = {name: kind for name, kind in controls.items() if name != NOTE}
    if not choices and not others:
        return CONTROL
    what = "several controls have choices" if choices else "no control has choices"
    hint = "; name one with --label-field NAME" if choices else ""
    raise tool_file.error(f"{what} (controls: {_list_controls(controls)}){hint}")


def _list_controls(controls: Mapping[str, str]) -> str:
    return listing(f"{name} ({kind})" for name, kind in controls.items())


def _choices(results: list[dict[str, Any]], control: str) -> tuple[str, ...]:
    choices: list[str] = []
    for result in results:
        if result.get("from_name") == control and result.get("type") == "choices":
            choice = result.get("value", {}).get("choices") or []
            # The server accepts a single choice as plain text and exports it unchanged.
            choices += [choice] if isinstance(choice, str) else [str(one) for one in choice]
    return tuple(dict.fromkeys(choices))


def _note(results: list[dict[str, Any]]) -> str:
    written = [r.get("value", {}).get("text") for r in results if r.get("type") == "textarea"]
    lines = [[text] if isinstance(text, str) else text or [] for text in written]
    return "\n".join(str(line) for text in lines for line in text)


def _who(user: Any) -> str:
    if isinstance(user, dict):
        return str(user.get("email") or user.get("username") or user.get("id") or "")
    return "" if user is None else str(user)


def _when(text: Any) -> float:
    if isinstance(text, int | float):  # seconds since 1970, in old versions
        return float(text)
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0


# -- in: the two short formats, JSON_MIN and CSV, with one flat record per answer ----------------


def _flat(
    tool_file: "ToolFile", rows: list[tuple[str, dict[str, Any]]]
) -> Iterator[ImportedAnswer]:
    control = _flat_control(tool_file, {name for _, row in rows for name in row})
    tool_file.note_once("this format does not contain skipped rows; " + _KEEPS_ALL)
    for location, row in rows:
        blank = tool_file.blank_answer(row, location, id_is=f"{_THEIRS} ({_KEEPS_ALL})")
        seconds = tool_file.seconds(row.get("lead_time"), location)
        yield blank._replace(
            labels=_flat_labels(row.get(control)),
            # Labels given in Label Studio have a time; labels exported with the task do not.
            who=str(row.get(ANNOTATOR) or "" if seconds is None else "")
            or _who(row.get("annotator")),
            seconds=seconds,
            note=_flat_note(row.get(NOTE)),
            when=_when(row.get("updated_at")),
        )


def _flat_control(tool_file: "ToolFile", names: set[str]) -> str:
    control = tool_file.label_field or CONTROL
    if control in ROW_REFERENCE:
        raise tool_file.error(
            f"the control {control!r} has the name of a field that identifies the row, and this "
            f"format overwrites that field with the answers; {_KEEPS_ALL}"
        )
    if control in names or (tool_file.label_field is None and "label" in names):
        return control if control in names else "label"
    raise tool_file.error(
        f"no column {control!r} with answers{nearest(control, names)}; name the control "
        f"with --label-field NAME (columns: {listing(sorted(names))}), or {_KEEPS_ALL}"
    )


def _flat_labels(cell: Any) -> tuple[str, ...]:
    if isinstance(cell, str) and cell.startswith('{"choices"'):
        try:
            cell = json.loads(cell)
        except ValueError:
            return (cell,)
    if isinstance(cell, dict):
        return tuple(str(one) for one in cell.get("choices", []))
    return (str(cell),) if cell not in (None, "") else ()


def _flat_note(cell: Any) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else json.dumps(cell)
