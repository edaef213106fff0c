"""The answer of a chat endpoint, read with care: `KeyError` and its like where it is none."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from labelkit.llm.client.cost_meter import estimate_tokens, estimate_tokens_in

Token = tuple[str, float, dict[str, float]]

# Why an answer ended, by the names that other APIs give to it.
_FINISH = {
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "safety": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
}
_LOWEST_LOGPROB = -9999.0
_ROUNDING = 1e-3  # a log-probability may be above 0 by so much
_MOST_TOKENS = 10**12


def read(answer: Any, request: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what is kept of an answer; where it does not count its tokens, they are estimated.

    `instead` is "tool_calls" or "reasoning" where the message has no text but one of these.
    """
    asked = estimate_tokens_in(request) if request is not None else 0
    choice = answer["choices"][0]
    message = choice["message"]
    text, refusal = _content(message.get("content"))
    finish = str(choice.get("finish_reason") or "").casefold()
    usage = answer.get("usage") or {}
    return {
        "text": text,
        "finish": _FINISH.get(finish, finish),
        "refusal": str(message.get("refusal") or "") or refusal,
        "instead": "" if text else _instead_of_text(message),
        "tokens": _tokens(choice.get("logprobs")),
        "tokens_in": _count(usage.get("prompt_tokens")) or asked,
        "tokens_out": _count(usage.get("completion_tokens")) or estimate_tokens(text),
    }


def _content(content: Any) -> tuple[str, str]:
    """Return the text and the refusal of a message: a text, or a list of parts."""
    if not content:
        return "", ""
    if isinstance(content, str):
        return content, ""
    if not isinstance(content, list):
        return json.dumps(content), ""
    texts, refusals = [], []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict) and str(part.get("type", "text")).endswith("text"):
            text = part.get("text")
            texts.append(str(text.get("value", "") if isinstance(text, dict) else text or ""))
        elif isinstance(part, dict) and part.get("type") == "refusal":
            refusals.append(str(part.get("refusal") or ""))
    return "".join(texts), " ".join(refusals)


def _instead_of_text(message: Mapping[str, Any]) -> str:
    if message.get("tool_calls") or message.get("function_call"):
        return "tool_calls"
    return "reasoning" if message.get("reasoning_content") or message.get("reasoning") else ""


def _count(value: Any) -> int:
    """Return a number of tokens; 0 where it is none."""
    try:
        number = float(value or 0)
    except (TypeError, ValueError, OverflowError):
        return 0
    return int(number) if 0 <= number < _MOST_TOKENS else 0


def usage_of(content: bytes) -> dict[str, int]:
    """Return the tokens that an answer counts, whatever else is wrong with it; none where not."""
    try:
        usage = json.loads(content)["usage"]
        named = {"tokens_in": "prompt_tokens", "tokens_out": "completion_tokens"}
        counted = {name: _count(usage[field]) for name, field in named.items()}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return counted if counted["tokens_in"] else {}


def _tokens(logprobs: Any) -> list[Token] | None:
    """Return `(token, log-probability, alternatives)` of the answer; None without any."""
    try:
        content: Sequence[Any] = logprobs["content"] or []
        read = [_token(item) for item in content]
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
        return None
    return _whole_characters(read) or None


RawToken = tuple[bytes, float, dict[bytes, float]]


def _token(item: Mapping[str, Any]) -> RawToken:
    logprob = _logprob(item["logprob"])
    if logprob is None:
        raise ValueError("no log-probability")
    others = {}
    for other in item.get("top_logprobs") or []:
        share = _logprob(other.get("logprob")) if isinstance(other, dict) else None
        if share is not None and "token" in other:
            others[_bytes(other)] = share
    return _bytes(item), logprob, others


def _logprob(value: Any) -> float | None:
    """Return a log-probability, at most 0; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value)
    if math.isnan(number) or number > _ROUNDING:
        return None
    return min(max(number, _LOWEST_LOGPROB), 0.0)


def _bytes(item: Mapping[str, Any]) -> bytes:
    """Return a token's bytes: its `bytes`, which are exact where it ends inside a character."""
    try:
        if item.get("bytes"):
            return bytes(item["bytes"])
    except (TypeError, ValueError):
        pass
    return str(item["token"]).encode("utf-8", "surrogatepass")


def _whole_characters(tokens: Sequence[RawToken]) -> list[Token]:
    """Return the tokens as text; those that end inside a character are joined with the next ones.

    An alternative counts with the bytes before it on the path; one that ends inside a character
    itself leads to no text and is left out.
    """
    whole: list[Token] = []
    path, logprob, others = b"", 0.0, dict[str, float]()
    for piece, own, alternatives in tokens:
        for other, share in alternatives.items():
            text = _text(path + other)
            if text is not None:
                others[text] = max(others.get(text, _LOWEST_LOGPROB), logprob + share)
        path, logprob = path + piece, logprob + own
        text = _text(path)
        if text is not None:
            whole.append((text, logprob, others))
            path, logprob, others = b"", 0.0, {}
    if path:
        whole.append((path.decode("utf-8", "replace"), logprob, others))
    return whole


def _text(piece: bytes) -> str | None:
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return None
