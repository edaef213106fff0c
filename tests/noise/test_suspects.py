"""What people do with suspects: a batch, the case of one row, sources, other faults."""

import json
import random
from pathlib import Path

import pytest

from tests.noise.test_command import WRONG, column, data, flagged, reviews, rows, run, saved

__all__ = ["data"]


def test_a_batch_for_people_holds_the_flagged_rows_likeliest_errors_first(labelkit, data, tmp_path):
    done = run(labelkit, "-n", 3, "--batch", "todo.csv")
    found = rows(tmp_path / "todo.csv")
    assert {row["id"] for row in found[:2]} == {f"r{row}" for row in WRONG} and len(found) == 3
    assert [float(row["noise_quality"]) for row in found] == sorted(
        float(row["noise_quality"]) for row in found
    )
    assert {row["label_origin"] for row in found} == {"relabel"}
    assert {row["label"] for row in found} == {""}
    assert found[0]["noise_given"] != found[0]["noise_suggested"]
    assert "3 flagged rows for people -> todo.csv" in done.err
    assert "next: labelkit annotate todo.csv" in done.err
    assert flagged(tmp_path / "out.csv") == sorted(int(row["id"][1:]) for row in found)


def test_a_batch_that_people_began_is_kept(labelkit, data, write):
    write("todo.csv", "id,label\nr1,pos\n")
    done = run(labelkit, "--batch", "todo.csv", code=1)
    assert "todo.csv already contains answers" in done.err


def test_reasons_name_views_neighbours_and_words(labelkit, data, tmp_path):
    run(labelkit)
    reason = rows(tmp_path / "out.csv")[WRONG[0]]["noise_reason"]
    assert reason.startswith("error: model says neg 0.")
    assert "words, word counts, neighbours say neg" in reason
    assert "7 of 7 nearest are neg (id r" in reason and "words: “" in reason


def test_nearly_the_same_text_with_another_label_is_named(labelkit, write, tmp_path):
    table = reviews(wrong=())
    long = "the whole of this story is told with warmth and great care by all of its makers"
    for i, word in enumerate(["today", "again", "indeed", "though", "always"]):
        label = "neg" if i == 3 else "pos"
        table.append({"id": f"s{i}", "text": f"{long} {word}", "label": label})
    write("data.csv", saved(table))
    done = run(labelkit, "--summary", "s.json")
    told = json.loads((tmp_path / "s.json").read_text())["near_duplicates"]
    assert told["rows"] == 5 and told["pairs_with_different_labels"] >= 3
    assert "near duplicates: 5 rows have nearly the words of another, " in done.err
    assert " pairs have different labels (id s" in done.err and "id s3" in done.err
    reason = rows(tmp_path / "out.csv")[63]["noise_reason"]
    assert reason.startswith("duplicate-conflict: nearly the same text labelled pos in id s")


def test_the_case_of_one_row(labelkit, data):
    done = run(labelkit, "--explain", "r10", "--explain", "r11")
    assert "id r10: given pos, quality 0." in done.err and "flagged: error: " in done.err
    assert "id r11: given pos, quality " in done.err and ", not flagged\n" in done.err
    lines = [line.split() for line in done.err.splitlines()]
    assert ["view", "says", "P(pos)", "P(neg)"] in lines
    assert any(line[:3] == ["word", "counts", "neg"] for line in lines)
    assert "nearest labelled rows" in done.err and "words that speak for neg" in done.err
    Path("out.csv").unlink()
    alone = labelkit("find-noise", "data.csv", "--features", "tfidf", "--explain", "r10")
    assert alone.code == 0 and "id r10: given" in alone.out and "nearest labelled rows" in alone.out
    assert not Path("out.csv").exists()
    done = run(labelkit, "--explain", "r100", code=2)
    assert "--explain r100: data.csv has no row with id 'r100'; did you mean 'r10'?" in done.err


def test_errors_by_source(labelkit, write, tmp_path):
    wrong = tuple(range(0, 60, 6))
    table = [{**row, "who": "ann" if i % 3 else "bob"} for i, row in enumerate(reviews(120, wrong))]
    write("data.csv", saved([*table, {**table[0], "id": "x", "who": "cleo"}]))
    done = run(labelkit, "--by", "who", "--summary", "s.json")
    found = json.loads((tmp_path / "s.json").read_text())["by"]
    assert found["column"] == "who" and list(found["sources"]) == ["bob", "ann"]
    assert found["sources"]["bob"]["labels"] == 40
    assert found["sources"]["bob"]["estimated_errors"] == pytest.approx(10, abs=2)
    assert found["sources"]["ann"]["estimated_errors"] <= 2
    assert "p_given_when_true" in found["sources"]["bob"]
    assert "--by who: 1 with fewer than 20 labels are not shown" in done.err
    assert "errors by who, estimated" in done.err
    run(labelkit, "--by", "who", "--matrix", "m.json")
    written = json.loads((tmp_path / "m.json").read_text())
    assert (
        written["by"]["bob"]["p_given_when_true"] == (found["sources"]["bob"]["p_given_when_true"])
    )
    run(labelkit, "--by", "who", "--matrix", "m.csv")
    lines = rows(tmp_path / "m.csv")
    assert [row["by"] for row in lines] == ["", "", "", "", *["bob"] * 4, *["ann"] * 4]
    assert sum(float(row["rows"]) for row in lines[4:8]) == pytest.approx(40, abs=0.01)
    assert "has no column 'hwo' (--by)" in run(labelkit, "--by", "hwo", code=1).err


@pytest.mark.parametrize("method", ["ensemble", "confident-learning", "prune-by-class"])
def test_errors_by_source_are_part_of_all_errors_whatever_the_method(labelkit, write, method):
    rng = random.Random(7)
    lines = ["id,label,who,p_neg,p_pos"]
    for row in range(300):
        truth, who = row % 2, "bob" if row % 3 else "ann"
        given = 1 - truth if who == "bob" and row % 8 == 1 else truth
        sure = min(0.95, max(0.05, rng.gauss(0.68, 0.12)))  # a weak model, right in nine of ten
        pos = sure if truth else 1 - sure
        lines.append(f"r{row},{('neg', 'pos')[given]},{who},{1 - pos:.4f},{pos:.4f}")
    write("data.csv", "\n".join(lines) + "\n")
    run(labelkit, "--from-proba", "p_", "--method", method, "--by", "who", "--summary", "s.json",
        "--matrix", "m.json")  # fmt: skip
    summary = json.loads(Path("s.json").read_text())
    sources = summary["by"]["sources"]
    errors = {who: one["estimated_errors"] for who, one in sources.items()}
    everything = json.loads(Path("m.json").read_text())["estimated_errors"]
    assert sum(errors.values()) == pytest.approx(everything, abs=1)
    assert errors["ann"] <= 10  # of 100, all right; the weak model's mean doubt is 32
    assert errors["bob"] == pytest.approx(25, abs=10)


def test_other_faults_of_a_file(labelkit, write, tmp_path):
    table = [{**row, "split": "train" if i < 90 else "valid"} for i, row in
             enumerate(sorted(reviews(120, ()), key=lambda row: row["label"]))]  # fmt: skip
    table[3]["text"], table[4]["text"] = "", "caf\u00c3\u00a9 &amp; <br/> awful stale plot"
    table[100]["text"] = table[1]["text"]
    write("data.csv", saved(table))
    done = run(labelkit, "--summary", "s.json")
    found = json.loads((tmp_path / "s.json").read_text())["faults"]
    assert found["texts"] == {"empty": 1, "broken": 1}
    assert found["leakage"] == {"texts": 1, "rows": 2}
    assert found["order"]["equal_to_the_one_before"] > 0.9
    assert "texts: 1 empty (id r6) · 1 with broken characters or markup (id r8)" in done.err
    assert "warning: in more than one split: 1 text (2 rows)" in done.err
    assert "order: 99% of labels equal the label before" in done.err
    assert "rare_classes" not in found


def test_a_rare_class_is_named(labelkit, write):
    rare = [{"id": f"m{i}", "text": f"so mixed {i}", "label": "mixed"} for i in range(3)]
    write("data.csv", saved([*reviews(120, ()), *rare]))
    done = run(labelkit)
    assert "classes: mixed (3) with less than a tenth of an even share of 123 labels" in done.err
    assert "left out: mixed (3 rows)" in done.err


@pytest.mark.parametrize("method", ["knn", "confident-learning", "both", "low-self-confidence"])
def test_each_method_finds_the_flipped_labels(labelkit, data, tmp_path, method):
    done = run(labelkit, "--method", method)
    found = [float(value) for value in column(tmp_path / "out.csv", "noise_quality")]
    assert set(sorted(range(60), key=found.__getitem__)[:2]) == set(WRONG)
    assert f"judged by {method}, probabilities out of fold by" in done.err


def test_one_model_and_neighbours_of_given_probabilities(labelkit, data):
    assert "out of fold by logistic C=" in run(labelkit, "--classifier", "logistic").err
    done = run(labelkit, "--method", "knn", "--from-proba", "p_", code=2)
    assert "--method knn looks at rows, --from-proba gives probabilities" in done.err


def test_texts_and_other_columns_are_views_of_one_row(labelkit, write, tmp_path):
    table = [{**row, "stars": 1 + 3 * (row["truth"] == "pos") + i % 2}
             for i, row in enumerate(reviews(80))]  # fmt: skip
    write("data.csv", saved(table))
    done = labelkit("find-noise", "data.csv", "-o", "out.csv", "--column", "stars")
    assert done.code == 0, done.err
    assert "out of fold by words, word counts, columns, trees, neighbours" in done.err
    assert flagged(tmp_path / "out.csv") == list(WRONG)
