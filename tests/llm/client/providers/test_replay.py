"""Answers out of a file: a run without a model, the same each time."""

import csv
import json
from typing import Any


def test_a_file_answers(labelkit: Any, write: Any) -> None:
    write("in.csv", 'text\ngood\nbad\n"</row> odd"\nunknown\nsaid\n')
    lines = [
        {"text": "good", "label": "POSITIVE", "confidence": 0.75},
        {"text": "bad", "label": "NEGATIVE", "confidence": 0.5, "rationale": "It is."},
        {"text": "</row> odd", "label": "MAYBE"},
        {"text": "said", "answer": "I think it is positive."},
    ]
    write("answers.jsonl", "\n".join(json.dumps(line) for line in lines) + "\n\n")
    command = ["llm-label", "in.csv", "-o", "out.csv", "--classes", "NEGATIVE,POSITIVE"]
    result = labelkit(*command, "--model", "replay:answers.jsonl")
    assert result.code == 0, result.err
    with open("out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    found = [(row["llm_label"], row["llm_confidence"], row["llm_error"]) for row in rows]
    assert found == [
        ("POSITIVE", "0.75", ""),
        ("NEGATIVE", "0.5", ""),
        ("", "0", "'MAYBE' is not one of the classes"),
        ("", "0", "answers.jsonl has no answer for this text"),
        ("POSITIVE", "", ""),
    ]
    assert {row["llm_model"] for row in rows} == {"answers.jsonl"}
    assert "no cost: on this machine" in result.err
    assert (
        "5 requests"
        in labelkit(*command, "--model", "replay:answers.jsonl", "--dry-run", "--cache", "new").err
    )


def test_what_is_no_file_of_answers(labelkit: Any, write: Any) -> None:
    write("in.csv", "text\ngood\n")
    command = ["llm-label", "in.csv", "-o", "out.csv", "--classes", "A,B", "--model"]
    assert "--model replay:none.jsonl: No such file" in labelkit(*command, "replay:none.jsonl").err
    write("bad.jsonl", '{"text": "good", "label": "A"}\n{"label": "B"}\n')
    result = labelkit(*command, "replay:bad.jsonl")
    assert result.code == 1
    assert "bad.jsonl, line 2: not an answer; each line is" in result.err
