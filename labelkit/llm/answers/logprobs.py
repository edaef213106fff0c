"""How sure the model is: class probabilities out of the answer's token log-probabilities."""

import json
import math
from collections.abc import Sequence

from labelkit.llm.answers.reasoning import answer_start

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
    first, offset = span
    targets = {name: _inside_json(name) for name in classes}
    mass = dict.fromkeys(classes, 0.0)
    path, done = 1.0, ""
    for text, logprob, others in tokens[first:]:
        lead, piece = text[:offset], text[offset:]
        for other, other_logprob in others.items():
            if other == text or not other.startswith(lead):
                continue
            reached = _reached(done + other[offset:], targets)
            for name in reached:
                mass[name] += path * _share(other_logprob) / len(reached)
        path *= _share(logprob)
        done, offset = done + piece, 0
        if _reached(done, targets) == [label]:
            break
    mass[label] += path
    total = sum(mass.values())
    return {name: value / total for name, value in mass.items()} if total > 0 else None


def _share(logprob: float) -> float:
    return math.exp(min(logprob, 0.0))


def _reached(text: str, targets: dict[str, str]) -> list[str]:
    """Return the classes that `text` may go on to spell; else the longest that it has spelled."""
    so_far = text.casefold()
    if not so_far:
        return []
    open_classes = [name for name, target in targets.items() if target.startswith(so_far)]
    if open_classes:
        return open_classes
    spelled = [
        name
        for name, target in targets.items()
        if so_far.startswith(target) and not so_far[len(target)].isalnum()
    ]
    return [max(spelled, key=len)] if spelled else []


def _inside_json(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)[1:-1].casefold()


def _label_span(tokens: Sequence[Token], label: str) -> tuple[int, int] | None:
    """Return where the label starts: which token, and the place in it."""
    whole = "".join(text for text, _, _ in tokens)
    key = whole.casefold().rfind('"label"')
    spelling = _inside_json(label)
    from_here = max(key + 7 if key >= 0 else 0, answer_start(whole))
    start = whole.casefold().find(spelling, from_here)
    if start < 0 or len(whole) != len(whole.casefold()):
        return None
    seen = 0
    for position, (text, _, _) in enumerate(tokens):
        if seen + len(text) > start:
            return position, start - seen
        seen += len(text)
    return None


def agreement(labels: Sequence[str | None], label: str) -> float:
    """Return the share of repeated answers that gave `label`; 0 without any answer."""
    return sum(answer == label for answer in labels) / len(labels) if labels else 0.0
