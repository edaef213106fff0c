"""Any model of the library sentence-transformers, by its name or folder."""

import importlib.util
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from labelkit.errors import LabelkitError

PACKAGE = "sentence-transformers"
NEEDS = ("sentence_transformers",)
INSTALL = "pip install sentence-transformers"


def embed(texts: Sequence[str], model: str = "all-MiniLM-L6-v2") -> npt.NDArray[np.float32]:
    """Return a vector of length one for each text.

    Raises LabelkitError where the library is missing or does not know the model.
    """
    found = _load(model).encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(found, dtype=np.float32)


@cache
def _load(model: str) -> Any:
    if importlib.util.find_spec(NEEDS[0]) is None:
        raise LabelkitError(f"the library sentence-transformers is not installed: {INSTALL}")
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(model)
    except (OSError, ValueError) as error:
        raise LabelkitError(
            f"sentence-transformers does not load {model!r}: {str(error).splitlines()[0]}"
        ) from error
