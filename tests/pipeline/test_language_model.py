"""What a language model costs in a pipeline, whoever paid for its answers and when."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.conftest import BASE, ROWS, cells, truth
from tests.servers import chat_server

# The endpoint counts 10 tokens in and 5 out: two cents an answer.
TASK = """
[task]
text = ["text"]
[llm-label]
model = "tiny"
price = [1000, 2000]
"""


def _paid() -> float:
    """Return what the ledger says was paid, in all runs together."""
    with sqlite3.connect(next(Path().rglob("llm.sqlite"))) as ledger:
        return float(ledger.execute("SELECT SUM(dollars) FROM runs").fetchone()[0])


def test_answers_that_an_interrupted_run_paid_for_stand_in_the_bill(
    labelkit: Any, reviews: None, monkeypatch: Any
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    Path("labelkit.toml").write_text(TASK)
    with chat_server() as url:
        args = ("pipeline", *BASE, "--base-url", url, "--stages", "llm-label,decide")
        cut = labelkit(*args, "--max-cost", "0.5")
        assert cut.code == 5, cut.err
        assert "stage 1-llm-label: stopped before crossing --max-cost 0.5" in cut.err
        done = labelkit(*args)
    assert done.code == 0, done.err
    assert len([label for (label,) in cells("labelled.csv", "llm_label") if label]) == ROWS
    bill = next(line for line in done.err.splitlines() if line.startswith("language model"))
    assert bill.split()[-2:] == [f"{_paid():.3f}", "0.000"]
    assert _paid() >= ROWS * 0.02
    page = Path("work/report.html").read_text("utf-8")
    assert f'<th scope="row">language model</th><td class="number">{_paid():.3f}</td>' in page


def test_answers_of_two_stages_are_paid_once(
    labelkit: Any, reviews: None, monkeypatch: Any
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    Path("labelkit.toml").write_text(TASK)
    with chat_server() as url:
        done = labelkit("pipeline", *BASE, "--base-url", url, "--stages",
                        "llm-label,llm-label,decide")  # fmt: skip
    assert done.code == 0, done.err
    bill = next(line for line in done.err.splitlines() if line.startswith("language model"))
    assert bill.split()[-2:] == [f"{_paid():.3f}", "0.000"]


def test_what_has_no_price_is_not_called_free(
    labelkit: Any, reviews: None, monkeypatch: Any
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    Path("labelkit.toml").write_text(TASK.replace("price =", "# price ="))
    with chat_server() as url:
        done = labelkit("pipeline", *BASE, "--base-url", url, "--stages", "llm-label,decide")
    assert done.code == 0, done.err
    lines = done.err.splitlines()
    bill = next(line for line in lines if line.startswith("language model"))
    assert bill.removeprefix("language model").split() == ["unknown", "0.000"]
    assert next(line for line in lines if line.startswith("in all")).split()[2] == "unknown"


STAGES_OF_BOTH = ("--functions", "lfs.py", "--stages", "weak-label,llm-label,decide")


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        ("", "--where 'weak_confidence < 0.8 or weak_label is empty'"),
        ("where = 'weak_label is empty'\n", ""),
        ("where = 'true'\n", ""),
    ],
)
def test_a_language_model_reads_what_rules_leave_doubtful(
    labelkit: Any, reviews: None, where: str, shown: str
) -> None:
    Path("labelkit.toml").write_text(f'[llm-label]\nmodel = "replay:none.jsonl"\n{where}')
    done = labelkit("pipeline", *BASE, *STAGES_OF_BOTH, "--print", "sh")
    line = next(line for line in done.out.splitlines() if "labelkit llm-label" in line)
    assert ("--where" in line) == bool(shown) and shown in line


def test_it_is_asked_about_no_row_that_rules_are_sure_of(labelkit: Any, reviews: None) -> None:
    texts = dict(cells("reviews.csv", "id", "text"))
    lines = [json.dumps({"text": text, "label": truth(int(i))}) for i, text in texts.items()]
    Path("llm.jsonl").write_text("\n".join(lines))
    done = labelkit("pipeline", *BASE, *STAGES_OF_BOTH, "--model", "replay:llm.jsonl")
    assert done.code == 0, done.err
    rows = cells("labelled.csv", "weak_label", "weak_confidence", "llm_label")
    assert {bool(llm) for weak, sure, llm in rows if weak and float(sure) >= 0.8} == {False}
    assert {bool(llm) for weak, sure, llm in rows if not weak or float(sure) < 0.8} == {True}
