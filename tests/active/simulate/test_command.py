"""simulate: strategies against random on a file whose labels are known."""

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from labelkit.active.simulate import curves, drawing
from labelkit.active.simulate.active_learning_run import Curve, Run
from tests.active.conftest import review, save, truth

FAST = ("--features", "tfidf", "--labels", "40", "--per-round", "10", "--seeds", "2")


@pytest.fixture
def known(reviews):
    reviews(120, 120)


def simulate(labelkit, *args, name="reviews.csv"):
    done = labelkit("simulate", name, *args)
    assert done.code == 0, done.err
    return done


def test_the_table_names_random_and_what_beats_it(labelkit, known):
    done = simulate(labelkit, *FAST, "--summary", "s.json")
    lines = done.out.splitlines()
    assert "labels to match random" in lines[0] and "random needs to match" in lines[0]
    assert [line.split()[0] for line in lines[2:]] == ["random", "default", "margin"]
    assert "in each of 2 seeds 36 held out, 40 of 84 others asked" in done.err
    assert "accuracy by labels (· random, A default, B margin)" in done.err
    found = json.loads(Path("s.json").read_text())
    assert found["schema"] == 1 and found["points"] == [10, 20, 30, 40]
    for figures in found["strategies"].values():
        assert {"auc", "auc_sd", "final"} <= set(figures)
        assert 0 <= figures["auc"] <= 1
    assert found["strategies"]["default"]["seeds"] == 2
    assert "gain" not in found["strategies"]["random"]


@pytest.mark.parametrize("pool", ["processes_here", pytest.param("", marks=pytest.mark.slow)])
def test_any_number_of_processes_gives_the_same_bytes(labelkit, known, request, pool):
    if pool:
        request.getfixturevalue(pool)
    one = simulate(labelkit, *FAST, "--csv", "1.csv", "--plot", "1.svg")
    two = simulate(labelkit, *FAST, "--csv", "2.csv", "--plot", "2.svg", "--jobs", "2")
    assert one.out == two.out
    for kind in ("csv", "svg"):
        assert Path(f"1.{kind}").read_bytes() == Path(f"2.{kind}").read_bytes()


def test_the_csv_holds_every_point_and_random_goes_on(labelkit, known):
    simulate(labelkit, *FAST, "--csv", "points.csv", "--strategies", "margin")
    with Path("points.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["strategy"] for row in rows} == {"random", "margin"}
    at = {name: {int(r["labels"]) for r in rows if r["strategy"] == name} for name in
          ("random", "margin")}  # fmt: skip
    assert at["margin"] == {10, 20, 30, 40} and max(at["random"]) == 80


def test_json_for_programs(labelkit, known):
    done = simulate(labelkit, *FAST, "--json", "--metric", "macro-f1", "--quiet")
    found = json.loads(done.out)
    assert found["metric"] == "macro_f1"
    assert len(found["curves"]["default"]) == 4
    assert done.err == ""


def test_features_and_rows_a_round_are_compared(labelkit, reviews):
    reviews(120, 120, size=lambda i: i % 3)
    done = simulate(labelkit, "--features", "tfidf,columns", "--labels", "20", "--seeds", "1",
                    "--per-round", "5,10", "--strategies", "margin", "--json")  # fmt: skip
    names = ["margin, tfidf, 5 a round", "margin, tfidf, 10 a round", "margin, columns, 5 a round",
             "margin, columns, 10 a round"]  # fmt: skip
    assert set(names) < set(json.loads(done.out)["strategies"])


def test_tables_without_text_and_by_column(labelkit, numbers):
    numbers(90, 90)
    done = simulate(labelkit, "--labels", "30", "--per-round", "10", "--seeds", "1",
                    "--strategies", "default,by-column:size", name="numbers.csv")  # fmt: skip
    assert "by-column:size" in done.out


def test_a_strategy_with_a_comma_stands_in_quotes(labelkit, reviews):
    reviews(90, 90, a_label=truth, b_label=lambda i: "POS")
    done = simulate(labelkit, *FAST, "--strategies", 'margin,"disagreement:a_label,b_label"')
    assert [line.split()[0] for line in done.out.splitlines()[2:]] == [
        "random", "margin", "disagreement:a_label,b_label"]  # fmt: skip


def test_a_balanced_strategy_asks_other_rows_and_random_the_same(labelkit, known):
    plain, balanced = (
        json.loads(simulate(labelkit, *FAST, "--strategies", "margin", "--json", *more).out)
        for more in ((), ("--balance",))
    )
    assert plain["curves"]["random"] == balanced["curves"]["random"]
    assert plain["curves"]["margin"] != balanced["curves"]["margin"]


def test_gold_is_the_truth_and_no_feature(labelkit, reviews):
    reviews(90, 0, gold=truth)
    done = simulate(labelkit, *FAST[:2], "--labels", "20", "--per-round", "10", "--seeds", "1",
                    "--gold", "gold")  # fmt: skip
    assert "90 labelled rows, 2 classes" in done.err


def test_a_short_file_ends_the_asking(labelkit, known):
    done = simulate(labelkit, "--features", "tfidf", "--seeds", "1", "--per-round", "20")
    assert "--labels 500: stops at 80, only 84 rows to ask" in done.err


def test_a_class_seen_once_and_copies(labelkit, write):
    rows = [{"id": str(i), "text": review(i % 50), "label": truth(i % 50)} for i in range(100)]
    rows[3]["label"] = "RARE"
    save("reviews.csv", rows)
    simulate(labelkit, "--features", "tfidf", "--labels", "20", "--per-round", "10", "--seeds", "2")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--strategies", "margn"), 2, "did you mean 'margin'?"),
        (("--strategies", ","), 2, "--strategies is empty"),
        (("--strategies", "relabel"), 2, "there is nothing to relabel in a simulation"),
        (("--labels", "0"), 2, "--labels 0: give a number of 1 or more"),
        (("--labels", "5"), 2, "--labels 5: fewer than one round of 20"),
        (("--per-round", "7,20"), 2, "--per-round 7, 20: each must be 1 or more and divide"),
        (("--per-round", "x"), 2, "--per-round 'x': give numbers"),
        (("--seeds", "0"), 2, "--seeds 0: give a number of 1 or more"),
        (("--plot", "a.gif"), 2, "--plot a.gif: give a name that ends with .svg or .png"),
        (("--csv", "gone/a.csv"), 1, "there is no folder gone (mkdir -p gone)"),
        (("--gold", "gld"), 1, "no column 'gld' (--gold)"),
        (("--per-round", "100"), 1, "fewer than a round of 100"),
    ],
)
def test_refused_with_a_reason(labelkit, known, args, code, message):
    done = labelkit("simulate", "reviews.csv", "--features", "tfidf", *args)
    assert (done.code, message in done.err) == (code, True), done.err
    assert "Traceback" not in done.err and done.out == ""


def test_labels_must_be_known_and_of_two_classes(labelkit, reviews):
    reviews(30, 0)
    done = labelkit("simulate", "reviews.csv")
    assert done.code == 1 and "simulate needs a file whose labels are known" in done.err
    reviews(30, 1)
    done = labelkit("simulate", "reviews.csv")
    assert done.code == 1 and "of two classes or more, here are 1 of 1" in done.err


def curve(strategy, number, accuracy, labels=(10, 20)):
    run = Run(strategy, "tfidf", 10, number, labels[-1])
    return Curve(run, list(labels), accuracy, accuracy)


def test_the_figures_by_hand():
    played = [
        curve("random", 0, [0.5, 0.6, 0.7, 0.8], (10, 20, 30, 40)),
        curve("random", 1, [0.5, 0.6, 0.7, 0.8], (10, 20, 30, 40)),
        curve("margin", 0, [0.6, 0.7]),
        curve("margin", 1, [0.6, 0.8]),
    ]
    random, margin = (each.figures for each in curves.summarise(played, "accuracy", 20))
    assert (random["auc"], random["final"]) == (pytest.approx(0.55), pytest.approx(0.6))
    assert margin["auc"] == pytest.approx(0.675)
    assert margin["gain"] == pytest.approx(0.125)
    assert margin["seeds_ahead"] == 2
    assert margin["labels_to_match_random"] == 10
    assert margin["random_labels_to_match"] == 40
    low, high = margin["gain_interval"]
    assert low < 0.125 < high


def test_a_picture_is_svg_and_hostile_names_stay_text():
    played = [curve("random", 0, [0.5, 0.6]), curve("<script>&\x1b.py:f", 0, [0.6, 0.7])]
    found = curves.summarise(played, "accuracy", 20)
    drawn = drawing.svg(found, "accuracy", "a<b>\x00.csv")
    root = ElementTree.fromstring(drawn)
    assert root.tag.endswith("svg") and "<script>" not in drawn
    assert any("·" in line for line in drawing.in_letters(found, "accuracy"))


def test_equal_curves_are_drawn_once_with_all_their_names():
    played = [
        curve("random", 0, [0.5, 0.6]),
        *(curve(name, 0, [0.6, 0.7]) for name in ("margin", "entropy")),
        curve("coverage", 0, [0.6, 0.65]),
    ]
    found = curves.summarise(played, "accuracy", 20)
    drawn = drawing.svg(found, "accuracy", "a.csv")
    assert drawn.count("<polyline") == 3
    assert ">margin</text>" in drawn and ">= entropy</text>" in drawn
    assert "A margin = entropy, B coverage" in drawing.in_letters(found, "accuracy")[0]


def test_a_strategy_that_loses_to_random_is_called_so(labelkit, write):
    """Asked in the order of `place`, the labels are of one class alone."""
    rows = [f"{i},{i % 50 + 100 * (i < 50)}.5,{i},{'AB'[i < 50]}" for i in range(100)]
    write("a.csv", "\n".join(["id,x,place,truth", *rows]) + "\n")
    done = labelkit("simulate", "a.csv", "--gold", "truth", "--column", "x", "--strategies",
                    "by-column:place,margin,entropy", "--labels", "20", "--per-round", "10",
                    "--seeds", "2")  # fmt: skip
    assert done.code == 0, done.err
    assert "by-column:place is worse than random on this file: -" in done.err
    assert "margin is worse" not in done.err
    assert "with two classes uncertainty, margin and entropy pick the same rows" in done.err
