"""The answer of a chat endpoint, read with care: `KeyError` and its like where it is none."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from labelkit.llm.client.cost_meter import estimate_tokens, size


def read(answer: Any, request: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what is kept of an answer; where it does not count its tokens, they are estimated."""
    asked = size(request) if request is not None else 0
    choice = answer["choices"][0]
    message = choice["message"]
    content = message.get("content") or ""
    text = content if isinstance(content, str) else json.dumps(content)
    usage = answer.get("usage") or {}
    return {
        "text": text,
        "finish": choice.get("finish_reason") or "",
        "refusal": message.get("refusal") or "",
        "tokens": _tokens(choice.get("logprobs")),
        "tokens_in": int(usage.get("prompt_tokens") or 0) or estimate_tokens(asked),
        "tokens_out": int(usage.get("completion_tokens") or 0) or estimate_tokens(len(text)),
    }


def _tokens(logprobs: Any) -> list[tuple[str, float, dict[str, float]]] | None:
    """Return `(token, log-probability, alternatives)` of the answer; None without any."""
    try:
        content: Sequence[Any] = logprobs["content"] or []
        return [
            (
                str(item["token"]),
                float(item["logprob"]),
                {str(o["token"]): float(o["logprob"]) for o in item.get("top_logprobs") or []},
            )
            for item in content
        ] or None
    except (TypeError, KeyError, ValueError, AttributeError):
        return None
