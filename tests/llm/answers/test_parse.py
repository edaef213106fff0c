"""Answers in every wrapping, and those that must not be guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelkit.config.label_text import spelled
from labelkit.llm.answers.parse import match, parse

CLASSES = ["NEGATIVE", "POSITIVE"]
MAIL = ["ham", "spam"]
NOT_PLAIN = "the answer names a class in words that deny or doubt it"


@pytest.mark.parametrize(
    "text",
    [
        '{"label": "POSITIVE"}',
        '{"label":"positive"}',
        '```json\n{"label": "POSITIVE"}\n```',
        "```\nPOSITIVE\n```",
        "POSITIVE",
        '"positive"',
        "\u201cpositive\u201d.",
        "**Positive**",
        "Positive.",
        "- positive",
        "Label: POSITIVE",
        "**Label:** positive",
        "Final answer: **positive**",
        "label: positive\nconfidence: 90",
        "<answer>positive</answer>",
        "\\boxed{positive}",
        "\uff30\uff4f\uff53\uff49\uff54\uff49\uff56\uff45",
        "The label is POSITIVE.",
        "The sentiment of this review is positive.",
        "This is a positive review.",
        "This piece of text seems to be related to positive, as it praises the film.",
        'It can be categorized under the category of "Positive".',
        "I would say: positive.",
        'Sure! {"label": "POSITIVE"} Hope this helps.',
        'Here you go:\n```json\n{"label": "positive"}\n```\nIt is not negative, as it praises.',
        '{"Label": "POSITIVE", "why": "it is not NEGATIVE"}',
        '{"answer": "POSITIVE"}',
        '{"label": ["POSITIVE"]}',
        '[{"label": "POSITIVE"}]',
        '{"answer": {"label": "POSITIVE"}}',
        '{"label": {"name": "POSITIVE"}}',
        '{"rationale": "not a negative word", "label": "POSITIVE",}',
        "{'label': 'POSITIVE'}",
        '{"text": "NEGATIVE"}\n{"label": "POSITIVE"}',
        '{"label": "POSITIVE"}\n{"label": "POSITIVE"}',
        '{"label": "POSITIVE"}<|im_end|>',
        '["POSITIVE"]',
        '{"labels": ["positive"]}',
        '{"result": {"label": {"value": "positive"}}}',
        "positive\n\nExplanation: the reviewer praises the film.",
        "Label: positive\n\nThis is not negative, as the reviewer praises it.",
        "The answer is clearly positive.",
        "This should be labeled positive.",
    ],
)
def test_one_class_given(text: str) -> None:
    assert parse(text, CLASSES).label == "POSITIVE"


REASONING = [
    '<think>spam? {"label": "spam"}</think>ANSWER',
    'First draft {"label": "spam"}, but friendly.\n</think>\n\nANSWER',
    '<thinking>looks like {"label": "spam"}</thinking>\nANSWER',
    '<reasoning effort="low">spam</reasoning> ANSWER',
    '[THINK]perhaps {"label": "spam"}[/THINK]ANSWER',
    "<think>spam <think>spam</think> spam</think>ANSWER",
    "ANSWER\n<think>or spam?</think>",
    "<|channel|>analysis<|message|>Might be spam.<|end|><|start|>assistant"
    "<|channel|>final<|message|>ANSWER<|return|>",
    "\u25c1think\u25b7spam\u25c1/think\u25b7ANSWER",
    "<antThinking>spam</antThinking>ANSWER",
    "<|think|>spam<|/think|>ANSWER",
    "<|begin_of_thought|>spam<|end_of_thought|><|begin_of_solution|>ANSWER<|end_of_solution|>",
]


@pytest.mark.parametrize("answer", ["ham", '{"label": "ham"}', "Label: ham."])
@pytest.mark.parametrize("around", REASONING)
def test_reasoning_is_no_answer(around: str, answer: str) -> None:
    assert parse(around.replace("ANSWER", answer), MAIL).label == "ham"


@pytest.mark.parametrize("around", REASONING[:5])
def test_reasoning_without_an_answer(around: str) -> None:
    closing = max(around.rfind("</"), around.rfind("[/"))
    opened = around if around[0] in "<[" else "<think>" + around
    cut = opened[: closing + len(opened) - len(around)]
    assert parse(cut, MAIL)[:2] == (None, "the answer was cut off inside the model's reasoning")
    assert parse(around.replace("ANSWER", ""), MAIL).label is None


def test_a_tag_inside_of_a_rationale_is_no_reasoning() -> None:
    assert parse('{"rationale": "it says </think> spam", "label": "ham"}', MAIL).label == "ham"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the answer is empty"),
        ("POSITIVE or NEGATIVE", "the answer names several classes: NEGATIVE, POSITIVE"),
        ("It is not positive", NOT_PLAIN),
        ("This isn\u2019t a positive review", NOT_PLAIN),
        ("hardly positive", NOT_PLAIN),
        ("I can't say that it is positive", NOT_PLAIN),
        ("I can't assist with positive or hateful content.", NOT_PLAIN),
        ("It could be positive.", NOT_PLAIN),
        ("Is it positive?", NOT_PLAIN),
        ("The label is positive. However, it is hard to tell.", NOT_PLAIN),
        ("It is related to positive or joyful.", "'It is related to positive or joyful.' is"),
        ("I am positive.", "'I am positive.' is not one of the classes"),
        ("The row asks me to answer positive.", "'The row asks me to answer positive.' is not"),
        ('{"label": "MAYBE"}', "'MAYBE' is not one of the classes"),
        ('{"label": "it is positive"}', "'it is positive' is not one of the classes"),
        ('{"label": ["POSITIVE", "NEGATIVE"]}', "the answer gives a label that is list, not text"),
        ('{"label": null, "x": 1}', "the answer gives no label"),
        ('{"type": "object", "enum": ["POSITIVE"]}', "the answer gives no label"),
        (
            '{"label": "POSITIVE"} {"label": "NEGATIVE"}',
            "the answer gives several labels: NEGATIVE, POSITIVE",
        ),
        ('{"label": "POSITIVE", "label": "NEGATIVE"}', "the answer gives a label that is list"),
        ("positive\n\nNo, wait.", NOT_PLAIN),
        ("Label: positive\n\nSorry, I cannot tell.", NOT_PLAIN),
        ("The row says that the label is positive.", "'The row says that the label is positive."),
        ("The opposite label is positive.", "'The opposite label is positive.' is not one"),
        ('{"label": "POSITIVE"} would be wrong', "the answer gives a label in words that deny"),
        ('Not {"label": "POSITIVE"}', "the answer gives a label in words that deny or doubt it"),
        ('{"label": "POSITIVE"}\nWait, no.', "the answer gives a label in words that deny"),
        ('{"label": "POSI', '\'{"label": "POSI\' is not one of the classes'),
        ("positively charming", "'positively charming' is not one of the classes"),
    ],
)
def test_nothing_is_guessed(text: str, reason: str) -> None:
    answer = parse(text, CLASSES)
    assert answer.label is None and answer.reason.startswith(reason)


@pytest.mark.parametrize(
    ("text", "classes", "label"),
    [
        ("It is hard to say from this text.", ["IT", "HR"], None),
        ("None of us can say.", ["US", "UK"], None),
        ("I need a bit more context.", ["A", "B"], None),
        ("no clear answer", ["yes", "no"], None),
        ('{"label": "no clear answer"}', ["yes", "no"], None),
        ("no sign of spam", MAIL, None),
        ("it", ["IT", "HR"], None),
        ("No.", ["NO", "SE"], None),
        ("IT.", ["IT", "HR"], "IT"),
        ("Label: IT", ["IT", "HR"], "IT"),
        ("(A)", ["A", "B"], "A"),
        ("Yes.", ["yes", "no"], "yes"),
        ("no", ["Yes", "No"], "No"),
        ("no\nI cannot tell.", ["yes", "no"], None),
        ("This is about me.", ["me", "you"], None),
        ("The answer is no.", ["yes", "no"], "no"),
        ('{"label": "it"}', ["IT", "HR"], "IT"),
    ],
)
def test_short_names_are_common_words(text: str, classes: list[str], label: str | None) -> None:
    assert parse(text, classes).label == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("\u5783\u573e\u90ae\u4ef6\u3002", "\u5783\u573e\u90ae\u4ef6"),
        ("\u6807\u7b7e\uff1a\u5783\u573e\u90ae\u4ef6", "\u5783\u573e\u90ae\u4ef6"),
        ("\u300c\u6b63\u5e38\u300d", "\u6b63\u5e38"),
        ("\u8fd9\u662f\u5783\u573e\u90ae\u4ef6", None),
        ("\u8fd9\u4e0d\u662f\u5783\u573e\u90ae\u4ef6", None),
        ("Label: \u5783\u573e\u90ae\u4ef6\u4e0d\u662f", None),
    ],
)
def test_a_language_without_word_boundaries(text: str, label: str | None) -> None:
    assert parse(text, ["\u5783\u573e\u90ae\u4ef6", "\u6b63\u5e38"]).label == label


def test_a_longer_class_hides_a_shorter_one() -> None:
    classes = ["spam", "not spam"]
    assert parse("It is not spam", classes).label == "not spam"
    assert parse("spam", classes).label == "spam"


def test_numbers_booleans_and_near_spellings() -> None:
    assert parse('{"label": 1}', ["0", "1"]).label == "1"
    assert parse('{"label": 1.0}', ["0", "1"]).label == "1"
    assert parse("-1", ["0", "1"]).label is None
    assert parse("-1", ["-1", "1"]).label == "-1"
    assert parse("1.5", ["15"]).label is None
    assert parse('{"label": true}', ["true", "false"]).label == "true"
    assert parse('{"label": false}', ["TRUE", "FALSE"]).label == "FALSE"
    assert parse("cafe\u0301", ["caf\u00e9", "bar"]).label == "caf\u00e9"
    assert parse("sci tech", ["Sci/Tech", "World"]).label == "Sci/Tech"
    assert parse("a b", ["a_b", "A-B"]).label is None
    assert parse("A-B", ["a_b", "A-B"]).label == "A-B"
    assert parse('":)"', [":)", ":("]).label == ":)"
    assert parse("C#", ["C", "C#"]).label == "C#"


@pytest.mark.parametrize(
    ("stated", "share"), [("80", 0.8), ('"80%"', 0.8), ("0.8", 0.8), ("800", None), ("true", None)]
)
def test_stated_confidence(stated: str, share: float | None) -> None:
    assert parse(f'{{"label": "POSITIVE", "confidence": {stated}}}', CLASSES).confidence == share


class_names = st.text(min_size=1, max_size=8).map(spelled).filter(bool)  # as they are declared
class_lists = st.lists(class_names, min_size=2, max_size=5, unique=True)


@given(st.text(), class_lists)
def test_a_label_is_always_a_class(text: str, classes: list[str]) -> None:
    found = parse(text, classes)
    assert found.label in classes if found.label is not None else found.reason


@given(class_lists, st.data())
def test_a_class_in_json_is_that_class(classes: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(classes))
    assert match(name, classes) == name


words = st.sampled_from(
    ["the", "row", "is", "spam", "ham", "not", "no", "Label:", "or", "a", "could", "be", "."]
)


@given(st.lists(words, max_size=8))
def test_no_label_beside_a_denial_or_a_second_class(parts: list[str]) -> None:
    found = parse(" ".join(parts), MAIL).label
    if {"not", "no", "could"} & set(parts) or {"spam", "ham"} <= set(parts):
        assert found is None


@pytest.mark.parametrize(
    "text",
    [
        "spam " * 20_000,
        "<" + "think" * 20_000,
        "{" * 20_000,
        "<think " * 20_000,
        "label is " * 9_000,
    ],
)
def test_an_endless_answer_is_no_label(text: str) -> None:
    assert parse(text, MAIL).label is None
