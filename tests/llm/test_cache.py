"""Answers and ledger on disk; what is wrong with the file is said."""

import sqlite3
from pathlib import Path

import pytest

from labelkit.errors import LabelkitError
from labelkit.llm.cache import FILE, Answer, Cache, digest


def test_answers_and_money_survive(tmp_path: Path) -> None:
    opened = Cache(tmp_path)
    reply = {"text": "a", "tokens_in": 7, "tokens_out": 2}
    opened.put_all(
        [Answer("k1", reply, "r1", "t", "m", 0.5), Answer("k2", reply, "r1", "t", "m", 0.25)]
    )
    opened.put_all([Answer("k3", reply, "r2", "other", "m", 8.0)])
    opened.remember("e", {"logprobs": True})
    opened.close()
    opened = Cache(tmp_path)
    assert opened.get("k1") == reply
    assert opened.get("k9") is None
    assert opened.spent("t") == 0.75
    assert opened.facts("e") == {"logprobs": True}
    opened.remember("e", None)
    assert opened.facts("e") is None
    opened.close()


def test_equal_values_have_equal_keys() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest({"a": "\ud800"})  # half a surrogate pair does not hurt


def test_a_damaged_cache(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database" * 100)
    with pytest.raises(LabelkitError, match=r"llm\.sqlite is damaged .*; move it away"):
        Cache(tmp_path)


def test_a_locked_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Cache(tmp_path)
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    opened._writer.execute("PRAGMA busy_timeout = 50")
    with pytest.raises(LabelkitError, match=r"llm\.sqlite is locked by another program"):
        opened.put_all([Answer("k", {}, "r", "", "m", 0.0)])
    other.close()
    opened.close()
