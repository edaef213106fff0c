"""Exports in the shapes that versions of the tools write, recorded as files; and fields missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import CLASSES

RECORDED = Path(__file__).parent / "recorded"
Import = Any


def answers_of(imported: Import, tool: str, name: str, *more: str) -> list[tuple[Any, ...]]:
    content = (RECORDED / name).read_text("utf-8")
    result, answers = imported(tool, content, *CLASSES, *more, name=name)
    assert result.code == 0, result.err
    return [(answer["id"], answer["label"]) for answer in answers]


@pytest.mark.parametrize(
    "name",
    [
        "argilla_2_to_list_flat.json",
        "argilla_1_feedback_records.json",
        "argilla_1_feedback_dataset.jsonl",
        "argilla_1_text_classification.json",
    ],
)
def test_argilla_tells_answers_from_drafts_and_discarded_ones(imported: Import, name: str) -> None:
    assert answers_of(imported, "argilla", name) == [("r-1", "refund"), ("r-2", None)]


def test_an_argilla_export_without_the_status_is_refused(imported: Import) -> None:
    content = (RECORDED / "argilla_2_to_json.json").read_text("utf-8")
    result, _ = imported("argilla", content, *CLASSES)
    assert result.code == 1 and "to_list(flatten=True)" in result.err


@pytest.mark.parametrize(
    "name", ["doccano_1_8.jsonl", "doccano_1_0_text_label.jsonl", "doccano_intent.jsonl"]
)
def test_doccano(imported: Import, name: str) -> None:
    assert answers_of(imported, "doccano", name) == [("r-1", "refund"), ("r-2", "account")]


def test_spacy_shares_of_classes(imported: Import) -> None:
    rows = [
        {"text": "a", "row_id": "r-1", "cats": {"refund": 1.0, "other": 0.0}},
        {"text": "b", "row_id": "r-2", "cats": {"refund": 0.0, "other": 0.0}},
    ]
    _, answers = imported("doccano", json.dumps(rows), *CLASSES)
    assert [(a["id"], a["label"]) for a in answers] == [("r-1", "refund")]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("doccano_1_0_annotations.jsonl", "has label numbers"),
        ("doccano_spans.jsonl", "spans of text"),
    ],
)
def test_what_doccano_does_not_name(imported: Import, name: str, why: str) -> None:
    result, _ = imported("doccano", (RECORDED / name).read_text("utf-8"), *CLASSES)
    assert result.code == 1 and why in result.err


def test_label_studio_before_version_1(imported: Import) -> None:
    found = answers_of(imported, "label-studio", "label_studio_0_8_completions.json")
    assert found == [("r-1", "refund"), ("r-2", "account"), ("r-3", None)]


def test_prodigy_options_that_are_numbered(imported: Import) -> None:
    name = "prodigy_numeric_options.jsonl"
    expected = [("r-1", "refund"), ("r-2", "account"), ("r-3", None), ("r-4", None)]
    assert answers_of(imported, "prodigy", name) == expected
    content = (RECORDED / name).read_text("utf-8")
    _, answers = imported("prodigy", content)
    assert [answer["label"] for answer in answers] == ["refund", "account", None, None]
    _, answers = imported("prodigy", content, "--classes", "1,2,3")
    assert [answer["label"] for answer in answers] == ["1", "2", None, None]


def test_prodigy_judgements_of_one_class(imported: Import) -> None:
    found = answers_of(imported, "prodigy", "prodigy_textcat_teach.jsonl")
    assert found == [("r-1", "refund"), ("r-2", None), ("r-3", None)]


# One object of each tool, the field with the answer, and another name for it.
SPELLINGS: dict[str, tuple[dict[str, Any], str]] = {
    "argilla": ({"row_id": "r-1", "text": "x", "label.responses": ["other"],
                 "label.responses.status": ["submitted"]}, "label.responses"),
    "doccano": ({"id": 1, "row_id": "r-1", "text": "x", "label": ["other"]}, "label"),
    "prodigy": ({"row_id": "r-1", "text": "x", "accept": ["other"], "answer": "accept"}, "accept"),
    "label-studio": ({"data": {"row_id": "r-1", "text": "x"}, "annotations": [
        {"result": [{"from_name": "l", "type": "choices", "value": {"choices": ["other"]}}]}
    ]}, "annotations"),
}  # fmt: skip


@pytest.mark.parametrize("tool", SPELLINGS)
def test_a_missing_field_is_never_silent(imported: Import, tool: str) -> None:
    known, field = SPELLINGS[tool]
    unknown = {("own_name" if name == field else name): value for name, value in known.items()}
    result, answers = imported(tool, [known], *CLASSES)
    assert result.code == 0 and [answer["label"] for answer in answers] == ["other"]
    result, _ = imported(tool, [unknown], *CLASSES)
    assert result.code == 1 and "own_name" in result.err
    text = json.dumps([known, unknown]).replace("r-1", "r-2", 1)
    result, answers = imported(tool, text, *CLASSES)
    assert result.code == 0 and len(answers) == 1
    assert "1 of 2 objects" in result.err and "own_name" in result.err
