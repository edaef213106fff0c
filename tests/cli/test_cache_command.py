"""Stored answers and embeddings: shown, and deleted from the disk with `labelkit cache clear`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelkit import console
from labelkit.io import ledger
from labelkit.llm.client.response_cache import Answer, Cache
from labelkit.ml.embedding import Embedding

RUN = ledger.Run("run", "t", "in.csv", "m")


@pytest.fixture
def stored(tmp_path: Path, write: Any) -> Path:
    """A folder with two answers, a vector, a batch job, and the journal of a person."""
    folder = tmp_path / ".labelkit"
    folder.mkdir()
    cache = Cache(folder)
    said = [Answer(key, {"text": "SECRET TEXT"}, 0.25) for key in ("a", "b")]
    cache.put_all(said, [ledger.Entry(RUN, 2, 10, 10, 0.5)])
    cache.keep_job("job", "scope", {"task": "t", "most": 0.1})
    cache.close()
    part = write("own.py", "import numpy as np\ndef embed(t):\n    return np.ones((len(t), 2))\n")
    assert Embedding(f"{part}:embed", lambda: folder).vectors(["a"]).dtype == np.float32
    write("todo.answers.csv.journal.jsonl", "{}\n")
    write(".labelkit/todo.journal.jsonl", "{}\n")
    return folder


def shown(labelkit: Any) -> dict[str, int]:
    done = labelkit("cache", "--json")
    assert done.code == 0, done.err
    return {row["what"]: row["number"] for row in json.loads(done.out)}


def test_what_is_stored_is_shown_and_cleared(stored: Path, labelkit: Any) -> None:
    assert shown(labelkit) == {"answers": 2, "embeddings": 1}
    done = labelkit("cache", "clear")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith(
        "cache: deleted 2 answers and 1 embedding from .labelkit ($0.50 paid), "
    )
    assert done.err.endswith(" bytes; the money spent still counts towards the budget\n")
    assert shown(labelkit) == {"answers": 0, "embeddings": 0}
    assert not [p for p in stored.rglob("*") if p.is_file() and b"SECRET" in p.read_bytes()]
    assert ledger.spent_in(stored, "t").dollars == pytest.approx(0.6)  # the job's share too
    assert Path("todo.answers.csv.journal.jsonl").exists()
    assert (stored / "todo.journal.jsonl").exists()
    again = labelkit("cache", "clear")
    assert again.code == 0
    assert again.err == ("cache: .labelkit is empty (use --cache DIR for another folder)\n")


def test_a_person_is_asked_before_paid_answers_are_deleted(
    stored: Path, labelkit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions: list[str] = []
    monkeypatch.setattr(console, "can_ask", lambda: True)
    monkeypatch.setattr(console, "ask", lambda text: bool(questions.append(text)))
    done = labelkit("cache", "clear")
    assert (done.code, done.err) == (1, "error: cancelled; nothing was deleted\n")
    assert questions == ["Delete 2 answers and 1 embedding in .labelkit ($0.50 paid)?"]
    assert shown(labelkit) == {"answers": 2, "embeddings": 1}
    assert labelkit("cache", "clear", "--yes").code == 0
    assert shown(labelkit) == {"answers": 0, "embeddings": 0}


def test_nothing_is_made_by_looking(tmp_path: Path, labelkit: Any) -> None:
    assert shown(labelkit) == {"answers": 0, "embeddings": 0}
    assert list(tmp_path.iterdir()) == []
