"""Histories that were damaged, or that are no histories: read with a warning, never replaced."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from labelkit.config import costs
from labelkit.io import history

SOUND = {
    "when": "2026-01-01T00:00:00Z", "command": "llm-label", "seconds": 1, "arguments": [],
    "options": {}, "inputs": {}, "columns": ["weak_label"], "counts": {"rows": 2, "model": "m"},
    "cost": {}, "figures": {},
}  # fmt: skip
DAMAGE: list[Any] = [
    {"steps": "abc"}, [1], "text", None, {}, {"steps": [1]}, {"steps": [[]]}, {"steps": [{}]},
    *({"steps": [SOUND | {name: value}]} for name in SOUND for value in (7j, None, [], {}, "x")),
    *({"steps": [SOUND | {"counts": {name: "x"}}]} for name in ("answers", "kappa", "new")),
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
    assert history.find_step_for_batch(path) is None
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
        assert "internal error" not in done.err and done.code in (0, 1, 2), done.err


@pytest.mark.parametrize("text", ["{torn", "", "\x00", "[1]"])
def test_a_history_that_cannot_be_read_is_said(text: str, write: Any, labelkit: Any) -> None:
    write("in.csv", "id,text\n1,a\n")
    write("in.csv.history.json", text)
    done = labelkit("weak-label", "in.csv", "-o", "o.csv", "--keyword", "x=a", "-q")
    assert done.code == 0
    first, _ = done.err.split("\n", 1)
    said = (
        "warning: in.csv.history.json is not a history written by labelkit; the earlier steps "
        "of in.csv are"
    )
    assert first == f"{said} unknown"
    assert Path("in.csv.history.json").read_text() == text
    shown = labelkit("history", "in.csv")
    why = "no history of in.csv (in.csv.history.json holds none; make in.csv again)"
    assert (shown.code, shown.err) == (1, f"{said} unknown\nerror: {why}\n")


OWN = ('{"mine": "notes"}', "no JSON", "[1]", '{"steps": []}', '{"schema": 1, "steps": [{"a": 1}]}')
WORDS = ("--keyword", "A=good", "--keyword", "B=bad")
COMMANDS: list[tuple[str, tuple[str, ...]]] = [
    ("o.csv", ("weak-label", "a.csv", "-o", "o.csv", *WORDS)),
    ("a.csv", ("weak-label", "a.csv", "--in-place", *WORDS)),
    ("o.csv", ("merge", "a.csv", "b.csv", "-o", "o.csv")),
    ("t.csv", ("query", "a.csv", "-o", "o.csv", "-n", "1", "--classes", "A,B", "--batch", "t.csv")),
    ("o.csv", ("annotate", "a.csv", "-o", "o.csv", "--classes", "A,B", "--in-order")),
    ("m.model", ("train", "b.csv", "-o", "m.model", "--text", "text")),
    ("o.json", ("export", "a.csv", "-o", "o.json", "--to", "doccano", "--classes", "A,B")),
    ("o.csv", ("import", "l.jsonl", "-o", "o.csv", "--from", "doccano")),
    ("o.csv", ("pipeline", "a.csv", "-o", "o.csv", "--work-dir", "w", "--stages", "weak-label",
               "--functions", "lfs.py", "--classes", "A,B")),
]  # fmt: skip


@pytest.mark.parametrize(("place", "command"), COMMANDS, ids=[f"{c[0]}-{p}" for p, c in COMMANDS])
def test_a_file_of_the_user_is_not_replaced(
    labelkit: Any,
    write: Any,
    place: str,
    command: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    write("a.csv", "id,text\n1,good one\n2,bad one\n3,good two\n4,bad two\n")
    write("b.csv", "id,text,label\n1,good one,A\n2,bad one,B\n3,good two,A\n4,bad two,B\n")
    write("l.jsonl", '{"row_id": "1", "text": "good one", "label": ["A"]}\n')
    write("lfs.py", "def lf_a(text): return 'A' if 'good' in text else None\n")
    before = Path("a.csv").read_bytes()
    for own in OWN[:1] if command[0] != "weak-label" else OWN:
        theirs = write(f"{place}.history.json", own)
        done = labelkit(*command)
        assert (done.code, done.out) == (1, ""), done.err
        assert f"error: {place}.history.json exists and is not a history written by lab" in done.err
        assert theirs.read_text() == own
        assert place == "a.csv" or not Path(place).exists()
        assert Path("a.csv").read_bytes() == before
    theirs.unlink()
    assert labelkit(*command).code == 0
    again = () if command[0] in ("annotate", "query") else command
    assert not again or labelkit(*again).code == 0, "its own history is replaced"
