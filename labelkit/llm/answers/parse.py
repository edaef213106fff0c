"""From a model's answer to a class, or to the reason why not. Never a guess between two."""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from labelkit.config.label_text import ClassReader, spelled

_CODE_FENCE = re.compile(r"^```[\w-]*\s*\n?(.*?)\n?```$", re.DOTALL)
_THINKING = re.compile(r"^\s*<think>.*?</think>", re.DOTALL | re.IGNORECASE)
_NEGATION = re.compile(
    r"(\b(not|no|non|never|neither|nor|cannot|without|rather than|instead of|isn'?t|\w+n't|nicht)"
    r"(\s+(a|an|the|really|quite|at all|class|clearly))*|\bnon-)[\s\"'*]*$",
    re.IGNORECASE,
)


class Answer(NamedTuple):
    """A parsed answer: `label` is one of the classes, or None with the reason why."""

    label: str | None
    reason: str = ""
    rationale: str = ""
    confidence: float | None = None


def parse(text: str, classes: Sequence[str]) -> Answer:
    """Return the class that an answer names, however it is wrapped."""
    stripped = _THINKING.sub("", text).strip()
    if not stripped:
        return Answer(None, "the answer is empty")
    fenced = _CODE_FENCE.match(stripped)
    if fenced:
        stripped = fenced.group(1).strip()
    found = _objects(stripped)
    if not found:
        return _answer(stripped.strip("\"'"), classes)
    parsed = [_from_object(item, classes) for item in found]
    labels = {item.label for item in parsed if item.label is not None}
    if len(labels) > 1:
        return Answer(None, f"the answer gives several labels: {', '.join(sorted(labels))}")
    return next((item for item in parsed if item.label is not None), parsed[0])


def match(value: str, classes: Sequence[str]) -> str | None:
    """Return the one class that `value` spells, in any case and punctuation; else None."""
    named = ClassReader(classes).class_of(value)
    if named is not None:
        return named
    near = [name for name in classes if _plain(name) == _plain(value)]
    return near[0] if len(near) == 1 else None


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split()) or text.strip()


def _objects(text: str) -> list[dict[str, Any]]:
    """Return every JSON object that stands in the text, in order."""
    found: list[dict[str, Any]] = []
    decoder = json.JSONDecoder()
    position = text.find("{")
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError):
            end = position + 1
        else:
            if isinstance(value, dict):
                found.append(value)
        position = text.find("{", end)
    return found


def _from_object(item: dict[str, Any], classes: Sequence[str]) -> Answer:
    by_name = {str(key).casefold(): value for key, value in item.items()}
    value = by_name.get("label", by_name.get("class", by_name.get("category")))
    if value is None and len(item) == 1:
        value = next(iter(item.values()))
    rationale = by_name.get("rationale")
    said = _share(by_name.get("confidence"))
    if not isinstance(value, str | int | float):
        kind = "no label" if value is None else f"a label that is {type(value).__name__}, not text"
        return Answer(None, f"the answer gives {kind}")
    label, reason, *_ = _answer(spelled(value), classes)
    return Answer(label, reason, rationale if isinstance(rationale, str) else "", said)


def _answer(value: str, classes: Sequence[str]) -> Answer:
    exact = match(value, classes)
    if exact is not None:
        return Answer(exact)
    named, negated = _named_in(value, classes)
    if len(named) == 1 and not negated:
        return Answer(named.pop())
    if len(named) > 1:
        return Answer(None, f"the answer names several classes: {', '.join(sorted(named))}")
    if negated:
        return Answer(None, "the answer says what the label is not")
    shown = value if len(value) <= 60 else value[:57] + "..."
    return Answer(None, f"{shown!r} is not one of the classes")


def _named_in(value: str, classes: Sequence[str]) -> tuple[set[str], bool]:
    """Return the classes named as whole words (a longer name hides a shorter one inside it)."""
    left, named, negated = value, set(), False
    for name in sorted(classes, key=len, reverse=True):
        pattern = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
        for hit in pattern.finditer(left):
            named.add(name)
            negated = negated or bool(_NEGATION.search(left[: hit.start()]))
        left = pattern.sub(lambda hit: "\0" * len(hit.group()), left)
    return named, negated


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
