import contextlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.errors import LabelkitError, UsageError
from labelkit.ml import model_file, model_parts
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


@pytest.mark.parametrize("recipe", [*RECIPES[::2], Recipe("boosting")], ids=str)
def test_a_model_of_three_classes_with_gaps_comes_back(tmp_path, recipe):
    table = pa.table(
        {
            "n": [None if i % 5 == 0 else i % 7 + 0.5 for i in range(N)],
            "m": [float(i) for i in range(N)],
            "word": [f"rare{i}" if i % 9 == 0 else "abc"[i % 3] for i in range(N)],
        }
    )
    kinds = {"n": "number", "m": "number", "word": "text"}
    features = Features([], kinds, "columns", named=list(kinds)).fit(table)
    classifier = fit(features.matrix(table), np.arange(N) % 3 + 1, recipe)
    path = tmp_path / "a.model"
    model_file.save(path, features, classifier, {"classes": ["w", "x", "y", "z"]})
    again, same, _ = model_file.load(path)
    other = pa.table({"n": [None, 3.0], "m": [1e9, None], "word": ["new", "b"]})
    for rows in (table, other):
        before = probabilities(classifier, features.matrix(rows), 4)
        assert probabilities(same, again.matrix(rows), 4).tobytes() == before.tobytes()


def test_a_constant_model_and_texts_without_words(tmp_path):
    table = pa.table({"text": ["", "", ""]})
    features = Features(["text"], {"text": "text"}).fit(table)
    classifier = fit(features.matrix(table), np.array([1, 1, 1]), Recipe("logistic"))
    path = tmp_path / "a.model"
    model_file.save(path, features, classifier, {"classes": ["a", "b"]})
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
    assert len(names) == 2
    for name in names:
        assert (tmp_path / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def made_folder(tmp_path):
    (tmp_path / "other").mkdir()
    return tmp_path / "other"


def save_some(folder):
    for choice, recipe in [("columns", RECIPES[2]), ("mixed", RECIPES[0])]:
        model_file.save(folder / choice, *made(choice, recipe), {"classes": ["a", "b"]})


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
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, value in entries.items():
            archive.writestr(entry, value)


def in_document(path, name, change):
    def content(raw):
        document = json.loads(raw)
        change(document)
        return json.dumps(document).encode()

    changed(path, name, content)


def npy(shape, dtype="<f8", data=b""):
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "a.model"
    model_file.save(path, *made("mixed", Recipe("logistic")), {"classes": ["a", "b"]})
    return path


@pytest.mark.parametrize("name", ["card.json", "coef.npy", "new.npy"])
def test_an_entry_that_expands_far_is_not_read(model, name):
    bomb = io.BytesIO()
    with zipfile.ZipFile(model) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for entry, value in entries.items():
            if entry != name:
                archive.writestr(entry, value)
        archive.writestr(name, b"0" * 1000)
        # Only the size that the file declares counts; so the test needs no large file.
        archive.getinfo(name).file_size = 3 << 30
    model.write_bytes(bomb.getvalue())
    with pytest.raises(LabelkitError, match="expands to more than a model of that size holds"):
        model_file.load(model)


def test_a_model_whose_terms_shrink_very_far_is_no_bomb(tmp_path, monkeypatch):
    monkeypatch.setitem(model_file.SMALLEST_LIMIT, "documents", 30_000)
    words = [chr(97 + i) * 400 for i in range(26)]
    texts = [f"{words[i % 26]} {words[(i + 7 * (i // 26)) % 26]}" for i in range(N * 2)]
    table = pa.table({"text": texts})
    features = Features(["text"], {"text": "text"}).fit(table)
    classifier = fit(features.matrix(table), np.arange(N * 2) % 2, Recipe("logistic"))
    path = tmp_path / "a.model"
    model_file.save(path, features, classifier, {"classes": ["a", "b"]})
    assert model_file.load(path)[0].matrix(table).shape == features.matrix(table).shape


def test_an_entry_that_is_larger_than_it_says_is_not_read_on(model):
    raw = model.read_bytes()
    with zipfile.ZipFile(model) as archive:
        size = archive.getinfo("features.json").file_size
    assert raw.count(size.to_bytes(4, "little")) >= 1
    model.write_bytes(raw.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(LabelkitError, match="does not load"):
        model_file.load(model)


@pytest.mark.parametrize(
    "content",
    [
        npy((1 << 40,)),
        npy((1 << 62, 1 << 62)),
        npy((2,), "|O", b"x" * 16),
        npy((1,), "|V1000000000"),
        npy((-1,)),
        npy((1, 3), data=np.full(3, np.nan).tobytes()),
        b"",
    ],
    ids=["long", "overflow", "objects", "wide", "negative", "nan", "empty"],
)
def test_an_array_that_is_not_what_it_says(model, content):
    changed(model, "coef.npy", lambda _: content)
    with pytest.raises(LabelkitError, match=r"a\.model does not load: .*; train it again"):
        model_file.load(model)


def test_texts_are_cut_in_no_other_way_than_ours(model):
    def hostile(document):
        document["text"]["cut"] = "(?:a+)+b"
        document["text"]["options"] = {"token_pattern": "(?:a+)+b"}
        document["text"]["token_pattern"] = "(?:a+)+b"

    in_document(model, "features.json", hostile)
    with pytest.raises(LabelkitError, match="does not load"):
        model_file.load(model)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("helper.py:embed", "loading it runs the code of that file; if you trust it, allow it"),
        ("sentence-transformers:a/b", "loading it may download that model; if you trust it"),
        ("sentence-transformers", "loading it may download that model; if you trust it"),
        ("os:system", "names the embedding 'os:system', which labelkit does not know"),
    ],
)
def test_an_embedding_that_a_model_names_is_not_loaded(model, name, message):
    Path("helper.py").write_text("open('ran', 'w')\ndef embed(texts): return [[1.0]] * len(texts)")

    def hostile(document):
        document["own"]["kind"] = "tfidf+embedding"
        document["own"]["embedding"] = {"name": name, "version": "1"}

    in_document(model, "features.json", hostile)
    with pytest.raises(LabelkitError, match=message):
        model_file.load(model)
    with pytest.raises(LabelkitError):
        model_file.load(model, "embedding:helper.py:embed")  # the digest is another
    assert not Path("ran").exists()


@pytest.mark.parametrize("recipe", [Recipe("forest"), Recipe("boosting")], ids=str)
@pytest.mark.parametrize("place", [0, 1 << 30])
def test_a_tree_that_does_not_lead_downwards(recipe, place):
    features, classifier = made("columns", recipe)
    saved = model_parts.written(classifier)
    left = "left_child" if recipe.kind == "forest" else "left"
    saved.arrays["nodes"][left][0] = place
    width = features.matrix(TABLE).shape[1]
    with pytest.raises(ValueError, match="a tree leads outside its nodes"):
        model_parts.rebuilt(model_parts.Stored(*saved), width, 2)
    saved = model_parts.written(classifier)
    column = "feature" if recipe.kind == "forest" else "feature_idx"
    saved.arrays["nodes"][column][0] = width
    with pytest.raises(ValueError, match="a tree reads a column that is not there"):
        model_parts.rebuilt(model_parts.Stored(*saved), width, 2)


@pytest.fixture(scope="module")
def models():
    """The bytes of some small models."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.model"
        for choice, recipe in [("mixed", Recipe("logistic")), ("columns", RECIPES[1])]:
            model_file.save(path, *made(choice, recipe), {"classes": ["a", "b"]})
            found.append(path.read_bytes())
        small = fit(made("columns", RECIPES[0])[0].matrix(TABLE), CODES, Recipe("forest"))
        small.estimators_ = small.estimators_[:2]
        model_file.save(path, made("columns", RECIPES[0])[0], small, {"classes": ["a", "b"]})
        found.append(path.read_bytes())
    return found


VALUES = st.sampled_from(
    [None, -1, 0, 1, 1 << 40, 1e308, "", "text", "a.py:f", "(a+)+b", [], {}, True, ["a", "b"]]
)


@st.composite
def mutation(draw):
    """A function of the entries of a model that changes one of them."""
    document = draw(st.booleans())
    steps = draw(st.lists(st.integers(0, 9), min_size=1, max_size=4))
    value, spot = draw(VALUES), draw(st.floats(0, 1, exclude_max=True))
    byte = draw(st.binary(min_size=0, max_size=8))

    def in_place(node):
        for step in steps:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                return
            key = keys[step % len(keys)]
            if step is steps[-1] or not isinstance(node[key], dict | list):
                node[key] = value
                return
            node = node[key]

    def change(entries):
        suffix = ".json" if document else ".npy"
        names = [name for name in entries if name.endswith(suffix)]
        name = names[steps[0] % len(names)]
        if document:
            parsed = json.loads(entries[name])
            in_place(parsed)
            entries[name] = json.dumps(parsed).encode()
        else:
            at = int(spot * len(entries[name]))
            entries[name] = entries[name][:at] + byte + entries[name][at + len(byte) :]

    return change


@settings(max_examples=60)
@given(which=st.integers(0, 2), change=mutation(), spot=st.none() | st.floats(0, 0.999))
def test_a_changed_model_loads_or_says_that_it_does_not(models, which, change, spot):
    path = Path("changed.model")
    raw = models[which]
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, value in entries.items():
            archive.writestr(entry, value)
    if spot is not None:  # or the file itself is damaged
        damaged = bytearray(raw)
        damaged[int(spot * len(raw))] ^= 0x15
        path.write_bytes(damaged)
    try:
        features, classifier, card = model_file.load(path)
    except LabelkitError as error:
        assert "changed.model" in str(error)
        return
    with contextlib.suppress(ValueError), np.errstate(all="ignore"):
        matrix = features.matrix(TABLE)
        assert probabilities(classifier, matrix, len(card["classes"])).shape[0] == N


def test_a_model_of_other_versions(tmp_path):
    path = tmp_path / "a.model"
    model_file.save(path, *made("columns", Recipe("logistic")), {"classes": ["a", "b"]})
    changed(
        path, "card.json", lambda raw: raw.replace(b'"labelkit_model": 2', b'"labelkit_model": 3')
    )
    with pytest.raises(LabelkitError, match="is a model of a newer labelkit; update labelkit"):
        model_file.load(path)


def test_a_model_with_very_many_coefficients_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr("labelkit.stats.blocks.MOST_EXACT", 0)
    monkeypatch.setattr("labelkit.ml.classifier.MOST_COEFFICIENTS", 0)
    features = Features(["text"], KINDS, "tfidf").fit(TABLE)
    matrix = features.matrix(TABLE)
    classifier = fit(matrix, np.arange(N) % 3, Recipe("logistic", 10.0))
    model_file.save(tmp_path / "a.model", features, classifier, {"classes": ["x", "y", "z"]})
    _, same, _ = model_file.load(tmp_path / "a.model")
    assert same.coef_.dtype == np.float32
    before = probabilities(classifier, matrix, 3)
    assert probabilities(same, matrix, 3).tobytes() == before.tobytes()
