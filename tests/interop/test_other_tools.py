"""Prodigy, doccano and Argilla: their own words for labels, skips and people."""

from pathlib import Path
from typing import Any

from tests.interop import tools
from tests.interop.conftest import CLASSES
from tests.interop.tools import Decision

SAID = [[Decision("refund", 1), Decision("other", 2)], [Decision("", 1)], [Decision("other")], []]


def said(answers: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(a["id"], a["label"], a["label_annotator"]) for a in answers]


def test_prodigy_shows_the_guess_as_chosen(exported: Any) -> None:
    first, _, third, _ = tools.load(exported("prodigy"))
    assert [option["id"] for option in first["options"]] == ["refund", "account", "other"]
    assert (first["accept"], first["guess"], first["score"]) == (["refund"], "refund", 0.55)
    assert "accept" not in third and "answer" not in third
    assert first["row_id"] == "r-1" and "id" not in first and "gold" not in first


def test_prodigy_answers(exported: Any, imported: Any) -> None:
    found = tools.prodigy(exported("prodigy"), SAID)
    found[0]["flagged"] = True
    result, answers = imported("prodigy", tools.lines(found))
    assert sorted(said(answers)) == [
        ("r-1", "other", "2"),
        ("r-1", "refund", "1"),
        ("r-2", None, "1"),
        ("r-3", "other", "1"),
    ]
    assert [a["label_flag"] for a in answers if a["label"] == "refund"] == [True]
    assert "1 skipped" in result.err and "50% of 2 suggestions accepted" in result.err


def test_prodigy_knows_its_classes(exported: Any, imported: Any) -> None:
    found = tools.prodigy(exported("prodigy"), [[Decision("refunt")], [], [], []])
    result, _ = imported("prodigy", tools.lines(found))
    assert result.code == 1 and "(line 1: r-1) is not one of the classes" in result.err
    assert "did you mean 'refund'?" in result.err


def test_prodigy_of_one_class_a_task(imported: Any) -> None:
    tasks = [
        {"text": "a", "label": "INSULT", "meta": {"row_id": "1"}, "answer": "accept"},
        {"text": "b", "label": "INSULT", "meta": {"row_id": "2"}, "answer": "reject"},
        {"text": "c", "label": "INSULT", "meta": {"row_id": "3"}},
    ]
    result, answers = imported("prodigy", tools.lines(tasks))
    assert said(answers) == [("1", "INSULT", None), ("2", None, None)]
    assert "1 rejected tasks have no class" in result.err


def test_doccano_keeps_its_own_number(exported: Any, imported: Any) -> None:
    path = exported("doccano")
    assert tools.load(path)[0]["label"] == [] and tools.load(path)[0]["guess"] == "refund"
    decisions = [[Decision("refund", note="sure?")], [Decision("other")], [], []]
    found = tools.doccano(path, decisions)
    result, answers = imported("doccano", tools.lines(found), *CLASSES, "--annotator", "mira")
    assert said(answers) == [("r-1", "refund", "mira"), ("r-2", "other", "mira")]
    assert answers[0]["label_note"] == "sure?"
    assert "2 unanswered · 50% of 2 suggestions accepted" in result.err


def test_doccano_fields_may_stand_under_meta(imported: Any) -> None:
    row = {"id": 4, "text": "x", "label": ["other"], "meta": {"row_id": "7", "row_key": "row"}}
    answers = imported("doccano", tools.lines([row]))[1]
    assert answers[0]["row"] == "7"


def test_doccano_without_our_key(imported: Any) -> None:
    result, _ = imported("doccano", tools.lines([{"id": 4, "text": "x", "label": ["other"]}]))
    assert result.code == 1 and "'id' is doccano's own number for the text" in result.err


def test_argilla(exported: Any, imported: Any) -> None:
    path = exported("argilla")
    record = tools.load(path)[0]
    assert record["suggestions"]["label"] == {
        "value": "refund", "score": 0.55, "agent": "llm_label",
    }  # fmt: skip
    result, answers = imported("argilla", tools.lines(tools.argilla(path, SAID, True)), *CLASSES)
    assert said(answers) == [
        ("r-1", "refund", "1"), ("r-1", "other", "2"), ("r-2", None, "1"), ("r-3", "other", "1"),
    ]  # fmt: skip
    assert "50% of 2 suggestions accepted" in result.err


def test_argilla_without_the_status_of_its_answers(exported: Any, imported: Any) -> None:
    nested = tools.argilla(exported("argilla"), SAID, flat=False)
    result, _ = imported("argilla", nested, *CLASSES)
    assert result.code == 1 and "an answer without a status" in result.err
    for record in nested:
        for response in record["responses"]["label"]:
            response["status"] = "submitted"
    result, answers = imported("argilla", nested, *CLASSES)
    assert len(answers) == 4


def test_argilla_of_several_questions(exported: Any, imported: Any) -> None:
    (first, *_) = tools.argilla(exported("argilla"), SAID, flat=False)
    responses = first["responses"]
    responses["mood"] = [one | {"status": "submitted"} for one in responses.pop("label")]
    result, answers = imported("argilla", [first])
    assert answers[0]["label"] == "refund"
    assert "the classes are the answers to the question 'mood'" in result.err
    responses["topic"] = []
    result, _ = imported("argilla", [first])
    assert result.code == 1 and "answers to several questions (mood, topic)" in result.err


def test_a_line_that_is_cut_off(exported: Any, imported: Any) -> None:
    content = tools.lines(tools.prodigy(exported("prodigy"), SAID))[:-20]
    result, _ = imported("prodigy", content)
    assert result.code == 1 and "back.json: line 4 is not JSON" in result.err
    result, _ = imported("prodigy", "3\n")
    assert result.code == 1 and "line 1 is not a JSON object" in result.err


def test_half_characters_of_a_tool_are_shown_as_one_sign(write: Any, labelkit: Any) -> None:
    meta = '"row_id": "7", "row_key": "id"'
    line = '{"id": 1, "text": "a\\ud83d", "label": ["x\\ud83d\\\\ud83d"], ' + meta + "}"
    source = write("e.jsonl", line + "\n")
    found = labelkit("import", source, "-o", "a.csv", "--from", "doccano")
    assert found.code == 0, found.err
    assert "x\ufffd\\ud83d" in Path("a.csv").read_text()
    write("e.jsonl", '{"id": 1, "text": ' + "[" * 9_000 + "\n")
    found = labelkit("import", source, "-o", "b.csv", "--from", "doccano")
    assert (found.code, "line 1: the JSON is nested too deeply" in found.err) == (1, True)
