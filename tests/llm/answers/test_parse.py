"""Answers in every wrapping, and those that must not be guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.llm.answers.parse import parse

CLASSES = ["NEGATIVE", "POSITIVE"]


@pytest.mark.parametrize(
    "text",
    [
        '{"label": "POSITIVE"}',
        '{"label":"positive"}',
        '```json\n{"label": "POSITIVE"}\n```',
        "```\nPOSITIVE\n```",
        "POSITIVE",
        '"positive"',
        "**Positive**",
        "Positive.",
        "The label is POSITIVE.",
        'Sure! {"label": "POSITIVE"} Hope this helps.',
        '<think>NEGATIVE? no.</think>{"label": "POSITIVE"}',
        '{"Label": "POSITIVE", "why": "it is not NEGATIVE"}',
        '{"answer": "POSITIVE"}',
        '{"label": "POSITIVE"}\n{"label": "POSITIVE"}',
    ],
)
def test_one_class_named(text: str) -> None:
    assert parse(text, CLASSES).label == "POSITIVE"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the answer is empty"),
        ("POSITIVE or NEGATIVE", "the answer names several classes: NEGATIVE, POSITIVE"),
        ("It is not positive", "the answer says what the label is not"),
        ("This isn't a positive review", "the answer says what the label is not"),
        ('{"label": "MAYBE"}', "'MAYBE' is not one of the classes"),
        ('{"label": ["POSITIVE"]}', "the answer gives a label that is list, not text"),
        ('{"label": null, "x": 1}', "the answer gives no label"),
        (
            '{"label": "POSITIVE"} {"label": "NEGATIVE"}',
            "the answer gives several labels: NEGATIVE, POSITIVE",
        ),
        ('{"label": "POSI', '\'{"label": "POSI\' is not one of the classes'),
        ("positively charming", "'positively charming' is not one of the classes"),
    ],
)
def test_nothing_is_guessed(text: str, reason: str) -> None:
    assert parse(text, CLASSES)[:2] == (None, reason)


def test_a_longer_class_hides_a_shorter_one() -> None:
    classes = ["spam", "not spam"]
    assert parse("It is not spam", classes).label == "not spam"
    assert parse("spam", classes).label == "spam"


def test_numbers_and_near_spellings() -> None:
    assert parse('{"label": 1}', ["0", "1"]).label == "1"
    assert parse("sci tech", ["Sci/Tech", "World"]).label == "Sci/Tech"
    assert parse("a b", ["a_b", "A-B"]).label is None
    assert parse("A-B", ["a_b", "A-B"]).label == "A-B"


@pytest.mark.parametrize(
    ("stated", "share"), [("80", 0.8), ('"80%"', 0.8), ("0.8", 0.8), ("800", None), ("true", None)]
)
def test_stated_confidence(stated: str, share: float | None) -> None:
    assert parse(f'{{"label": "POSITIVE", "confidence": {stated}}}', CLASSES).confidence == share


@given(st.text(), st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=5, unique=True))
def test_a_label_is_always_a_class(text: str, classes: list[str]) -> None:
    found = parse(text, classes)
    assert found.label in classes if found.label is not None else found.reason
