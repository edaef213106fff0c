"""What the default label model learns beside the votes: texts and people's labels, by command."""

import csv
import io
import json
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from labelkit.stats import blocks
from labelkit.weak import side_information
from labelkit.weak.label_models import text_model

GOOD = ["wonderful", "charming", "moving", "warm", "brilliant", "lovely"]
BAD = ["dull", "boring", "clumsy", "tedious", "awful", "lifeless"]
FILLER = [
    *["the", "film", "scene", "actor", "plot", "story"],
    *["music", "camera", "house", "street", "night", "day"],
]


def table(rows=400, seed=0):
    """Return rows of text, true class and three votes; the texts tell more than the votes."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(rows):
        good = bool(rng.integers(2))
        words = [*rng.choice(GOOD if good else BAD, 2), *rng.choice(FILLER, 5)]
        votes = [str(int(good if rng.random() < 0.7 else not good)) for _ in range(3)]
        votes = [vote if rng.random() < 0.6 else "" for vote in votes]
        found.append([f"r{number}", " ".join(words), str(int(good)), *votes])
    return found


def text_of(rows, header="id,text,truth,lf_a,lf_b,lf_c", extra=None):
    lines = [
        ",".join([*row, *([extra[i]] if extra is not None else [])]) for i, row in enumerate(rows)
    ]
    return "\n".join([header, *lines]) + "\n"


@pytest.fixture
def weak(labelkit, write, tmp_path):
    def run(*more):
        done = labelkit(
            *["weak-label", "data.csv", "-o", "out.csv", "--from-votes", "lf_*"],
            *["--classes", "0,1", "--text", "text", *more],
        )
        assert done.code == 0, done.err
        found = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(), newline="")))
        return found, done

    return run


def accuracy(found):
    voted = [row for row in found if row["weak_votes"] not in ("", "0")]
    return sum(row["weak_label"] == row["truth"] for row in voted) / len(voted)


def test_texts_correct_the_votes_and_it_is_said(weak, write, tmp_path):
    write("data.csv", text_of(table()))
    plain, _ = weak("--label-model", "majority")
    found, done = weak("--summary", "sum.json")
    assert accuracy(found) > accuracy(plain) + 0.05
    assert "label model dawid-skene, by votes and texts: " in done.err
    used = json.loads((tmp_path / "sum.json").read_text())["label_model"]
    assert used["used"] == "dawid-skene" and used["texts"] is True and used["ties"] > 0
    silent = [row for row in found if row["weak_votes"] == "0"]
    assert silent and all(row["weak_label"] == "" for row in silent)
    assert all(float(row["weak_confidence"]) == 0 for row in silent)


def test_the_order_of_the_rows_does_not_matter(weak, write):
    rows = table(200)
    write("data.csv", text_of(rows))
    first, _ = weak()
    write("data.csv", text_of(rows[::-1]))
    again, _ = weak()
    before = {row["id"]: row for row in first}
    assert all(row["weak_label"] == before[row["id"]]["weak_label"] for row in again)
    assert all(
        abs(float(row["weak_confidence"]) - float(before[row["id"]]["weak_confidence"])) < 1e-3
        for row in again
    )


def test_few_rows_are_labelled_by_votes_alone(weak, write):
    write("data.csv", text_of(table(20)))
    _, done = weak()
    assert "label model dawid-skene, by votes alone" in done.err


def test_peoples_labels_outside_where_are_learned_from_and_audit_rows_are_not(weak, write):
    rows = table(300)
    people = ["1" if i < 60 else "" for i in range(300)]
    write("data.csv", text_of(rows, "id,text,truth,lf_a,lf_b,lf_c,people", people))
    found, done = weak("--where", "people is empty", "--label", "people")
    assert "it learns from people's labels of" in done.err
    assert all(row["weak_label"] == "" == row["weak_votes"] for row in found[:60])
    assert "weak-label: 240 rows" in done.err
    origin = [f"{label},{'audit' if label else ''}" for label in people]
    write("data.csv", text_of(rows, "id,text,truth,lf_a,lf_b,lf_c,people,label_origin", origin))
    _, done = weak("--where", "people is empty", "--label", "people")
    assert "it learns from" not in done.err


def test_the_effect_of_a_prior_is_told(weak, write):
    write("data.csv", text_of(table()))
    _, done = weak("--prior", "0=0.02,1=0.98")
    changed = int(done.err.split("--prior changes ")[1].split(" ")[0])
    assert changed > 20


def test_an_explained_row_keeps_its_text(labelkit, write):
    write("data.csv", text_of(table(120)))
    done = labelkit(
        *["weak-label", "data.csv", "--from-votes", "lf_*", "--classes", "0,1"],
        *["--text", "text", "--explain", "r3", "--json"],
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)


def test_the_reader_never_saw_the_row():
    from scipy import sparse

    # Each text is a word of its own: nothing can be known about it from the others.
    text = sparse.identity(100, format="csr")
    votes = np.repeat([[0], [1]], 50, axis=0).astype(np.int16)
    keys = np.random.default_rng(0).integers(0, 2**32, 100)
    said = text_model.listen(votes, 2, text, keys, np.ones(100), None)
    assert np.allclose(said, 0.5, atol=0.15)


def test_a_large_table_of_what_texts_say_takes_16_bits_and_gives_the_same_labels(weak, write):
    write("data.csv", text_of(table(120)))
    expected, _ = weak("--proba")
    with patch.object(blocks, "CELLS_AT_ONCE", 30), patch.object(blocks, "MOST_EXACT", 0):
        found, _ = weak("--proba")
    assert [row["weak_label"] for row in found] == [row["weak_label"] for row in expected]
    for one, other in zip(found, expected, strict=True):
        shares = [float(row["weak_proba_1"] or 0) for row in (one, other)]
        assert shares[0] == pytest.approx(shares[1], abs=5e-3)


def test_the_texts_of_a_sample_judge_the_functions_of_a_large_file(
    weak, write, tmp_path, monkeypatch
):
    rng = np.random.default_rng(5)
    rows = [
        [*row[:3], row[2] if rng.random() < 0.9 else str(1 - int(row[2])), *map(str, guessed)]
        for row, guessed in zip(table(600), rng.integers(0, 2, (600, 2)), strict=True)
    ]
    write("data.csv", text_of(rows))
    monkeypatch.setattr(side_information, "MOST_TO_READ", 300)
    monkeypatch.setattr(side_information, "TO_JUDGE", 500)
    found, done = weak()
    assert "the texts of 500 rows judge the labeling functions" in done.err
    assert "by votes and texts" in done.err
    plain, _ = weak("--label-model", "majority")
    assert accuracy(found) > accuracy(plain) + 0.05
    again, _ = weak()
    assert again == found


def test_machine_labels_are_no_labels_of_people(labelkit, write):
    words = {"good": "lovely warm", "bad": "dull stale"}
    lines = ["id,text,llm_label"]
    for i in range(120):
        said = "good" if i % 2 else "bad"
        lines.append(f"{i},{words[said]} film {i},{said if i % 3 else 'good'}")
    write("films.csv", "\n".join(lines) + "\n")
    rules = ("--keyword", "good=lovely", "--keyword", "bad=dull", "--proba")
    plain = labelkit("weak-label", "films.csv", "-o", "plain.csv", *rules)
    named = labelkit("weak-label", "films.csv", "-o", "named.csv", *rules, "--label", "llm_label")
    assert plain.code == named.code == 0, named.err
    assert Path("plain.csv").read_bytes() == Path("named.csv").read_bytes()
    assert "column 'llm_label' contains machine labels" in named.err
    assert "people's labels" not in named.err and "rows that people labelled" not in named.err


def test_some_rows_of_a_large_file_tell_how_good_a_function_is(weak, write, tmp_path, monkeypatch):
    write("data.csv", text_of(table(300)))

    def accuracies():
        weak("--lf-report", "lfs.json")
        functions = json.loads((tmp_path / "lfs.json").read_text())["functions"]
        return [function["estimated_accuracy"] for function in functions]

    expected = accuracies()
    monkeypatch.setattr(side_information, "CELLS_OF_TRIAL", 0)
    monkeypatch.setattr(side_information, "FEWEST_OF_TRIAL", 150)
    some = accuracies()
    assert some != expected and some == pytest.approx(expected, abs=0.2)


def test_full_columns_of_an_embedding_and_words_teach_the_same_together():
    from scipy import sparse

    rng = np.random.default_rng(1)
    words, vectors = sparse.random(80, 30, 0.1, format="csr", rng=rng), rng.normal(size=(80, 8))
    text = sparse.csr_matrix(sparse.hstack([vectors, words]))
    labels = np.eye(3)[vectors[:, :3].argmax(axis=1)]
    split = text_model._Split(text)
    table = rng.normal(size=(38, 3))
    assert split.times(table) == pytest.approx(text @ table)
    back = np.ones((38, 3))
    split.add_back(back, labels)
    assert back == pytest.approx(1 + text.T @ labels)
    said = text_model.predict(text, text_model.fit(text, labels, np.ones(80)))
    assert (said.argmax(axis=1) == labels.argmax(axis=1)).mean() > 0.9
