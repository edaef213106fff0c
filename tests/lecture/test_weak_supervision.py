"""Labeling functions: what they cover, where they conflict, how a label comes of their votes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.lecture.conftest import Slide, cells
from tests.lecture.make_data import FUNCTIONS

TWO = "--classes NEGATIVE,POSITIVE"


def votes_of(path: str, function: str) -> list[str]:
    """Return what a function voted on each row."""
    return [row[f"weak_lf_{function}"] for row in cells(path)]


def test_functions_of_a_text(slide: Slide) -> None:
    slide.topic(
        "Functions that label",
        "A function gets the text and returns a class, or None where it has no opinion. The label "
        "of a row comes from all votes; a row on which none voted gets no label.",
    )
    slide.file("lfs_text.py")
    slide.run(f"labelkit weak-label films.csv -o weak.csv --functions lfs_text.py {TWO} --votes",
              ["weak-label: 4 rows"])  # fmt: skip
    rows = slide.show("weak.csv", "id", "text", "weak_lf_lf_adore", "weak_lf_lf_dreadful",
                      "weak_lf_lf_asking", "weak_label", "weak_confidence")  # fmt: skip
    assert [row["weak_label"] for row in rows[:2]] == ["POSITIVE", "NEGATIVE"]
    nobody = [rows[3][f"weak_{name}"] for name in ("label", "confidence", "votes")]
    assert nobody == ["", "0", "0"]


def test_expert_knowledge_as_rules(slide: Slide) -> None:
    slide.topic(
        "What an expert knows, without code",
        "Words that give a class away are rules on the command line; the task file has more kinds.",
    )
    slide.run(
        f"labelkit weak-label plain.csv -o weak.csv {TWO} --gold gold \\\n"
        '  --keyword "POSITIVE=lovely,superb,delight,wonderful" \\\n'
        '  --keyword "NEGATIVE=lazy,bored,mess,dreadful"',
        ["keyword", "weak-label: 240 rows"],
    )
    rows = cells("weak.csv")
    labelled = [row for row in rows if row["weak_label"]]
    right = np.mean([row["weak_label"] == row["gold"] for row in labelled])
    assert 0.4 < len(labelled) / len(rows) < 0.8 and right > 0.85


def test_functions_of_a_row(slide: Slide) -> None:
    slide.topic(
        "Functions that read other columns",
        "A function may get the whole row. An empty cell is None in a column of numbers, so a "
        "missing rating is no vote. POSITIVE, NEGATIVE, ABSTAIN and re need no import.",
    )
    slide.file("lfs_films.py")
    slide.run(
        f"labelkit weak-label films.csv -o weak.csv --functions lfs_films.py {TWO} --votes",
        ["lf_", "weak-label: 4 rows"],
    )
    assert votes_of("weak.csv", "lf_liked_by_users") == ["POSITIVE", "", "", ""]
    assert votes_of("weak.csv", "lf_golden_bear") == ["POSITIVE", "", "", ""]
    assert votes_of("weak.csv", "lf_empty_seats") == ["", "NEGATIVE", "", ""]
    assert votes_of("weak.csv", "lf_late_part") == ["", "NEGATIVE", "", ""]
    assert [row["weak_label"] for row in cells("weak.csv")] == ["POSITIVE", "NEGATIVE", "", ""]


def test_kinds_of_functions(slide: Slide) -> None:
    slide.topic(
        "Keywords, heuristics, outside knowledge",
        "Parameters with the names of columns get their cells; a list from elsewhere is a helper.",
    )
    slide.file("lfs_kinds.py")
    slide.run(f"labelkit weak-label films.csv -o weak.csv --functions lfs_kinds.py {TWO} --votes "
              "--text text", ["lf_"])  # fmt: skip
    assert votes_of("weak.csv", "lf_words") == ["POSITIVE", "", "POSITIVE", ""]
    assert votes_of("weak.csv", "lf_short") == ["NEGATIVE", "", "", "NEGATIVE"]
    assert votes_of("weak.csv", "lf_on_the_list") == ["POSITIVE", "", "", "POSITIVE"]


def test_coverage_and_accuracy(slide: Slide) -> None:
    slide.topic(
        "Coverage against accuracy",
        "A word in the text covers much and errs often; a strict pattern covers little and is "
        "nearly always right. The report shows both, with the truth beside where it is known.",
    )
    slide.file("lfs_wide_and_strict.py")
    slide.run(
        f"labelkit weak-label plain.csv -o weak.csv --functions lfs_wide_and_strict.py {TWO} \\\n"
        "  --gold gold --lf-report report.json",
        ["function ", "lf_"],
    )
    wide, strict = report()
    assert wide["coverage"] > 3 * strict["coverage"]
    assert wide["accuracy"] + 0.1 < strict["accuracy"]


def report() -> list[dict[str, Any]]:
    """Return what report.json says of each function."""
    return list(json.loads(Path("report.json").read_text("utf-8"))["functions"])


def test_conflicts_are_explained(slide: Slide) -> None:
    slide.topic(
        "Where functions contradict each other",
        "The label model weighs them. Where they are worth the same its confidence is 0.5, so the "
        "row is one for a language model or a person. `--explain` shows who voted what, and what "
        "the confidence of the label would be without that vote.",
    )
    slide.run(
        f"labelkit weak-label films.csv -o weak.csv --functions lfs_text.py {TWO} --explain f3",
        ["f3", "key  label"],
    )
    sure = [float(row["weak_confidence"]) for row in cells("weak.csv") if row["weak_label"]]
    assert (
        min(sure) == float(cells("weak.csv")[2]["weak_confidence"]) == pytest.approx(0.5, abs=0.01)
    )


def test_the_matrix_of_votes(slide: Slide) -> None:
    slide.topic(
        "Snorkel's functions and the matrix of votes",
        "Functions under Snorkel's decorator run as they are: 1 and 0 index the classes, -1 "
        "abstains. `--votes` writes the matrix, a column a function.",
    )
    slide.file("lfs_numbers.py")
    slide.run(f"labelkit weak-label matrix.csv -o weak.csv --functions lfs_numbers.py {TWO} "
              "--votes")  # fmt: skip
    rows = slide.show("weak.csv", "id", "weak_lf_lf_fine", "weak_lf_lf_weak", "weak_lf_lf_stars",
                      "weak_label")  # fmt: skip
    names = ("weak_lf_lf_fine", "weak_lf_lf_weak", "weak_lf_lf_stars")
    code = {"": -1, "NEGATIVE": 0, "POSITIVE": 1}
    assert [[code[row[name]] for name in names] for row in rows] == [
        [-1, 0, -1],  # against
        [1, -1, 1],  # two for it
        [-1, -1, -1],  # nobody
        [1, 0, -1],  # a conflict
        [-1, -1, 0],
    ]
    assert [rows[i]["weak_label"] for i in (0, 1, 2, 4)] == ["NEGATIVE", "POSITIVE", "", "NEGATIVE"]
    sure = [float(row["weak_confidence"]) for row in rows]
    assert sure[1] == max(sure), "two functions agree"
    assert sure[3] == pytest.approx(0.5, abs=0.01), "two contradict each other"


def test_the_table_of_functions(slide: Slide) -> None:
    slide.topic(
        "Polarity, coverage, overlaps, conflicts",
        "Coverage: the share of rows with a vote. Overlaps: with another vote beside it. "
        "Conflicts: with another vote that differs.",
    )
    slide.run(
        f"labelkit weak-label matrix.csv -o weak.csv --functions lfs_numbers.py {TWO} \\\n"
        "  --lf-report report.json",
        ["function ", "lf_"],
    )
    assert {
        each["name"]: (each["polarity"], each["coverage"], each["overlaps"], each["conflicts"])
        for each in report()
    } == {
        "lf_fine": (["POSITIVE"], 0.4, 0.4, 0.2),
        "lf_weak": (["NEGATIVE"], 0.4, 0.2, 0.2),
        "lf_stars": (["NEGATIVE", "POSITIVE"], 0.4, 0.2, 0.0),
    }


def test_functions_are_judged_without_the_truth(slide: Slide) -> None:
    slide.topic(
        "How good a function is, without a known label",
        "Functions that agree with the others are taken for accurate. `estimated` knows no truth; "
        "`accuracy` is measured by the gold column, which nothing learns from.",
    )
    slide.run(
        "labelkit weak-label votes.csv -o weak.csv --from-votes 'lf_*' --gold gold "
        "--lf-report report.json",
        ["function ", "lf_"],
    )
    found = {each["name"]: each for each in report()}
    good, poor = ("lf_rating", "lf_prize", "lf_sequel"), ("lf_fans", "lf_talk")
    worst_good = min(found[name]["estimated_accuracy"] for name in good)
    assert worst_good > max(found[name]["estimated_accuracy"] for name in poor) + 0.1
    for each in found.values():
        assert abs(each["estimated_accuracy"] - each["accuracy"]) < 0.1
        assert each["estimated_low"] < FUNCTIONS[each["name"]][1] < each["estimated_high"]


def test_agreement_makes_sure(slide: Slide) -> None:
    slide.topic(
        "A jury that agrees",
        "Three votes for, none against, two that abstain: a confident label.",
    )
    slide.run("labelkit weak-label votes.csv -o weak.csv --from-votes 'lf_*' --proba "
              "--explain classic", ["classic"])  # fmt: skip
    (row,) = slide.show("weak.csv", "id", "weak_label", "weak_confidence", "weak_votes",
                        where=lambda row: row["id"] == "classic")[-2:-1]  # fmt: skip
    assert row["weak_label"] == "POSITIVE" and row["weak_votes"] == "3"
    assert float(row["weak_proba_POSITIVE"]) > 0.9


@pytest.mark.slow  # snorkel imports torch
def test_the_better_functions_win(slide: Slide) -> None:
    slide.topic(
        "A jury that is split",
        "Two votes against two. A majority has no answer; the label model follows the two "
        "functions that it found to be better; no label told it which these are. The default is "
        "cautious: it weighs functions less than Snorkel does where neither a text nor a known "
        "label supports it.",
    )
    slide.run("labelkit weak-label votes.csv -o weak.csv --from-votes 'lf_*' --explain part-5",
              ["rows where that is a tie", "part-5"])  # fmt: skip
    for model in ("majority", "dawid-skene", "snorkel"):
        slide.run(f"labelkit weak-label votes.csv -o {model}.csv --from-votes 'lf_*' "
                  f"--label-model {model} --quiet")  # fmt: skip
    chosen = {name: cells(f"{name}.csv")[-1] for name in ("majority", "dawid-skene", "snorkel")}
    slide.say(
        "Of `part-5`: "
        + ", ".join(
            f"{name} {row['weak_label'] or 'no label'} ({float(row['weak_confidence']):.2f})"
            for name, row in chosen.items()
        )
        + "."
    )
    assert chosen["majority"]["weak_label"] == ""
    assert chosen["dawid-skene"]["weak_label"] == chosen["snorkel"]["weak_label"] == "NEGATIVE"
    ties = [
        (row["weak_label"], row["gold"])
        for row, plain in zip(cells("dawid-skene.csv"), cells("majority.csv"), strict=True)
        if plain["weak_label"] == "" and row["weak_label"]
    ]
    assert len(ties) > 30
    assert np.mean([said == gold for said, gold in ties]) > 0.65


def test_a_model_of_soft_labels(slide: Slide) -> None:
    slide.topic(
        "A model of the weak labels",
        "`train --from-proba` learns from the probabilities, with a hard label from these alone. "
        "Rows on which no function voted have neither and are left out. The accuracy is measured "
        "on rows that were not learned from, by their gold labels.",
    )
    slide.run(
        f"labelkit weak-label plain.csv -o weak.csv {TWO} --proba \\\n"
        '  --keyword "POSITIVE=lovely,superb,delight" --keyword "NEGATIVE=lazy,bored,mess"',
        ["weak-label: 240 rows"],
    )
    voted = sum(bool(row["weak_label"]) for row in cells("weak.csv"))
    for name, source in (("soft", "--from-proba weak_proba_"), ("hard", "--label weak_label")):
        done = slide.run(
            f"labelkit train weak.csv -o {name}.model {source} {TWO} --gold gold \\\n"
            f"  --features tfidf --classifier logistic --summary {name}.json",
            ["learned from", "accuracy by gold"],
        )
        assert f"learned from {voted} rows" in done.err or name == "soft"
        figures = json.loads(Path(f"{name}.json").read_text())
        assert figures["accuracy"]["gold"]["low"] > 0.5
        assert figures["rows"] >= voted
    votes = sum(row["weak_votes"] != "0" for row in cells("weak.csv"))
    assert json.loads(Path("soft.json").read_text())["rows"] == votes < 240


@pytest.mark.slow
def test_from_functions_to_a_model(slide: Slide) -> None:
    slide.topic(
        "The whole way",
        "Functions, label model, model, labels for other rows.",
    )
    slide.run(f"labelkit weak-label reviews.csv -o weak.csv --functions lfs.py {TWO} --gold gold",
              ["weak-label: 800 rows"])  # fmt: skip
    slide.run(f"labelkit train weak.csv -o films.model --label weak_label {TWO} \\\n"
              "  --features tfidf --classifier logistic", ["learned from"])  # fmt: skip
    slide.run("labelkit predict films.model plain.csv -o predicted.csv", ["predict: "])
    slide.run("labelkit evaluate predicted.csv --gold gold --label model_label --json "
              "--summary figures.json")  # fmt: skip
    figures = json.loads(Path("figures.json").read_text())["figures"][0]
    assert figures["accuracy_interval"][0] > 0.5


def test_many_weak_labels_or_few_right_ones(slide: Slide) -> None:
    slide.topic(
        "Many weak labels or few right ones",
        "Twelve labels by people (`few`) against the labels that rules give. Both models are "
        "measured on the hundred rows of the part `measure`, where alone the truth is known. Here "
        "the many win; where rules are poor they do not.",
    )
    slide.run(
        f"labelkit weak-label few.csv -o weak.csv {TWO} \\\n"
        '  --keyword "POSITIVE=lovely,superb,delight,wonderful" \\\n'
        '  --keyword "NEGATIVE=lazy,bored,mess,dreadful"',
        ["weak-label: 240 rows"],
    )
    found = {}
    for label in ("few", "weak_label"):
        slide.run(
            f"labelkit train weak.csv -o {label}.model --label {label} --gold truth \\\n"
            f"  --where \"part == 'learn'\" --features tfidf --classifier logistic \\\n"
            f"  --summary {label}.json {TWO}",
            ["learned from", "accuracy by truth"],
        )
        found[label] = json.loads(Path(f"{label}.json").read_text())["accuracy"]["gold"]
    assert found["weak_label"]["rows"] == found["few"]["rows"] == 100
    assert found["weak_label"]["low"] > found["few"]["value"]
