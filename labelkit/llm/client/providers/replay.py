"""Answers out of a file instead of a model: for tests, demos and prompts without a bill.

`--model replay:FILE`; the file has a JSON object a line: `text`, and `label` (with `confidence`
and `rationale`, if you like) or `answer`, the model's words as they came.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelkit.errors import LabelkitError, UsageError
from labelkit.llm.client.cost_meter import estimate_tokens_in
from labelkit.llm.prompts.chat import defuse


def connect(model: str) -> "Replay":
    """Return the answers of `replay:FILE`; LabelkitError for a file that cannot be read as such."""
    return Replay(Path(model.partition(":")[2]).expanduser())


class Replay:
    """Each text's answer, as the file has it."""

    def __init__(self, path: Path) -> None:
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise UsageError(f"--model replay:{path}: {error.strerror}") from None
        self._answers = _read(raw, path)
        digest = hashlib.sha256(raw).hexdigest()[:16]
        self.identity = {"provider": "replay", "model": path.name, "hash": digest}
        self.facts: dict[str, Any] = {"logprobs": False}
        self.settled = True
        self.where = str(path)

    async def close(self) -> None:
        """Nothing is open."""

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to the row that is asked about."""
        await asyncio.sleep(0)
        said = [message["content"] for message in request["messages"] if message["role"] == "user"]
        found = next((self._answers[text] for text in map(_row_in, said[::-1]) if text in self), "")
        if not found:
            return {"failed": f"{self.where} has no answer for this text"}
        tokens = {"tokens_in": estimate_tokens_in(request), "tokens_out": 0}
        return {"text": found, "finish": "stop", "refusal": "", "tokens": None, **tokens}

    def __contains__(self, text: str) -> bool:
        return text in self._answers


def _row_in(message: str) -> str:
    return message.removeprefix("<row>\n").removesuffix("\n</row>")


def _read(raw: bytes, path: Path) -> dict[str, str]:
    answers = {}
    for number, line in enumerate(raw.decode("utf-8", "replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            text = defuse(told.pop("text"))
            answers[text] = str(told["answer"]) if "answer" in told else json.dumps(told)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise LabelkitError(
                f"{path}, line {number}: not an answer; each line is "
                '{"text": "...", "label": "..."} or {"text": "...", "answer": "..."}'
            ) from None
    return answers
