"""A whole run against a real endpoint: faults, fallbacks, nothing asked twice, no key anywhere."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from labelkit.errors import BudgetReached, LabelkitError, UsageError
from labelkit.io.ledger import Run as Entry
from labelkit.llm.client.cost_meter import Meter, Price
from labelkit.llm.client.response_cache import Cache
from labelkit.llm.options import Settings
from labelkit.llm.prompts.chat import Task
from labelkit.llm.prompts.few_shot import Examples
from labelkit.llm.runner import Run

from .conftest import ChatServer

CLASSES = ("NEGATIVE", "POSITIVE")
KEY = "sk-very-secret-0123456789"
OTHER = Entry("another run", "", "", "tiny-1")


def a_run(cache: Cache, server: ChatServer, meter: Meter | None = None, **settings: Any) -> Run:
    told = {"model": "tiny-1", "base_url": server.url, "retries": 3} | settings
    return Run(
        Task(CLASSES),
        Settings(**told),
        Examples((), (), 0),
        cache,
        meter or Meter(None, None),
        Entry("r1", "", "", "tiny-1"),
    )


def test_every_text_gets_its_label_and_its_confidence(
    cache: Cache, chat_server: ChatServer
) -> None:
    found = a_run(cache, chat_server).label(["good film", "dull film"])
    assert [item.label for item in found] == ["POSITIVE", "NEGATIVE"]
    assert [round(item.confidence or 0, 6) for item in found] == [0.9375, 0.9375]  # .9 / .96
    assert chat_server.seen["requests"] == 2  # the first row is the probe, and it counts


def test_passing_faults_are_retried_and_lasting_ones_told(
    cache: Cache, chat_server: ChatServer
) -> None:
    texts = [
        "good a", "good [429]", "good [500]", "good [broken]", "good [cut]", "good [html]",
        "good [always 500]", "[refuse]", "[length]", "[empty]", "[wrong]", "good [wrong once]",
        "[too long]",
    ]  # fmt: skip
    found = dict(zip(texts, a_run(cache, chat_server).label(texts), strict=True))
    for text in [*texts[:6], "good [wrong once]"]:
        assert found[text].label == "POSITIVE", text
    told = {text: item.error for text, item in found.items() if item.error}
    assert told == {
        "good [always 500]": "500: scripted (after 3 retries)",
        "[refuse]": "the model refused: I cannot help with that.",
        "[length]": "the answer was cut off (finish_reason=length); see --max-tokens",
        "[empty]": "the answer is empty",
        "[wrong]": "'MAYBE' is not one of the classes",
        "[too long]": "400: maximum context length exceeded",
    }
    assert all(found[text] == ("", 0.0, error, "") for text, error in told.items())


def test_a_second_run_asks_nothing(cache: Cache, chat_server: ChatServer) -> None:
    texts = [f"good {n}" for n in range(20)] + ["[wrong]", "[refuse]"]
    first = a_run(cache, chat_server).label(texts)
    asked = chat_server.seen["requests"]
    again = a_run(cache, chat_server)
    assert again.label(texts) == first
    assert chat_server.seen["requests"] == asked
    assert again.meter.answers == 0


def test_retry_after_holds_all_workers(cache: Cache, chat_server: ChatServer) -> None:
    chat_server.control(retry_after="0.8")
    texts = ["good 0", "good [429]", *(f"good {n}" for n in range(1, 9))]
    found = a_run(cache, chat_server, concurrency=2).label(texts)
    assert all(item.label == "POSITIVE" for item in found)
    times = chat_server.seen["times"]
    assert max(b - a for a, b in itertools.pairwise(times)) > 0.7


@pytest.mark.parametrize("wait", ["0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_wait_of_no_time_is_none(cache: Cache, chat_server: ChatServer, wait: str) -> None:
    chat_server.control(retry_after=wait)
    texts = [f"good {n} [429]" for n in range(6)]
    found = a_run(cache, chat_server, retries=1).label(texts)
    assert [item.label for item in found] == ["POSITIVE"] * 6
    times = sorted(chat_server.seen["times"])
    assert max(b - a for a, b in itertools.pairwise(times)) > 0.4


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ({"schema": False}, {"answers": "object"}),
        ({"logprobs": "refused"}, {"logprobs": False}),
        ({"logprobs": False}, {"logprobs": False}),
        ({"limit": "max_completion_tokens"}, {"limit": "max_completion_tokens"}),
        ({"temperature": False}, {"temperature": False}),
    ],
)
def test_what_a_server_refuses_is_left_out_and_remembered(
    cache: Cache, chat_server: ChatServer, server: dict[str, Any], expected: dict[str, Any]
) -> None:
    chat_server.control(**server)
    run = a_run(cache, chat_server)
    found = run.label(["good", "bad"])
    assert [item.label for item in found] == ["POSITIVE", "NEGATIVE"]
    assert run.asker is not None
    assert {name: run.asker.provider.facts[name] for name in expected} == expected
    asked = chat_server.seen["requests"]
    a_run(cache, chat_server).label(["good", "bad", "another"])
    assert chat_server.seen["requests"] == asked + 1
    if expected == {"logprobs": False}:
        assert found[0].confidence == 0.8  # stated by the model instead


def test_free_text_answers_are_matched(cache: Cache, chat_server: ChatServer) -> None:
    chat_server.control(free_text=True, logprobs=False)
    found = a_run(cache, chat_server).label(["good", "bad"])
    assert [item.label for item in found] == ["POSITIVE", "NEGATIVE"]


def test_the_rationale_comes_before_the_label(cache: Cache, chat_server: ChatServer) -> None:
    (found,) = a_run(cache, chat_server, rationale=True).label(["good"])
    assert (found.label, found.rationale) == ("POSITIVE", "It says POSITIVE.")


def test_a_wrong_key_stops_at_once_and_is_shown_nowhere(
    cache: Cache, chat_server: ChatServer, tmp_path: Path
) -> None:
    chat_server.control(key="another")
    with pytest.raises(LabelkitError, match=r"refuses the key \(401\): .*\*\*\*") as caught:
        a_run(cache, chat_server, key=KEY).label([f"good {n}" for n in range(30)])
    assert KEY not in str(caught.value)
    assert chat_server.seen["requests"] == 1
    chat_server.control(key=KEY)
    found = a_run(cache, chat_server, key=KEY).label(["good"])
    assert KEY not in repr(found)
    assert not [
        file for file in tmp_path.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()
    ]


def test_a_reply_that_holds_the_key_is_quoted_without_it(
    cache: Cache, chat_server: ChatServer
) -> None:
    (row,) = a_run(cache, chat_server, key=KEY).label(["good [key as label]"])
    assert row.error == "'***' is not one of the classes"


@pytest.mark.parametrize("key", ["none", "e", "POSITIVE", "test"])
def test_a_short_key_is_cut_out_of_no_answer(
    cache: Cache, chat_server: ChatServer, key: str
) -> None:
    rows = a_run(cache, chat_server, key=key).label(["good", "bad"])
    assert [row.label for row in rows] == ["POSITIVE", "NEGATIVE"]


def test_an_unknown_model_is_answered_with_the_known_ones(
    cache: Cache, chat_server: ChatServer
) -> None:
    with pytest.raises(LabelkitError) as caught:
        a_run(cache, chat_server, model="tiny-3").label(["good"])
    assert str(caught.value) == (
        f"{chat_server.url} has no model 'tiny-3'; did you mean 'tiny-2'? "
        "(it lists: tiny-1, tiny-2)"
    )


def test_what_is_not_openai_like(cache: Cache, chat_server: ChatServer) -> None:
    wrong = f"http://127.0.0.1:{chat_server.port}"
    with pytest.raises(LabelkitError, match="is not an OpenAI-compatible endpoint") as caught:
        a_run(cache, chat_server, base_url=wrong).label(["good"])
    assert "usually ends with /v1" in str(caught.value)


@pytest.mark.parametrize("body", ["{}", '{"choices": []}', "[]", '"hello"', '{"data": [1]}'])
def test_what_answers_but_not_as_openai_does(
    cache: Cache, chat_server: ChatServer, body: str
) -> None:
    chat_server.control(always=body)
    with pytest.raises(LabelkitError, match="the endpoint's answer is broken: ") as caught:
        a_run(cache, chat_server, retries=1).label(["good", "bad"])
    assert body in str(caught.value) and chat_server.url in str(caught.value)
    assert chat_server.seen["requests"] <= 4


def test_nobody_there(cache: Cache, chat_server: ChatServer) -> None:
    chat_server.stop()
    with pytest.raises(LabelkitError, match=r"cannot reach http://127\.0\.0\.1:\d+/v1") as caught:
        a_run(cache, chat_server, retries=1).label(["good", "bad"])
    assert caught.value.exit_code == 1


def test_an_endpoint_that_goes_away_stops_the_run_and_keeps_its_answers(
    cache: Cache, chat_server: ChatServer
) -> None:
    texts = [f"good {n}" for n in range(5)] + [f"[always 500] {n}" for n in range(40)]
    with pytest.raises(BudgetReached, match="stopped after 10 failures in a row") as caught:
        a_run(cache, chat_server, retries=0, concurrency=2).label(texts)
    assert "All 5 answers of this run are kept" in str(caught.value)
    # Of two at once, one may fail before the last answer comes, one is out at the tenth failure.
    assert chat_server.seen["requests"] <= 5 + 12
    asked = chat_server.seen["requests"]
    a_run(cache, chat_server).label(texts[:5])
    assert chat_server.seen["requests"] == asked


def test_the_budget_is_never_crossed(cache: Cache, chat_server: ChatServer) -> None:
    price = Price(1000, 1000)  # 100 tokens in, 10 out: 0.11 dollars an answer
    meter = Meter(price, 3.0, "--max-cost 3")
    with pytest.raises(BudgetReached, match="stopped before crossing --max-cost 3: ") as caught:
        a_run(cache, chat_server, meter=meter, max_tokens=20).label(
            [f"good {n}" for n in range(90)]
        )
    assert caught.value.exit_code == 5
    assert 1.5 < meter.dollars <= 3.0
    assert cache.spent(OTHER).dollars == pytest.approx(meter.dollars)
    assert chat_server.seen["requests"] == meter.answers
    meter = Meter(price, 3.0, "--max-cost 3")
    with pytest.raises(BudgetReached):
        a_run(cache, chat_server, meter=meter, max_tokens=20).label(
            [f"good {n}" for n in range(90)]
        )
    assert chat_server.seen["requests"] > 40  # it went on, and paid nothing twice
    assert cache.spent(OTHER).dollars == pytest.approx(chat_server.seen["requests"] * 0.11)


def test_logprob_confidence_is_not_pretended(cache: Cache, chat_server: ChatServer) -> None:
    chat_server.control(logprobs=False)
    with pytest.raises(UsageError, match="tiny-1 gives no log-probabilities: use --confidence"):
        a_run(cache, chat_server, confidence="logprob").label(["good"])


def test_workers_ask_at_once(cache: Cache, chat_server: ChatServer) -> None:
    chat_server.control(gather=16)
    texts = ["good, asked alone", *(f"good {n} [gather]" for n in range(64))]
    a_run(cache, chat_server, concurrency=16).label(texts)
    assert chat_server.seen["most"] == 16


def test_each_wait_is_longer_than_the_last(
    cache: Cache, chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, waits = [1000.0], []
    make = Settings.pace

    def made(settings: Settings) -> Any:
        """Return a pace whose clock goes on by what is waited, and only by that."""
        pace: Any = make(settings)

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            now[0] += seconds

        pace.sleep, pace._clock = sleep, lambda: now[0]
        return pace

    monkeypatch.setattr(Settings, "pace", made)
    found = a_run(cache, chat_server, retries=4).label(["fine", "good [always 500]"])
    assert "after 4 retries" in found[1].error
    assert chat_server.seen["requests"] == 1 + 5
    longer = [wait for wait in waits if wait > 0]
    assert len(longer) == 4
    assert all(later > earlier * 1.1 for earlier, later in itertools.pairwise(longer)), longer
