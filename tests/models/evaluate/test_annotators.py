"""evaluate --annotators: people judged by each other, in wide and in long files."""

import json
import random

import pytest

SKILL = {"ann_a": 0.95, "ann_b": 0.9, "ann_c": 0.9, "ann_d": 0.3}


def said(items=150, seed=0):
    """Item, truth and what each person says; each item is seen by three of four."""
    rng = random.Random(seed)
    for i in range(items):
        truth = rng.choice("xyz")
        out = rng.choice(list(SKILL))
        voices = {
            name: truth if rng.random() < skill else rng.choice([c for c in "xyz" if c != truth])
            for name, skill in SKILL.items()
            if name != out
        }
        yield f"k{i}", truth, voices


@pytest.fixture
def wide(write):
    lines = [f"id,text,truth,{','.join(SKILL)}"]
    for key, truth, voices in said():
        lines.append(f"{key},some text,{truth},{','.join(voices.get(n, '') for n in SKILL)}")
    return write("wide.csv", "\n".join(lines) + "\n")


@pytest.fixture
def long(write):
    lines = ["id,truth,label,who"]
    for key, truth, voices in said():
        lines += [f"{key},{truth},{label},{name}" for name, label in voices.items()]
    return write("long.csv", "\n".join(lines) + "\n")


def test_wide_and_long_files_say_the_same(labelkit, wide, long):
    one = labelkit("evaluate", wide, "--annotators", "ann_*", "--gold", "truth", "--json")
    assert one.code == 0, one.err
    other = labelkit("evaluate", long, "--annotators", "who", "--gold", "truth", "--json")
    assert other.code == 0, other.err
    first, second = json.loads(one.out), json.loads(other.out)
    for name in ("items", "labels", "classes"):
        assert first[name] == second[name]
    assert first["alpha"] == pytest.approx(second["alpha"])
    assert first["consensus"]["accuracy"] == second["consensus"]["accuracy"] > 0.9
    quality = {p["annotator"]: p["quality"] for p in first["annotators"]}
    assert min(quality, key=quality.get) == "ann_d"
    matrix = first["annotators"][0]["p_said_when_true"]
    assert sum(matrix["x"].values()) == pytest.approx(1, abs=1e-5)
    assert first["least_sure"][0]["confidence"] <= first["least_sure"][-1]["confidence"]


def test_it_reads_as_tables(labelkit, wide):
    done = labelkit("evaluate", wide, "--annotators", "ann_a,ann_b,ann_c,ann_d")
    assert done.code == 0, done.err
    assert "annotator" in done.out
    assert "least sure: key" in done.out
    assert "evaluate: 4 annotators · 150 items · 450 labels · Krippendorff's alpha 0." in done.err


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--annotators", "bob"), 2, "--annotators bob: wide.csv has no such column"),
        (("--annotators", "ann_*", "--compare", "ann_a,ann_b"), 2, "give one of the two"),
        (("--annotators", "ann_a", "--id", "row"), 2, "the item must be named too: --id COLUMN"),
        (("--annotators", "ann_*", "--classes", "x,y"), 1, "the label 'z' of"),
        (("--annotators", "ann_*", "--where", "id == 'none'"), 1, "no annotator labelled any row"),
    ],
)
def test_what_cannot_be_is_said(labelkit, wide, options, code, words):
    done = labelkit("evaluate", "wide.csv", *options)
    assert done.code == code
    assert words in done.err


def test_a_label_without_a_giver(labelkit, write):
    write("a.csv", "id,label,who\n1,x,ann\n1,y,\n")
    done = labelkit("evaluate", "a.csv", "--annotators", "who")
    assert (done.code, "a.csv, row 2: nobody is named in column 'who'" in done.err) == (1, True)


def test_of_a_persons_answers_to_an_item_the_last_counts(labelkit, write):
    lines = ["1,x,bob", "1,y,ann", "2,x,ann", "2,x,bob", "3,y,ann", "3,y,bob"]
    write("once.csv", "id,label,who\n" + "\n".join(lines) + "\n")
    lines = ["1,x,ann", *lines[:1], "1,x,ann", *lines[1:], "3,,ann", "3,z,bob"]
    write("again.csv", "id,label,who\n" + "\n".join(lines) + "\n")
    options = ("--annotators", "who", "--classes", "x,y", "--unknown-label", "ignore", "--json")
    once = labelkit("evaluate", "once.csv", *options)
    again = labelkit("evaluate", "again.csv", *options)
    assert "6 labels · 2 replaced by a later answer of the same person · Kripp" in again.err
    assert "replaced" not in once.err
    found = json.loads(again.out)
    assert found.pop("superseded") == 2
    assert found == {k: v for k, v in json.loads(once.out).items() if k != "superseded"}


def test_labels_that_stand_alone_give_no_alpha(labelkit, write):
    write("a.csv", "id,label,who\n1,x,ann\n2,y,bob\n")
    done = labelkit("evaluate", "a.csv", "--annotators", "who", "--json")
    assert json.loads(done.out)["alpha"] is None
    assert "alpha not known (no item has two labels)" in done.err
