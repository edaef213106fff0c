"""Several rows in one request: each under a number, matched back by it, split where it fails.

The numbers are drawn from the rows' own texts: a row cannot know its own nor another's, so it
cannot answer in another's name, and a model that counts instead of reading is found out.
"""

import json
import random
import re
from collections.abc import Sequence
from typing import Any

from labelkit.llm.answers.reasoning import without_reasoning
from labelkit.llm.client.response_cache import digest
from labelkit.llm.prompts import chat
from labelkit.llm.prompts.chat import Task

Request = dict[str, Any]
Reply = dict[str, Any]

LOWEST, HIGHEST = 100, 999  # one token each in most vocabularies
MOST_ROWS = 200
# Tokens of `{"row": 417, "label": "..."}`, of a sentence, of a stated confidence.
ROW_TOKENS, RATIONALE_TOKENS, CONFIDENCE_TOKENS = 30, 60, 8


def numbers_for(texts: Sequence[str]) -> list[int]:
    """Return a number for each text: the same each time, not to be guessed from one text alone."""
    drawn = random.Random(digest(list(texts)))
    return drawn.sample(range(LOWEST, HIGHEST + 1), len(texts))


def request(
    task: Task, texts: Sequence[str], single: Request, rationale: bool, confidence: bool
) -> Request:
    """Return what the model is asked about several rows at once; `single` is how it asks for one.

    All that stands before the rows is the same for every request.
    """
    shape = {"row": "<the row's number>", **chat.answer_shape(task, rationale, confidence)}
    form = json.dumps({"labels": [shape]}, ensure_ascii=False)
    system = [
        *chat.opening(task),
        "Several rows come at once, each under its number. Judge each on its own: no row says "
        "anything about another.",
        f"Answer with one JSON object and nothing else, with one entry a row:\n{form}",
    ]
    messages = [{"role": "system", "content": "\n\n".join(system)}]
    if task.examples:
        shown = [text for text, _ in task.examples]
        numbers = numbers_for(shown)
        answer = {
            "labels": [
                {"row": number, "label": label}
                for number, (_, label) in zip(numbers, task.examples, strict=True)
            ]
        }
        messages.append({"role": "user", "content": _listed(task, numbers, shown)})
        messages.append({"role": "assistant", "content": json.dumps(answer, ensure_ascii=False)})
    messages.append({"role": "user", "content": _listed(task, numbers_for(texts), texts)})
    each = ROW_TOKENS + RATIONALE_TOKENS * rationale + CONFIDENCE_TOKENS * confidence
    return single | {
        "messages": messages,
        "schema": _schema(task, rationale, confidence),
        "max_tokens": single["max_tokens"] + each * len(texts),
    }


def _listed(task: Task, numbers: Sequence[int], texts: Sequence[str]) -> str:
    rows = zip(numbers, texts, strict=True)
    return "\n\n".join(f"Row {number}:\n{task.framed(text)}" for number, text in rows)


def _schema(task: Task, rationale: bool, confidence: bool) -> dict[str, object]:
    entry: dict[str, Any] = chat.schema(task.classes, rationale, confidence)
    properties = {"row": {"type": "integer"}, **entry["properties"]}
    entry = entry | {"properties": properties, "required": list(properties)}
    return {
        "type": "object",
        "properties": {"labels": {"type": "array", "items": entry}},
        "required": ["labels"],
        "additionalProperties": False,
    }


def apart(reply: Reply, numbers: Sequence[int]) -> list[Reply] | None:
    """Return a reply for each number, as if it had been asked alone; None where they do not match.

    Every number must come back once, and no other.
    """
    if reply.get("refusal") or reply.get("finish") in ("length", "content_filter"):
        return None
    entries = _entries(str(reply.get("text", "")))
    if entries is None:
        return None
    by_number = {entry.get("row"): entry for entry in entries}
    if len(entries) != len(numbers) or set(by_number) != set(numbers):
        return None
    tokens = _tokens_of(reply, numbers)
    share_in = _shares(reply.get("tokens_in", 0), len(numbers))
    share_out = _shares(reply.get("tokens_out", 0), len(numbers))
    return [
        {
            "text": json.dumps(
                {name: value for name, value in by_number[number].items() if name != "row"},
                ensure_ascii=False,
            ),
            "finish": "stop",
            "refusal": "",
            "tokens": tokens.get(number),
            "tokens_in": share_in[place],
            "tokens_out": share_out[place],
        }
        for place, number in enumerate(numbers)
    ]


def _entries(text: str) -> list[dict[str, Any]] | None:
    text = without_reasoning(text) or ""
    start = text.find("{")
    try:
        answer, _ = json.JSONDecoder().raw_decode(text, start) if start >= 0 else (None, 0)
    except (ValueError, RecursionError):
        return None
    listed = answer.get("labels") if isinstance(answer, dict) else None
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        return None
    return [entry | {"row": _number(entry.get("row"))} for entry in listed]


def _number(value: object) -> object:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _tokens_of(reply: Reply, numbers: Sequence[int]) -> dict[int, list[Any]]:
    """Return the tokens that spell each row's entry: from its number to the next one's."""
    tokens = reply.get("tokens")
    if not tokens:
        return {}
    whole = "".join(token for token, _, _ in tokens)
    found = {
        int(hit.group(1)): hit.start() for hit in re.finditer(r'"row"\s*:\s*"?(\d{1,9})\b', whole)
    }
    starts = sorted((found[number], number) for number in numbers if number in found)
    spans: dict[int, list[Any]] = {number: [] for _, number in starts}
    position, place = 0, -1
    for token in tokens:
        while place + 1 < len(starts) and starts[place + 1][0] <= position:
            place += 1
        if place >= 0:
            spans[starts[place][1]].append(token)
        position += len(token[0])
    return spans


def _shares(total: int, among: int) -> list[int]:
    """Return whole shares that sum to the total."""
    each, rest = divmod(int(total), among)
    return [each + (place < rest) for place in range(among)]
