"""Any text, any class name, any key: what goes out comes back to its row, in every format."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from labelkit.config.label_text import label_text
from labelkit.config.plugins import names
from labelkit.interop.formats.spreadsheet import escape_formula, unescape_formula
from tests.interop import tools
from tests.interop.tools import Decision

NASTY = [
    'he said "no", <b>&amp;', "=1+1", "'=1+1", "😀 é 日本", "a\nb", "a\r\nb", "\x1b[31mred", "$5",
    "x" * 200,
]  # fmt: skip
CLASS = (st.text(min_size=1, max_size=12) | st.sampled_from(NASTY)).filter(
    lambda text: text == label_text(text) and "\0" not in text
)
TEXT = st.text(max_size=30) | st.sampled_from([*NASTY, "http://127.0.0.1/x", "{{x}}", "%s"])
KEY = (st.text(min_size=1, max_size=8) | st.sampled_from(NASTY)).filter(lambda t: "\0" not in t)


@st.composite
def files(draw: Any) -> tuple[list[str], list[dict[str, str]], list[list[Decision]]]:
    """Draw classes, rows with a key and a guess, and what one person says of each."""
    classes = draw(st.lists(CLASS, min_size=2, max_size=4, unique=True))
    keys = draw(st.lists(KEY, min_size=1, max_size=4, unique=True))
    rows, said = [], []
    for key in keys:
        guess = draw(st.sampled_from(["", *classes]))
        row = {"id": key, "text": draw(TEXT), "llm_label": guess}
        rows.append(row | {"llm_confidence": "0.75" if guess else ""})
        said.append([Decision(draw(st.sampled_from([None, "", *classes])))])
    return classes, rows, said


@contextmanager
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as name, monkeypatch.context() as patch:
        patch.chdir(name)
        yield


def worked_on(tool: str, path: str, said: Any) -> str:
    """Return the name of what the tool gives back after people worked with it."""
    if tool == "label-studio":
        back = json.dumps(tools.label_studio(path, said))
    elif tool == "prodigy":
        back = tools.lines(tools.prodigy(path, said))
    elif tool == "doccano":
        back = tools.lines(tools.doccano(path, said))
    elif tool == "argilla":
        back = json.dumps(tools.argilla(path, said, flat=True))
    else:
        back = tools.fill_in(path, said, escape_formula)
    name = "back.csv" if tool == "csv" else "back.json"
    Path(name).write_bytes(back.encode())
    return name


def quoted(classes: list[str]) -> str:
    return ",".join('"' + name.replace('"', '""') + '"' for name in classes)


def refused_by_xml(classes: list[str]) -> bool:
    letters = set("".join(classes)) - set("\t\n\r")
    return any(ord(letter) < 32 or letter in "\ufffe\uffff" for letter in letters)


@pytest.mark.parametrize("tool", [name for name in names("to") if name != "hf"])
@settings(
    max_examples=12, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(drawn=files())
@example(drawn=(NASTY[:3], [{"id": "007", "text": "\r", "llm_label": ""}], [[Decision("=1+1")]]))
def test_answers_find_their_rows(
    tool: str, labelkit: Any, monkeypatch: pytest.MonkeyPatch, drawn: Any
) -> None:
    classes, rows, said = drawn
    with folder(monkeypatch):
        Path("in.jsonl").write_text(tools.lines(rows), "utf-8")
        declared = ["--classes", quoted(classes)]
        out = "out.csv" if tool == "csv" else "out.json"
        result = labelkit("export", "in.jsonl", "-o", out, "--to", tool, *declared)
        if tool == "label-studio" and refused_by_xml(classes):
            assert result.code == 1 and "rename the class" in result.err
            return
        assert result.code == 0, result.err
        back = worked_on(tool, out, said)
        result = labelkit("import", back, "-o", "answers.jsonl", "--from", tool, *declared)
        if not Path(back).stat().st_size:
            assert result.err == f"error: {back}: the file is empty\n"
            return
        assert result.code == 0, result.err
        wanted = {row["id"]: d[0].label for row, d in zip(rows, said, strict=True) if d[0].label}
        found = tools.load("answers.jsonl")
        assert {a["id"]: a["label"] for a in found if a["label"]} == wanted
        if not found:
            return
        result = labelkit("merge", "in.jsonl", "answers.jsonl", "-o", "merged.jsonl", *declared)
        assert result.code == 0, result.err
        merged = tools.load("merged.jsonl")
        assert [row["label"] or None for row in merged] == [wanted.get(r["id"]) for r in rows]
        assert [row["text"] for row in merged] == [row["text"] for row in rows]


@settings(
    max_examples=12, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(drawn=files())
def test_a_dataset_gives_back_its_labels(
    labelkit: Any, monkeypatch: pytest.MonkeyPatch, drawn: Any
) -> None:
    classes, rows, said = drawn
    labelled = [r | {"label": d[0].label or ""} for r, d in zip(rows, said, strict=True)]
    with folder(monkeypatch):
        Path("in.jsonl").write_text(tools.lines(labelled), "utf-8")
        declared = ["--classes", quoted(classes)]
        assert labelkit("export", "in.jsonl", "-o", "out", "--to", "hf", *declared).code == 0
        result = labelkit("import", "out", "-o", "answers.jsonl", "--from", "hf")
        assert result.code == 0, result.err
        wanted = {row["id"]: row["label"] for row in labelled if row["label"]}
        assert {a["id"]: a["label"] for a in tools.load("answers.jsonl") if a["label"]} == wanted


@given(st.text(max_size=6) | st.sampled_from(NASTY) | st.text("'=+-@\t\r\n0 1.", max_size=6))
def test_no_cell_is_a_formula_and_each_comes_back(cell: str) -> None:
    shown = escape_formula(cell)
    assert unescape_formula(shown) == cell
    try:
        float(shown)
    except ValueError:
        assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
