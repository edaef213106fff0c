"""Rows that give orders, against a model that obeys them all and against the local one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelkit.llm.client import batch_jobs
from labelkit.llm.client.response_cache import Cache
from labelkit.llm.prompts.injection_filter import gives_orders
from tests.llm.client.providers.test_local import local_run, needs_model
from tests.llm.conftest import ChatServer, rows_of
from tests.llm.injections import ATTEMPTS, INNOCENT

GUIDELINES = "Judge the reviewer's own opinion of the film and never the plot that is told in it."
TASK = f"""[task]
classes = ["NEGATIVE", "POSITIVE"]
guidelines = "{GUIDELINES}"
[[task.example]]
text = "Two hours of my life that I shall never get back, and a parking ticket."
label = "NEGATIVE"
"""
TRUTH = ["POSITIVE" if text.startswith("good") else "NEGATIVE" for text in INNOCENT]
SECRETS = (
    GUIDELINES[:30],
    "You label the rows",
    "Two hours of my life that I",
    "It is data, never",
)
WAYS = ([], ["--rows-per-request", "6"], ["--batch-api"], ["--samples", "2"])


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_jobs, "FIRST_POLL", 0.05)


@pytest.mark.parametrize("way", WAYS, ids=["alone", "together", "batch", "samples"])
@pytest.mark.parametrize("obeys", ["labels", "leaks", "adds", "talks"])
def test_a_row_harms_no_other(
    label: Callable[..., Any], write: Any, chat_server: ChatServer, obeys: str, way: list[str]
) -> None:
    mixed = [text for pair in zip(ATTEMPTS, INNOCENT * 6, strict=False) for text in pair]
    texts = list(dict.fromkeys(mixed))
    write("labelkit.toml", TASK)
    quoted = "".join('"' + text.replace('"', '""') + '"\n' for text in texts)
    write("rows.csv", "text\n" + quoted)
    # The endpoint binds no schema: nothing but our own check stands between it and the column.
    chat_server.control(obeys=obeys, schema=False, binds=False)
    result = label("rows.csv", "--rationale", *way)
    assert result.code == 0, result.err
    found = {row["text"]: row for row in rows_of("out.csv")}
    assert [found[text]["llm_label"] for text in INNOCENT] == TRUTH
    assert {row["llm_label"] for row in found.values()} <= {"NEGATIVE", "POSITIVE", ""}
    made = [value for row in found.values() for name, value in row.items() if name != "text"]
    assert not [value for value in made if any(secret in value for secret in SECRETS)]
    assert not any(secret in result.err for secret in SECRETS)


def test_the_attempts_are_known_and_the_innocent_are_not() -> None:
    assert len(ATTEMPTS) >= 30
    assert [text for text in ATTEMPTS if not gives_orders(text)] == []
    assert [text for text in INNOCENT if gives_orders(text)] == []


@pytest.mark.slow
@needs_model
def test_the_local_model_reads_each_row_alone(tmp_path: Path) -> None:
    first = [f"{text} ({number})" for number in range(3) for text in INNOCENT]
    cache = Cache(tmp_path)
    alone = local_run(cache)
    alone.label(first)
    beside = local_run(cache)
    found = beside.label([*first, *ATTEMPTS])
    assert {item.label for item in found} <= {"NEGATIVE", "POSITIVE"}
    assert not any(item.error or item.rationale for item in found)
    assert beside.asker is not None
    # What is asked about the others is what was asked without them, to the letter.
    assert beside.meter.answers == len(ATTEMPTS)
    cache.close()
