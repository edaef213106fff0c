"""Label Studio: tasks with predictions and the labelling interface out, its exports in."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from labelkit.errors import listing, nearest
from labelkit.interop.formats.label_studio_config import CONTROL, NOTE, config
from labelkit.interop.task_types import ANNOTATOR, PASSPORT, Said, Task, by_name

if TYPE_CHECKING:
    from labelkit.interop.destination import Place
    from labelkit.interop.tasks import Tasks
    from labelkit.interop.tool_file import Given

_THEIRS = "Label Studio's own number of the task"
_KEEPS_ALL = "export it as JSON, which keeps every field"


# -- out -----------------------------------------------------------------------------------------


def write(tasks: "Tasks", place: "Place") -> str:
    """Write the tasks as one JSON list, and the interface beside; return what to do with them."""
    with place.beside(".config.xml") as stream:
        told = tasks.descriptions, tasks.guidelines
        stream.write(config(tasks.fields, tasks.classes, *told).encode())
    place.write_list(_task(task, tasks) for task in tasks)
    return (
        f"in Label Studio make a project with the labelling interface of "
        f"{place.beside_name('.config.xml')} (paste it under Code), import {place.name}, label, "
        f"export as JSON; then labelkit import EXPORT.json -o ANSWERS.csv --from label-studio"
    )


def _task(task: Task, tasks: "Tasks") -> dict[str, Any]:
    to = tasks.fields[0].name
    found: dict[str, Any] = {
        "data": by_name(tasks.fields, task.cells) | task.passport(tasks.key_name)
    }
    if task.guess is not None:
        score = {} if task.guess.confidence is None else {"score": task.guess.confidence}
        version = {"model_version": f"labelkit {task.guess.column}"}
        found["predictions"] = [version | score | {"result": _chosen(task.guess.label, to)}]
    if task.label:
        # Without the word it would be taken for the truth that others are judged by.
        found["annotations"] = [{"ground_truth": False, "result": _chosen(task.label, to)}]
    return found


def _chosen(label: str, to: str) -> list[dict[str, Any]]:
    value = {"choices": [label]}
    return [{"from_name": CONTROL, "to_name": to, "type": "choices", "value": value}]


# -- in ------------------------------------------------------------------------------------------


def read(given: "Given") -> Iterator[Said]:
    """Yield what people said in an export: JSON, JSON_MIN, CSV or TSV."""
    if given.ending in (".csv", ".tsv"):
        rows = list(given.rows(()))
        yield from _flat(given, [(f"row {n}", row) for n, row in rows])
        return
    found = given.json()
    if not isinstance(found, list) or not all(isinstance(task, dict) for task in found):
        raise given.wrong("it is no list of tasks")
    if not found:
        given.remark("it lists no task: nobody has annotated one yet")
        return
    if any("data" in task or _annotations(task) is not None for task in found):
        yield from _full(given, found)
    else:
        yield from _flat(given, [(f"task {t.get('id', n)}", t) for n, t in enumerate(found, 1)])


def _annotations(task: dict[str, Any]) -> list[Any] | None:
    """Return what people did with a task; None where it has no such field.

    Versions before 1.0 called annotations completions.
    """
    for name in ("annotations", "completions"):
        if name in task:
            listed = task[name] or []
            return listed if isinstance(listed, list) else [listed]
    return None


def _results(annotation: dict[str, Any]) -> list[dict[str, Any]]:
    results = annotation.get("result") or annotation.get("results") or []
    return [results] if isinstance(results, dict) else results


def _full(given: "Given", found: list[dict[str, Any]]) -> Iterator[Said]:
    places = [(f"task {task.get('id', number)}", task) for number, task in enumerate(found, 1)]
    having = [_annotations(task) is not None for task in found]
    without = [pair for pair, has in zip(places, having, strict=True) if not has]
    given.check_answer_fields("annotations", having, without)
    control = _control(given, found)
    drafts = sum(len(task.get("drafts") or []) for task in found)
    if drafts:
        given.remark(f"drafts that were never submitted, so not counted: {drafts:,}")
    for place, task in places:
        data = task.get("data")
        annotations = _annotations(task) or []
        if not isinstance(data, dict) or not all(isinstance(a, dict) for a in annotations):
            raise given.wrong(f"{place} is not as Label Studio exports tasks (JSON)")
        blank = given.said(data, place)
        if not annotations:
            yield blank
        for annotation in annotations:
            yield _answer(given, annotation, data, blank, control)


def _answer(
    given: "Given",
    annotation: dict[str, Any],
    data: dict[str, Any],
    blank: Said,
    control: str,
) -> Said:
    results = _results(annotation)
    skipped = bool(annotation.get("was_cancelled") or annotation.get("skipped"))
    prediction = annotation.get("prediction") or {}
    guess = _choices(prediction.get("result") or [], control)
    # Nobody touched a label that came with the task: it is theirs who gave it before.
    untouched = "updated_by" in annotation and annotation["updated_by"] is None
    before = str(data.get(ANNOTATOR) or "") if untouched else ""
    return blank._replace(
        labels=() if skipped else _choices(results, control),
        skipped=skipped,
        who=before or _who(annotation.get("completed_by")),
        seconds=given.seconds(annotation.get("lead_time"), blank.place),
        note=_note(results),
        guess=guess[0] if len(guess) == 1 else "",
        when=_when(annotation.get("updated_at") or annotation.get("created_at")),
    )


def _control(given: "Given", found: list[dict[str, Any]]) -> str:
    """Return the name of the control that holds the classes."""
    controls: dict[str, str] = {}
    for task in found:
        for annotation in _annotations(task) or []:
            for result in _results(annotation) if isinstance(annotation, dict) else []:
                controls.setdefault(str(result.get("from_name")), str(result.get("type")))
    choices = [name for name, kind in controls.items() if kind == "choices"]
    wanted = given.label_field
    if wanted is not None:
        if controls and wanted not in choices:
            raise given.wrong(
                f"no control {wanted!r} chose a class{nearest(wanted, choices)} "
                f"(controls: {_told(controls)})"
            )
        return wanted
    if CONTROL in choices or not controls:
        return CONTROL
    if len(choices) == 1:
        given.remark(f"the classes are those of the control {choices[0]!r}")
        return choices[0]
    others = {name: kind for name, kind in controls.items() if name != NOTE}
    if not choices and not others:
        return CONTROL
    what = "several controls choose classes" if choices else "no control chooses a class"
    hint = "; name one with --label-field NAME" if choices else ""
    raise given.wrong(f"{what} (controls: {_told(controls)}){hint}")


def _told(controls: Mapping[str, str]) -> str:
    return listing(f"{name} ({kind})" for name, kind in controls.items())


def _choices(results: list[dict[str, Any]], control: str) -> tuple[str, ...]:
    found: list[str] = []
    for result in results:
        if result.get("from_name") == control and result.get("type") == "choices":
            chosen = result.get("value", {}).get("choices") or []
            # One choice as bare text is taken by the server, and given back so.
            found += [chosen] if isinstance(chosen, str) else [str(one) for one in chosen]
    return tuple(dict.fromkeys(found))


def _note(results: list[dict[str, Any]]) -> str:
    written = [r.get("value", {}).get("text") for r in results if r.get("type") == "textarea"]
    lines = [[text] if isinstance(text, str) else text or [] for text in written]
    return "\n".join(str(line) for text in lines for line in text)


def _who(given: Any) -> str:
    if isinstance(given, dict):
        return str(given.get("email") or given.get("username") or given.get("id") or "")
    return "" if given is None else str(given)


def _when(text: Any) -> float:
    if isinstance(text, int | float):  # seconds since 1970, in old versions
        return float(text)
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0


# -- in: the two short formats, one line an answer, fields and answer side by side ---------------


def _flat(given: "Given", rows: list[tuple[str, dict[str, Any]]]) -> Iterator[Said]:
    control = _flat_control(given, {name for _, row in rows for name in row})
    given.remark("skipped rows are not in this format; " + _KEEPS_ALL)
    for place, row in rows:
        blank = given.said(row, place, id_is=f"{_THEIRS} ({_KEEPS_ALL})")
        seconds = given.seconds(row.get("lead_time"), place)
        yield blank._replace(
            labels=_flat_labels(row.get(control)),
            # Who labels there is timed; a label that came with the task is not.
            who=str(row.get(ANNOTATOR) or "" if seconds is None else "")
            or _who(row.get("annotator")),
            seconds=seconds,
            note=_flat_note(row.get(NOTE)),
            when=_when(row.get("updated_at")),
        )


def _flat_control(given: "Given", names: set[str]) -> str:
    wanted = given.label_field or CONTROL
    if wanted in PASSPORT:
        raise given.wrong(
            f"the control {wanted!r} has the name of a field that tells the rows apart, and this "
            f"format has written the answers over it; {_KEEPS_ALL}"
        )
    if wanted in names or (given.label_field is None and "label" in names):
        return wanted if wanted in names else "label"
    raise given.wrong(
        f"it has no column {wanted!r} with the answers{nearest(wanted, names)}; name the control "
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
