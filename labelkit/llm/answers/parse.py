"""From a model's answer to a class, or to the reason why not. Never a guess between two.

An answer counts where it is a class (in quotes, a fence, after `Label:`), where it is a JSON object
with a label, or where one sentence of a known form asserts one class and nothing beside it denies
or doubts it.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from labelkit.config.label_text import ClassReader, spelled
from labelkit.llm.answers.reasoning import without_reasoning
from labelkit.llm.answers.sentences import SHORT_NAME, asserted_class, doubts, retracts

_FENCE = re.compile(r"^```[\w-]*[ \t]*\n?(.*?)\n?\s*```$", re.DOTALL)
_FENCE_IN_TEXT = re.compile(r"```(?:json)?|```", re.IGNORECASE)
_TAG = re.compile(
    r"^<(answer|label|output|final|final_answer|result|response|class|category)>(.*)</\1>$",
    re.DOTALL | re.IGNORECASE,
)
_BOXED = re.compile(r"^\\boxed\{(.*)\}$", re.DOTALL)
_PREFIX = re.compile(
    r"^(?:[-*\u2022#]+ )?[\"'*_`]*(?:(?:the|my|final|correct|best|predicted) )*"
    r"(?:label|class|category|answer|output|result|classification|prediction|sentiment|topic|"
    r"antwort|klasse|kategorie|etiqueta|clase|categor\u00eda|respuesta|r\u00e9ponse|classe|"
    r"cat\u00e9gorie|\u6807\u7b7e|\u7c7b\u522b|\u7b54\u6848|\u985e\u5225|\u6a19\u7c64)"
    r"[\"'*_`]*(?:\s+is)?\s*(?:[:=\uff1a]|(?<=is)\s)[\"'*_`]*\s*",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^(?:[-*\u2022]|#+)\s+")
_BEFORE = " \t\r\n\"'`*_,;:!()\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a"
_BEFORE += "\u300c\u300d\u300e\u300f\u3002\uff01\uff0c\uff1a\uff1b\u3001"
_AFTER = _BEFORE + "."
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a\u300c\u300d\u300e\u300f"
_LABEL_KEY = re.compile(
    r"^(?:(?:final|predicted|correct)[ _])?(?:labels?|class|category|classification|answer|"
    r"prediction|sentiment|topic|output|result|response|properties)(?:[ _]?name)?$",
    re.IGNORECASE,
)
_LABEL_ONLY = re.compile(r"^\{\s*(['\"])label\1\s*:\s*(['\"])([^'\"]*)\2\s*,?\s*\}$", re.IGNORECASE)
_LAST_COMMA = re.compile(r",(\s*[}\]]\s*)$")
_SEPARATORS = re.compile(r"(?<=[^\W\d_])[\s_\-/\\]+(?=\w)|(?<=\w)[\s_\-/\\]+(?=[^\W\d_])")


class Answer(NamedTuple):
    """A parsed answer: `label` is one of the classes, or None with the reason why."""

    label: str | None
    reason: str = ""
    rationale: str = ""
    confidence: float | None = None


def parse(text: str, classes: Sequence[str]) -> Answer:
    """Return the class that an answer gives, or the reason why it gives none."""
    whole = _object(text.strip())
    if whole is not None:  # its strings may hold tags of reasoning; they are no tags
        return _from_object(whole, classes)
    answer = without_reasoning(text)
    if answer is None:
        return Answer(None, "the answer was cut off inside the model's reasoning")
    if not answer:
        return Answer(None, "the answer is empty")
    fenced = _FENCE.match(answer)
    answer = fenced.group(1).strip() if fenced else answer
    label = _bare(answer, classes) or _explained(answer, classes)
    if label is not None:
        return Answer(label)
    objects, words, explanation = _objects(answer)
    if not objects:
        return _from_sentence(answer, classes)
    parsed = _from_objects(objects, classes)
    if parsed.label and (doubts(words, classes, parsed.label) or retracts(explanation)):
        return Answer(None, "the answer gives a label in words that deny or doubt it")
    return parsed


def match(value: str, classes: Sequence[str], short_in_own_case: bool = False) -> str | None:
    """Return the one class that `value` spells, in any case, Unicode form and separators.

    With `short_in_own_case` a class of up to three letters in capitals must stand in capitals:
    `it` is not `IT`, but `Yes` is `yes`.
    """
    name = _reader(tuple(classes)).class_of(value)
    if name is None:
        near = _by_spelling(tuple(classes)).get(_key(value), [])
        name = near[0] if len(near) == 1 else None
    if name is None or spelled(value) == spelled(name):
        return name
    letters = sum(character.isalpha() for character in name)
    must_be_capitals = short_in_own_case and letters <= SHORT_NAME and name.isupper()
    return None if must_be_capitals and not value.isupper() else name


@lru_cache(maxsize=64)
def _reader(classes: tuple[str, ...]) -> ClassReader:
    return ClassReader(classes)


@lru_cache(maxsize=64)
def _by_spelling(classes: tuple[str, ...]) -> dict[str, list[str]]:
    spellings: dict[str, list[str]] = {}
    for name in classes:
        spellings.setdefault(_key(name), []).append(name)
    return spellings


def _key(text: str) -> str:
    """Return the text as it is compared: Unicode, case, blanks and separators between words."""
    folded = unicodedata.normalize("NFKC", text).casefold().strip()
    plain = _SEPARATORS.sub(" ", folded)
    return " ".join(_trimmed(plain).split()) or folded


def _trimmed(text: str) -> str:
    return text.lstrip(_BEFORE).rstrip(_AFTER)


def _bare(answer: str, classes: Sequence[str]) -> str | None:
    """Return the class that the whole answer is, under a prefix, quotes and punctuation."""
    left, before = answer.strip(), None
    while left and left != before:
        if left in classes:
            return left
        before, left = left, _peeled(left)
    return match(answer, classes, True) or (match(left, classes, True) if left else None)


def _explained(answer: str, classes: Sequence[str]) -> str | None:
    """Return the class that the first line is, where the lines after it do not take it back.

    After `Label: spam` they may say what it is not; after a bare `no` they may refuse.
    """
    line, _, explanation = answer.partition("\n")
    label = _bare(line, classes) if explanation else None
    if label is None:
        return None
    if _PREFIX.match(line):
        return None if retracts(explanation) else label
    return None if doubts(explanation, classes, label) else label


def _peeled(text: str) -> str:
    """Return the text without one layer of what stands around an answer."""
    for pattern in (_FENCE, _TAG, _BOXED):
        inner = pattern.match(text)
        if inner:
            return inner.group(inner.lastindex or 0).strip()
    if len(text) > 2 and text[0] in _QUOTES and text[-1] in _QUOTES:
        return text[1:-1].strip()
    for pattern in (_PREFIX, _BULLET):
        rest = pattern.sub("", text, count=1)
        if rest != text:
            return rest.strip()
    return _trimmed(text)


def _from_sentence(answer: str, classes: Sequence[str]) -> Answer:
    label, reason = asserted_class(answer, classes)
    shown = answer if len(answer) <= 60 else answer[:57] + "..."
    return Answer(label, "" if label else reason or f"{shown!r} is not one of the classes")


def _object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that the text is, also with a last comma or in Python's quotes."""
    if not text.startswith(("{", "[")):
        return None
    only = _LABEL_ONLY.match(text)
    if only:
        return {"label": only.group(3)}
    for form in (text, _LAST_COMMA.sub(r"\1", text)):
        try:
            value = json.loads(form, object_pairs_hook=_without_doubled_keys)
        except (ValueError, RecursionError):
            continue
        while isinstance(value, list) and len(value) == 1:
            value = value[0]
        value = {"label": value} if isinstance(value, str) else value
        return value if isinstance(value, dict) else None
    return None


def _without_doubled_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; a key that stands there twice has all of its values."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        other = key in found and found[key] != value
        found[key] = [found[key], value] if other else value
    return found


def _objects(text: str) -> tuple[list[dict[str, Any]], str, str]:
    """Return the JSON objects in the text, in order, the words around and the lines after them."""
    whole = _object(text)
    if whole is not None:
        return [whole], "", ""
    objects: list[dict[str, Any]] = []
    decoder, rest, last = json.JSONDecoder(object_pairs_hook=_without_doubled_keys), [], 0
    position = text.find("{")
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError):
            end = position + 1
        else:
            if isinstance(value, dict):
                objects.append(value)
                rest.append(text[last:position])
                last = end
        position = text.find("{", end)
    around = _FENCE_IN_TEXT.sub(" ", " ".join(rest))
    after, line_end, explanation = _FENCE_IN_TEXT.sub(" ", text[last:]).partition("\n")
    return objects, f"{around} {after}", line_end + explanation


def _from_objects(objects: list[dict[str, Any]], classes: Sequence[str]) -> Answer:
    """Return the one label of the objects."""
    labelled = [item for item in objects if _lower_keys(item).get("label") is not None]
    parsed = [_from_object(item, classes) for item in labelled or objects]
    labels = {item.label for item in parsed if item.label is not None}
    if len(labels) > 1:
        return Answer(None, f"the answer gives several labels: {', '.join(sorted(labels))}")
    return next((item for item in parsed if item.label is not None), parsed[0])


def _lower_keys(item: dict[str, Any]) -> dict[str, Any]:
    return {str(key).casefold(): value for key, value in item.items()}


def _from_object(item: dict[str, Any], classes: Sequence[str]) -> Answer:
    by_name = _lower_keys(item)
    value = _unwrapped(_label_value(by_name))
    rationale = by_name.get("rationale")
    stated = _share(by_name.get("confidence"))
    if not isinstance(value, str | int | float):
        kind = "no label" if value is None else f"a label that is {type(value).__name__}, not text"
        return Answer(None, f"the answer gives {kind}")
    text = spelled(value)
    label = _bare(text, classes) or match(text, classes)
    shown = text if len(text) <= 60 else text[:57] + "..."
    reason = "" if label is not None else f"{shown!r} is not one of the classes"
    return Answer(label, reason, rationale if isinstance(rationale, str) else "", stated)


def _label_value(by_name: dict[str, Any]) -> Any:
    """Return the value of the label's key: `label`, else the only key that is called like one."""
    if by_name.get("label") is not None:
        return by_name["label"]
    values = [value for key, value in by_name.items() if _LABEL_KEY.match(key)]
    return values[0] if len(values) == 1 else None


def _unwrapped(value: Any) -> Any:
    """Return what lists and objects of one entry hold: `["ham"]`, `{"label": "ham"}`."""
    for _ in range(4):
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        elif isinstance(value, dict):
            keys = _lower_keys(value)
            only = next(iter(keys.values())) if list(keys) in (["name"], ["value"]) else None
            value = only if only is not None else _label_value(keys)
        else:
            break
    return value


def _share(value: object) -> float | None:
    """Return a stated confidence as 0..1: `0.9`, `90` and `"90%"` are the same."""
    if isinstance(value, str):
        try:
            value = float(value.strip().rstrip("%"))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    share = value / 100 if value > 1 else float(value)
    return share if 0 <= share <= 1 else None
