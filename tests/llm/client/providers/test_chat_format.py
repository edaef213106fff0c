"""Answers of chat endpoints in the forms that they come in, and numbers that are none."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.llm.answers.logprobs import from_tokens
from labelkit.llm.answers.reply_labels import read as answer_of
from labelkit.llm.client.providers.chat_format import read

MAIL = ["ham", "spam"]


def reply(content: Any, finish: Any = "stop", usage: Any = None, **message: Any) -> dict[str, Any]:
    choice = {"message": {"content": content, **message}, "finish_reason": finish}
    return read({"choices": [choice], "usage": usage}, None)


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": '{"label": "ham"}'}],
        [{"type": "output_text", "text": "ham"}],
        [{"type": "text", "text": {"value": "ham", "annotations": []}}],
        ["ham"],
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": "maybe spam"}]},
            {"type": "text", "text": '{"label": '},
            {"type": "text", "text": '"ham"}'},
        ],
    ],
)
def test_a_list_of_parts(content: Any) -> None:
    assert answer_of(reply(content), MAIL).label == "ham"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"reasoning_content": '{"label": "ham"}'}, "the model gave its reasoning only"),
        ({"reasoning": "ham"}, "the model gave its reasoning only"),
        (
            {"tool_calls": [{"function": {"arguments": '{"label": "ham"}'}}]},
            "the model called a tool instead of answering in text",
        ),
        ({"refusal": "I will not."}, "the model refused: I will not."),
        ({}, "the answer is empty"),
    ],
)
def test_a_message_without_text(message: dict[str, Any], reason: str) -> None:
    answer = answer_of(reply(None, **message), MAIL)
    assert answer.label is None and answer.reason.startswith(reason)


@pytest.mark.parametrize("finish", ["length", "max_tokens", "MAX_TOKENS", "model_length"])
@pytest.mark.parametrize("content", ["<think>first ham", '{"label": "spam', "spa", "A ham {"])
def test_an_answer_that_was_cut_off(finish: str, content: str) -> None:
    assert answer_of(reply(content, finish), MAIL).label is None


def test_a_label_before_the_cut_counts() -> None:
    assert answer_of(reply('{"label": "ham"}\nIt is', "length"), MAIL).label == "ham"


@pytest.mark.parametrize("number", [math.inf, -1, math.nan, "1e999", "many", [], True, 1e300])
def test_a_count_of_tokens_that_is_none(number: Any) -> None:
    counts = reply("ham", usage={"prompt_tokens": number, "completion_tokens": number})
    assert 0 <= counts["tokens_in"] < 100 and 0 <= counts["tokens_out"] < 100


def logprobs(*tokens: tuple[Any, Any, list[tuple[Any, Any]]], as_bytes: bool = False) -> Any:
    def item(token: Any, logprob: Any) -> dict[str, Any]:
        if as_bytes:
            return {"token": repr(token), "logprob": logprob, "bytes": list(token)}
        return {"token": token, "logprob": logprob, "bytes": None}

    return {
        "content": [
            item(token, logprob) | {"top_logprobs": [item(*other) for other in others]}
            for token, logprob, others in tokens
        ]
    }


def tokens_of(told: Any) -> Any:
    choice = {"message": {"content": "ham"}, "finish_reason": "stop", "logprobs": told}
    return read({"choices": [choice]}, None)["tokens"]


def test_an_alternative_without_a_number_is_left_out() -> None:
    told = logprobs(("ham", -0.1, [("ham", -0.1), ("spam", None), ("x", 1000.0), ("eggs", -3.0)]))
    assert tokens_of(told) == [("ham", -0.1, {"ham": -0.1, "eggs": -3.0})]


@pytest.mark.parametrize("number", [1000.0, None, "much", math.nan])
def test_a_token_without_a_number_gives_no_confidence(number: Any) -> None:
    assert tokens_of(logprobs(("ham", number, []))) is None


def test_a_certainty_and_an_impossibility() -> None:
    told = logprobs(("ham", 1e-7, [("ham", 1e-7), ("spam", -math.inf)]))
    assert tokens_of(told) == [("ham", 0.0, {"ham": 0.0, "spam": -9999.0})]


def test_tokens_that_end_inside_a_character() -> None:
    """Two classes that differ in the last byte of one character."""
    cat, dog = "\u732b", "\u732a"
    first, last = cat.encode()[:2], cat.encode()[2:]
    told = logprobs(
        (first, 0.0, [(first, 0.0)]),
        (last, math.log(0.9), [(last, math.log(0.9)), (dog.encode()[2:], math.log(0.1))]),
        as_bytes=True,
    )
    shares = from_tokens(tokens_of(told), cat, [cat, dog])
    assert shares == pytest.approx({cat: 0.9, dog: 0.1})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["content", "text", "type", "token", "logprob", "bytes", "top_logprobs", "label"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(anything, anything, anything, anything)
def test_whatever_comes_is_read_or_refused(
    content: Any, finish: Any, usage: Any, told: Any
) -> None:
    message = {"content": content, "refusal": content, "tool_calls": told}
    answer = {"choices": [{"message": message, "finish_reason": finish, "logprobs": told}]}
    try:
        found = read(answer | {"usage": usage}, None)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return
    json.dumps(found)
    label = answer_of(found, MAIL).label
    assert label in (None, *MAIL)
    if found["tokens"]:
        from_tokens(found["tokens"], "ham", MAIL)
