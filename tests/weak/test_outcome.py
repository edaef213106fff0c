"""What functions look worth when they are left out one by one."""

import csv
import json
import random
from pathlib import Path

import pytest

from tests.weak.test_command import rows

LFS = """
def lf_a(row): return row.a or None
def lf_b(row): return row.b or None
def lf_alone(row): return row.c or None
"""
DATA = "a,b,c,gold\nP,P,,P\nP,N,,P\nN,N,,N\nP,,,P\n,,P,N\n,,,P\n"


@pytest.fixture
def report(labelkit, write, tmp_path):
    write("data.csv", DATA)
    write("lfs.py", LFS)

    def run(*more):
        done = labelkit(
            *["weak-label", "data.csv", "--functions", "lfs.py", "--classes", "N,P"],
            *["--label-model", "majority", "--lf-report", "lf.json", *more],
        )
        assert done.code == 0, done.err
        assert done.out == ""
        found = json.loads((tmp_path / "lf.json").read_text())
        return {one["name"]: one for one in found["functions"]}, done

    return run


def test_the_estimate_does_not_know_the_functions_own_votes(report, write):
    header, lines = DATA.split("\n", 1)
    write("data.csv", f"{header}\n{lines * 20}")
    # lf_b agrees with lf_a on two of the three rows on which both vote.
    found, _ = report()
    one = found["lf_a"]
    assert one["estimated_low"] < 2 / 3 < one["estimated_high"]
    assert one["estimated_accuracy"] == pytest.approx(2 / 3, abs=0.1)
    assert found["lf_alone"]["estimated_accuracy"] is found["lf_alone"]["estimated_low"] is None
    assert "marginal_gain" not in found["lf_a"]


def test_the_gain_is_what_the_labels_lose_without_the_function(report, tmp_path):
    found, done = report("--gold", "gold")
    # All: row 1 is a tie and has no label, so rows 0, 2, 3 of six are right.
    # Without lf_a rows 0 and 2 are right; without lf_b rows 0, 1, 2, 3.
    assert found["lf_a"]["marginal_gain"] == pytest.approx(3 / 6 - 2 / 6, abs=1e-6)
    assert found["lf_b"]["marginal_gain"] == pytest.approx(3 / 6 - 4 / 6, abs=1e-6)
    assert found["lf_alone"]["marginal_gain"] == 0
    assert (found["lf_a"]["accuracy_low"], found["lf_a"]["accuracy_high"]) == (0.510109, 1.0)
    assert not (tmp_path / "out.csv").exists()
    assert "weak-label: 6 rows · 4 labelled · 2 abstained (1 tie)\n" in done.err


def test_gold_of_one_class_is_warned_about(report, write):
    write("data.csv", DATA.replace(",N\n", ",P\n"))
    _, done = report("--gold", "gold")
    assert (
        "warning: all known labels are 'P': accuracy against one class says nothing about the "
        "others" in done.err
    )


@pytest.mark.parametrize("model", ["majority", "snorkel"])
def test_a_csv_report_has_a_line_for_each_function(labelkit, write, tmp_path, model):
    write("data.csv", DATA)
    write("lfs.py", LFS)
    done = labelkit(
        *["weak-label", "data.csv", "-o", "o.csv", "--functions", "lfs.py", "--classes", "N,P"],
        *["--lf-report", "lf.csv", "--label-model", model],
    )
    assert done.code == 0, done.err
    with (tmp_path / "lf.csv").open() as stream:
        assert [line["name"] for line in csv.DictReader(stream)] == ["lf_a", "lf_b", "lf_alone"]
    assert len(rows(tmp_path / "o.csv")) == 6


def test_peoples_labels_count_without_being_named(report, write):
    write("data.csv", "a,b,c,label,label_origin\nP,P,,P,query\nP,N,,N,audit\nN,N,,N,query\n")
    found, done = report()
    assert found["lf_a"]["correct"] == 2 and found["lf_a"]["incorrect"] == 0
    assert "accuracy (biased)" in done.err


def test_a_coin_is_not_ranked_above_a_good_rule_where_texts_are_read(labelkit, write):
    # A text model that learned from a function would believe it wherever its word stands.
    rng = random.Random(2)
    lines, filler = ["id,text,gold"], [f"w{i}" for i in range(80)]
    for row in range(1200):
        truth = rng.choice(["pos", "neg"])
        words = [f"{truth}ish{rng.randrange(9)}", *rng.choices(filler, k=6)]
        if rng.random() < 0.5:
            right = rng.random() < 0.75
            words.append("warm" if (truth == "pos") == right else "stale")
        words += [word for word in ("zebra", "yak") if rng.random() < 0.2]  # in either class
        lines.append(f"r{row},{' '.join(words)},{truth}")
    write("data.csv", "\n".join(lines) + "\n")
    rules = ["pos=warm", "neg=stale", "pos=zebra", "neg=yak"]
    done = labelkit(
        *["weak-label", "data.csv", "--lf-report", "lf.json", "--gold", "gold"],
        *[word for rule in rules for word in ("--keyword", rule)],
    )
    assert done.code == 0, done.err
    functions = json.loads(Path("lf.json").read_text())["functions"]
    warm, stale, zebra, yak = (one["estimated_accuracy"] for one in functions)
    assert min(warm, stale) > max(zebra, yak)
    gains = [one["marginal_gain"] for one in functions]
    assert min(gains[:2]) > max(gains[2:])
