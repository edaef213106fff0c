"""What an endpoint can do, found out with one small question; used by `doctor`."""

import asyncio
from typing import Any

from labelkit.config import plugins
from labelkit.errors import LabelkitError
from labelkit.llm.answers.parse import match
from labelkit.llm.prompts.chat import Task, messages, schema

_CLASSES = ("yellow", "blue")
_TASK = Task(_CLASSES, guidelines="Which colour is named?")


def probe(
    base_url: str | None, model: str | None, key: str | None, timeout: float = 10.0
) -> dict[str, Any]:
    """Return what is true of an endpoint.

    `where` it is, `reachable` (bool), `models` (list, or None when it lists none), and where a
    model is named `answers` (schema, object, text: what it accepts), `schema_binds` (bool: the
    answer kept to it), `logprobs` (bool); `error` says why something is missing. Costs one short
    request when a model is named. Never raises for what the endpoint does.
    """
    return asyncio.run(_probe(base_url, model, key, timeout))


async def _probe(
    base_url: str | None, model: str | None, key: str | None, timeout: float
) -> dict[str, Any]:
    found: dict[str, Any] = {"where": "", "reachable": False, "models": None, "error": ""}
    try:
        endpoint = plugins.load("provider", "openai")(model or "none", base_url, key, timeout)
    except LabelkitError as error:
        return found | {"error": str(error)}
    found["where"] = endpoint.where
    try:
        found["models"] = await endpoint.models()
        found["reachable"] = found["models"] is not None
        if model is None:
            why = "" if found["reachable"] else f"{endpoint.where} lists no models; name one"
            return found | {"error": why}
        reply = await endpoint.ask(_request())
    except LabelkitError as error:
        return found | {"error": str(error)}
    finally:
        await endpoint.close()
    if "text" not in reply:
        return found | {"error": str(reply.get("again") or reply.get("failed"))}
    facts = endpoint.facts
    return found | {
        "reachable": True,
        "answers": facts["answers"],
        "schema_binds": facts["answers"] == "schema" and _binds(reply["text"]),
        "logprobs": facts["logprobs"],
    }


def _request() -> dict[str, Any]:
    return {
        "messages": messages(_TASK, "The sky is blue."),
        "schema": schema(_CLASSES),
        "temperature": 0.0,
        "max_tokens": 200,
        "logprobs": True,
    }


def _binds(text: str) -> bool:
    import json

    try:
        answer = json.loads(text)
    except ValueError:
        return False
    return (
        isinstance(answer, dict)
        and set(answer) == {"label"}
        and match(str(answer["label"]), _CLASSES) is not None
    )
