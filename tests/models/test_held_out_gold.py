"""train --gold: the model is measured on the rows that it did not learn from, and only there."""

import json
from pathlib import Path
from typing import Any

import pytest

WORDS = {"GOOD": "warm lovely bright", "BAD": "stale grim dull"}
ROWS = 120
LEARN = ("--label", "said", "--gold", "truth", "--features", "tfidf", "--classifier", "logistic")


def films(labelled: Any, said: Any = lambda i, truth: truth) -> str:
    """Rows with a truth; `labelled(i)` have a label as well, the one that is `said`."""
    lines = ["id,text,said,truth"]
    for i in range(ROWS):
        truth = ("GOOD", "BAD")[i % 2]
        word = WORDS[truth].split()[i % 3]
        label = said(i, truth) if labelled(i) else ""
        lines.append(f"r{i},a {word} film number {i},{label},{truth}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def train(labelkit: Any) -> Any:
    def run(*more: str) -> tuple[Any, str]:
        done = labelkit("train", "a.csv", "-o", "m.model", *LEARN, "--summary", "s.json", *more)
        assert done.code == 0, done.err
        return json.loads(Path("s.json").read_text())["accuracy"].get("gold"), done.err

    return run


def test_rows_without_a_label_are_measured_on(train: Any, write: Any) -> None:
    write("a.csv", films(lambda i: i < 80))
    gold, said = train()
    assert gold["rows"] == 40 and gold["value"] == 1.0
    assert "accuracy by truth 1.000 (95% CI 0.912–1.000, n=40), on rows that were not" in said
    assert (
        "accuracy of the model 1.000 (95% CI 0.912–1.000, n=40 rows with gold that were not" in said
    )


def test_rows_outside_where_are_measured_on_by_gold_not_by_their_labels(
    train: Any, write: Any
) -> None:
    other = {"GOOD": "BAD", "BAD": "GOOD"}
    write("a.csv", films(lambda i: True, lambda i, truth: truth if i < 80 else other[truth]))
    lines = Path("a.csv").read_text().splitlines()
    lines = [
        lines[0] + ",part",
        *(f"{x},{('old', 'new')[i >= 80]}" for i, x in enumerate(lines[1:])),
    ]
    write("a.csv", "\n".join(lines) + "\n")
    gold, _ = train("--where", "part == 'old'")
    assert (gold["rows"], gold["value"]) == (40, 1.0)


def test_gold_changes_nothing_in_the_model(train: Any, write: Any) -> None:
    models = []
    for swap in (False, True):
        text = films(lambda i: i < 80)
        if swap:
            cut = [line.rpartition(",") for line in text.splitlines()[1:]]
            turned = {"GOOD": "BAD", "BAD": "GOOD"}
            text = "\n".join(["id,text,said,truth", *(f"{a},{turned[g]}" for a, _, g in cut)])
        write("a.csv", text)
        models.append((train()[0]["value"], _parameters()))
    assert (models[0][0], models[1][0]) == (1.0, 0.0)
    assert models[0][1] == models[1][1]


def _parameters() -> dict[str, bytes]:
    """Return what a model file holds beside its card."""
    import zipfile

    with zipfile.ZipFile("m.model") as file:
        return {name: file.read(name) for name in file.namelist() if name != "card.json"}


def test_duplicates_of_what_was_learned_are_not_measured_on(train: Any, write: Any) -> None:
    text = films(lambda i: i < 80)
    again = ["x0,A WARM film  number 0,,GOOD"]  # the text of r0 in another spelling
    write("a.csv", text + "\n".join(again) + "\n")
    assert train()[0]["rows"] == 40


def test_without_held_out_rows_it_says_how_to_keep_some(train: Any, write: Any) -> None:
    write("a.csv", films(lambda i: True))
    gold, said = train()
    assert gold is None
    assert "no accuracy by truth" in said and "--where" in said
