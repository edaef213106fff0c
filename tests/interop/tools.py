"""What people and their tools do with tasks, in the shapes that the tools were seen to write."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

CONTROL = "labelkit_label"
# What else a server of version 1.23 tells of a task and of an annotation.
TASK = {"drafts": [], "predictions": [7], "meta": {}, "allow_skip": True, "comment_authors": []}
ANNOTATION = {
    "ground_truth": False, "created_at": "2026-11-24T02:44:29.177913Z", "draft_created_at": None,
    "unique_id": "46bb5fff-ba11-4112-b655-8b21e566d183", "import_id": None, "last_action": None,
    "bulk_created": False, "project": 1, "parent_prediction": None, "parent_annotation": None,
    "last_created_by": None,
}  # fmt: skip


class Decision(NamedTuple):
    """What a person says of a task: a label, or '' to skip it; None: nothing yet."""

    label: str | None
    who: int = 1
    seconds: float | None = 1.5
    note: str = ""


def label_studio(path: str, said: Sequence[Sequence[Decision]], control: str = CONTROL) -> Any:
    """Return what Label Studio exports (JSON) after people worked on the tasks of a file."""
    number, found = 0, []
    for i, (task, decisions) in enumerate(zip(load(path), said, strict=True), 1):
        given = [d for d in decisions if d.label is not None]
        prediction = (task.get("predictions") or [{}])[0]
        annotations = [
            ANNOTATION
            | {
                "id": (number := number + 1),
                "completed_by": decision.who,
                "result": _result(decision, control),
                "was_cancelled": decision.label == "",
                "updated_at": f"2026-11-24T02:44:{number % 60:02d}.177934Z",
                "lead_time": decision.seconds,
                "prediction": prediction,
                "task": i,
                "updated_by": decision.who,
            }
            for decision in given
        ]
        found.append(TASK | {"id": i, "annotations": annotations, "data": task["data"]})
    return found


def _result(decision: Decision, control: str) -> list[dict[str, Any]]:
    if not decision.label:
        return []
    one = {"from_name": control, "to_name": "text"}
    found = [one | {"type": "choices", "value": {"choices": [decision.label]}}]
    if decision.note:
        written = {"type": "textarea", "value": {"text": [decision.note]}}
        found.append(one | written | {"from_name": "labelkit_note"})
    return found


def label_studio_short(export: Any, control: str = CONTROL) -> list[dict[str, Any]]:
    """Return the same in the short form (JSON_MIN; also the rows of CSV): labels only."""
    return [
        task["data"]
        | {
            "id": task["id"],
            control: annotation["result"][0]["value"]["choices"][0],
            "annotator": annotation["completed_by"],
            "annotation_id": annotation["id"],
            "updated_at": annotation["updated_at"],
            "lead_time": annotation["lead_time"],
        }
        for task in export
        for annotation in task["annotations"]
        if annotation["result"]
    ]


def table(rows: Sequence[dict[str, Any]], delimiter: str = ",") -> str:
    """Return rows as a table."""
    out = io.StringIO()
    names = sorted({name for row in rows for name in row})
    lines = csv.DictWriter(out, names, delimiter=delimiter, lineterminator="\r\n")
    lines.writeheader()
    lines.writerows(rows)
    return out.getvalue()


def prodigy(path: str, said: Sequence[Sequence[Decision]]) -> list[dict[str, Any]]:
    """Return what Prodigy's database gives out."""
    found = []
    for task, decisions in zip(load(path), said, strict=True):
        for i, decision in enumerate(d for d in decisions if d.label is not None):
            answer = "accept" if decision.label else "ignore"
            found.append(
                task
                | {
                    "accept": [decision.label] if decision.label else task.get("accept", []),
                    "answer": answer,
                    "_annotator_id": str(decision.who),
                    "_timestamp": 1_650_000_000 + i,
                }
            )
    return found


def doccano(path: str, said: Sequence[Sequence[Decision]]) -> list[dict[str, Any]]:
    """Return what doccano exports: its own `id`, the fields of the task, lists of labels."""
    return [
        {"id": 100 + i}
        | task
        | {
            "label": [d.label for d in decisions if d.label],
            "Comments": [d.note for d in decisions if d.note],
        }
        for i, (task, decisions) in enumerate(zip(load(path), said, strict=True))
    ]


def argilla(path: str, said: Sequence[Sequence[Decision]], flat: bool) -> list[dict[str, Any]]:
    """Return what Argilla's records are written as."""
    found = []
    for record, decisions in zip(load(path), said, strict=True):
        given = [d for d in decisions if d.label is not None]
        if not flat:
            # A discarded answer keeps the value that was ticked, and loses its status.
            ticked = record["suggestions"].get("label", {}).get("value", "other")
            answers = [{"value": d.label or ticked, "user_id": str(d.who)} for d in given]
            found.append(record | {"responses": {"label": answers}})
            continue
        suggestion = record["suggestions"].get("label", {})
        found.append(
            {"id": record["id"], "_server_id": "x"}
            | record["fields"]
            | record["metadata"]
            | {f"label.suggestion{'' if k == 'value' else '.' + k}": v
               for k, v in suggestion.items()}
            | {
                "label.responses": [d.label or None for d in given],
                "label.responses.users": [str(d.who) for d in given],
                "label.responses.status": [
                    "submitted" if d.label else "discarded" for d in given
                ],
            }
        )  # fmt: skip
    return found


def fill_in(path: str, said: Sequence[Sequence[Decision]], escape_formula: Any) -> str:
    """Return a table with the labels filled in as a person types them."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, decisions in zip(rows, said, strict=True):
        for decision in decisions[:1]:
            # Who wants a class that looks like a formula copies it with its apostrophe.
            row["label"] = escape_formula(decision.label or "")
            row["label_annotator"] = str(decision.who)
    return table(rows)


def load(path: str) -> list[dict[str, Any]]:
    text = Path(path).read_text("utf-8")
    if text.startswith("["):
        return list(json.loads(text))
    return [json.loads(line) for line in text.split("\n") if line]


def lines(found: Sequence[Any]) -> str:
    """Return objects as JSON lines."""
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found)
