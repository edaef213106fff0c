import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from labelkit.errors import LabelkitError, UsageError
from labelkit.ml import model_file
from labelkit.ml.classifier import Recipe, fit, probabilities
from labelkit.ml.features import Features

N = 60
TABLE = pa.table(
    {
        "text": [f"good film {i % 7}" if i % 2 else f"bad film {i % 5}" for i in range(N)],
        "price": (np.arange(N) * 1.37) % 11,
        "country": ["US", "UK", ""] * (N // 3),
    }
)
KINDS = {"text": "text", "price": "number", "country": "text"}
CODES = np.arange(N) % 2
RECIPES = [Recipe("logistic"), Recipe("logistic", splines=True), Recipe("forest")]


def made(choice, recipe):
    features = Features(["text"], KINDS, choice).fit(TABLE)
    return features, fit(features.matrix(TABLE), CODES, recipe)


@pytest.mark.parametrize(
    ("choice", "recipe"),
    [
        *[("columns", recipe) for recipe in RECIPES],
        ("columns", Recipe("boosting")),
        ("tfidf", Recipe("logistic", 10.0)),
        ("mixed", Recipe("logistic", 10.0)),
        ("mixed", Recipe("boosting")),
    ],
)
def test_a_model_comes_back_as_it_was(tmp_path, choice, recipe):
    features, classifier = made(choice, recipe)
    path = tmp_path / "a.model"
    model_file.save(path, features, classifier, {"classes": ["a", "b"], "é": 1})
    again, same, card = model_file.load(path)
    assert card["classes"] == ["a", "b"]
    assert card["é"] == 1
    before = probabilities(classifier, features.matrix(TABLE), 2)
    assert probabilities(same, again.matrix(TABLE), 2).tobytes() == before.tobytes()
    assert again.used_kinds() == features.used_kinds()


def test_a_constant_model_and_texts_without_words(tmp_path):
    table = pa.table({"text": ["", "", ""]})
    features = Features(["text"], {"text": "text"}).fit(table)
    classifier = fit(features.matrix(table), np.array([1, 1, 1]), Recipe("logistic"))
    path = tmp_path / "a.model"
    model_file.save(path, features, classifier, {})
    again, same, _ = model_file.load(path)
    assert probabilities(same, again.matrix(table), 2).tolist() == [[0, 1]] * 3


def test_the_same_model_gives_the_same_bytes_in_another_process(tmp_path):
    script = (
        "import sys; sys.path[:0] = sys.argv[1:3]; import test_model_file as t; "
        "from pathlib import Path; t.save_some(Path('.'))"
    )
    here = Path(__file__).parent
    subprocess.run(
        [sys.executable, "-c", script, here, here.parents[1]], check=True, cwd=made_folder(tmp_path)
    )
    save_some(tmp_path)
    names = [path.name for path in tmp_path.iterdir() if path.is_file()]
    assert len(names) == 4
    for name in names:
        assert (tmp_path / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def made_folder(tmp_path):
    (tmp_path / "other").mkdir()
    return tmp_path / "other"


def save_some(folder):
    for choice in ("columns", "mixed"):
        for number, recipe in enumerate(RECIPES[::2]):
            model_file.save(folder / f"{choice}{number}", *made(choice, recipe), {})


def test_missing_and_foreign_files(tmp_path):
    path = tmp_path / "a.model"
    with pytest.raises(UsageError, match=r"there is no model .*make one with: labelkit train"):
        model_file.load(path)
    path.write_bytes(b"not a zip")
    with pytest.raises(LabelkitError, match="is not a model that labelkit train wrote"):
        model_file.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("card.json", json.dumps({"labelkit_model": "x"}))
    with pytest.raises(LabelkitError, match="is not a model that labelkit train wrote"):
        model_file.read_card(path)


def changed(path, name, content):
    with zipfile.ZipFile(path) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    entries[name] = content(entries[name])
    with zipfile.ZipFile(path, "w") as archive:
        for entry, value in entries.items():
            archive.writestr(entry, value)


def test_a_hostile_model_is_not_run(tmp_path):
    path = tmp_path / "a.model"
    model_file.save(path, *made("columns", Recipe("logistic")), {})

    def poisoned(content):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        schema = entries["schema.json"].decode()
        schema = schema.replace("LogisticRegression", "system").replace(
            "sklearn.linear_model._logistic", "os"
        )
        entries["schema.json"] = schema.encode()
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, value in entries.items():
                archive.writestr(name, value)
        return out.getvalue()

    changed(path, "parts.skops", poisoned)
    with pytest.raises(LabelkitError, match=r"asks to load os\.system, which no model of labelkit"):
        model_file.load(path)


def test_a_model_of_other_versions(tmp_path):
    path = tmp_path / "a.model"
    model_file.save(path, *made("columns", Recipe("logistic")), {})
    changed(
        path, "card.json", lambda raw: raw.replace(b'"labelkit_model": 1', b'"labelkit_model": 2')
    )
    with pytest.raises(LabelkitError, match="is a model of a newer labelkit; update labelkit"):
        model_file.load(path)


def test_torch_is_not_imported(tmp_path):
    model_file.save(tmp_path / "a.model", *made("columns", Recipe("logistic")), {})
    script = (
        "import sys; from pathlib import Path; from labelkit.ml import model_file; "
        "model_file.load(Path('a.model')); assert 'torch' not in sys.modules; "
        "import importlib.util; assert not any('NoTorch' in repr(f) for f in sys.meta_path)"
    )
    root = str(Path(__file__).parents[2])
    subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r}); {script}"],
        check=True,
        cwd=tmp_path,
    )
