"""Wrong labels: found, explained, and what to do about them."""

import json
from pathlib import Path

import numpy as np
import pytest

from labelkit.models import augment
from tests.lecture.conftest import Slide, answer, cells
from tests.lecture.make_data import NOISE

FIND = (
    "labelkit find-noise noisy.csv -o noise.csv --features tfidf \\\n"
    "  --where \"part == 'learn'\" --gold gold --fix exclude"
)


def test_where_wrong_labels_come_from(slide: Slide) -> None:
    slide.topic(
        "Sources of wrong labels",
        "A slip of the keyboard in a label is an error that names rows and the nearest class.",
    )
    slide.run("labelkit train slip.csv -o m.model --classes NEGATIVE,POSITIVE",
              ["POSITVE"], code=1)  # fmt: skip


def test_confident_learning(slide: Slide) -> None:
    slide.topic(
        "A confident model against a label",
        "The row `k60` is labelled POSITIVE; the model, which did not see it, says NEGATIVE with "
        "0.92. It is flagged, and no other.",
    )
    slide.run("labelkit find-noise judged.csv -o noise.csv --from-proba p_ "
              "--method confident-learning", ["find-noise: 61"])  # fmt: skip
    rows = slide.show("noise.csv", "id", "label", "noise_suggested", "noise_reason",
                      where=lambda row: row["noise_flag"] == "true")  # fmt: skip
    flagged = [row for row in rows if row["noise_flag"] == "true"]
    assert [(row["id"], row["noise_suggested"]) for row in flagged] == [("k60", "NEGATIVE")]


def test_the_crowd(slide: Slide) -> None:
    slide.topic(
        "The crowd against one grade",
        "Nineteen of twenty people say B, the official grade is A. `evaluate --annotators` shows "
        "how often the consensus is the official grade, and how good each person is.",
    )
    done = slide.run("labelkit evaluate grades.csv --id essay --annotators 'g*' --gold official",
                     ["evaluate: "], table=4)  # fmt: skip
    assert "0.917" in done.out.splitlines()[2], "eleven of twelve"
    wrong = cells("grades.csv")[2]
    assert wrong["official"] == "A" and list(wrong.values()).count("B") == 19


def test_a_mislabelled_review_is_found(slide: Slide) -> None:
    slide.topic(
        "A tired person's mistake",
        "Labels of 241 reviews, some of them wrong. The first review is plainly negative and "
        "labelled POSITIVE.",
    )
    slide.run(FIND, ["by gold", "find-noise: 241"])
    (row,) = [row for row in cells("noise.csv") if row["id"] == "r000"]
    slide.show("noise.csv", "text", "label", "noise_suggested", "noise_quality", "noise_reason",
               where=lambda row: row["id"] == "r000")  # fmt: skip
    assert (row["noise_flag"], row["noise_suggested"]) == ("true", "NEGATIVE")
    assert float(row["noise_quality"]) < 0.2
    judged = [row for row in cells("noise.csv") if row["noise_quality"]]
    wrong = np.array([row["label"] != row["gold"] for row in judged])
    flagged = np.array([row["noise_flag"] == "true" for row in judged])
    assert wrong[flagged].mean() > 3 * wrong[~flagged].mean()
    assert {row["noise_use"] for row in judged} == {"true", "false"}
    assert [row["noise_use"] == "false" for row in judged] == flagged.tolist()


def test_the_noise_matrix(slide: Slide) -> None:
    slide.topic(
        "How labels go wrong",
        "`--matrix` estimates from the labels alone how a true class comes to be labelled. Here "
        f"{NOISE['POSITIVE']:.0%} of the positive reviews were labelled NEGATIVE, and "
        f"{NOISE['NEGATIVE']:.0%} of the negative ones POSITIVE.",
    )
    slide.run(f"{FIND} \\\n  --matrix matrix.json",
              ["of the rows truly", "true      ", "NEGATIVE  ", "POSITIVE  "])  # fmt: skip
    matrix = json.loads(Path("matrix.json").read_text())["p_given_when_true"]
    assert matrix["POSITIVE"]["NEGATIVE"] == pytest.approx(NOISE["POSITIVE"], abs=0.1)
    assert matrix["NEGATIVE"]["POSITIVE"] == pytest.approx(NOISE["NEGATIVE"], abs=0.1)
    assert matrix["POSITIVE"]["NEGATIVE"] > matrix["NEGATIVE"]["POSITIVE"]


def test_what_to_do_about_them(slide: Slide) -> None:
    slide.topic(
        "Remove, relabel, or learn robustly",
        "The same labels, six ways, each measured by gold labels on the 600 rows of the part "
        "`measure`, which no model learned from. Removing obeys `noise_use`; relabelling asks "
        "people about the flagged rows; `--robust` leaves out what looks wrong by itself.",
    )
    learn = ("--label label --gold gold --features tfidf --classifier logistic \\\n"
             "  --where \"part == 'learn'\"")  # fmt: skip
    found: dict[str, dict[str, float]] = {}

    def train(name: str, path: str, more: str = "") -> None:
        slide.run(f"labelkit train {path} -o {name}.model {learn}{more} --summary {name}.json",
                  ["accuracy by gold 0."])  # fmt: skip
        found[name] = json.loads(Path(f"{name}.json").read_text())["accuracy"]["gold"]

    train("as_they_are", "noisy.csv")
    slide.run(f"{FIND} --quiet")
    train("removed", "noise.csv")
    slide.run("labelkit query noise.csv -o q.csv --strategy relabel -n 60 --audit 0 \\\n"
              "  --gold gold --batch todo.csv --features tfidf", ["picked by relabel"])  # fmt: skip
    truth = {row["id"]: row["gold"] for row in cells("noisy.csv")}
    assert answer("todo.csv", "answers.csv", truth) > 20
    slide.say("`answers.csv` is that batch with the column `label` filled in.")
    slide.run("labelkit merge q.csv answers.csv -o relabelled.csv", ["merge: "])
    train("relabelled", "relabelled.csv")
    train("smoothed", "noisy.csv", " --smoothing 0.1")
    train("mixed_up", "noisy.csv", " --mixup 0.2")
    train("robust", "noisy.csv", " --robust")
    slide.table(
        [{"labels": name, "accuracy": each["value"], "from": each["low"], "to": each["high"],
          "rows": each["rows"]} for name, each in found.items()],
        ("labels", "accuracy", "from", "to", "rows"),
    )  # fmt: skip
    slide.say(
        "Where a fifth of the labels is wrong, finding them helps most. Smoothing changes little "
        "in a model of words, and mixup does harm here."
    )
    assert {each["rows"] for each in found.values()} == {600}
    assert found["relabelled"]["value"] > found["as_they_are"]["value"]
    assert found["removed"]["value"] > found["as_they_are"]["value"]
    assert found["robust"]["value"] > found["as_they_are"]["value"]
    assert abs(found["smoothed"]["value"] - found["as_they_are"]["value"]) < 0.02
    assert found["mixed_up"]["value"] < found["as_they_are"]["value"]


def test_smoothing_in_numbers() -> None:
    """A label of three classes at 0.1: 1 - 0.1 + 0.1/3 for it, 0.1/3 for each other."""
    lesson = augment.Lesson(np.eye(3), np.array([0, 1, 2]), None)
    soft = augment.smoothed(lesson, 0.1)
    shares = np.zeros((3, 3))
    np.add.at(shares, (soft.matrix.argmax(axis=1), soft.codes), soft.weights)
    assert shares == pytest.approx(np.full((3, 3), 0.1 / 3) + np.eye(3) * 0.9)


def test_mixup_in_numbers() -> None:
    """Each row is a mixture of two, and its label is mixed in the same shares."""
    lesson = augment.Lesson(np.eye(2)[[0, 0, 1, 1]], np.array([0, 0, 1, 1]), None)
    mixed = augment.mixed(lesson, 0.2, 2, seed=0)
    for row, code, share in zip(mixed.matrix, mixed.codes, mixed.weights, strict=True):
        assert share == pytest.approx(row[code]), "features and label in the same shares"
    assert mixed.weights.sum() == pytest.approx(4, abs=0.1)
