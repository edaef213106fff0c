"""The Batch API of an OpenAI-compatible endpoint, through the `openai` package."""

import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from labelkit.errors import LabelkitError
from labelkit.llm.client.providers import chat_format
from labelkit.llm.client.question import JobGone

RETRIES = 6
URL = "/v1/chat/completions"


class Jobs:
    """Batch jobs by the names that their requests were given."""

    def __init__(
        self,
        base_url: str,
        key: str | None,
        timeout: float,
        trust_env: bool,
        arguments: Callable[[Mapping[str, Any]], dict[str, Any]],
        clean: Callable[[str], str],
    ) -> None:
        import openai

        self._arguments, self._clean = arguments, clean
        base, _, query = base_url.partition("?")
        self._client = openai.AsyncOpenAI(
            api_key=key or "no-key",
            base_url=base,
            default_query=dict(parse_qsl(query)),
            max_retries=RETRIES,
            timeout=max(timeout, 60.0),
            http_client=openai.DefaultAsyncHttpxClient(trust_env=trust_env),
        )

    async def close(self) -> None:
        """End the connections."""
        await self._client.close()

    async def submit(self, lines: Iterable[tuple[str, Mapping[str, Any]]], token: str) -> str:
        """Hand in requests by name; return the job's id."""
        file = io.BytesIO()
        for name, request in lines:
            line = {"custom_id": name, "method": "POST", "url": URL}
            file.write(json.dumps(line | {"body": self._arguments(request)}).encode() + b"\n")
        file.seek(0)
        uploaded = await self._told(
            self._client.files.create(file=("requests.jsonl", file), purpose="batch")
        )
        job = await self._told(
            self._client.batches.create(
                input_file_id=uploaded.id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={"labelkit": token},
            )
        )
        return str(job.id)

    async def find(self, token: str) -> str | None:
        """Return the job that was handed in with this token, among the latest hundred."""
        listed = await self._told(self._client.batches.list(limit=100))
        for job in listed.data or []:
            if (job.metadata or {}).get("labelkit") == token:
                return str(job.id)
        return None

    async def state(self, job: str) -> dict[str, Any]:
        """Return `status`, `done`, `total`, `files`, `why`; JobGone where there is none."""
        found = await self._told(self._client.batches.retrieve(job), of_job=True)
        counts = found.request_counts
        errors = found.errors.data if found.errors is not None else None
        return {
            "status": found.status,
            "done": counts.completed + counts.failed if counts else 0,
            "total": counts.total if counts else 0,
            "files": [file for file in (found.output_file_id, found.error_file_id) if file],
            "why": self._clean("; ".join(str(error.message) for error in errors or [])),
        }

    async def answers(self, file: str) -> list[tuple[str, dict[str, Any]]]:
        """Return what a file of the job holds: a reply for each name, or `{"failed": why}`.

        JobGone where the file is not there any more.
        """
        content = await self._told(self._client.files.content(file), of_job=True)
        found = []
        # Not by splitlines: a text may hold other line ends, U+2028 among them.
        for line in content.content.decode("utf-8", "replace").split("\n"):
            try:
                told = json.loads(line)
                found.append((str(told["custom_id"]), self._reply(told)))
            except (ValueError, KeyError, TypeError):
                continue  # a line that cannot be read brings no answer: its row is asked again
        return found

    def _reply(self, told: Mapping[str, Any]) -> dict[str, Any]:
        response, error = told.get("response") or {}, told.get("error") or {}
        body = response.get("body") or {}
        if not error and response.get("status_code") == 200:
            try:
                return chat_format.read(body, None)
            except (KeyError, IndexError, TypeError, AttributeError):
                return {"failed": "the answer in the batch is broken"}
        inner = error or body.get("error") or {}
        said = inner.get("message") if isinstance(inner, dict) else inner
        expired = isinstance(inner, dict) and inner.get("code") == "batch_expired"
        why = self._clean(f"{response.get('status_code', 'batch')}: {said or 'no reason given'}")
        return {"failed": why[:300], "expired": expired}

    async def _told(self, call: Any, of_job: bool = False) -> Any:
        import openai

        try:
            return await call
        except openai.APIStatusError as error:
            status, said = error.status_code, self._clean(str(error.message))[:300]
        except openai.OpenAIError as error:
            raise LabelkitError(f"the Batch API: {self._clean(str(error))}") from None
        if of_job and status in (404, 410):
            raise JobGone(f"{status}: {said}")
        if status in (404, 405, 501):
            raise LabelkitError(
                f"the endpoint has no Batch API ({status}: {said}); leave out --batch-api"
            )
        raise LabelkitError(f"the Batch API: {said}")
