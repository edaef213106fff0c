"""WordLlama's static vectors: some fifty times faster than a sentence model, and coarser."""

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.errors import LabelkitError

PACKAGE = "wordllama"
NEEDS = ("wordllama", "tokenizers", "safetensors")
INSTALL = "pip install wordllama"


def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return a vector of length one for each text (zero for one without words), rows x 256.

    Raises LabelkitError where the package is missing.
    """
    found = np.nan_to_num(np.asarray(_load().embed(list(texts)), dtype=np.float32))
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.maximum(length, 1e-12), dtype=np.float32)


@cache
def _load() -> Any:
    if not all(importlib.util.find_spec(name) for name in NEEDS):
        raise LabelkitError(f"the embedding wordllama is not installed: {INSTALL}")
    import wordllama

    # Its own search looks in a folder that its wheel does not have, then asks a hub.
    return wordllama.WordLlama.load(
        cache_dir=Path(wordllama.__file__).parent, disable_download=True
    )
