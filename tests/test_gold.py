"""One law for gold: never learned from, whatever it is called; read like a label; checked."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

ROWS = 60
WORDS = {"ham": "lunch minutes table", "spam": "prize win free"}


def write(path: str, gold: str, spelled: Callable[[str], str] = str, **more: str) -> None:
    """Write rows of two classes; the rules vote on some, and the label model is not sure."""
    with Path(path).open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text", gold, "weak_label", *more])
        for i in range(ROWS):
            truth = ("ham", "spam")[i % 2]
            text = f"{WORDS[truth].split()[i % 3]} {WORDS[('ham', 'spam')[i % 3 == 0]]} {i}"
            weak = truth if i % 5 else "ham"
            writer.writerow([f"r{i}", text, spelled(truth), weak, *more.values()])


def ours(path: str, prefix: str) -> list[list[str]]:
    with Path(path).open(newline="") as stream:
        return [
            [value for name, value in row.items() if name.startswith(prefix)]
            for row in csv.DictReader(stream)
        ]


RULES = ("--keyword", "ham=lunch,minutes", "--keyword", "spam=prize,win", "--overwrite")
COMMANDS = {
    "weak-label": (("weak-label", "--as", "mine", *RULES[:4]), "mine_"),
    "query": (("query", "-n", "6", "--features", "tfidf"), "query_"),
    "decide": (("decide", "--features", "tfidf"), "final_"),
    "find-noise": (("find-noise", "--features", "tfidf", "--label", "weak_label"), "noise_"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_gold_column_called_label_is_not_learned_from(labelkit: Callable, command: str) -> None:
    (name, *options), prefix = COMMANDS[command]
    write("truth.csv", "truth")
    write("label.csv", "label")
    for gold in ("truth", "label"):
        done = labelkit(name, f"{gold}.csv", "-o", f"out-{gold}.csv", "--gold", gold, *options)
        assert done.code == 0, done.err
    assert ours("out-label.csv", prefix) == ours("out-truth.csv", prefix)


@pytest.mark.parametrize("command", ["train", "query", "decide"])
def test_a_label_column_that_is_the_gold_column_is_refused(
    labelkit: Callable, command: str
) -> None:
    write("a.csv", "truth")
    done = labelkit(
        *(command, "a.csv", "-o", "o.csv" if command != "train" else "m.model"),
        *("--label", "truth", "--gold", "truth"),
    )
    assert done.code == 2


CHECKED = {
    **{name: [*command, "-o", "o.csv"] for name, (command, _) in COMMANDS.items()},
    "evaluate": ["evaluate", "--label", "weak_label"],
    "simulate": ["simulate", "--labels", "20", "--seeds", "1", "--features", "tfidf"],
    "report": ["report", "-o", "r.html"],
    "annotate": ["annotate", "--plain"],
    "plan": ["plan"],
    "llm-label": ["llm-label", "-o", "o.csv", "--model", "replay:none.jsonl", "--dry-run"],
}


@pytest.mark.parametrize("command", CHECKED)
def test_gold_outside_the_classes_is_an_error(labelkit: Callable, command: str) -> None:
    write("a.csv", "gold", lambda truth: {"spam": "Spamm"}.get(truth, truth))
    Path("none.jsonl").write_text("")
    name, *options = CHECKED[command]
    done = labelkit(name, "a.csv", *options, "--gold", "gold", "--classes", "ham,spam")
    assert done.code == 1, done.err
    assert "--gold" in done.err and "'Spamm'" in done.err


@pytest.mark.parametrize("command", ["weak-label", "find-noise", "decide", "evaluate"])
def test_gold_is_read_like_a_label(labelkit: Callable, command: str) -> None:
    write("a.csv", "gold")
    write("b.csv", "gold", lambda truth: f" {truth.upper()} ")
    figures = []
    for path in ("a.csv", "b.csv"):
        name, *options = CHECKED[command]
        done = labelkit(
            name, path, *options, "--gold", "gold", "--classes", "ham,spam", "--summary", "s.json"
        )
        assert done.code == 0, done.err
        figures.append(json.loads(Path("s.json").read_text()))
    assert figures[0] == figures[1]


def test_votes_that_are_numbers_are_judged_by_gold_of_names(labelkit: Callable) -> None:
    with Path("v.csv").open("w", newline="") as stream:
        rows = [[i, i % 2, i % 2] for i in range(20)]
        csv.writer(stream).writerows([["id", "lf_a", "gold"], *rows])
    done = labelkit(
        *("weak-label", "v.csv", "-o", "w.csv", "--from-votes", "lf_*", "--gold", "gold"),
        *("--classes", "ham,spam"),
    )
    # 0 and 1 index the classes as votes, but a gold label is a name.
    assert done.code == 1
    assert "'0'" in done.err


def test_a_pipeline_with_people_keeps_gold_and_human_labels_apart(labelkit: Callable) -> None:
    write("a.csv", "label")
    done = labelkit(
        *("pipeline", "a.csv", "-o", "o.csv", "--work-dir", "w", "--oracle", "label"),
        *("--stages", "query,people,decide", "--classes", "ham,spam"),
    )
    assert done.code == 2
    assert not Path("w").exists()
