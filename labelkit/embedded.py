"""Sentence embeddings by name, each different text embedded once and kept on disk."""

import hashlib
import importlib.util
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit import console, registry
from labelkit.errors import LabelkitError

CHUNK = 1_024  # texts computed, then kept, at a time: what a killed run loses
ASKED = 500  # keys in one query

Halves = npt.NDArray[np.float16]


class Embedding:
    """An embedding by `name`: one of the registry, `part:MODEL`, or one's own `file.py:function`.

    `folder` is called for the place of the cache when texts are embedded; without one nothing is
    kept. Vectors have the precision of float16, computed now or earlier.
    """

    def __init__(self, name: str = "", folder: Callable[[], Path | None] | None = None) -> None:
        self.name = name or registry.names("embedding")[0]
        self._folder = folder
        part, _, self._model = (
            (self.name, "", "") if ".py:" in self.name else self.name.partition(":")
        )
        self._embed = registry.load("embedding", part)
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
        if ".py:" in self.name:
            path = Path(self.name.rpartition(":")[0])
            return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
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
        return found[of_row].astype(np.float32)

    def _fill(self, texts: list[str], kept: "_Kept") -> Halves:
        keys = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
        known = kept.get(keys)
        new = [place for place, key in enumerate(keys) if key not in known]
        # Texts of like length are computed together.
        new.sort(key=lambda place: len(texts[place]))
        rows: Halves = np.empty((len(texts), 0), dtype=np.float16)
        with console.progress("embed", len(new)) as advance:
            for start in range(0, len(new), CHUNK):
                some = new[start : start + CHUNK]
                computed = self._compute([texts[place] for place in some])
                if not rows.shape[1]:
                    rows = np.empty((len(texts), computed.shape[1]), dtype=np.float16)
                rows[some] = computed
                kept.put([keys[place] for place in some], computed)
                advance(len(some))
        for place, key in enumerate(keys):
            if key in known:
                vector = np.frombuffer(known[key], dtype=np.float16)
                if not rows.shape[1]:
                    rows = np.empty((len(texts), len(vector)), dtype=np.float16)
                rows[place] = vector
        return rows

    def _compute(self, texts: list[str]) -> Halves:
        given = {"model": self._model} if self._model else {}
        found = np.asarray(self._embed(texts, **given))
        if found.ndim != 2 or len(found) != len(texts):
            raise LabelkitError(
                f"the embedding {self.name} gave an array of shape {found.shape} for "
                f"{len(texts)} texts; one row a text is needed"
            )
        if not np.isfinite(found).all():
            raise LabelkitError(f"the embedding {self.name} gave numbers that are not finite")
        return found.astype(np.float16)

    def _path(self) -> Path | None:
        folder = self._folder() if self._folder is not None else None
        if folder is None:
            return None
        made = hashlib.sha256(f"{self.name} {self.version}".encode()).hexdigest()[:12]
        plain = "".join(c if c.isalnum() else "-" for c in Path(self.name).name)[:40]
        return folder / f"embeddings-{plain}-{made}.sqlite"


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
        """Return the vectors that are there."""
        found: dict[bytes, bytes] = {}
        if self._db is not None:
            self._safely(lambda: found.update(self._rows(keys)))
        return found

    def _rows(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        assert self._db is not None
        for start in range(0, len(keys), ASKED):
            some = keys[start : start + ASKED]
            marks = ",".join("?" * len(some))
            yield from self._db.execute(
                f"SELECT key, vector FROM vectors WHERE key IN ({marks})", list(some)
            )

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
