"""Any OpenAI-compatible endpoint: one attempt a call, over the transport of the `openai` package.

The package itself builds and checks a tree of objects for each answer, which takes it longer than
all else together; here the body is JSON that is read with care. Batch jobs go through the package.
"""

import asyncio
import ipaddress
import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from labelkit.errors import BudgetReached, LabelkitError, listing, nearest
from labelkit.llm.client import rate_limit_headers
from labelkit.llm.client.providers import capabilities, chat_format
from labelkit.llm.client.providers.openai_batch import Jobs

if TYPE_CHECKING:
    import httpx2

DEFAULT_BASE_URL = "https://api.openai.com/v1"
CONNECT_SECONDS = 10.0
IN_CLEAR = (
    "is not encrypted: on the way there others can read the key and the texts; use https://, or a "
    "tunnel to it (ssh -N -L 8000:127.0.0.1:8000 HOST, then http://127.0.0.1:8000/v1)"
)
SECRET_LENGTH = 16  # characters
SECRET_LENGTH_IN_URL = 6
API_VERSION = "api-version"  # of Azure's URLs: the one part of a query that is no secret
# The statuses of a refusal that may be about one parameter or one row.
REFUSALS = (400, 403, 404, 422)
# No answer about rows is as long: a longer one is not read to its end.
MOST_BYTES, MOST = 16 * 2**20, "16 MB"
# What such an answer lacks tells nothing of the endpoint.
UNFINISHED = ("length", "content_filter")


class AnswerTooLong(Exception):
    """An answer that is longer than MOST_BYTES."""


def connect(
    model: str,
    base_url: str | None,
    key: str | None,
    timeout: float,
    connections: int = 64,
    asks: bool = True,
) -> "Endpoint":
    """Return an open endpoint.

    LabelkitError for a wrong URL or key, and where it `asks` without a key and not on this machine.
    """
    url = (base_url or "").strip() or DEFAULT_BASE_URL
    _check(url, key, asks)
    return Endpoint(model, url, key, timeout, connections)


def is_loopback(url: str) -> bool:
    """Tell whether a URL points to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which may stand for any machine
        return False


def _check(base_url: str, key: str | None, asks: bool) -> None:
    """Refuse what cannot be asked: no URL, no key for another machine, a key that is none."""
    if not _is_usable(base_url):
        raise LabelkitError(
            f"--base-url {shown(base_url)!r} is not a URL like http://127.0.0.1:11434/v1"
        )
    if asks and not key and not is_loopback(base_url):
        raise LabelkitError(
            f"no key for {shown(base_url)}: set OPENAI_API_KEY in the environment (to anything, "
            "if it wants none), or use --model local for a small model on this machine"
        )
    if key and not all("!" <= character <= "~" for character in key):
        raise LabelkitError(  # said here: a library's own message would show the key
            "OPENAI_API_KEY holds a blank, a line end or a letter that no key has; set it anew"
        )


def _is_usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def shown(url: str) -> str:
    """Return a URL for messages: without user name, password and query."""
    scheme, mark, rest = url.partition("#")[0].partition("?")[0].rpartition("://")
    host, slash, path = rest.partition("/")
    return scheme + mark + host.rpartition("@")[2] + slash + path


class Endpoint:
    """One model behind one base URL.

    `facts` tells what the endpoint understands. A refused request is sent again without the
    parameter that the error names, until `settled` also without others in turn; only what then
    gets an answer counts, else the row fails alone.
    """

    def __init__(
        self, model: str, base_url: str, key: str | None, timeout: float, connections: int
    ) -> None:
        import httpx2

        base, mark, query = base_url.partition("?")
        self.model, self._key = model, key
        self._base, self._query = base.rstrip("/"), query
        self.base_url = self._base + mark + query
        self.where = shown(self.base_url)
        # A key in the URL may change: the answers stay what they are.
        self.identity = {"provider": "openai", "base_url": self.where, "model": model}
        self._secrets = secrets_of(base_url, key)
        self.facts = capabilities.best_facts(_is_openai(base_url))
        self.settled = False
        self._timeout = timeout
        self._late, self._cut = httpx2.TimeoutException, (httpx2.HTTPError, httpx2.InvalidURL)
        trust_env = not is_loopback(base_url)  # a proxy has no business with loopback
        try:
            self._client = httpx2.AsyncClient(
                headers=_headers(base_url, key),
                timeout=httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=connections),
                trust_env=trust_env,
            )
        except (OSError, ValueError, ImportError) as error:
            raise _unusable_environment(error) from None

    async def close(self) -> None:
        """End the connections."""
        await self._client.aclose()

    def jobs(self) -> Jobs:
        """Return the endpoint's Batch API."""
        trust_env = not is_loopback(self.base_url)
        return Jobs(self.base_url, self._key, self._timeout, trust_env, self.arguments, self._clean)

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Make one attempt; the reply's form is told where providers are called."""
        facts = self.facts
        while True:
            answer = await self._send(request, facts)
            if isinstance(answer, dict):
                return answer
            if answer.is_success:
                return self._read(answer, request, facts)
            words = self._said(answer)
            weaker = self._second_look(answer.status_code, words, facts)
            if weaker is None:
                return await self._refused(answer, words)
            facts = weaker

    async def _send(
        self, request: Mapping[str, Any], facts: Mapping[str, Any]
    ) -> "httpx2.Response | dict[str, Any]":
        """Return the answer to one request, or why it must be sent again."""
        body = json.dumps(self.arguments(request, facts)).encode()
        url = self._url("/chat/completions")
        try:
            async with asyncio.timeout(self._timeout):  # one deadline, however slowly it drips
                answer = await self._exchange(self._client.build_request("POST", url, content=body))
                if answer.status_code in (307, 308) and answer.next_request is not None:
                    answer = await self._exchange(answer.next_request)
        except (self._late, TimeoutError) as error:
            return {"again": self._too_late(error), "late": True, "billed": _was_sent(error)}
        except self._cut as error:
            return {"again": self._unreachable(error), "billed": _was_sent(error)}
        except AnswerTooLong:
            return {"again": f"an answer of {self.where} is longer than {MOST}", "billed": True}
        if answer.is_redirect:
            raise LabelkitError(self._moved(answer))
        return answer

    async def _exchange(self, request: "httpx2.Request") -> "httpx2.Response":
        """Return the answer to one request; AnswerTooLong where it does not end in time."""
        answer = await self._client.send(request, stream=True)
        content = bytearray()
        try:
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > MOST_BYTES:
                    raise AnswerTooLong
        finally:
            await answer.aclose()
        whole = type(answer)(
            answer.status_code, headers=_of_content(answer), content=bytes(content)
        )
        whole.next_request = answer.next_request
        return whole

    def _url(self, path: str) -> str:
        """Return a path of the endpoint; a query of the base URL comes after it."""
        return self._base + path + (f"?{self._query}" if self._query else "")

    def _second_look(
        self, status: int, words: str, facts: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Return what a refused request is sent again with; None where it is refused for good."""
        if status not in REFUSALS:
            return None
        named_only = self.settled or status == 403
        if status == 404 and not capabilities.is_about_parameters(words):
            return None
        return capabilities.weaker(facts, words, any_parameter=not named_only)

    def arguments(
        self, request: Mapping[str, Any], facts: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the arguments of the call, as far as this endpoint understands them."""
        facts = self.facts if facts is None else facts
        messages = request["messages"]
        if not facts.get("system", True):
            messages = capabilities.without_system_role(messages)
        built: dict[str, Any] = {"model": self.model, "messages": messages}
        built[facts["limit"]] = request["max_tokens"]
        if facts["temperature"] and request.get("temperature") is not None:
            built["temperature"] = request["temperature"]
        if facts["logprobs"] and request.get("logprobs"):
            alternatives = facts.get("top_logprobs", capabilities.ALTERNATIVES)
            built.update(logprobs=True, top_logprobs=alternatives)
        if facts["answers"] == "schema":
            form = {"name": "label", "strict": True, "schema": request["schema"]}
            built["response_format"] = {"type": "json_schema", "json_schema": form}
        elif facts["answers"] == "object":
            built["response_format"] = {"type": "json_object"}
        return built

    def _read(
        self, answer: "httpx2.Response", request: Mapping[str, Any], facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        try:
            reply = chat_format.read(json.loads(answer.content), request)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            shown = self._clean(answer.content[:80].decode(errors="replace"))
            broken = f"the endpoint's answer is broken: {shown!r}"
            return {"again": broken, "billed": True, **chat_format.usage_of(answer.content)}
        if not self.settled and reply["text"] and reply["finish"] not in UNFINISHED:
            self.facts = capabilities.settled_facts(facts)
            if request.get("logprobs"):
                self.facts["logprobs"] = bool(reply["tokens"])
            self.settled = True
        pause = rate_limit_headers.pause(answer.headers, reply["tokens_in"] + reply["tokens_out"])
        return reply | {"pause": pause} if pause else reply

    async def _refused(self, answer: "httpx2.Response", said: str) -> dict[str, Any]:
        status, where = answer.status_code, self.where
        of_row = self.settled or capabilities.is_about_row(said)
        of_row = of_row or capabilities.is_about_parameters(said)
        if status == 403 and of_row:
            return {"failed": f"{status}: {said}"}
        if status in (401, 403):
            raise self._key_refused(status, said)
        if status == 404 and not (self.settled and capabilities.is_about_parameters(said)):
            raise LabelkitError(await self._not_found(said))
        if status == 402 or "insufficient_quota" in said:
            raise BudgetReached(f"{where}: the account has no credit left: {said}")
        wait = rate_limit_headers.retry_after(answer.headers)
        if status in (429, 503):
            return {"again": f"{status}: {said}", "wait": wait, "all": True}
        if status in (408, 409) or status >= 500:
            return {"again": f"{status}: {said}", "wait": wait}
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
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._exchange(
                    self._client.build_request("GET", self._url("/models"))
                )
                if answer.next_request is not None:
                    answer = await self._exchange(answer.next_request)
        except (self._late, TimeoutError) as error:
            raise LabelkitError(self._too_late(error)) from None
        except self._cut as error:
            raise LabelkitError(self._unreachable(error)) from None
        except AnswerTooLong:
            return None
        if answer.status_code in (401, 403):
            raise self._key_refused(answer.status_code, self._said(answer))
        try:
            return [str(item["id"]) for item in json.loads(answer.content)["data"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    def _key_refused(self, status: int, said: str) -> LabelkitError:
        if self._key:
            return LabelkitError(
                f"{self.where} refuses the key ({status}): {said}. Check OPENAI_API_KEY."
            )
        return LabelkitError(f"{self.where} wants a key ({status}): {said}. Set OPENAI_API_KEY.")

    def _too_late(self, error: Exception) -> str:
        if type(error).__name__ == "ConnectTimeout":
            return f"cannot reach {self.where}: no connection in time; is the address right?"
        return f"{self.where} did not answer within {self._timeout:g} seconds (see --timeout)"

    def _moved(self, answer: "httpx2.Response") -> str:
        target = shown(answer.headers.get("location", ""))
        place = target.removesuffix("/chat/completions") or "another address"
        return (
            f"{self.where} redirects to {place} ({answer.status_code}), and a redirected request "
            "would lose what is asked; give that address as --base-url"
        )

    def _unreachable(self, error: Exception) -> str:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        why = self._clean(str(cause) or str(error))
        return f"cannot reach {self.where}: {why}; is it running, and the address right?"

    def _said(self, answer: "httpx2.Response") -> str:
        try:
            body = json.loads(answer.content)
        except (ValueError, RecursionError):
            body = {}
        inner = body.get("error", body) if isinstance(body, dict) else body
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):  # Gemini's way
            inner = inner[0].get("error", inner[0])
        told = inner if isinstance(inner, dict) else {"message": inner}
        parts = [str(told[name]) for name in ("message", "param", "code") if told.get(name)]
        return self._clean(" · ".join(parts) or answer.reason_phrase)[:300]

    def _clean(self, text: str) -> str:
        return redacted(text, self._secrets)


def secrets_of(base_url: str, key: str | None) -> list[str]:
    """Return what no message may show: the key, a password and values of the URL's query.

    A short key is no secret (`none`, `ollama`) and may be part of any word.
    """
    parts = urlsplit(base_url)
    values = [value for name, value in parse_qsl(parts.query) if name != API_VERSION]
    raw = [pair.partition("=")[2] for pair in parts.query.split("&")]
    in_url = [*values, *(v for v in raw if unquote_plus(v) in values), parts.password or ""]
    secrets = [text for text in in_url if len(text) >= SECRET_LENGTH_IN_URL]
    return [*secrets, key] if key and len(key) >= SECRET_LENGTH else secrets


def redacted(message: str, secrets: Sequence[str]) -> str:
    """Return a message without secrets, which a server may well send back."""
    for secret in secrets:
        message = message.replace(secret, "***")
    return message


def is_in_clear(base_url: str | None) -> bool:
    """Tell whether what is sent to a URL can be read on the way."""
    url = (base_url or "").strip().lower()
    return url.startswith("http://") and _is_usable(url) and not is_loopback(url)


# What httpx reads from the environment, and what a mistake in it ends in.
_PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def _unusable_environment(error: Exception) -> LabelkitError:
    """Return the error for a proxy or certificate variable that cannot be used."""
    names = _CERTIFICATES if isinstance(error, OSError) else _PROXIES
    spelled = [name for each in names for name in (each, each.lower()) if os.environ.get(name)]
    if isinstance(error, OSError):
        spelled = [name for name in spelled if not os.path.exists(os.environ[name])] or spelled
    given = ", ".join(f"{name}={shown(os.environ[name])}" for name in spelled) or "the environment"
    if isinstance(error, OSError):
        return LabelkitError(f"{given}: {error.strerror or error}; correct it, or unset it")
    return LabelkitError(
        f"{given}: this proxy cannot be used ({str(error).splitlines()[0]}); use an http:// proxy, "
        "or unset it"
    )


def _of_content(answer: "httpx2.Response") -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer, but for those that tell how its content was sent."""
    of_sending = (b"content-encoding", b"content-length", b"transfer-encoding", b"content-type")
    return [item for item in answer.headers.raw if item[0].lower() not in of_sending]


def _was_sent(error: Exception) -> bool:
    """Tell whether a request had left when it failed, so that it may be billed."""
    return type(error).__name__ in (
        "TimeoutError", "ReadTimeout", "ReadError", "RemoteProtocolError"
    )  # fmt: skip


def _is_openai(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host == "openai.com" or host.endswith((".openai.com", ".openai.azure.com"))


def _is_azure(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host.endswith((".azure.com", ".azure.us", ".azure.cn"))


def _headers(base_url: str, key: str | None) -> dict[str, str]:
    headers = {
        "Authorization": f"Bearer {key or 'no-key'}",
        "Content-Type": "application/json",
        "User-Agent": "labelkit",
    }
    if key and _is_azure(base_url):
        headers["api-key"] = key
    named = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
    if _is_openai(base_url):
        headers |= {name: os.environ[own] for name, own in named.items() if os.environ.get(own)}
    return headers
