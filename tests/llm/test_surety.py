"""How sure the model is, as a user meets it: samples, calibration, the cut, the batch."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelkit.stats import metrics

from .conftest import ChatServer, rows_of

Label = Callable[..., Any]
Write = Callable[..., Path]
BINARY = ["--classes", "NEGATIVE,POSITIVE"]


def overconfident(n: int, gold: int, audit: int = 0, seed: int = 0) -> str:
    """Rows on which the model says up to .999, and is right in .55 (little sure) to .99."""
    drawn = random.Random(seed)
    lines = ["id,text,gold,label,label_origin,truth"]
    for row in range(n):
        said = drawn.uniform(0.6, 0.999)
        truth = "POSITIVE" if drawn.random() < 0.55 + 0.44 * (said > 0.8) else "NEGATIVE"
        known = truth if row < gold else ""
        origin = "audit" if n - audit <= row else ""
        lines.append(
            f"{row},good {row} [p={said:.3f}],{known},{truth if origin else ''},{origin},{truth}"
        )
    return "\n".join(lines) + "\n"


def test_several_answers_vote(label: Label, write: Write, chat_server: ChatServer) -> None:
    write("a.csv", "text\ngood [waver]\nbad\n[refuse]\ngood [wrong]\n")
    result = label("a.csv", *BINARY, "--samples", 3)
    assert result.code == 0, result.err
    found = [(row["llm_label"], row["llm_confidence"]) for row in rows_of("out.csv")]
    assert found == [("POSITIVE", "0.666667"), ("NEGATIVE", "1"), ("", "0"), ("", "0")]
    bodies = chat_server.seen["bodies"]
    assert all("logprobs" not in body for body in bodies[1:])
    assert {body["temperature"] for body in bodies[1:]} == {0.7}
    asked = chat_server.seen["requests"]
    assert asked >= 12
    assert label("a.csv", *BINARY, "--samples", 3).code == 0
    assert chat_server.seen["requests"] == asked
    assert label("a.csv", *BINARY, "--confidence", "samples", "--dry-run").code == 0


def test_a_dry_run_counts_the_samples(label: Label, write: Write) -> None:
    write("a.csv", "text\ngood\nbad\n")
    result = label("a.csv", *BINARY, "--samples", 4, "--dry-run")
    assert "2 distinct texts · 0 already answered · 8 requests" in result.err


def test_gold_rows_calibrate_and_none_judges_itself(
    label: Label, write: Write, chat_server: ChatServer
) -> None:
    write("a.csv", overconfident(400, gold=150))
    assert label("a.csv", *BINARY, "--gold", "truth", "--where", "id >= 9999").code == 0
    assert label("a.csv", *BINARY).code == 0
    before = rows_of("out.csv")
    result = label("a.csv", *BINARY, "--gold", "gold", "--summary", "s.json")
    assert result.code == 0, result.err
    after = rows_of("out.csv")
    assert "learned on 150 known rows (each judged by the others)" in result.err
    assert json.loads(Path("s.json").read_text())["calibration"]["known_rows"] == 150

    def error(rows: list[dict[str, str]]) -> float:
        import numpy as np

        rest = rows[150:]
        sure = np.array([float(row["llm_confidence"]) for row in rest])
        return metrics.calibration_error(
            sure, np.array([row["llm_label"] == row["truth"] for row in rest])
        )

    assert error(after) < error(before)
    assert [row["llm_label"] for row in before] == [row["llm_label"] for row in after]
    turned = overconfident(400, gold=150).splitlines(keepends=True)
    assert ",POSITIVE,,," in turned[1]
    turned[1] = turned[1].replace(",POSITIVE,,,", ",NEGATIVE,,,")
    assert label(write("b.csv", "".join(turned)), *BINARY, "--gold", "gold").code == 0
    assert rows_of("out.csv")[0]["llm_confidence"] == after[0]["llm_confidence"]
    assert "POSITIVE" not in json.dumps(
        [body["messages"][1:] for body in chat_server.seen["bodies"]]
    )


def test_the_cut_reaches_its_target_and_the_rest_is_for_people(label: Label, write: Write) -> None:
    write("a.csv", overconfident(900, gold=400, audit=100))
    told = ["--gold", "gold", "--threshold", "auto", "--target-accuracy", "0.9"]
    result = label("a.csv", *BINARY, *told, "--batch", "todo.csv", "--summary", "s.json")
    assert result.code == 0, result.err
    found = json.loads(Path("s.json").read_text())
    cut = found["threshold"]
    assert cut["bound"] >= 0.9 and cut["low"] < cut["right"] / cut["rows"] <= cut["high"]
    rows = rows_of("out.csv")
    written = round(cut["confidence"], 6)  # as the column has it
    above = [row for row in rows if float(row["llm_confidence"]) >= written]
    right = sum(row["llm_label"] == row["truth"] for row in above) / len(above)
    assert right >= 0.9
    todo = rows_of("todo.csv")
    assert len(todo) == cut["to_people"] > 100
    below = {row["id"] for row in rows if float(row["llm_confidence"]) < written}
    audit = {row["id"] for row in rows if row["label_origin"] == "audit"}
    assert {row["id"] for row in todo} == below - audit  # people labelled these already
    sure = [float(row["query_guess_confidence"]) for row in todo]
    assert sure == sorted(sure)
    assert {row["label"] for row in todo} == {""} and todo[0]["row_check"]
    assert found["audit"]["rows"] == 100
    assert "n=100 audit rows" in result.err and "audit rows with that confidence" in result.err
    assert "known rows there (biased: not drawn at random)" in result.err
    assert "next: labelkit annotate todo.csv" in result.err


def test_audit_rows_never_choose_the_cut(label: Label, write: Write) -> None:
    write("a.csv", overconfident(300, gold=300, audit=250))
    told = ["--gold", "gold", "--threshold", "auto", "--target-accuracy", "0.9"]
    result = label("a.csv", *BINARY, *told)
    assert result.code == 0 or "on 50 known rows" in result.err
    result = label("a.csv", *BINARY, "--threshold", "auto", "--target-accuracy", "0.95", *told[:2])
    assert result.code == 1
    assert "there are 50 (audit rows are kept for judging)" in result.err


def test_what_people_say_of_audit_rows_changes_no_confidence_and_no_cut(
    label: Label, write: Write
) -> None:
    header, *lines = overconfident(260, gold=150, audit=60).splitlines()
    other = {"POSITIVE": " negative", "NEGATIVE": "positive "}
    found = []
    for says, origin in ((str, "audit"), (other.get, "audit"), (other.get, ""), (None, "audit")):
        rows = []
        for row in (dict(zip(header.split(","), line.split(","), strict=True)) for line in lines):
            is_audit = row["label_origin"] == "audit"
            row["label"] = (says(row["truth"]) if says else "") if is_audit else row["gold"]
            reason = "audit: drawn at random" if is_audit else ""
            rows.append(f"{row['id']},{row['text']},{row['label']},{origin * is_audit},{reason}")
        write("a.csv", "id,text,label,label_origin,query_reason\n" + "\n".join(rows) + "\n")
        told = ["--threshold", "auto", "--target-accuracy", "0.8", "--batch", "todo.csv"]
        result = label("a.csv", *BINARY, *told, "--overwrite", "--summary", "s.json")
        assert result.code == 0, result.err
        summary = json.loads(Path("s.json").read_text())
        figures = [(row["llm_label"], row["llm_confidence"]) for row in rows_of("out.csv")]
        asked = [row["id"] for row in rows_of("todo.csv") if int(row["id"]) < 200]
        assert asked
        found.append((figures, asked, summary["threshold"]["confidence"], summary["calibration"]))
    assert found[0] == found[1] == found[2] == found[3]


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--threshold", "auto"], 1, "needs at least 59 rows with a known label to show an"),
        (["--threshold", "1.5"], 2, "--threshold '1.5': give auto, or a confidence from 0 to 1"),
        (["--threshold", "atuo"], 2, "give auto, or a confidence"),
        (["--batch", "todo.csv"], 2, "--batch gets the rows below --threshold"),
        (["--threshold", "auto", "--target-accuracy", "95"], 2, "give a share between 0 and 1"),
        (["--samples", "1"], 2, "--samples 1: give 2 or more"),
        (["--samples", "3", "--confidence", "logprob"], 2, "does not go with --confidence logprob"),
        (["--samples", "3", "--model", "local"], 2, "for models behind an endpoint, not for local"),
    ],
)
def test_what_is_refused_before_anything_is_asked(
    label: Label,
    write: Write,
    chat_server: ChatServer,
    more: list[str],
    code: int,
    message: str,
) -> None:
    write("a.csv", "text\ngood\nbad\n")
    result = label("a.csv", *BINARY, *more)
    assert (result.code, message in result.err) == (code, True), result.err
    assert chat_server.seen["requests"] == 0
    assert not Path("out.csv").exists()


def test_a_target_that_is_not_reached_writes_nothing_and_loses_nothing(
    label: Label, write: Write, chat_server: ChatServer
) -> None:
    write("a.csv", overconfident(200, gold=200))
    told = ["--gold", "gold", "--threshold", "auto", "--target-accuracy", "0.99"]
    assert "needs at least 299" in label("a.csv", *BINARY, *told).err
    write("a.csv", overconfident(320, gold=320))
    result = label("a.csv", *BINARY, *told)
    assert result.code == 1 and "no confidence is high enough to show an accuracy" in result.err
    assert not Path("out.csv").exists()
    asked = chat_server.seen["requests"]
    assert label("a.csv", *BINARY, "--threshold", "0.8").code == 0
    assert chat_server.seen["requests"] == asked
