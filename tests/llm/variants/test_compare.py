"""--try: prompts and models on the same known rows, nothing written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.llm.conftest import ChatServer

TEXTS = [
    f"{'good' if n % 3 else 'bad'} film {n}{' [hard]' if n % 4 == 0 else ''}" for n in range(40)
]
TRUTH = ["POSITIVE" if n % 3 else "NEGATIVE" for n in range(40)]
Ask = Callable[..., Any]


@pytest.fixture
def ask(labelkit: Callable[..., Any], chat_server: ChatServer, write: Any) -> Ask:
    write("films.csv", "text,gold\n" + "".join(map("{},{}\n".format, TEXTS, TRUTH)))
    write("bare.toml", '[llm-label]\nmodel = "tiny-1"\nprice = [100, 100]\n')
    write(
        "guided.toml",
        '[task]\nguidelines = "Judge the film."\n'
        '[llm-label]\nmodel = "tiny-2"\nprice = [1000, 1000]\nconfidence = "verbalised"\n',
    )

    def run(*more: object, gold: str = "gold") -> Any:
        common = ["films.csv", "--classes", "NEGATIVE,POSITIVE", *(["--gold", gold] * bool(gold))]
        return labelkit("llm-label", *common, "--base-url", chat_server.url, *more)

    return run


def test_two_prompts_and_models_side_by_side(ask: Ask, chat_server: ChatServer) -> None:
    both = ["--try", "bare.toml", "--try", "guided.toml"]
    result = ask(*both, "--json")
    assert result.code == 0, result.err
    bare, guided = json.loads(result.out)["tried"]
    assert (bare["try"], bare["model"], bare["rows"]) == ("bare", "tiny-1", 40)
    assert (bare["accuracy"], guided["accuracy"]) == (0.75, 1.0)
    assert bare["from"] < 0.75 < bare["to"] and bare["kappa"] < guided["kappa"] == 1.0
    assert bare["p_beside_best"] == pytest.approx(2 * 0.5**10) and guided["p_beside_best"] is None
    assert bare["dollars_per_1000"] == pytest.approx(11.0)  # 110 tokens a row
    # The row that tried the endpoint was asked before it was known that it gives no tokens.
    assert guided["dollars_per_1000"] == pytest.approx(110.0 * 41 / 40)
    assert bare["rows_per_second"] > 1 and bare["calibration_error"] < 0.2
    assert "guided is better than the others (McNemar, p < 0.05)" in result.err
    assert "biased" not in result.err
    assert set(Path().iterdir()) >= {Path("films.csv")} and not Path("out.csv").exists()
    assert chat_server.seen["requests"] == 81

    shown = ask(*both)
    assert chat_server.seen["requests"] == 81  # the answers are kept
    header, _, first, second = shown.out.splitlines()
    assert header.split()[:4] == ["try", "model", "rows", "accuracy"]
    assert first.split()[:4] == ["bare", "tiny-1", "40", "0.750"]
    assert second.split()[:4] == ["guided", "tiny-2", "40", "1.000"]
    known = json.loads(ask(*both, "--json").out)["tried"]
    assert known[0]["dollars_per_1000"] == bare["dollars_per_1000"]  # what they cost once
    assert known[0]["rows_per_second"] is None


def test_a_sample_and_a_models_name(ask: Ask, chat_server: ChatServer) -> None:
    result = ask("--try", "tiny-1", "--try", "tiny-2", "--sample", "10", "--summary", "s.json")
    assert result.code == 0, result.err
    assert chat_server.seen["requests"] == 20
    assert [each["rows"] for each in json.loads(Path("s.json").read_text())["tried"]] == [10, 10]
    assert "is ahead, but not shown to be better than" in result.err


def test_rows_for_the_audit_are_not_looked_at(ask: Ask, write: Any) -> None:
    lines = [
        f"{text},{truth},{'audit' if n < 15 else 'query'}\n"
        for n, (text, truth) in enumerate(zip(TEXTS, TRUTH, strict=True)) if n < 30
    ]  # fmt: skip
    write("films.csv", "text,label,label_origin\n" + "".join(lines) + "good new,,\n")
    result = ask("--try", "tiny-1", "--json", gold="label")
    assert json.loads(result.out)["tried"][0]["rows"] == 15
    assert "15 rows with a known label (biased: the known rows may not stand for all)" in result.err


def test_nothing_is_sent_on_a_dry_run_or_beyond_the_limit(
    ask: Ask, chat_server: ChatServer
) -> None:
    both = ["--try", "bare.toml", "--try", "guided.toml"]
    said = ask(*both, "--dry-run").err
    assert "40 requests to tiny-1" in said and "40 requests to tiny-2" in said
    assert chat_server.seen["requests"] == 0
    result = ask(*both, "--max-cost", "1", "--max-tokens", "20")
    assert result.code == 5 and "stopped before crossing --max-cost 1" in result.err
    assert 40 <= chat_server.seen["requests"] <= 46  # 40 × .011, then .11 each


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--try", "tiny-1", "--cascade", "a,b"], 2, "leave out --cascade"),
        (["--try", "tiny-1", "--threshold", "0.7"], 2, "--try only compares"),
        (["--try", ""], 2, "give a task file or the name of a model"),
        (["--json", "--model", "tiny-1", "-o", "o.csv"], 2, "leave it out, or add --try"),
        (["--try", "a.toml"], 2, "there is no task file a.toml"),
        (["--try", "tiny-9"], 1, "has no model 'tiny-9'; did you mean"),
    ],
)
def test_what_cannot_be(ask: Ask, more: list[str], code: int, said: str) -> None:
    result = ask(*more)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert ask("--try", "tiny-1", gold="").code == 2


def test_its_prompts_are_seen_and_nothing_is_sent(ask: Ask, chat_server: ChatServer) -> None:
    result = ask("--try", "bare.toml", "--try", "guided.toml", "--show-prompt")
    assert (result.code, result.out) == (0, "")
    bare, guided = result.err.split("guided is told:")
    assert bare.startswith("bare is told:") and "Judge the film." not in bare
    assert "Judge the film." in guided and "bad film 0" in guided
    assert chat_server.seen["requests"] == 0


def test_a_batch_job_is_counted_at_its_price(ask: Ask) -> None:
    result = ask("--try", "bare.toml", "--batch-api", "--batch-price", "50,50", "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["tried"][0]["dollars_per_1000"] == pytest.approx(
        5.5, rel=0.03
    )  # a row was asked at the full price, to see what the endpoint can do


def test_what_is_equally_good_is_not_ahead_and_nothing_is_written(ask: Ask, write: Any) -> None:
    write("same.toml", '[llm-label]\nmodel = "tiny-1"\n')
    result = ask("--try", "tiny-1", "--try", "same.toml", "-o", "out.csv")
    assert "; tiny-1 is not shown to be better than same; " in result.err
    assert "--try only compares: out.csv is not written" in result.err
    assert not Path("out.csv").exists()


def test_the_command_line_goes_before_the_task_file(ask: Ask, write: Any) -> None:
    write("labelkit.toml", '[llm-label]\ncascade = ["tiny-1", "tiny-2"]\n')
    result = ask("--try", "tiny-2", "--json")
    assert json.loads(result.out)["tried"][0]["accuracy"] == 1.0
