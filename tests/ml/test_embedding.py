"""Embeddings by name: each text once, kept on disk whatever happens to the run."""

import os
import signal
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.errors import LabelkitError, UsageError
from labelkit.ml.embedding import Embedding

OWN = """
import hashlib, pathlib
import numpy as np

def embed(texts):
    with open("asked.txt", "a", encoding="utf-8") as log:
        log.writelines(repr(text) + "\\n" for text in texts)
    digests = [hashlib.sha256(text.encode()).digest()[:8] for text in texts]
    return np.array([list(digest) for digest in digests], dtype=np.float32) / 256

def wrong_rows(texts):
    return np.zeros((len(texts) + 1, 4))

def varying(texts):
    return np.zeros((len(texts), 3 + ("b" in texts)))

def huge(texts):
    return np.full((len(texts), 4), 1e5)

def endless(texts):
    return np.full((len(texts), 4), np.inf)
"""


@pytest.fixture
def own(write):
    path = write("own.py", OWN)
    return lambda folder=None, name="embed": Embedding(f"{path}:{name}", folder)


def asked(tmp_path):
    path = tmp_path / "asked.txt"
    return path.read_text().splitlines() if path.exists() else []


def test_equal_texts_are_embedded_once_and_come_back_in_place(own, tmp_path):
    found = own().vectors(["b", "a", "b", "", "a"])
    assert found.dtype == np.float32
    assert np.array_equal(found[0], found[2]) and np.array_equal(found[1], found[4])
    assert not np.array_equal(found[0], found[1])
    assert sorted(asked(tmp_path)) == ["''", "'a'", "'b'"]


def test_what_was_embedded_is_kept_bit_by_bit(own, tmp_path):
    first = own(lambda: tmp_path).vectors(["a", "b"])
    again = own(lambda: tmp_path).vectors(["c", "b", "a"])
    assert np.array_equal(again[[2, 1]], first)
    assert sorted(asked(tmp_path)) == ["'a'", "'b'", "'c'"]


def test_another_version_of_ones_own_code_starts_anew(own, write, tmp_path):
    own(lambda: tmp_path).vectors(["a"])
    write("own.py", OWN.replace("/ 256", "/ 128"))
    own(lambda: tmp_path).vectors(["a"])
    assert asked(tmp_path) == ["'a'", "'a'"]
    assert len(list(tmp_path.glob("embeddings-*.sqlite"))) == 2


def test_a_damaged_cache_costs_time_only(own, tmp_path, capsys):
    first = own(lambda: tmp_path).vectors(["a"])
    (path,) = tmp_path.glob("embeddings-*.sqlite")
    path.write_bytes(b"not a database" * 400)
    assert np.array_equal(own(lambda: tmp_path).vectors(["a"]), first)
    assert "is not used (file is not a database); embeddings are computed anew" in (
        capsys.readouterr().err
    )


SLOW = """
import sys, time
from pathlib import Path
from labelkit.ml import embedding as embedded
embedded.CHUNK = 4
made = embedded.Embedding("slow.py:embed", lambda: Path("."))
made.vectors([f"{int(sys.argv[1]) + i}" for i in range(40)])
"""
SLOW_PART = """
import os, time
import numpy as np

chunks = 0

def embed(texts):
    global chunks
    chunks += 1
    time.sleep(600 if chunks > int(os.environ.get("LAST_CHUNK", "99")) else 0.05)
    print("chunk", flush=True)
    return np.array([[float(text), 1.0] for text in texts])
"""


def slow_run(start, last_chunk=99):
    return subprocess.Popen(
        [sys.executable, "-c", SLOW, str(start)],
        stdout=subprocess.PIPE,
        env={**os.environ, "LAST_CHUNK": str(last_chunk)},
    )


def kept_rows(tmp_path):
    (path,) = tmp_path.glob("embeddings-*.sqlite")
    with sqlite3.connect(path) as db:
        count = db.execute("SELECT count(*) FROM vectors").fetchone()[0]
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    return count


def test_a_killed_run_keeps_what_it_had(write, tmp_path):
    write("slow.py", SLOW_PART)
    run = slow_run(0, last_chunk=6)
    for _ in range(4):
        assert run.stdout.readline() == b"chunk\n"
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    assert 12 <= kept_rows(tmp_path) < 40
    found = Embedding("slow.py:embed", lambda: tmp_path).vectors([str(i) for i in range(40)])
    assert found[:, 0].tolist() == list(range(40))


def test_two_runs_at_once_share_one_file(write, tmp_path):
    write("slow.py", SLOW_PART)
    runs = [slow_run(0), slow_run(20)]
    for run in runs:
        run.communicate(timeout=300)
    assert [run.returncode for run in runs] == [0, 0]
    assert kept_rows(tmp_path) == 60


@pytest.mark.slow
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=12))
def test_any_texts_keep_their_order(texts):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "length.py"
        part.write_text(
            "import numpy as np\n"
            "def embed(texts): return np.array([[len(t), t.count('a')] for t in texts])\n"
        )
        for _ in range(2):
            found = Embedding(f"{part}:embed", lambda: Path(folder)).vectors(texts)
            assert len(found) == len(texts)
            assert [tuple(row) for row in found] == [(len(t), t.count("a")) for t in texts]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wrong_rows", "gave an array of shape (3, 4) for 2 texts; one row a text is needed"),
        ("endless", "gave numbers that are not finite"),
        (
            "huge",
            "gave the number 100000; vectors are kept as half-precision numbers up to 65504: "
            "scale them, for example to length 1",
        ),
    ],
)
def test_an_embedding_that_answers_nonsense(own, name, message):
    with pytest.raises(LabelkitError) as error:
        own(name=name).vectors(["a", "b"])
    assert str(error.value).endswith(message)


def test_an_embedding_of_two_minds(own, monkeypatch):
    monkeypatch.setattr("labelkit.ml.embedding.CHUNK", 1)
    with pytest.raises(LabelkitError, match="gave vectors of 3 and of 4 numbers"):
        own(name="varying").vectors(["a", "b"])


def test_an_unknown_name_lists_the_known():
    with pytest.raises(
        UsageError, match="--features embedding:NAME: 'minilmm' is not known; did you mean"
    ):
        Embedding("minilmm")


def test_ones_own_code_may_use_dataclasses_and_late_annotations(write):
    path = write(
        "lazy.py",
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "import numpy as np\n\n@dataclass\nclass Scale:\n    by: float = 0.5\n\n"
        "def embed(texts):\n    return np.array([[len(t) * Scale().by] for t in texts])\n",
    )
    assert Embedding(f"{path}:embed", None).vectors(["ab"]).tolist() == [[1.0]]
