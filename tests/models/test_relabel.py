"""From find-noise over query and people's answers back to train: nothing is corrected silently."""

import csv
import io
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("words_alone")

GOOD, BAD = "lovely warm kind tale", "dull stale noisy mess"
WRONG = (10, 33)


def read(path):
    return list(csv.DictReader(io.StringIO(Path(path).read_text(), newline="")))


def save(path, rows):
    with Path(path).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_flagged_labels_go_to_people_and_their_word_is_learned_from(labelkit):
    truth = ["pos" if i % 2 else "neg" for i in range(60)]
    given = [("neg" if t == "pos" else "pos") if i in WRONG else t for i, t in enumerate(truth)]
    rows = [
        {"id": f"r{i}", "text": f"{GOOD if t == 'pos' else BAD} {i}", "label": g}
        for i, (t, g) in enumerate(zip(truth, given, strict=True))
    ]
    save("data.csv", rows)

    def run(*args):
        done = labelkit(*args)
        assert done.code == 0, done.err
        return done.err

    run("find-noise", "data.csv", "-o", "noise.csv", "--features", "tfidf", "--fix", "exclude")
    flagged = {row["id"] for row in read("noise.csv") if row["noise_flag"] == "true"}
    assert {f"r{i}" for i in WRONG} <= flagged
    run("query", "noise.csv", "-o", "asked.csv", "--strategy", "relabel", "--batch", "todo.csv")
    assert [row["label"] for row in read("asked.csv")] == given, "no label has changed yet"

    batch = read("todo.csv")
    assert {row["id"] for row in batch} == flagged
    save("todo.csv", [{**row, "label": truth[int(row["id"][1:])]} for row in batch])
    run("merge", "asked.csv", "todo.csv", "-o", "merged.csv")
    assert [row["label"] for row in read("merged.csv")] == truth

    said = run("train", "merged.csv", "-o", "m.model", "--features", "tfidf")
    assert "learned from 60 rows" in said, "people's second word is learned from"
    done = labelkit("query", "merged.csv", "-o", "x.csv", "--strategy", "relabel")
    assert (done.code, "that was not asked again already" in done.err) == (1, True)


def test_a_label_that_decide_chose_against_the_doubted_one_is_learned_from(labelkit):
    rows = [
        {
            "id": f"r{i}",
            "text": f"{GOOD if i % 2 else BAD} {i}",
            "final_label": "pos" if i % 2 else "neg",
            "noise_given": "neg" if i in (1, 3) else ("pos" if i % 2 else "neg"),
            "noise_use": "false" if i in (1, 2, 3) else "true",
        }
        for i in range(40)
    ]
    save("decided.csv", rows)
    done = labelkit("train", "decided.csv", "-o", "m.model", "--label", "final_label",
                    "--features", "tfidf")  # fmt: skip
    assert done.code == 0, done.err
    assert "learned from 39 rows (final_label 39); left out: 1 noise_use = false" in done.err
