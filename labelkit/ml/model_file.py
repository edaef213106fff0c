"""A trained model in one file of names and numbers, which may come from anybody.

A zip of `card.json` (what the model is, for people and programs), `features.json` (columns, terms,
categories), `classifier.json` and arrays as `NAME.npy`. Loading it runs no code and no regular
expression of the file, opens no file that it names, and takes memory in proportion to the file's
own size. The same model gives the same bytes.
"""

import io
import json
import math
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import LabelkitError, UsageError
from labelkit.io.column_types import KINDS, NUMBERS
from labelkit.io.files import whole
from labelkit.ml import model_parts
from labelkit.ml.embedding import permitted
from labelkit.ml.features import (
    CHOICES,
    Categories,
    Features,
    Vectors,
    cut_of,
    vectorizer_of,
)
from labelkit.ml.model_parts import Arrays, Stored

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 2
DOCUMENTS = ("card.json", "features.json", "classifier.json")
MEGABYTE = 1 << 20
# What entries may expand to: so much in any case, and so many times the size of the file. Trees
# shrink to a tenth, terms to a third.
SMALLEST_LIMIT = {"documents": 16 * MEGABYTE, "arrays": 64 * MEGABYTE}
TIMES_FILE = {"documents": 5, "arrays": 20}
MOST_CLASSES = 50_000
MOST_HEADER = 10_000  # bytes of an array's description


def save(path: Path, features: Features, classifier: Any, card: dict[str, Any]) -> None:
    """Write the model; `card` must hold plain JSON values and is given back by `load`.

    Raises LabelkitError where the file cannot be written.
    """
    import sklearn

    full = {"labelkit_model": FORMAT, "scikit-learn": sklearn.__version__, **card}
    documents, arrays = _features_written(features)
    saved = model_parts.written(classifier)
    with whole(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        _add(archive, "card.json", json.dumps(full, ensure_ascii=False, indent=2).encode())
        _add(archive, "features.json", json.dumps(documents, ensure_ascii=False).encode())
        _add(archive, "classifier.json", json.dumps(saved.values).encode())
        for name, array in (arrays | saved.arrays).items():
            _add(archive, f"{name}.npy", _array_written(array))


def load(path: Path, features: str = "auto") -> tuple[Features, Any, dict[str, Any]]:
    """Return the features, the classifier and the card of a saved model.

    `features` is what the user says of --features: it names the embedding that the model may load
    (`permitted`). Raises LabelkitError for a file that
    is missing, not a model, or made by versions that do not load here.
    """
    card = read_card(path)
    import sklearn

    try:
        entries = _entries(path)
        stored = Stored(_document(entries, "classifier.json"), _arrays(entries))
        learned = _document(entries, "features.json")
        own = _own(learned["own"])
    except LabelkitError:
        raise
    except Exception as error:  # a damaged or hostile file may raise anything
        raise _unusable(path, card, error, sklearn.__version__) from error
    kind, _, allowed = features.partition(":")
    same_kind = kind in ("auto", own["kind"]) or (kind == "embedding" and own["embedding"])
    if not same_kind or (allowed and not own["embedding"]):
        raise UsageError(f"{path} was trained with --features {own['kind']}, not {features}")
    if own["embedding"]:
        own["embedding"]["name"] = permitted(str(path), **own["embedding"], allowed=allowed)
    try:
        mapping = Features.from_state({"own": own, "parts": _parts(learned, own, stored)})
        width = _width(mapping, own)
        classifier = model_parts.rebuilt(stored, width, len(card["classes"]))
    except LabelkitError as error:  # the embedding that it was trained on
        raise LabelkitError(f"{path} cannot be used here: {error}") from error
    except Exception as error:  # a damaged or hostile file may raise anything
        raise _unusable(path, card, error, sklearn.__version__) from error
    return mapping, classifier, card


def read_card(path: Path) -> dict[str, Any]:
    """Return the card alone, without loading the model."""
    if not path.is_file():
        raise UsageError(f"there is no model {path}; make one with: labelkit train … -o {path}")
    try:
        card = _document(_entries(path, ["card.json"]), "card.json")
        made = int(card["labelkit_model"])
    except LabelkitError:
        raise
    except Exception as error:  # a damaged or hostile file may raise anything
        raise LabelkitError(f"{path} is not a model that labelkit train wrote") from error
    if made < FORMAT:
        raise LabelkitError(f"{path} is a model of an older labelkit; train it again")
    if made > FORMAT:
        raise LabelkitError(f"{path} is a model of a newer labelkit; update labelkit to use it")
    try:
        _require_card(card)
    except Exception as error:  # as above
        raise LabelkitError(f"{path} does not load: its card is damaged; train it again") from error
    return card


def _unusable(path: Path, card: dict[str, Any], error: Exception, here: str) -> LabelkitError:
    made = card.get("scikit-learn")
    reason: object = "it is damaged"
    if made != here:
        reason = f"it was made with scikit-learn {made}, here is {here}"
    elif isinstance(error, ValueError):
        reason = error
    return LabelkitError(f"{path} does not load: {reason}; train it again")


def _require_card(card: dict[str, Any]) -> None:
    """Raise ValueError, KeyError or TypeError where the card lacks what a prediction needs."""
    classes = card["classes"]
    _require(isinstance(classes, list) and all(isinstance(name, str) for name in classes))
    _require(0 < len(set(classes)) == len(classes) <= MOST_CLASSES)
    temperature = float(card.get("temperature", 1.0))
    _require(math.isfinite(temperature) and temperature > 0)
    audit = card.get("accuracy", {}).get("audit")
    if audit:
        for name in ("value", "low", "high"):
            float(audit[name])
        _require(isinstance(audit["rows"], int))


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("it is damaged")


def _entries(path: Path, names: list[str] | None = None) -> dict[str, bytes]:
    """Return the entries of a zip, those in `names` or all; sizes are checked before they are read.

    Raises LabelkitError for entries that expand to more than a model of this size holds.
    """
    size = path.stat().st_size
    left = {kind: max(SMALLEST_LIMIT[kind], TIMES_FILE[kind] * size) for kind in TIMES_FILE}
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if names is not None and entry.filename not in names:
                continue
            _require(entry.filename in DOCUMENTS or entry.filename.endswith(".npy"))
            # Other methods expand without a limit.
            _require(entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
            kind = "documents" if entry.filename in DOCUMENTS else "arrays"
            left[kind] -= entry.file_size
            if left[kind] < 0:
                raise LabelkitError(
                    f"{path} is not loaded: it has {size / MEGABYTE:,.1f} MB and expands to more "
                    f"than a model of that size holds"
                )
            with archive.open(entry) as stream:
                # A declared size may be wrong; without a number, read() would take what comes.
                found[entry.filename] = stream.read(entry.file_size)
            _require(len(found[entry.filename]) == entry.file_size)
    return found


def _document(entries: dict[str, bytes], name: str) -> dict[str, Any]:
    found = json.loads(entries[name])
    _require(isinstance(found, dict))
    return found  # type: ignore[no-any-return]


def _arrays(entries: dict[str, bytes]) -> Arrays:
    return {
        name.removesuffix(".npy"): _array(content)
        for name, content in entries.items()
        if name.endswith(".npy")
    }


def _array(content: bytes) -> Any:
    """Return an array from the bytes of a .npy file whose shape must fit them."""
    import numpy as np

    stream = io.BytesIO(content)
    _require(np.lib.format.read_magic(stream) == (1, 0))
    shape, by_column, dtype = np.lib.format.read_array_header_1_0(stream, MOST_HEADER)
    start = stream.tell()
    _require(not dtype.hasobject and all(length >= 0 for length in shape))
    _require(math.prod(shape) * dtype.itemsize == len(content) - start)
    flat = np.frombuffer(content, dtype, offset=start)
    return flat.reshape(shape, order="F" if by_column else "C").copy()


def _array_written(array: Any) -> bytes:
    import numpy as np

    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _features_written(features: Features) -> tuple[dict[str, Any], Arrays]:
    state = features.state()
    parts, arrays = state["parts"], Arrays()
    learned: dict[str, Any] = {"own": state["own"], "text": None, "categories": None}
    if parts.get("text") is not None:
        vectorizer = parts["text"]
        terms = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.get)
        learned["text"] = {"cut": cut_of(vectorizer), "terms": terms}
        arrays["idf"] = vectorizer.idf_
    if "categories" in parts:
        made = parts["categories"]
        learned["categories"] = {"words": made.words, "rest": made.rest}
    if "numbers" in parts:
        arrays |= model_parts.numbers_written(parts["numbers"])
    if "vectors" in parts:
        arrays |= {"vector_means": parts["vectors"].means, "vector_scales": parts["vectors"].scales}
    return learned, arrays


def _own(own: dict[str, Any]) -> dict[str, Any]:
    """Return what `Features.state` calls `own`, checked. Raises ValueError or KeyError."""
    _require(own["kind"] in CHOICES and own["kind"] != "auto")
    widths = own["vectors"]
    _require(isinstance(widths, dict))
    columns = [*own["text"], *own["numbers"], *own["categories"], *widths]
    _require(all(isinstance(name, str) for name in columns))
    _require(0 < len(set(columns)) == len(columns))
    candidates, left_out = own["candidates"], own["left_out"]
    _require(isinstance(candidates, dict) and isinstance(left_out, dict))
    _require(all(kind in (*KINDS, *NUMBERS, "vector") for kind in candidates.values()))
    _require(
        all(
            (candidates[name] == "vector") == (name in widths)
            for name in columns
            if name not in own["text"]
        )
    )
    _require(all(type(width) is int and width > 0 for width in widths.values()))
    _require(all(candidates[name] != "text" for name in own["numbers"]))
    _require(all(candidates[name] == "text" for name in own["categories"]))
    _require(bool(own["text"]) == (own["kind"] != "columns"))
    _require(type(own["width"]) is int and type(own["seed"]) is int)
    embedding = own["embedding"]
    _require(bool(embedding) == ("embedding" in own["kind"]))
    if embedding:
        _require(set(embedding) == {"name", "version"})
        _require(all(isinstance(value, str) for value in embedding.values()))
    return own


def _parts(learned: dict[str, Any], own: dict[str, Any], stored: Stored) -> dict[str, Any]:
    """Return the parts of `Features.state`. Raises ValueError, KeyError or TypeError."""
    parts: dict[str, Any] = {}
    text = learned["text"]
    if own["kind"] in ("tfidf", "tfidf+embedding", "mixed"):
        parts["text"] = None
        if text is not None:
            terms = text["terms"]
            _require(bool(terms) and all(isinstance(term, str) for term in terms))
            vectorizer = vectorizer_of(text["cut"], vocabulary=terms)
            vectorizer.idf_ = stored.floats("idf", len(terms))
            vectorizer.vocabulary_ = {term: place for place, term in enumerate(terms)}
            parts["text"] = vectorizer
    if own["numbers"]:
        parts["numbers"] = model_parts.numbers_rebuilt(stored, own["numbers"])
    if own["categories"]:
        words, rest = learned["categories"]["words"], learned["categories"]["rest"]
        _require(len(words) == len(rest) == len(own["categories"]))
        for some, has_rest in zip(words, rest, strict=True):
            _require(all(isinstance(word, str) for word in some) and isinstance(has_rest, bool))
            _require(len(set(some)) == len(some))
        parts["categories"] = Categories(words, rest)
    if own["vectors"]:
        width = sum(own["vectors"].values())
        scales = stored.floats("vector_scales", width)
        _require(bool((scales > 0).all()))
        parts["vectors"] = Vectors(stored.floats("vector_means", width), scales)
    return parts


def _width(features: Features, own: dict[str, Any]) -> int:
    """Return the columns of the matrix: of an empty row, or as saved where that takes a model."""
    if own["embedding"]:
        return int(own["width"])
    width = int(features.matrix(_empty_row(features)).shape[1])
    _require(width == own["width"])
    return width


def _empty_row(features: Features) -> "pa.Table":
    import pyarrow as pa

    kinds = features.used_kinds()
    types = {"text": pa.string(), "vector": pa.binary()}
    return pa.table(
        {name: pa.nulls(1, types.get(kind, pa.float64())) for name, kind in kinds.items()}
    )


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    # Terms that repeat each other shrink so far that the file would look like a bomb.
    is_large = name in DOCUMENTS and len(content) > SMALLEST_LIMIT["documents"] // len(DOCUMENTS)
    entry.compress_type = zipfile.ZIP_STORED if is_large else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
