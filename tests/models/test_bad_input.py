"""train, predict and evaluate on files that hold less, or other things, than they hope for."""

import json
from pathlib import Path
from typing import Any

import pytest

from labelkit.ml import model_file


def texts(n=60, label=lambda i: "np"[i % 2], extra=lambda i: ""):
    """Rows whose text tells odd from even; `label` and further cells by row."""
    words = ("dull flat tired", "lovely warm clever")
    return "".join(f"{i},{words[i % 2]} film {i % 7},{label(i)}{extra(i)}\n" for i in range(n))


@pytest.fixture
def train(labelkit, write):
    def run(content, *options, head="id,text,label\n", code=0):
        write("a.csv", head + content)
        done = labelkit("train", "a.csv", "-o", "m.model", "--features", "tfidf", *options)
        assert done.code == code, done.err
        assert Path("m.model").exists() == (code == 0)
        return done.err

    return run


@pytest.mark.parametrize("how", [(), ("--robust",), ("--robust-by", "forward")])
def test_one_class_alone_is_always_answered(labelkit, train, how):
    said = train(texts(label=lambda i: "p"), *how)
    assert "warning: only one class has labels: the model always answers it" in said
    assert labelkit("predict", "m.model", "a.csv", "-o", "p.csv", "--proba").code == 0
    assert Path("p.csv").read_text().splitlines()[1].endswith(",p,1,1")


@pytest.mark.parametrize("how", [(), ("--robust",), ("--robust-by", "forward"), ("--mixup", "0.2")])
def test_a_class_with_one_row_is_kept_and_named(train, how):
    said = train(texts(label=lambda i: "odd" if i == 5 else "np"[i % 2]), *how)
    assert "hardly learned, from fewer than 5 rows: odd (1)" in said
    assert model_file.read_card(Path("m.model"))["classes"] == ["n", "odd", "p"]


def test_a_label_column_half_empty_teaches_by_its_filled_half(train):
    said = train(texts(label=lambda i: "np"[i % 2] if i % 4 < 2 else ""), "--robust")
    assert "learned from 30 rows" in said


def test_labels_that_are_numbers_are_classes_and_measurements_are_refused(train):
    assert "2 classes" in train(texts(label=lambda i: i % 2))
    Path("m.model").unlink()
    said = train(texts(label=lambda i: f"{i / 7:.3f}"), code=1)
    assert "a.csv: 60 different labels in 60 rows (such as '0', '0.143'" in said
    assert "numbers must be brought into ranges first" in said


PROBABILITIES = "id,text,label,p_n,p_p\n"


def test_probabilities_must_sum_to_one_and_hold_each_class(train):
    def rows(cells, label=""):
        return texts(label=lambda i: label if i == 3 else "", extra=lambda i: cells)

    soft = ("--from-proba", "p_")
    said = train(rows(",0.3,0.3"), *soft, head=PROBABILITIES, code=1)
    assert "a.csv, row 1: the probabilities p_n, p_p sum to 0.600, not 1" in said
    said = train(rows(",0.3,0.7", "other"), *soft, head=PROBABILITIES, code=1)
    assert "a.csv has no column 'p_other' (--from-proba p_)" in said
    said = train(rows(",x,y"), *soft, head=PROBABILITIES, code=1)
    assert "column 'p_n' contains cells that are not numbers" in said


def test_all_rows_flagged_leaves_nothing_to_learn(train):
    said = train(texts(extra=lambda i: ",false"), head="id,text,label,noise_use\n", code=1)
    assert "left out: 60 noise_use = false; every label is flagged" in said


def test_constant_features_are_said_or_learned_as_shares(labelkit, train, write):
    write("c.csv", "id,x,label\n" + "".join(f"{i},7,{'np'[i % 2]}\n" for i in range(40)))
    done = labelkit("train", "c.csv", "-o", "m.model", "--robust")
    assert (done.code, "no column is left to learn from (x: the same" in done.err) == (2, True)
    same = "".join(f"{i},the very same words,{'np'[i % 4 == 0]}\n" for i in range(60))
    assert "train: 60 rows" in train(same, "--robust")
    labelkit("predict", "m.model", "a.csv", "-o", "p.csv")
    assert Path("p.csv").read_text().splitlines()[1].split(",")[3] == "n"


def test_too_few_rows_to_judge_are_said(train):
    assert "no label was judged" in train(texts(4), "--robust")


def test_predict_on_other_files(labelkit, train, write):
    train(texts())
    done = labelkit("predict", "m.model", write("b.csv", "id,words\n1,x\n"), "-o", "p.csv")
    assert (done.code, "b.csv has no column 'text'" in done.err) == (1, True)
    done = labelkit("predict", "m.model", write("c.csv", "id,text\n"), "-o", "p.csv", "--proba")
    assert done.code == 0
    assert Path("p.csv").read_text() == (
        "id,text,model_label,model_confidence,model_proba_n,model_proba_p\n"
    )
    done = labelkit("predict", write("x.model", "?"), "c.csv", "-o", "q.csv")
    assert (done.code, "x.model is not a model that labelkit train wrote" in done.err) == (1, True)


def test_evaluate_says_when_two_columns_share_no_label(labelkit, write):
    write("a.csv", "id,gold,weak_label\n" + "".join(f"{i},{i % 2},c{i % 2}\n" for i in range(8)))
    done = labelkit("evaluate", "a.csv", "--gold", "gold", "--label", "weak_label")
    assert done.code == 0
    assert "weak_label and gold have no label in common (c0, c1; 0, 1)" in done.err


def test_evaluate_on_one_class_no_labels_and_no_gold(labelkit, write):
    rows = "".join(f"{i},a,a,,\n" for i in range(8))
    write("a.csv", "id,gold,weak_label,llm_label,none\n" + rows)
    done = labelkit("evaluate", "a.csv", "--gold", "gold", "--label", "weak_label", "--label",
                    "llm_label", "--json")  # fmt: skip
    one, none = json.loads(done.out)["figures"]
    assert (one["accuracy"], none["accuracy"], none["labelled"]) == (1.0, None, 0)
    done = labelkit("evaluate", "a.csv", "--gold", "none", "--label", "weak_label")
    assert (done.code, "column 'none' (--gold) is empty" in done.err) == (1, True)
    write("b.csv", "id,label\n1,a\n")
    done = labelkit("evaluate", "b.csv", "--gold", "label")
    assert (done.code, "no label column beside the gold" in done.err) == (1, True)


def test_first_labels_of_many_classes_are_learned_from(train):
    table = texts(label=lambda i: f"intent {i * 7 % 40}")
    assert "40 classes" in train(table)
    Path("m.model").unlink()
    said = train(texts(label=lambda i: f"name {i}"), code=1)
    assert "declare them: --classes A,B" in said
    names = ",".join(f"name {i}" for i in range(60))
    assert "60 classes" in train(texts(label=lambda i: f"name {i}"), "--classes", names)


@pytest.mark.parametrize(
    "args",
    [
        ("train", "head.csv", "-o", "m.model"),
        ("find-noise", "head.csv", "-o", "o.csv"),
        ("decide", "head.csv", "-o", "o.csv"),
        ("simulate", "head.csv"),
        ("evaluate", "head.csv", "--gold", "gold", "--label", "label"),
        ("evaluate", "head.csv", "--annotators", "ann_*"),
    ],
)
def test_a_file_without_rows_says_so(args: tuple[str, ...], write: Any, labelkit: Any) -> None:
    write("head.csv", "id,text,label,gold,ann_a,ann_b\n")
    done = labelkit(*args)
    assert (done.code, done.err.splitlines()[-1]) == (1, "error: head.csv has no rows")
