"""How sure the model is: class probabilities out of the answer's token log-probabilities."""

import json
import math
from collections.abc import Sequence

# One generated token: its text, its log-probability, the alternatives at its place.
Token = tuple[str, float, dict[str, float]]


def from_tokens(
    tokens: Sequence[Token], label: str, classes: Sequence[str]
) -> dict[str, float] | None:
    """Return each class's probability, renormalised over the classes; None where it cannot be.

    `tokens` are the answer's tokens with their alternatives. The walk follows the tokens that
    spell the label. At each place the alternatives that would have led to another class give
    their mass to it, times the probability of the path so far; a token that still fits several
    classes (a shared beginning) shares its mass between those that part from the path there.
    The mass that leads to no class is left out.
    """
    span = _label_span(tokens, label)
    if span is None:
        return None
    start, first, offset = span
    spelled = _spelling(tokens, start, label)
    mass = dict.fromkeys(classes, 0.0)
    path, done = 1.0, ""
    open_classes = set(classes)
    position = first
    while position < len(tokens) and done != spelled:
        text, logprob, others = tokens[position]
        lead, piece = text[:offset], text[offset:]
        for other, other_logprob in {**others, text: logprob}.items():
            if not other.startswith(lead):
                continue
            fitting = [
                name for name in open_classes if _fits(done + other[offset:], name, spelled, label)
            ]
            if other == text or not fitting or label in fitting:
                continue
            for name in fitting:
                mass[name] += path * math.exp(other_logprob) / len(fitting)
        path *= math.exp(logprob)
        done = (done + piece)[: len(spelled)]
        open_classes = {name for name in open_classes if _fits(done, name, spelled, label)}
        position, offset = position + 1, 0
    mass[label] += path
    total = sum(mass.values())
    return {name: value / total for name, value in mass.items()} if total > 0 else None


def _fits(text: str, name: str, spelled: str, label: str) -> bool:
    """Tell whether text so far may go on to spell `name` (or has spelled it and gone on)."""
    target = spelled if name == label else json.dumps(name, ensure_ascii=False)[1:-1]
    text, target = text.casefold(), target.casefold()
    if not text:
        return True
    if target.startswith(text):
        return True
    rest = text[len(target) :]
    return text.startswith(target) and not rest[:1].isalnum()


def _label_span(tokens: Sequence[Token], label: str) -> tuple[int, int, int] | None:
    """Return where the label starts: in the whole text, the token, the place in that token."""
    whole = "".join(text for text, _, _ in tokens)
    key = whole.casefold().rfind('"label"')
    spelling = json.dumps(label, ensure_ascii=False)[1:-1].casefold()
    start = whole.casefold().find(spelling, key + 7 if key >= 0 else 0)
    if start < 0 or len(whole) != len(whole.casefold()):
        return None
    seen = 0
    for position, (text, _, _) in enumerate(tokens):
        if seen + len(text) > start:
            return start, position, start - seen
        seen += len(text)
    return None


def _spelling(tokens: Sequence[Token], start: int, label: str) -> str:
    """Return the label as the answer spells it (its case may differ from the class's)."""
    whole = "".join(text for text, _, _ in tokens)
    return whole[start : start + len(json.dumps(label, ensure_ascii=False)[1:-1])]


def agreement(labels: Sequence[str | None], label: str) -> float:
    """Return the share of repeated answers that gave `label`; 0 without any answer."""
    return sum(answer == label for answer in labels) / len(labels) if labels else 0.0
