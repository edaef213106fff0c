"""Histories that were damaged: a warning or nothing, never a failure that was not foreseen."""

import json
from typing import Any

import pytest

from labelkit.config import costs
from labelkit.io import history

SOUND = {
    "when": "2026-01-01T00:00:00Z", "command": "llm-label", "seconds": 1, "arguments": [],
    "options": {}, "inputs": {}, "columns": ["weak_label"], "counts": {}, "cost": {},
    "figures": {},
}  # fmt: skip
DAMAGE: list[Any] = [
    {"steps": "abc"}, [1], "text", None, {}, {"steps": [1]}, {"steps": [[]]}, {"steps": [{}]},
    *({"steps": [SOUND | {name: value}]} for name in SOUND for value in (7j, None, [], {}, "x")),
    *({"steps": [SOUND | {"counts": {name: "x"}}]} for name in ("answers", "kappa", "labelled")),
    {"steps": [SOUND], "columns": 5}, {"steps": [SOUND], "output": [1]},
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_read_of_a_history_is_sound(damage: Any, write: Any) -> None:
    path = write("in.csv", "id,text\n1,a\n")
    write("in.csv.history.json", json.dumps(damage, default=lambda _: 7))
    steps = history.read(path)
    costs.paid_by(steps)
    costs.merged_in(steps)
    history.known_classes(steps)
    assert all(isinstance(step.get("columns", []), list) for step in steps)
    assert history.made_with(path) is None
    assert not history.was_made_by(path, ("query",), None)


@pytest.mark.parametrize("damage", [{"steps": [{}]}, {"steps": [SOUND | {"columns": "x"}]}])
def test_commands_read_any_history(damage: Any, write: Any, labelkit: Any) -> None:
    write("in.csv", "id,text,weak_label,weak_confidence,weak_votes\n1,a,x,1,1\n")
    write("in.csv.history.json", json.dumps(damage))
    for args in (
        ("history", "in.csv"),
        ("weak-label", "in.csv", "-o", "o.csv", "--keyword", "x=a", "-q"),
    ):
        done = labelkit(*args)
        assert "not foreseen" not in done.err and done.code in (0, 1, 2), done.err


@pytest.mark.parametrize("text", ["{torn", "", "\x00", "[1]"])
def test_a_history_that_cannot_be_read_is_said(text: str, write: Any, labelkit: Any) -> None:
    write("in.csv", "id,text\n1,a\n")
    write("in.csv.history.json", text)
    done = labelkit("weak-label", "in.csv", "-o", "o.csv", "--keyword", "x=a", "-q")
    assert done.code == 0
    first, _ = done.err.split("\n", 1)
    assert first == "warning: in.csv.history.json cannot be read and is begun anew"
