"""Sentence embeddings by name, each different text embedded once and kept on disk."""

import hashlib
import importlib.util
import shlex
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit import console
from labelkit.config import plugins
from labelkit.errors import LabelkitError, UsageError

CHUNK = 1_024  # texts computed, then kept, at a time: what a killed run loses
_FILES = "embeddings-"
LARGEST = float(np.finfo(np.float16).max)
ASKED = 500  # keys in one query
# Their weights come inside a package; all others are fetched by a name, or are code.
PACKAGED = ("minilm", "wordllama")

Halves = npt.NDArray[np.float16]


def is_own_file(name: str) -> bool:
    """Return whether an embedding is a function of the user's own file, `file.py:function`."""
    return ".py:" in name


def file_version(name: str) -> str:
    """Return the digest of the file of `file.py:function`; LabelkitError if it is missing."""
    path = Path(name.rpartition(":")[0])
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise LabelkitError(f"the embedding {name}: {path} cannot be read: {error}") from None


def permitted(model: str, name: str, version: str, allowed: str) -> str:
    """Return the embedding to load for a saved model that was trained on `name` of `version`.

    Those that come with labelkit's packages need no permission. A file of one's own, which is run,
    and a model that a library fetches by its name are loaded only where the user names them in
    `allowed`; a file must also be the one that the model was trained on. Nothing is run or fetched
    here. Raises UsageError or LabelkitError where the embedding may not be loaded.
    """
    if name in PACKAGED and allowed in ("", name):
        return name
    if not is_own_file(name) and name.partition(":")[0] not in plugins.names("embedding"):
        raise LabelkitError(f"{model} names the embedding {name!r}, which labelkit does not know")
    if not allowed:
        what = "runs the code of that file" if is_own_file(name) else "may download that model"
        raise UsageError(
            f"{model} was trained on the embedding {name}, and loading it {what}; if you trust "
            f"it, allow it with --features {shlex.quote('embedding:' + name)}"
        )
    own = is_own_file(name) and is_own_file(allowed)
    if allowed != name and not (own and allowed.rpartition(":")[2] == name.rpartition(":")[2]):
        raise UsageError(
            f"{model} was trained on the embedding {name}, not on {allowed}; name that one with "
            f"--features"
        )
    if own and file_version(allowed) != version:
        raise LabelkitError(
            f"{model} was trained on another content of the file of {allowed}; give the file as "
            f"it was, or train again"
        )
    return allowed


class Embedding:
    """An embedding by `name`: one of the registry, `part:MODEL`, or one's own `file.py:function`.

    `folder` is called for the place of the cache when texts are embedded; without one nothing is
    kept. Vectors have the precision of float16, computed now or earlier.
    """

    def __init__(self, name: str = "", folder: Callable[[], Path | None] | None = None) -> None:
        self.name = name or plugins.names("embedding")[0]
        self._folder = folder
        part, _, self._model = (
            (self.name, "", "") if is_own_file(self.name) else self.name.partition(":")
        )
        try:
            self._embed = plugins.load("embedding", part)
        except UsageError as error:  # there is no option --embedding
            said = str(error).replace("--embedding ", "--features embedding:NAME: ", 1)
            raise UsageError(said) from error
        self._part = sys.modules.get(self._embed.__module__)

    def missing(self) -> str:
        """Return the command that installs what is missing, or an empty string."""
        needs: Sequence[str] = getattr(self._part, "NEEDS", ())
        if all(importlib.util.find_spec(name) for name in needs):
            return ""
        return str(getattr(self._part, "INSTALL", ""))

    def require(self) -> None:
        """Raise LabelkitError that says what to install where the embedding is missing."""
        missing = self.missing()
        if missing:
            raise LabelkitError(f"the embedding {self.name} is not installed: {missing}")

    @cached_property
    def version(self) -> str:
        """What makes the vectors what they are: a package's version or a file's digest."""
        if is_own_file(self.name):
            return file_version(self.name)
        from importlib import metadata

        package = str(getattr(self._part, "PACKAGE", ""))
        return f"{package} {metadata.version(package)}"

    def vectors(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return a row for each text."""
        self.require()
        places: dict[str, int] = {}
        of_row = np.fromiter((places.setdefault(text, len(places)) for text in texts), np.int64)
        different = list(places)
        kept = _Kept(self._path())
        try:
            found = self._fill(different, kept)
        finally:
            kept.close()
        rows = np.empty((len(of_row), found.shape[1]), dtype=np.float32)
        for start in range(0, len(rows), CHUNK):
            rows[start : start + CHUNK] = found[of_row[start : start + CHUNK]]
        return rows

    def _fill(self, texts: list[str], kept: "_Kept") -> Halves:
        keys = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
        rows: Halves = np.empty((len(texts), 0), dtype=np.float16)
        new: list[int] = []
        for start in range(0, len(keys), ASKED):
            known = kept.get(keys[start : start + ASKED])
            for place in range(start, min(start + ASKED, len(keys))):
                if keys[place] not in known:
                    new.append(place)
                    continue
                vector = np.frombuffer(known[keys[place]], dtype=np.float16)
                rows = self._fitting(rows, len(vector))
                rows[place] = vector
        # Texts of like length are computed together.
        new.sort(key=lambda place: len(texts[place]))
        with console.progress("embed", len(new)) as advance:
            for start in range(0, len(new), CHUNK):
                some = new[start : start + CHUNK]
                computed = self._compute([texts[place] for place in some])
                rows = self._fitting(rows, computed.shape[1])
                rows[some] = computed
                kept.put([keys[place] for place in some], computed)
                advance(len(some))
        return rows

    def _fitting(self, rows: Halves, width: int) -> Halves:
        if not rows.shape[1]:
            return np.empty((len(rows), width), dtype=np.float16)
        if rows.shape[1] != width:
            raise LabelkitError(
                f"the embedding {self.name} gave vectors of {rows.shape[1]} and of {width} numbers"
            )
        return rows

    def _compute(self, texts: list[str]) -> Halves:
        given = {"model": self._model} if self._model else {}
        found = np.asarray(self._embed(texts, **given))
        if found.ndim != 2 or len(found) != len(texts):
            raise LabelkitError(
                f"the embedding {self.name} gave an array of shape {found.shape} for "
                f"{console.count(len(texts), 'texts')}; one row a text is needed"
            )
        if not np.isfinite(found).all():
            raise LabelkitError(f"the embedding {self.name} gave numbers that are not finite")
        if len(found) and np.abs(found).max() > LARGEST:
            raise LabelkitError(
                f"the embedding {self.name} gave the number {np.abs(found).max():g}; vectors are "
                f"kept as half-precision numbers up to {LARGEST:g}: scale them, for example to "
                f"length 1"
            )
        return found.astype(np.float16)

    def _path(self) -> Path | None:
        folder = self._folder() if self._folder is not None else None
        if folder is None:
            return None
        made = hashlib.sha256(f"{self.name} {self.version}".encode()).hexdigest()[:12]
        plain = "".join(c if c.isalnum() else "-" for c in Path(self.name).name)[:40]
        return folder / f"{_FILES}{plain}-{made}.sqlite"


class _Kept:
    """Vectors by the digest of their text, in SQLite; one that cannot be used keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        if path is not None:
            self._safely(self._open)

    def _open(self) -> None:
        assert self._path is not None
        self._db = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        # A run that is killed loses its last chunk at most; two runs at once wait for each other.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS vectors "
            "(key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
        )

    def _safely(self, act: Callable[[], Any]) -> None:
        try:
            act()
        except sqlite3.Error as error:
            console.warn(f"{self._path} is not used ({error}); embeddings are computed anew")
            self.close()

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the vectors that are there, of ASKED texts at most."""
        found: dict[bytes, bytes] = {}
        if self._db is not None:
            marks = ",".join("?" * len(keys))
            query = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"
            db = self._db
            self._safely(lambda: found.update(db.execute(query, list(keys))))
        return found

    def put(self, keys: Sequence[bytes], vectors: Halves) -> None:
        """Keep the vectors of some texts, all or none."""
        if self._db is not None:
            pairs = [(k, v.tobytes()) for k, v in zip(keys, vectors, strict=True)]
            self._safely(lambda: self._write(pairs))

    def _write(self, pairs: list[tuple[bytes, bytes]]) -> None:
        assert self._db is not None
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", pairs)
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None


def stored_vectors(folder: Path) -> tuple[int, int]:
    """Return how many vectors a folder stores, and the bytes of their files."""
    number = size = 0
    for path in sorted(folder.glob(f"{_FILES}*.sqlite")):
        size += path.stat().st_size
        with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as db:
            number += int(db.execute("SELECT COUNT(*) FROM vectors").fetchone()[0])
    return number, size


def delete_vectors(folder: Path) -> None:
    """Delete the vectors that a folder stores; they are computed again when they are needed."""
    for path in folder.glob(f"{_FILES}*.sqlite*"):
        path.unlink(missing_ok=True)
