"""Any mix of spellings of one value is one class, in every command."""

import csv
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TOPICS = {"1": "good fine sunny", "0": "bad stale grim", "café": "bean cup milk"}
SPELLINGS = {
    "1": ["1", "1.0", " 1", "1.00", "1 "],
    "0": ["0", "0.0", " 0", "0.00", "-0.0"],
    "café": ["café", unicodedata.normalize("NFD", "café"), " café", "café\t", "café "],
}


def write(path: str, header: list[str], rows: list[list[str]]) -> None:
    with Path(path).open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])


def words(text: str) -> list[str]:
    return text.split()


def column(path: str, name: str) -> list[str]:
    with Path(path).open(newline="", encoding="utf-8") as stream:
        return [row[name] for row in csv.DictReader(stream)]


def summary(path: str = "s.json") -> dict:
    return json.loads(Path(path).read_text())


mix = st.lists(
    st.integers(0, 4), min_size=18, max_size=18
)  # which spelling each of 18 labelled rows has


def rows_of(spelling: list[int]) -> list[list[str]]:
    found = []
    for number, which in enumerate(spelling):
        label = list(TOPICS)[number % 3]
        text = f"{TOPICS[label]} word{number % 5}"
        found.append([f"r{number}", text, label, SPELLINGS[label][which]])
    return found


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(mix)
def test_data_answers_and_gold(labelkit: Callable, spelling: list[int]) -> None:
    rows = rows_of(spelling)
    truth = [row[2] for row in rows]
    write("a.csv", ["id", "text", "gold", "label"], rows)
    assert labelkit("evaluate", "a.csv", "--gold", "gold", "--summary", "s.json").code == 0
    assert summary()["classes"] == ["0", "1", "café"]
    assert summary()["figures"][0]["accuracy"] == 1.0
    assert labelkit("decide", "a.csv", "-o", "d.csv", "--features", "tfidf").code == 0
    assert column("d.csv", "final_label") == truth
    write("plain.csv", ["id", "text"], [row[:2] for row in rows])
    write("ann.csv", ["id", "label", "label_annotator"], [[r[0], r[3], "ann"] for r in rows])
    write("bob.csv", ["id", "label", "label_annotator"], [[r[0], r[2], "bob"] for r in rows])
    done = labelkit(*words("merge plain.csv ann.csv bob.csv -o m.csv --summary s.json"))
    assert (done.code, summary()["disputed"]) == (0, 0)
    assert column("m.csv", "label") == truth
    done = labelkit(*words("train a.csv -o a.model --features tfidf --summary s.json"))
    assert (done.code, summary()["classes"]) == (0, 3)
    answered = ["--answers", "ann.csv", "--classes", "0,1,café"]
    done = labelkit(
        *words("train plain.csv -o b.model --features tfidf --summary s.json"),
        *answered,
    )
    assert (done.code, summary()["classes"]) == (0, 3)


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(mix)
def test_votes(labelkit: Callable, spelling: list[int]) -> None:
    rows = [[*row, row[3]] for row in rows_of(spelling)]
    write("v.csv", ["id", "text", "gold", "lf_a", "lf_b"], rows)
    done = labelkit(
        *("weak-label", "v.csv", "-o", "w.csv", "--from-votes", "lf_*", "--gold", "gold"),
        *("--classes", "0,1,café", "--summary", "s.json", "--label-model", "majority"),
    )
    assert done.code == 0
    assert column("w.csv", "weak_label") == [row[2] for row in rows]
    functions = summary()["functions"]
    assert [one["polarity"] for one in functions] == [["0", "1", "café"]] * 2


@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(mix)
def test_probability_columns_and_noise_matrices(labelkit: Callable, spelling: list[int]) -> None:
    rows = rows_of(spelling)
    names = {label: SPELLINGS[label][which] for label, which in zip(TOPICS, spelling, strict=False)}
    shares = [["0.8" if row[2] == label else "0.1" for label in TOPICS] for row in rows]
    table = [[*row, *own] for row, own in zip(rows, shares, strict=True)]
    write("a.csv", ["id", "text", "gold", "label", *(f"p_{names[one]}" for one in TOPICS)], table)
    truth, proba = [row[2] for row in rows], ["--from-proba", "p_", "--gold", "gold"]
    assert labelkit(*words("find-noise a.csv -o n.csv"), *proba).code == 0
    assert column("n.csv", "noise_suggested") == truth
    done = labelkit(*words("train a.csv -o a.model --features tfidf --summary s.json"), *proba)
    assert (done.code, summary()["classes"]) == (0, 3)
    write("b.csv", ["id", "text", "gold", "label", *(f"p_{names[one]}" for one in TOPICS)],
          [[*row[:3], "", *row[4:]] for row in table])  # fmt: skip
    assert labelkit(*words("decide b.csv -o d.csv"), *proba).code == 0
    assert column("d.csv", "final_label") == truth
    done = labelkit(*words("query b.csv -o q.csv --features tfidf -n 2 --classes 0,1,café"), *proba)
    assert done.code == 0, done.err
    pairs = [[names[true], names[one], "0.8" if true == one else "0.1"]
             for true in TOPICS for one in TOPICS]  # fmt: skip
    write("m.csv", ["true", "given", "p_given_when_true"], pairs)
    forward = ["--robust-by", "forward", "--noise-matrix", "m.csv"]
    done = labelkit(*words("train a.csv -o c.model --features tfidf --gold gold"), *forward)
    assert done.code == 0, done.err


def test_two_columns_of_one_class_are_refused(labelkit: Callable) -> None:
    write("a.csv", ["id", "text", "label", "p_1", "p_1.0", "p_0"],
          [[f"r{i}", f"w{i}", str(i % 2), "0.5", "0.5", "0.5"] for i in range(4)])  # fmt: skip
    done = labelkit(*words("decide a.csv -o d.csv --from-proba p_"))
    assert done.code == 1
    assert "the columns 'p_1' and 'p_1.0' are both for the class '1'" in done.err


@pytest.mark.parametrize("command", ["query", "decide", "train", "evaluate", "annotate"])
def test_another_case_is_warned_of_once(labelkit: Callable, command: str) -> None:
    cells = ["Good", "good", "bad", "Good", "good", "bad", "good", "bad", ""]
    write("a.csv", ["id", "text", "label"], [[str(i), f"t{i}", c] for i, c in enumerate(cells)])
    args = {
        "query": "query a.csv -o o.csv -n 1 --features tfidf",
        "decide": "decide a.csv -o o.csv --features tfidf",
        "train": "train a.csv -o o.model --features tfidf",
        "evaluate": "evaluate a.csv --label label --label label2",
        "annotate": "annotate a.csv --plain --in-order",
    }[command]
    if command == "evaluate":
        write("a.csv", ["id", "label", "label2"], [[str(i), c, c] for i, c in enumerate(cells)])
    done = labelkit(*args.split())
    assert done.err.count("'Good' and 'good'") == 1


@pytest.mark.parametrize("blank", [" ", "nan", "\t"])
def test_a_blank_label_is_no_label(labelkit: Callable, blank: str) -> None:
    labels = ["good", "bad"] * 10 + [blank] * 10
    write("a.csv", ["id", "text", "label"], [[f"r{i}", f"w{i}", c] for i, c in enumerate(labels)])
    assert labelkit(*words("query a.csv -o q.csv -n 5 --features tfidf")).code == 0
    assert sum(rank != "" for rank in column("q.csv", "query_rank")) == 5
    done = labelkit(*words("decide a.csv -o d.csv --features tfidf --summary s.json"))
    assert (done.code, summary()["people"]) == (0, 20)
    done = labelkit(*words("train a.csv -o m.model --features tfidf --summary s.json"))
    assert (done.code, summary()["classes"]) == (0, 2)
