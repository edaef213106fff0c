"""Any OpenAI-compatible endpoint, through the `openai` package: one attempt a call."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from labelkit.errors import BudgetReached, LabelkitError, listing, nearest

DEFAULT_BASE_URL = "https://api.openai.com/v1"
CONNECT_SECONDS = 10.0
# What a server may understand, best first; what it refuses is dropped and remembered.
BEST: dict[str, Any] = {
    "answers": "schema",
    "logprobs": True,
    "limit": "max_completion_tokens",
    "temperature": True,
}


def connect(
    model: str, base_url: str | None, key: str | None, timeout: float, connections: int = 64
) -> "Endpoint":
    """Return an open endpoint. Without a key only a loopback one is accepted (LabelkitError)."""
    return Endpoint(model, base_url or DEFAULT_BASE_URL, key, timeout, connections)


def is_loopback(url: str) -> bool:
    """Tell whether a URL points to this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _check(base_url: str, key: str | None) -> None:
    """Refuse what cannot be asked: no URL, no key for another machine, a key that is none."""
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise LabelkitError(
            f"--base-url {shown(base_url)!r} is not a URL like http://127.0.0.1:11434/v1"
        )
    if not key and not is_loopback(base_url):
        raise LabelkitError(
            f"no key for {shown(base_url)}: set OPENAI_API_KEY in the environment (to anything, "
            "if it wants none), or use --model local for a small model on this machine"
        )
    if key and not all("!" <= character <= "~" for character in key):
        raise LabelkitError(  # said here: a library's own message would show the key
            "OPENAI_API_KEY holds a blank, a line end or a letter that no key has; set it anew"
        )


def shown(url: str) -> str:
    """Return a URL for messages: without user name, password and query."""
    scheme, mark, rest = url.partition("#")[0].partition("?")[0].rpartition("://")
    host, slash, path = rest.partition("/")
    return scheme + mark + host.rpartition("@")[2] + slash + path


class Endpoint:
    """One model behind one base URL.

    `facts` tells what the endpoint understands; until `settled`, a 400 drops what it names (or
    the next on the list) and the same request is sent again.
    """

    def __init__(
        self, model: str, base_url: str, key: str | None, timeout: float, connections: int
    ) -> None:
        import openai

        _check(base_url, key)
        self.model, self.base_url, self._key = model, base_url.rstrip("/"), key
        self.identity = {"provider": "openai", "base_url": self.base_url, "model": model}
        self.where = shown(self.base_url)
        self.facts = dict(BEST)
        self.settled = False
        self._timeout = timeout
        client = openai.DefaultAsyncHttpxClient(  # a proxy has no business with loopback
            trust_env=not is_loopback(base_url)
        )
        self._client = openai.AsyncOpenAI(
            api_key=key or "no-key",
            base_url=base_url,
            max_retries=0,  # waiting is one decision for all workers: see Patience
            timeout=openai.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
            http_client=client,
        )

    async def close(self) -> None:
        """End the connections."""
        await self._client.close()

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Make one attempt; the reply's form is told where providers are called."""
        import openai

        while True:
            try:
                raw = await self._client.chat.completions.with_raw_response.create(
                    **self.arguments(request)
                )
                return self._read(raw.http_response.text, bool(request.get("logprobs")))
            except openai.APIStatusError as error:
                refused = error  # looked at outside: a traceback must not show the server's words
            except openai.APITimeoutError as error:
                return {"again": self._late(error)}
            except openai.APIConnectionError as error:
                return {"again": self._unreachable(error)}
            except openai.OpenAIError as error:
                return {"again": self._clean(str(error))}
            except UnicodeDecodeError:
                return {"again": "the endpoint's answer is not text"}
            if refused.status_code not in (400, 422) or not self._drop(self._said(refused)):
                return await self._refused(refused)

    def arguments(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of the call, as far as this endpoint understands them."""
        facts = self.facts
        built: dict[str, Any] = {"model": self.model, "messages": request["messages"]}
        built[facts["limit"]] = request["max_tokens"]
        if facts["temperature"] and request.get("temperature") is not None:
            built["temperature"] = request["temperature"]
        if facts["logprobs"] and request.get("logprobs"):
            built.update(logprobs=True, top_logprobs=20)
        if facts["answers"] == "schema":
            form = {"name": "label", "strict": True, "schema": request["schema"]}
            built["response_format"] = {"type": "json_schema", "json_schema": form}
        elif facts["answers"] == "object":
            built["response_format"] = {"type": "json_object"}
        return built

    def _drop(self, said: str) -> bool:
        """Give up one thing that the endpoint refused; False when it is not about that."""
        facts, said = self.facts, said.casefold()
        if self.settled or "context" in said:
            return False
        weaker = {"schema": "object", "object": "text"}
        steps: list[tuple[str, str, Any]] = []
        if facts["logprobs"]:
            steps.append(("logprobs", "logprobs", False))
        if facts["answers"] != "text":
            steps.append(("answers", "response_format", weaker[facts["answers"]]))
            steps.append(("answers", "json_schema", weaker[facts["answers"]]))
        if facts["limit"] == "max_completion_tokens":
            steps.append(("limit", "max_completion_tokens", "max_tokens"))
        if facts["temperature"]:
            steps.append(("temperature", "temperature", False))
        if not steps:
            return False
        fact, _, value = next((step for step in steps if step[1] in said), steps[0])
        self.facts[fact] = value
        return True

    def _read(self, body: str, wanted_logprobs: bool) -> dict[str, Any]:
        try:
            answer = json.loads(body)
            choice = answer["choices"][0]
            message = choice["message"]
            content = message.get("content") or ""
            usage = answer.get("usage") or {}
            reply = {
                "text": self._clean(content if isinstance(content, str) else json.dumps(content)),
                "finish": choice.get("finish_reason") or "",
                "refusal": self._clean(message.get("refusal") or ""),
                "tokens": _tokens(choice.get("logprobs")),
                "tokens_in": int(usage.get("prompt_tokens") or 0),
                "tokens_out": int(usage.get("completion_tokens") or 0),
            }
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            return {"again": f"the endpoint's answer is broken: {self._clean(body[:80])!r}"}
        if not self.settled and reply["finish"] != "length":
            if wanted_logprobs:
                self.facts["logprobs"] = bool(reply["tokens"])
            self.settled = True
        return reply

    async def _refused(self, error: Any) -> dict[str, Any]:
        status, said = error.status_code, self._said(error)
        where = self.where
        if status in (401, 403):
            raise self._key_refused(status, said)
        if status == 404:
            raise LabelkitError(await self._not_found(said))
        if status == 402 or "insufficient_quota" in said:
            raise BudgetReached(f"{where}: the account has no credit left: {said}")
        if status in (429, 503):
            return {"again": f"{status}: {said}", "wait": _retry_after(error), "all": True}
        if status in (408, 409) or status >= 500:
            return {"again": f"{status}: {said}", "wait": _retry_after(error)}
        return {"failed": f"{status}: {said}"}

    async def _not_found(self, said: str) -> str:
        where = self.where
        known = await self.models()
        if known is None:
            return (
                f"{where} is not an OpenAI-compatible endpoint (404: {said}); the base URL "
                "usually ends with /v1"
            )
        if self.model in known:
            return f"{where}: 404: {said}"
        return (
            f"{where} has no model {self.model!r}{nearest(self.model, known)} "
            f"(it lists: {listing(known) or 'none'})"
        )

    async def models(self) -> list[str] | None:
        """Return the names that /models lists; None when it lists none that can be read.

        Raises LabelkitError when nobody answers or the key is refused.
        """
        import openai

        try:
            raw = await self._client.models.with_raw_response.list()
            listed = json.loads(raw.http_response.text)["data"]
            return [str(item["id"]) for item in listed]
        except openai.APITimeoutError as error:
            raise LabelkitError(self._late(error)) from None
        except openai.APIConnectionError as error:
            raise LabelkitError(self._unreachable(error)) from None
        except openai.APIStatusError as error:
            if error.status_code in (401, 403):
                raise self._key_refused(error.status_code, self._said(error)) from None
            return None
        except (openai.OpenAIError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def _key_refused(self, status: int, said: str) -> LabelkitError:
        if self._key:
            return LabelkitError(
                f"{self.where} refuses the key ({status}): {said}. Check OPENAI_API_KEY."
            )
        return LabelkitError(f"{self.where} wants a key ({status}): {said}. Set OPENAI_API_KEY.")

    def _late(self, error: Exception) -> str:
        if type(error.__cause__).__name__ == "ConnectTimeout":
            return f"cannot reach {self.where}: no connection in time; is the address right?"
        return f"{self.where} did not answer within {self._timeout:g} seconds (see --timeout)"

    def _unreachable(self, error: Exception) -> str:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        why = self._clean(str(cause) or str(error))
        return f"cannot reach {self.where}: {why}; is it running, and the address right?"

    def _said(self, error: Any) -> str:
        body = error.body if isinstance(error.body, dict) else {}
        inner = body.get("error", body)
        told = inner if isinstance(inner, dict) else {"message": inner}
        parts = [str(told[name]) for name in ("message", "param", "code") if told.get(name)]
        return self._clean(" · ".join(parts) or str(error.message))[:300]

    def _clean(self, text: str) -> str:
        """Return a text without the key, which a server may well send back."""
        return text.replace(self._key, "***") if self._key else text


def _retry_after(error: Any) -> float | None:
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) / unit)
        except (KeyError, ValueError):
            continue
    return None


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
