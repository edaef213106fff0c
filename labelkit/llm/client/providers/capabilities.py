"""What an endpoint understands, and which part of a request an error is about.

Facts are plain values that the cache remembers: `answers` (schema, object or text), `logprobs`,
`limit` (the name of the limit of tokens), `temperature`; `top_logprobs` and `system` only where
the endpoint takes less than usual.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

Facts = dict[str, Any]

# What a server may understand, best first; what it refuses is left out.
BEST: Facts = {
    "answers": "schema",
    "logprobs": True,
    "limit": "max_completion_tokens",
    "temperature": True,
}
# Some servers pass over a name that they do not know, and would then answer without end.
BEST_ELSEWHERE = BEST | {"limit": "max_tokens"}
LIMITS = ("max_completion_tokens", "max_tokens")
ALTERNATIVES, FEWER_ALTERNATIVES = 20, 5  # OpenAI's limit, and Azure's
_WEAKER_ANSWERS = {"schema": "object", "object": "text"}

_PARAMETERS = {
    "logprobs": re.compile(r"log_?probs?\b", re.IGNORECASE),
    "answers": re.compile(
        r"response_format|json_schema|json_object|json mode|structured output|guided|grammar"
        r"|\bschema\b",
        re.IGNORECASE,
    ),
    "limit": re.compile(r"max_(?:completion_)?tokens", re.IGNORECASE),
    "temperature": re.compile(r"\btemperature\b", re.IGNORECASE),
    "system": re.compile(
        r"system (?:role|message|prompt|instruction)|role.{0,9}\bsystem\b|roles must alternate"
        r"|only user and assistant roles|developer instruction",
        re.IGNORECASE,
    ),
}
_UNSUPPORTED = re.compile(
    r"unsupported|not supported|does ?n.t support|does not support|not allowed|not permitted"
    r"|not enabled|not available|not open|not taken|unknown|unrecogni[sz]ed|unexpected"
    r"|extra inputs",
    re.IGNORECASE,
)
# The row itself: too long, or stopped by a filter.
_ROW = re.compile(
    r"\bcontext\b|too (?:long|large|many tokens)|token limit|input length|prompt length"
    r"|content[ _-]?(?:filter|management|policy)|responsible.?ai|moderation|moderated|flagged"
    r"|usage polic|safety|harmful|inappropriate|prohibited",
    re.IGNORECASE,
)
_ANY_PARAMETER = re.compile(r"parameter|no (?:allowed )?(?:endpoint|provider|backend)", re.I)
_SMALL_NUMBER = re.compile(r"(?<![\w.])\d{1,2}(?![\w.]*\d)")


def best_facts(is_openai: bool) -> Facts:
    """Return what is tried first."""
    return dict(BEST if is_openai else BEST_ELSEWHERE)


def is_about_row(words: str) -> bool:
    """Tell whether an error is about the row's text, not about how it is asked."""
    if _parameter(words) is not None and _UNSUPPORTED.search(words):
        return False
    return bool(_ROW.search(words))


def is_about_parameters(words: str) -> bool:
    """Tell whether an error is about parameters, named or not."""
    return not is_about_row(words) and bool(_parameter(words) or _ANY_PARAMETER.search(words))


def weaker(facts: Mapping[str, Any], words: str, any_parameter: bool) -> Facts | None:
    """Return what to ask again with after an error: the named parameter is left out.

    Where none is named, the next of all with `any_parameter`. None where nothing is suspected.
    """
    if is_about_row(words):
        return None
    name = _parameter(words)
    step = _weaker(facts, name, words) if name is not None else None
    if step is not None or not any_parameter:
        return step
    others = ("logprobs", "answers", "limit", "temperature")
    return next((step for other in others if (step := _weaker(facts, other, ""))), None)


def _parameter(words: str) -> str | None:
    return next((name for name, pattern in _PARAMETERS.items() if pattern.search(words)), None)


def _weaker(facts: Mapping[str, Any], name: str, words: str) -> Facts | None:
    changed: Facts
    if name == "logprobs":
        changed = _fewer_alternatives(facts, words) if facts["logprobs"] else {}
    elif name == "answers":
        changed = {"answers": _WEAKER_ANSWERS.get(facts["answers"])}
    elif name == "limit":
        other = next(limit for limit in LIMITS if limit != facts["limit"])
        changed = {"limit": other, "limit_changed": True} if "limit_changed" not in facts else {}
    elif name == "temperature":
        changed = {"temperature": False} if facts["temperature"] else {}
    else:
        changed = {"system": False} if facts.get("system", True) else {}
    return {**facts, **changed} if any(value is not None for value in changed.values()) else None


def _fewer_alternatives(facts: Mapping[str, Any], words: str) -> Facts:
    """Return the number that the error allows, else five; none where that was refused too."""
    if words and "top_" not in words.casefold():
        return {"logprobs": False}
    now = facts.get("top_logprobs", ALTERNATIVES)
    numbers = [int(number) for number in _SMALL_NUMBER.findall(words)]
    allowed = max((number for number in numbers if 0 < number < now), default=0)
    fewer = [number for number in (allowed, FEWER_ALTERNATIVES) if 0 < number < now]
    return {"top_logprobs": fewer[0]} if fewer else {"logprobs": False}


def settled_facts(facts: Mapping[str, Any]) -> Facts:
    """Return the facts to remember, without what only the search for them needs."""
    return {name: value for name, value in facts.items() if name != "limit_changed"}


def left_out(facts: Mapping[str, Any]) -> list[str]:
    """Return, for people, what the endpoint is asked without."""
    parts = []
    if facts["answers"] != "schema":
        parts.append("response_format json_schema")
    if not facts["logprobs"]:
        parts.append("log-probabilities")
    if not facts["temperature"]:
        parts.append("temperature")
    if not facts.get("system", True):
        parts.append("the system role")
    return parts


def without_system_role(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return the messages with the system's text put before the first user's."""
    system = [message["content"] for message in messages if message["role"] == "system"]
    others = [dict(message) for message in messages if message["role"] != "system"]
    if others and system:
        others[0]["content"] = "\n\n".join([*system, others[0]["content"]])
    return others
