"""A trained model in one file without pickle: loading it runs no code of the file's own.

A zip of `card.json` (what the model is, for people and programs), `features.json` and `idf.npy`
(the terms of the TF-IDF, which skops would write a hundred times larger) and `parts.skops` (the
other scikit-learn objects, loaded by skops with the explicit list of types below). The same
model gives the same bytes.
"""

import importlib.abc
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labelkit.errors import LabelkitError, UsageError
from labelkit.io.files import whole
from labelkit.ml.features import Features, vectorizer_of

FORMAT = 1
TRUSTED = (
    "numpy.dtype",
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "scipy.interpolate._bsplines.BSpline",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy._lib.array_api_compat.numpy.asarray",
)


def save(path: Path, features: Features, classifier: Any, card: dict[str, Any]) -> None:
    """Write the model; `card` must hold plain JSON values and is given back by `load`.

    Raises LabelkitError where the file cannot be written.
    """
    import numpy as np
    import sklearn

    with _without_torch():
        import skops.io

    state = features.state()
    parts = dict(state["parts"])
    vectorizer = parts.pop("text", None)
    learned: dict[str, Any] = {"own": state["own"], "text": None}
    arrays = io.BytesIO()
    if vectorizer is not None:
        terms = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.get)
        learned["text"] = {
            "terms": terms,
            "options": {
                "analyzer": vectorizer.analyzer,
                "ngram_range": vectorizer.ngram_range,
                "token_pattern": vectorizer.token_pattern,
            },
        }
        np.save(arrays, vectorizer.idf_, allow_pickle=False)
    elif state["own"]["text"]:
        learned["text"] = {}
    full = {"labelkit_model": FORMAT, "scikit-learn": sklearn.__version__, **card}
    with whole(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        _add(archive, "card.json", json.dumps(full, ensure_ascii=False, indent=2).encode())
        _add(archive, "features.json", json.dumps(learned, ensure_ascii=False).encode())
        _add(archive, "idf.npy", arrays.getvalue())
        written = skops.io.dumps({"classifier": classifier, "parts": parts})
        _add(archive, "parts.skops", _steady(written))


def load(path: Path) -> tuple[Features, Any, dict[str, Any]]:
    """Return the features, the classifier and the card of a saved model.

    Raises LabelkitError for a file that is missing, not a model, or made by versions that do
    not load here.
    """
    card, entries = _read(path)
    if card["labelkit_model"] != FORMAT:
        raise LabelkitError(f"{path} is a model of a newer labelkit; update labelkit to use it")
    import sklearn

    with _without_torch():
        import skops.io

    try:
        untrusted = skops.io.get_untrusted_types(data=entries["parts.skops"])
        foreign = sorted(set(untrusted) - set(TRUSTED))
        if foreign:
            raise LabelkitError(
                f"{path} asks to load {', '.join(foreign)}, which no model of labelkit holds"
            )
        loaded = skops.io.loads(entries["parts.skops"], trusted=untrusted)
        state = _features_state(entries)
        state["parts"] |= loaded["parts"]
        return _features(path, state), loaded["classifier"], card
    except (ValueError, TypeError, KeyError, AttributeError, ImportError, OSError) as error:
        made, here = card.get("scikit-learn"), sklearn.__version__
        reason = f"it was made with scikit-learn {made}, here is {here}" if made != here else error
        raise LabelkitError(f"{path} does not load: {reason}; train it again") from error


def _features(path: Path, state: dict[str, Any]) -> Features:
    try:
        return Features.from_state(state)
    except LabelkitError as error:  # the embedding that it was trained on
        raise LabelkitError(f"{path} cannot be used here: {error}") from error


def read_card(path: Path) -> dict[str, Any]:
    """Return the card alone, without loading the model."""
    return _read(path)[0]


def _read(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    if not path.is_file():
        raise UsageError(f"there is no model {path}; make one with: labelkit train … -o {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        card = json.loads(entries["card.json"])
        int(card["labelkit_model"])
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise LabelkitError(f"{path} is not a model that labelkit train wrote") from error
    return card, entries


def _features_state(entries: dict[str, bytes]) -> dict[str, Any]:
    import numpy as np

    learned = json.loads(entries["features.json"])
    parts: dict[str, Any] = {}
    if learned["text"] is not None:
        parts["text"] = None
        if learned["text"]:
            vectorizer = vectorizer_of(
                learned["text"]["options"], vocabulary=learned["text"]["terms"]
            )
            vectorizer.idf_ = np.load(io.BytesIO(entries["idf.npy"]), allow_pickle=False)
            vectorizer.vocabulary_ = {
                term: place for place, term in enumerate(learned["text"]["terms"])
            }
            parts["text"] = vectorizer
    return {"own": learned["own"], "parts": parts}


class _NoTorch(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == "torch":
            raise ModuleNotFoundError("torch is not wanted here", name=name)


@contextmanager
def _without_torch() -> Iterator[None]:
    # skops imports each package of scikit-learn, one of which imports torch: seconds and 200 MB.
    finder = _NoTorch()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def _steady(written: bytes) -> bytes:
    """Return skops' zip with the memory addresses in it numbered from 0 and no time stamps."""
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        schema = archive.read("schema.json").decode()
        arrays = {name: archive.read(name) for name in archive.namelist() if name != "schema.json"}
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return found[1] + numbers.setdefault(found[2], str(len(numbers))) + found[3]

    schema = re.sub(r'("__id__": )(\d+)(\b)', number, schema)
    schema = re.sub(r'("file": ")(\d+)(\.)', number, schema)
    files = {re.sub(r"^(\d+)", lambda found: numbers[found[1]], name): name for name in arrays}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        _add(archive, "schema.json", schema.encode())
        for name in sorted(files, key=lambda name: (len(name), name)):
            _add(archive, name, arrays[files[name]])
    return out.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
