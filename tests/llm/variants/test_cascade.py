"""--cascade: the cheap model about all rows, the strong one where it is unsure."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.llm.inputs import Rows
from labelkit.llm.variants.cascade import _together
from tests.llm.conftest import ChatServer, rows_of

TEXTS = [
    f"{'good' if n % 3 else 'bad'} film {n}{' [hard]' if n % 5 == 0 else ''}" for n in range(30)
]
TRUTH = ["POSITIVE" if n % 3 else "NEGATIVE" for n in range(30)]
HARD = [n % 5 == 0 for n in range(30)]
Ask = Callable[..., Any]


@pytest.fixture
def ask(labelkit: Callable[..., Any], chat_server: ChatServer, write: Any) -> Ask:
    write("films.csv", "text,gold\n" + "".join(map("{},{}\n".format, TEXTS, TRUTH)))

    def run(*more: object) -> Any:
        common = ["films.csv", "-o", "out.csv", "--classes", "NEGATIVE,POSITIVE"]
        return labelkit("llm-label", *common, "--base-url", chat_server.url, *more)

    return run


def columns(*names: str) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in names) for row in rows_of("out.csv")]


def test_the_strong_model_is_asked_where_the_cheap_one_is_unsure(
    ask: Ask, chat_server: ChatServer
) -> None:
    both = ["--cascade", "tiny-1,tiny-2"]
    result = ask(*both, "--price", "1000,1000/10000,10000")
    assert result.code == 0, result.err
    names = ["tiny-2" if hard else "tiny-1" for hard in HARD]
    assert columns("llm_label", "llm_model") == list(zip(TRUTH, names, strict=True))
    assert chat_server.seen["requests"] == 30 + sum(HARD)
    assert "$9.9000 · tiny-1 decides 24, tiny-2 decides 6" in result.err  # 30 × .11 and 6 × 1.1
    again = ask(*both, "--price", "1000,1000/10000,10000")
    assert "0 asked, 36 from the cache" in again.err
    assert chat_server.seen["requests"] == 36
    assert ask(*both, "--unsure", "0.5").code == 0
    assert {model for (model,) in columns("llm_model")} == {"tiny-1"}
    assert (
        sum(label != truth for (label,), truth in zip(columns("llm_label"), TRUTH, strict=True))
        == 6
    )


def test_the_cut_between_them_is_learned_on_known_rows(ask: Ask, chat_server: ChatServer) -> None:
    result = ask("--cascade", "tiny-1,tiny-2", "--unsure", "auto", "--gold", "gold",
                 "--target-accuracy", "0.8")  # fmt: skip
    assert result.code == 0, result.err
    assert [label for (label,) in columns("llm_label")] == TRUTH
    assert "tiny-1: labels stand from a confidence of" in result.err
    result = ask("--cascade", "tiny-1,tiny-2", "--unsure", "auto", "--gold", "gold")
    assert "nothing of tiny-1 is known to be right in 0.95: the next model is asked" in result.err
    assert {model for (model,) in columns("llm_model")} == {"tiny-2"}


def test_the_limit_is_for_both(ask: Ask, chat_server: ChatServer) -> None:
    money = ["--price", "1000,1000", "--max-tokens", "20"]
    result = ask("--cascade", "tiny-1,tiny-2", *money, "--max-cost", "3.5")
    assert result.code == 5
    assert "crossing --max-cost 3.5 (the models before have spent $3.3000 of it)" in result.err
    assert 30 <= chat_server.seen["requests"] <= 31
    assert ask("--cascade", "tiny-1,tiny-2", "--max-tokens", "20").code == 0
    assert chat_server.seen["requests"] == 36


def test_a_file_says_what_is_different(ask: Ask, chat_server: ChatServer, write: Any) -> None:
    write("prompts/careful.txt", "Read twice: $text")
    write(
        "prompts/strong.toml",
        '[task]\nguidelines = "Be careful."\n'
        '[llm-label]\nmodel = "tiny-2"\ntemplate = "careful.txt"\nprice = [1, 2]\n',
    )
    result = ask("--cascade", "tiny-1,prompts/strong.toml", "--price", "1,1")
    assert result.code == 0, result.err
    assert [label for (label,) in columns("llm_label")] == TRUTH
    assert "strong decides 6" in result.err
    sent = [body["messages"] for body in chat_server.seen["bodies"] if body["model"] == "tiny-2"]
    assert all(messages[-1]["content"].startswith("Read twice: <row>") for messages in sent)
    dry = ask("--cascade", "tiny-1,prompts/strong.toml", "--dry-run", "--price", "1,1").err
    assert "30 already answered · 0 requests to tiny-1" in dry
    assert "of these at most · 6 already answered · 24 requests to tiny-2" in dry


def test_what_is_wrong_with_the_second_is_told_before_the_first_is_paid(
    ask: Ask, chat_server: ChatServer, write: Any
) -> None:
    write("cheap.toml", '[llm-label]\nmodel = "tiny-1"\nprice = [1, 1]\n')
    for content, said in (
        ("", "strong.toml: --max-cost needs the price of tiny-2"),
        ('confidence = "sure"', "strong.toml: --confidence 'sure' is not known"),
        ("price = [1, 2, 3]", "strong.toml: --price '1,2,3': give dollars per million"),
        ("[cost]\nbudget = 1", "strong.toml: [cost] is the same for all of --cascade"),
        ("json = true", "strong.toml: 'json' is the same for all of --cascade"),
        ('try = ["x"]', "strong.toml: 'try' is the same for all of --cascade"),
    ):
        write("strong.toml", f'[llm-label]\nmodel = "tiny-2"\n{content}\n')
        result = ask("--cascade", "cheap.toml,strong.toml", "--max-cost", "9")
        assert (result.code, said in result.err) == (2, True), result.err
    for content, said in (
        ('base-url = "http://elsewhere.test/v1"', "no key for http://elsewhere.test/v1"),
        ('base-url = "ftp://elsewhere"', "'ftp://elsewhere' is not a URL"),
        ('model = "replay:none.jsonl"', "none.jsonl"),
    ):
        named = "" if "model" in content else 'model = "tiny-2"\n'
        write("strong.toml", f"[llm-label]\n{named}{content}\n")
        result = ask("--cascade", "cheap.toml,strong.toml")
        assert (result.code in (1, 2), said in result.err) == (True, True), result.err
    assert chat_server.seen["requests"] == 0


def test_the_command_line_goes_before_the_task_file(ask: Ask, write: Any) -> None:
    write("labelkit.toml", '[llm-label]\nmodel = "tiny-3"\n')
    assert ask("--cascade", "tiny-1,tiny-2").code == 0
    write("labelkit.toml", '[llm-label]\ncascade = ["tiny-1", "tiny-2"]\n')
    result = ask("--model", "tiny-2")
    assert result.code == 0, result.err
    assert {model for (model,) in columns("llm_model")} == {"tiny-2"}
    assert ask().code == 0
    assert {model for (model,) in columns("llm_model")} == {"tiny-1", "tiny-2"}


def test_a_refresh_that_was_stopped_goes_on(ask: Ask, chat_server: ChatServer) -> None:
    both = ["--cascade", "tiny-1,tiny-2", "--refresh"]
    assert ask(*both).code == 0
    assert chat_server.seen["requests"] == 36
    money = ["--price", "1,1/1000,1000", "--max-tokens", "20", "--max-cost", "0.6"]
    assert ask(*both, *money).code == 5
    stopped = chat_server.seen["requests"]
    assert 66 < stopped < 72
    assert "30 already answered · 0 requests to tiny-1" in ask(*both, *money, "--dry-run").err
    assert ask(*both, "--max-tokens", "20").code == 0
    assert chat_server.seen["requests"] == 72
    assert ask(*both, "--max-tokens", "20").code == 0
    assert chat_server.seen["requests"] == 108


def test_batch_jobs_of_a_refresh_come_to_an_end(ask: Ask, chat_server: ChatServer) -> None:
    told = ["--cascade", "tiny-1,tiny-2", "--batch-api", "--no-wait", "--refresh"]
    said = [ask(*told) for _ in range(3)]
    assert [each.code for each in said] == [5, 5, 0]
    assert "29 requests are with the provider now" in said[0].err
    assert "5 requests are with the provider now" in said[1].err
    assert [label for (label,) in columns("llm_label")] == TRUTH


def test_the_summary_and_the_history_tell_of_each(ask: Ask) -> None:
    money = ["--price", "1000,1000/10000,10000"]
    assert ask("--cascade", "tiny-1,tiny-2", *money, "--summary", "s.json").code == 0
    step = json.loads(Path("out.csv.history.json").read_text())["steps"][-1]
    summary = json.loads(Path("s.json").read_text())
    for told in (summary["models"], step["figures"]["models"]):
        assert [each["texts"] for each in told] == [24, 6]
        assert [each["requests"] for each in told] == [30, 6]
        assert [each["dollars"] for each in told] == pytest.approx([3.3, 6.6])
    assert summary["dollars"] == pytest.approx(9.9)


def test_its_prompts_are_seen_and_nothing_is_sent(ask: Ask, chat_server: ChatServer) -> None:
    said = ask("--cascade", "tiny-1,tiny-2", "--show-prompt").err
    assert said.count("[system]") == 2 and "tiny-2 is told:" in said
    assert chat_server.seen["requests"] == 0


def test_neither_an_output_nor_a_request_is_needed_to_look(
    labelkit: Callable[..., Any], ask: Ask, chat_server: ChatServer
) -> None:
    ask("--cascade", "tiny-1,tiny-2", "--dry-run")  # the file is there now
    common = ["--classes", "NEGATIVE,POSITIVE", "--base-url", chat_server.url]
    for look in ("--dry-run", "--show-prompt"):
        result = labelkit("llm-label", "films.csv", "--cascade", "tiny-1,tiny-2", *common, look)
        assert result.code == 0, result.err
    assert chat_server.seen["requests"] == 0


def test_killed_between_the_models_nothing_is_paid_twice(
    write: Any, chat_server: ChatServer
) -> None:
    texts = [f"good film {n}{' [hard]' if n % 2 else ''}" for n in range(60)]
    write("films.csv", "text\n" + "".join(f"{text}\n" for text in texts))
    chat_server.control(hold=70)
    command = [sys.executable, "-m", "labelkit", "llm-label", "films.csv", "-o", "out.csv",
               "--classes", "NEGATIVE,POSITIVE", "--base-url", chat_server.url,
               "--cascade", "tiny-1,tiny-2", "--concurrency", "4"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while chat_server.seen["requests"] < 70:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    chat_server.control(hold=None)
    assert not Path("out.csv").exists()
    assert subprocess.run(command, stderr=subprocess.PIPE, check=False).returncode == 0
    assert {label for (label,) in columns("llm_label")} == {"POSITIVE"}
    assert 90 <= chat_server.seen["requests"] <= 90 + 4


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--cascade", "tiny-1"], "--cascade 'tiny-1': give two models or task files or more"),
        (["--cascade", "tiny-1,tiny-1"], "tiny-1 is named twice"),
        (["--cascade", "tiny-1,tiny-2", "--model", "tiny-1"], "leave out --model"),
        (["--cascade", "a,b,c", "--price", "1,2/3,4"], "one for each of the 3 of --cascade"),
        (["--cascade", "a,b", "--unsure", "2"], "--unsure '2': give auto, or a confidence"),
        (["--cascade", "a,none.toml"], "there is no task file none.toml"),
        (["--cascade", "a,bad.toml"], "bad.toml: 'threshold' is the same for all of --cascade"),
        (["--cascade", "a,other.toml"], "other.toml: 'classes' is the same for all of --cascade"),
        (["--cascade", "a,odd.toml"], "did you mean 'model'?"),
    ],
)  # fmt: skip
def test_what_cannot_be(ask: Ask, write: Any, more: list[str], said: str) -> None:
    write("bad.toml", "[llm-label]\nthreshold = 0.7\n")
    write("other.toml", '[task]\nclasses = ["A", "B"]\n')
    write("odd.toml", '[llm-label]\nmodle = "b"\n')
    result = ask(*more)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert not Path("out.csv").exists()


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3)), max_size=20))
def test_pairs_of_texts_keep_every_row(pairs: list[tuple[int, int]]) -> None:
    first = np.array([one for one, _ in pairs], np.int64)
    second = np.array([other if one >= 0 else -1 for one, other in pairs], np.int64)
    empty = np.zeros(len(pairs), np.bool_)
    texts = list("abcd")
    both, one, other = _together(Rows(texts, first, empty), Rows(texts, second, empty))
    assert len(both.texts) == len(one) == len(other)
    for place, a, b in zip(both.places.tolist(), first.tolist(), second.tolist(), strict=True):
        assert (place < 0) == (a < 0)
        if place >= 0:
            assert (one[place], other[place]) == (a, b)
