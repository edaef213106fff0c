"""An exact tie is no label with confidence 0, in every command; what the order of classes is."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelkit.llm.answers.reply_labels import Labelled, voted

ORDERS = ("A,B,C", "C,B,A")


@pytest.fixture
def labels(labelkit: Any) -> Callable[..., list[tuple[str, str]]]:
    """Run a command and return the labels and confidences it wrote; no prefix: those by people."""

    def run(prefix: str, *arguments: object) -> list[tuple[str, str]]:
        done = labelkit(*arguments, "-o", "out.csv")
        assert done.code == 0, done.err
        with Path("out.csv").open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        stem = f"{prefix}_" if prefix else ""
        return [(row[f"{stem}label"], row[f"{prefix or 'label'}_confidence"]) for row in rows]

    return run


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("policy", ["combine", "priority"])
@pytest.mark.parametrize(
    ("shares", "label"),
    [
        ("0.5,0.5,0", ""),
        ("0.333333,0.333333,0.333333", ""),
        ("0.4,0.2,0.4", ""),
        ("0.30000000000000004,0.3,0.4", "C"),
        ("0.35,0.3,0.35", ""),
        ("0.300001,0.3,0.399999", "C"),
        ("0.35,0.349999,0.300001", "A"),
    ],
)
def test_decide_from_probabilities(
    write: Any, labels: Any, order: str, policy: str, shares: str, label: str
) -> None:
    source = write("p.csv", f"id,p_A,p_B,p_C\n1,{shares}\n2,0.1,0.8,0.1\n3,,,\n")
    options = ["--policy", policy, *(["--threshold", "0.3"] if policy == "priority" else [])]
    found = labels("final", "decide", source, "--from-proba", "p_", "--classes", order, *options)
    assert found[0][0] == label
    assert (found[0][1] == "0") == (label == "")
    assert found[1][0] == "B" and found[2] == ("", "")


@pytest.mark.parametrize("policy", ["combine", "priority"])
def test_decide_does_not_let_a_tied_source_outvote_another(
    write: Any, labels: Any, policy: str
) -> None:
    source = write("p.csv", "id,llm_label,p_A,p_B\n1,B,0.5,0.5\n2,B,0.5,0.5\n")
    found = labels("final", "decide", source, "--from-proba", "p_", "--policy", policy)
    assert [label for label, _ in found] == ["B", "B"]


def test_decide_between_two_columns(write: Any, labels: Any) -> None:
    source = write("p.csv", "id,llm_label,weak_label\n1,A,B\n2,B,A\n3,A,A\n")
    assert labels("final", "decide", source)[:2] == [("", "0"), ("", "0")]


@pytest.mark.parametrize("order", ("A,B", "B,A"))
@pytest.mark.parametrize("model", ["auto", "dawid-skene", "majority"])
def test_weak_label_and_what_reads_its_probabilities(
    write: Any, labels: Any, order: str, model: str
) -> None:
    votes = ["A,B"] * 5 + ["A,A"] * 3 + ["B,B"] * 3 + [",", ",A"]
    source = write("v.csv", "lf_a,lf_b\n" + "\n".join(votes) + "\n")
    options = ("--from-votes", "lf_*", "--classes", order, "--label-model", model, "--proba")
    found = labels("weak", "weak-label", source, *options)
    assert found[:5] == [("", "0")] * 5
    assert [label for label, _ in found[5:]] == ["A"] * 3 + ["B"] * 3 + ["", "A"]
    Path("weak.csv").write_bytes(Path("out.csv").read_bytes())
    decided = labels("final", "decide", "weak.csv", "--from-proba", "weak_proba_")
    assert [label for label, _ in decided] == [label for label, _ in found]
    assert decided[0] == ("", "0")


@pytest.mark.parametrize("prefer", ["majority", "consensus"])
def test_merge(write: Any, labels: Any, prefer: str) -> None:
    source = write("in.csv", "id,text\n1,one\n2,two\n3,three\n")
    lines = "id,label,label_annotator\n1,A,ann\n1,B,bob\n2,A,ann\n2,A,bob\n3,B,ann\n3,B,bob\n"
    answers = write("a.csv", lines)
    found = labels("", "merge", source, answers, "--prefer", prefer)
    assert found[0] == ("", "0")
    assert [label for label, _ in found[1:]] == ["A", "B"]


@pytest.mark.parametrize("order", ("A,B", "B,A"))
def test_predict(write: Any, labels: Any, labelkit: Any, order: str) -> None:
    rows = [f"{i},{'warm' if i % 2 else 'dull'},{'AB'[i % 2]}" for i in range(60)]
    write("t.csv", "id,text,label\n" + "\n".join(rows) + "\n")
    done = labelkit(
        *["train", "t.csv", "-o", "m.model", "--features", "tfidf", "--classes", order],
        *["--text", "text"],
    )
    assert done.code == 0, done.err
    source = write("new.csv", "id,text\n1,nothing known\n2,warm\n")
    found = labels("model", "predict", "m.model", source)
    assert found[0] == ("", "0") and found[1][0] == "B"


def test_several_answers_of_a_language_model() -> None:
    answers = [Labelled(label, None) for label in ("A", "B", "B", "A")]
    assert voted(answers)[:2] == ("", 0.0) and voted(answers).error
    assert voted(answers[:3])[:2] == ("B", 2 / 3)
    assert voted([Labelled("", 0.0, "refused"), answers[0]])[:2] == ("A", 0.5)


def test_the_consensus_of_evaluate(write: Any, labelkit: Any) -> None:
    rows = ["1,A,B", *(f"{i},{'AB'[i % 2]},{'AB'[i % 2]}" for i in range(2, 12))]
    write("w.csv", "id,ann,bob\n" + "\n".join(rows) + "\n")
    done = labelkit("evaluate", "w.csv", "--annotators", "ann,bob", "--summary", "s.json")
    assert done.code == 0, done.err
    least = json.loads(Path("s.json").read_text())["least_sure"][0]
    assert (least["key"], least["consensus"], least["confidence"]) == ("1", "", 0.0)


def test_train_learns_from_the_probabilities_that_weak_label_wrote(
    write: Any, labelkit: Any
) -> None:
    texts = ["warm", "dull", "warm dull", "other"] * 12  # votes for A, for B, a tie, none
    lines = [f"{i},{text} {i}" for i, text in enumerate(texts)]
    source = write("t.csv", "id,text\n" + "\n".join(lines) + "\n")
    rules = ("--keyword", "A=warm", "--keyword", "B=dull", "--label-model", "majority")
    done = labelkit("weak-label", source, "-o", "weak.csv", *rules, "--proba")
    assert done.code == 0, done.err
    done = labelkit(
        *["train", "weak.csv", "-o", "m.model", "--from-proba", "weak_proba_"],
        *["--features", "tfidf", "--summary", "s.json"],
    )
    assert done.code == 0, done.err
    assert json.loads(Path("s.json").read_text())["rows"] == 36
