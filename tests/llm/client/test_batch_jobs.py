"""The Batch API: handed in once, left, found again, collected; whatever ends the run in between."""

import csv
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelkit.llm.client import batch_jobs
from tests.llm.conftest import ChatServer

LABELS = ["POSITIVE" if n % 3 else "NEGATIVE" for n in range(12)]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_jobs, "FIRST_POLL", 0.05)


@pytest.fixture
def ask(labelkit: Callable[..., Any], chat_server: ChatServer, write: Any) -> Callable[..., Any]:
    texts = [f"{'good' if n % 3 else 'bad'} film {n}" for n in range(12)]
    write("films.csv", "text\n" + "\n".join(texts) + "\n")

    def run(*more: str) -> Any:
        return labelkit("llm-label", *arguments(chat_server), *more)

    return run


def arguments(server: ChatServer) -> list[str]:
    endpoint = ["--base-url", server.url, "--model", "tiny-1"]
    classes = ["--classes", "NEGATIVE,POSITIVE", "--batch-api"]
    return ["films.csv", "-o", "out.csv", *classes, *endpoint]


def labels() -> list[str]:
    with open("out.csv", newline="") as file:
        return [row["llm_label"] for row in csv.DictReader(file)]


def jobs() -> int:
    with sqlite3.connect(".labelkit/llm.sqlite") as opened:
        return int(opened.execute("SELECT COUNT(*) FROM jobs").fetchone()[0])


def test_answers_come_by_the_batch_at_its_price(ask: Any, chat_server: ChatServer) -> None:
    chat_server.control(batch_looks=3)
    result = ask("--price", "1000,1000", "--batch-price", "500,500")
    assert result.code == 0, result.err
    assert labels() == LABELS
    assert chat_server.seen["batch_posts"] == 2  # one file, one job
    assert "$0.7150" in result.err  # 0.11 for the row that tried the endpoint, 11 times 0.055
    assert jobs() == 0
    assert ask().code == 0
    assert chat_server.seen["batch_posts"] == 2


def test_the_estimate_is_at_the_batch_price(ask: Any, chat_server: ChatServer) -> None:
    full = ask("--dry-run", "--price", "1000,1000").err
    half = ask("--dry-run", "--price", "1000,1000", "--batch-price", "500,500").err
    dollars = [float(text.rpartition("about $")[2].split(",")[0]) for text in (full, half)]
    assert dollars[1] == pytest.approx(dollars[0] / 2, abs=1e-4)
    assert chat_server.seen["requests"] == chat_server.seen["batch_posts"] == 0


def test_leave_and_come_back(ask: Any, chat_server: ChatServer) -> None:
    chat_server.control(batch="open")
    result = ask("--no-wait")
    assert result.code == 5
    assert "11 requests are with the provider now (batch batch-2); the same command" in result.err
    result = ask("--no-wait")
    assert result.code == 5 and "are not done: in_progress, 0 of 11 (batch batch-2)" in result.err
    assert not Path("out.csv").exists()
    chat_server.control(batch="done")
    assert ask("--no-wait").code == 0
    assert labels() == LABELS
    assert chat_server.seen["batch_posts"] == 2


def test_who_asks_at_once_what_a_job_will_answer_is_told(
    ask: Any, labelkit: Any, chat_server: ChatServer
) -> None:
    chat_server.control(batch="open")
    assert ask("--no-wait").code == 5
    at_once = [word for word in arguments(chat_server) if word != "--batch-api"]
    result = labelkit("llm-label", *at_once)
    assert result.code == 0
    assert "11 of these texts are in a batch job that is not collected yet" in result.err
    assert "warning" not in labelkit("llm-label", *at_once).err


def test_a_killed_client_finds_its_job(ask: Any, chat_server: ChatServer) -> None:
    chat_server.control(batch="open")
    command = [sys.executable, "-m", "labelkit", "llm-label", *arguments(chat_server)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while chat_server.seen["batch_posts"] < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    chat_server.control(batch="done")
    assert ask().code == 0
    assert labels() == LABELS
    assert chat_server.seen["batch_posts"] == 2


def test_a_job_whose_name_never_arrived_is_found_by_its_mark(
    ask: Any, chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelkit.llm.client.providers.openai_batch.RETRIES", 0)
    chat_server.control(batch="dies")
    assert ask().code == 1
    assert jobs() == 1
    chat_server.control(batch="done")
    assert ask().code == 0
    assert labels() == LABELS
    assert chat_server.seen["batch_posts"] == 2


def test_a_refused_line_is_that_rows_error(ask: Any, chat_server: ChatServer, write: Any) -> None:
    write("films.csv", "text\ngood\nbad\ngood [refused line]\n")
    assert ask().code == 0
    assert labels() == ["POSITIVE", "NEGATIVE", ""]
    assert "400: no such luck" in Path("out.csv").read_text()


def test_an_expired_job_keeps_its_answers_and_the_rest_is_handed_in(
    ask: Any, chat_server: ChatServer
) -> None:
    chat_server.control(batch="expired")
    result = ask()  # half of the rest each time, until one row is left that no job answers
    assert result.code == 5
    assert "the batch job ended without 1 of its answers" in result.err
    chat_server.control(batch="done")
    assert ask().code == 0
    assert labels() == LABELS


def test_what_a_provider_refuses(ask: Any, chat_server: ChatServer) -> None:
    chat_server.control(batch="failed")
    result = ask()
    assert result.code == 1
    assert "the provider refuses the batch batch-2: line 1 is no JSON" in result.err
    chat_server.control(batch="none")
    result = ask()
    assert result.code == 1
    assert "the endpoint has no Batch API (404: " in result.err


def test_a_job_that_is_gone_is_handed_in_again(ask: Any, chat_server: ChatServer) -> None:
    chat_server.control(batch="open")
    assert ask("--no-wait").code == 5
    chat_server.control(batch="gone")
    assert ask("--no-wait").code == 5  # the new one waits
    chat_server.control(batch="done")
    assert ask().code == 0
    assert labels() == LABELS
    assert chat_server.seen["batch_posts"] == 4


def test_another_line_end_and_half_a_character_in_an_answer(
    ask: Any, chat_server: ChatServer, write: Any
) -> None:
    write("films.csv", "text\ngood\ngood [half]\nbad\n")
    for _ in range(2):
        assert ask("--rationale").code == 0
        assert labels() == ["POSITIVE", "POSITIVE", "NEGATIVE"]
        assert "nice \ufffd one" in Path("out.csv").read_text("utf-8")
    assert chat_server.seen["batch_posts"] == 2


def test_the_limit_holds_before_anything_is_handed_in(ask: Any, chat_server: ChatServer) -> None:
    money = ["--price", "1000,1000", "--max-tokens", "20", "--max-cost", "0.7"]
    result = ask(*money)
    assert result.code == 5
    assert "stopped before crossing --max-cost 0.7: " in result.err
    assert float(result.err.rpartition("answers for $")[2].split(",")[0]) <= 0.7
    assert chat_server.seen["batch_posts"] >= 2
    assert ask("--price", "1000,1000").code == 0
    assert labels() == LABELS


def test_what_is_with_the_provider_counts_against_the_budget(
    ask: Any, chat_server: ChatServer, write: Any
) -> None:
    write("labelkit.toml", '[task]\nname = "t"\n[cost]\nbudget = 2.2\n')
    films = Path("films.csv").read_text()
    money = ["--price", "1000,1000", "--max-tokens", "20"]
    chat_server.control(batch="open")
    assert "11 requests are with the provider" in ask(*money, "--no-wait").err
    write("films.csv", "text\n" + "".join(f"good new {n}\n" for n in range(12)))
    result = ask(*money, "--no-wait")
    assert result.code == 5 and "[cost] budget 2.2 ($" in result.err
    chat_server.control(batch="done")
    write("films.csv", films)
    assert ask(*money).code == 0  # what was set aside before does not stop its own collection
    assert labels() == LABELS


def test_several_rows_a_line(ask: Any, chat_server: ChatServer) -> None:
    assert ask("--rows-per-request", "4").code == 0
    assert labels() == LABELS
    chat_server.control(together="counts")
    assert ask("--rows-per-request", "4", "--cache", "other").code == 0
    assert labels() == LABELS  # what did not match was asked row by row


def test_it_goes_with_samples_templates_and_examples(
    ask: Any, chat_server: ChatServer, write: Any
) -> None:
    write("my.txt", "A film:\n$text\nWhat is it?")
    assert ask("--samples", "2").code == 0
    assert labels() == LABELS
    posts = chat_server.seen["batch_posts"]
    assert ask("--samples", "2").code == 0
    assert chat_server.seen["batch_posts"] == posts
    assert ask("--template", "my.txt", "--rationale", "--confidence", "verbalised").code == 0
    assert labels() == LABELS
