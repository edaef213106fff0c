"""The plugins by name: choices of an option, with their module and function."""

import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labelkit.config import user_code
from labelkit.errors import UsageError, listing, nearest

PARTS: dict[str, dict[str, str]] = {
    "label-model": {
        "auto": "labelkit.weak.label_models.auto:combine",
        "dawid-skene": "labelkit.weak.label_models.vote_evidence:combine",
        "majority": "labelkit.weak.label_models.majority:combine",
        "snorkel": "labelkit.weak.label_models.snorkel:combine",
        "hyper": "labelkit.weak.label_models.hyper:combine",
    },
    "strategy": {
        "default": "labelkit.active.strategies.default:score",
        "coverage": "labelkit.active.strategies.coverage:score",
        "margin": "labelkit.active.strategies.margin:score",
        "uncertainty": "labelkit.active.strategies.least_confidence:score",
        "least-confidence": "labelkit.active.strategies.least_confidence:score",
        "entropy": "labelkit.active.strategies.entropy:score",
        "informative": "labelkit.active.strategies.informative:score",
        "diverse": "labelkit.active.strategies.diverse:score",
        "committee": "labelkit.active.strategies.committee:score",
        "bald": "labelkit.active.strategies.bald:score",
        "random": "labelkit.active.strategies.random:score",
        "modal-uncertainty": "labelkit.active.strategies.modal:uncertainty",
        "modal-margin": "labelkit.active.strategies.modal:margin",
        "modal-entropy": "labelkit.active.strategies.modal:entropy",
        "ranked-batch": "labelkit.active.strategies.modal:ranked_batch",
    },
    "embedding": {
        "minilm": "labelkit.ml.embeddings.minilm:embed",
        "wordllama": "labelkit.ml.embeddings.wordllama:embed",
        "sentence-transformers": "labelkit.ml.embeddings.sentence_transformers:embed",
    },
    "provider": {
        "openai": "labelkit.llm.client.providers.openai:connect",
        "local": "labelkit.llm.client.providers.local:connect",
        "replay": "labelkit.llm.client.providers.replay:connect",
    },
    "noise-method": {
        "ensemble": "labelkit.noise.methods.ensemble:judge",
        "knn": "labelkit.noise.methods.ensemble:judge",
        "confident-learning": "labelkit.noise.methods.confident:judge",
        "prune-by-class": "labelkit.noise.methods.cleanlab:prune_by_class",
        "prune-by-noise-rate": "labelkit.noise.methods.cleanlab:prune_by_noise_rate",
        "both": "labelkit.noise.methods.cleanlab:both",
        "predicted-differs": "labelkit.noise.methods.cleanlab:predicted_differs",
        "low-normalized-margin": "labelkit.noise.methods.cleanlab:low_normalized_margin",
        "low-self-confidence": "labelkit.noise.methods.cleanlab:low_self_confidence",
        "confidence-weighted-entropy": (
            "labelkit.noise.methods.cleanlab:confidence_weighted_entropy"
        ),
    },
    "to": {
        "label-studio": "labelkit.interop.formats.label_studio:write",
        "prodigy": "labelkit.interop.formats.prodigy:write",
        "hf": "labelkit.interop.formats.huggingface:write",
        "csv": "labelkit.interop.formats.spreadsheet:write",
        "doccano": "labelkit.interop.formats.doccano:write",
        "argilla": "labelkit.interop.formats.argilla:write",
    },
    "from": {
        "label-studio": "labelkit.interop.formats.label_studio:read",
        "prodigy": "labelkit.interop.formats.prodigy:read",
        "hf": "labelkit.interop.formats.huggingface:read",
        "csv": "labelkit.interop.formats.spreadsheet:read",
        "doccano": "labelkit.interop.formats.doccano:read",
        "argilla": "labelkit.interop.formats.argilla:read",
    },
}


def names(kind: str) -> list[str]:
    """Return the names of all plugins of a kind, the default first."""
    return list(PARTS[kind])


def load(kind: str, name: str) -> Callable[..., Any]:
    """Return the plugin of this name, or the user's own one, `file.py:function`.

    Raises UsageError for an unknown name and for a missing file or function.
    """
    if ".py:" in name:
        return _load_own(kind, name)
    target = PARTS[kind].get(name)
    if target is None:
        raise UsageError(
            f"--{kind} {name!r} is not known{nearest(name, PARTS[kind])} "
            f"(choices: {listing(PARTS[kind])}; or your own as file.py:function)"
        )
    module, function = target.split(":")
    return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]


def _load_own(kind: str, name: str) -> Callable[..., Any]:
    path, _, function = name.rpartition(":")
    if not Path(path).is_file():
        raise UsageError(f"--{kind} {name}: there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"labelkit_own_{Path(path).stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    try:
        with user_code.watched(Path(path)):
            spec.loader.exec_module(module)
    except Exception as error:  # the user's code may raise anything
        raise UsageError(f"--{kind} {name}: {path} raised an error: {error}") from error
    loaded = getattr(module, function, None)
    if not callable(loaded):
        defined = [key for key, value in vars(module).items() if callable(value)]
        raise UsageError(
            f"--{kind} {name}: {path} has no function {function!r}{nearest(function, defined)}"
        )
    return _watched(loaded, Path(path))


def _watched(function: Callable[..., Any], file: Path) -> Callable[..., Any]:
    """Return the user's function, wrapped to record the files that it reads."""

    @functools.wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        with user_code.watched(file):
            return function(*args, **named)

    return call
