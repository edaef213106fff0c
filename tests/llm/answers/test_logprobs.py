"""Class probabilities out of tokens: shared beginnings, many tokens, mass on nothing."""

import math

import pytest

from labelkit.llm.answers.logprobs import Token, agreement, from_tokens


def token(text: str, share: float, **others: float) -> Token:
    alternatives = {text: share} | others
    return text, math.log(share), {name: math.log(p) for name, p in alternatives.items()}


def test_mass_on_no_class_is_left_out() -> None:
    tokens = [token('{"label": "', 1), token("POS", 0.6, NEG=0.3, The=0.1), token("ITIVE", 1)]
    found = from_tokens([*tokens, token('"}', 1)], "POSITIVE", ["NEGATIVE", "POSITIVE"])
    assert found == pytest.approx({"POSITIVE": 2 / 3, "NEGATIVE": 1 / 3})


def test_classes_that_share_their_first_token_part_later() -> None:
    classes = ["sports news", "sports opinion", "weather"]
    tokens = [
        token('"', 1),
        token("sports", 0.8, weather=0.2),
        token(" news", 0.75, **{" opinion": 0.25}),
    ]
    found = from_tokens(tokens, "sports news", classes)
    assert found == pytest.approx({"sports news": 0.6, "sports opinion": 0.2, "weather": 0.2})


def test_a_class_that_another_begins_with() -> None:
    tokens = [token('"', 1), token("spam", 0.9, ham=0.1), token('"', 0.7, **{" mail": 0.3})]
    found = from_tokens(tokens, "spam", ["spam", "spam mail", "ham"])
    assert found is not None
    assert found["ham"] == pytest.approx(0.1)
    assert found["spam"] == pytest.approx(0.63)
    assert found["spam mail"] == pytest.approx(0.27)


def test_the_label_may_begin_inside_a_token_and_in_another_case() -> None:
    tokens = [token(' "pos', 0.9, **{' "neg': 0.1}), token("itive", 1), token('"', 1)]
    found = from_tokens(tokens, "POSITIVE", ["NEGATIVE", "POSITIVE"])
    assert found == pytest.approx({"POSITIVE": 0.9, "NEGATIVE": 0.1})


def test_a_label_that_the_tokens_do_not_spell() -> None:
    assert from_tokens([token("yes", 1)], "POSITIVE", ["NEGATIVE", "POSITIVE"]) is None


def test_agreement() -> None:
    assert agreement(["a", "b", "a", None], "a") == 0.5
    assert agreement([], "a") == 0.0


def test_a_class_named_in_the_reasoning_is_not_the_label() -> None:
    tokens = [token("<think>", 1), token("ham", 0.9, spam=0.1), token(" or ", 1)]
    tokens += [token("spam", 0.1, ham=0.9), token("?</think>", 1), token("spam", 0.98, ham=0.02)]
    found = from_tokens(tokens, "spam", ["spam", "ham"])
    assert found == pytest.approx({"spam": 0.98, "ham": 0.02})


def test_a_log_probability_above_zero_is_a_certainty() -> None:
    assert from_tokens([("spam", 1000.0, {})], "spam", ["spam", "ham"]) == {"spam": 1, "ham": 0}
