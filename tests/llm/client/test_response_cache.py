"""Answers and ledger on disk; what is wrong with the file is said."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from labelkit.errors import LabelkitError
from labelkit.io import ledger
from labelkit.llm.client.response_cache import FILE, Answer, Cache, digest

RUN = ledger.Run("now", "t", "films.csv", "m")


def entry(run: str, task: str, dollars: float | None) -> ledger.Entry:
    return ledger.Entry(ledger.Run(run, task, "films.csv", "m"), 1, 7, 2, dollars)


def test_answers_and_money_survive(tmp_path: Path) -> None:
    opened = Cache(tmp_path)
    reply = {"text": "a", "tokens_in": 7, "tokens_out": 2}
    opened.put_all(
        [Answer("k1", reply, 0.5), Answer("k2", reply, 0.25)],
        [entry("r1", "t", 0.5), entry("r1", "t", 0.25)],
    )
    opened.put_all([Answer("k3", reply, 8.0)], [entry("r2", "other", 8.0)])
    opened.remember("e", {"logprobs": True})
    opened.close()
    opened = Cache(tmp_path)
    assert opened.get("k1") == (reply, 0.5)
    assert opened.get("k9") is None
    assert opened.spent(RUN).total == 0.75
    assert ledger.spent_in(tmp_path, "t").total == 0.75
    assert opened.facts("e") == {"logprobs": True}
    opened.remember("e", None)
    assert opened.facts("e") is None
    opened.close()
    assert ledger.spent_in(tmp_path, "t").total == 0.75


def test_a_cost_is_unknown_until_a_price_is_named(tmp_path: Path) -> None:
    opened = Cache(tmp_path)
    opened.put_all([Answer("k1", {}, None)], [entry("r1", "t", None), entry("r0", "t", 1.0)])
    assert opened.spent(RUN) == (1.0, 18, 9)
    opened.name_price(ledger.Run("r2", "t", "", "another"), 1e6, 1e6)
    assert opened.spent(RUN).total is None
    for price in (1e6, 9e6):  # the second changes nothing
        opened.name_price(ledger.Run("r2", "t", "", "m"), price, price)
        assert opened.spent(RUN).total == 10.0
    opened.close()


def test_an_answer_that_was_cut_off_is_there_for_no_more_room(tmp_path: Path) -> None:
    opened = Cache(tmp_path)
    opened.put_all([Answer("k", {"finish": "length"}, 0.5, cut=200)], [])
    assert opened.has("k", 200) and opened.has("k", 100) and not opened.has("k", 201)
    opened.put_all([Answer("k", {"finish": "stop"}, 0.7)], [])
    kept = opened.get("k", 9999)
    assert kept is not None and kept.dollars == 1.2  # both were paid for
    opened.close()


def test_equal_values_have_equal_keys() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest({"a": "\ud800"})  # half a surrogate pair does not hurt


def test_a_damaged_cache(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database" * 100)
    with pytest.raises(LabelkitError, match=r"llm\.sqlite is damaged .*; move it away"):
        Cache(tmp_path)


def test_a_cache_of_another_version(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as other:
        other.execute("CREATE TABLE answers (key TEXT PRIMARY KEY, reply, dollars)")
    other.close()
    with pytest.raises(LabelkitError, match=r"written by another version .* with --cache"):
        Cache(tmp_path)


def test_a_locked_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Cache(tmp_path)
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    opened._writer.execute("PRAGMA busy_timeout = 50")
    with pytest.raises(LabelkitError, match=r"llm\.sqlite is locked by another program"):
        opened.put_all([Answer("k", {}, 0.0)], [])
    other.close()
    opened.close()


def test_answers_that_come_together_are_written_together(tmp_path: Path) -> None:
    opened = Cache(tmp_path)
    writes = []
    opened._writer.set_trace_callback(lambda text: writes.append(text.startswith("COMMIT")))

    async def keep() -> None:
        answers = [Answer(f"k{n}", {"text": "a" * 2000}, 0.5) for n in range(200)]
        cost = entry("r", "t", 0.5)
        await asyncio.gather(*(opened.put([answer], [cost]) for answer in answers))

    asyncio.run(keep())
    opened.close()
    assert 1 <= sum(writes) <= 5
    opened = Cache(tmp_path)
    assert all(opened.get(f"k{n}") == ({"text": "a" * 2000}, 0.5) for n in range(200))
    assert opened.spent(RUN).total == 100
    opened.close()


def test_a_refresh_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    opened = Cache(tmp_path)
    opened.put_all([Answer("old", {}, 0.0), Answer("new", {}, 0.0)], [])
    opened.begin_refresh("s", noted=False)
    assert not opened.has("old")
    opened.begin_refresh("s")
    opened.put_all([Answer("new", {}, 0.0)], [])
    opened.close()
    opened = Cache(tmp_path)
    assert opened.has("old")
    opened.begin_refresh("s")
    assert opened.has("new") and not opened.has("old")
    opened.end_refresh("s")
    opened.begin_refresh("s")
    assert not opened.has("new")
    opened.close()
