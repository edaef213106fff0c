"""The parts whose packages the set-up does not bring: they work where installed, else say how."""

import importlib.util

import numpy as np
import pytest

from labelkit.errors import LabelkitError
from labelkit.ml.embedding import Embedding
from labelkit.ml.embeddings import sentence_transformers, wordllama


def test_wordllama_needs_no_hub():
    if not all(importlib.util.find_spec(name) for name in wordllama.NEEDS):
        with pytest.raises(LabelkitError, match="wordllama is not installed: pip install word"):
            Embedding("wordllama").vectors(["a film"])
        return
    found = Embedding("wordllama").vectors(["a good film", "a fine movie", "tax law", ""])
    assert found.shape == (4, 256)
    assert np.isfinite(found).all()
    assert found[0] @ found[1] > found[0] @ found[2]


@pytest.mark.skipif(
    importlib.util.find_spec(sentence_transformers.NEEDS[0]) is not None,
    reason="the library is installed; its models come from a hub",
)
def test_a_model_by_name_needs_the_library():
    message = "sentence-transformers:all-mpnet-base-v2 is not installed: pip install sentence-"
    with pytest.raises(LabelkitError, match=message):
        Embedding("sentence-transformers:all-mpnet-base-v2").vectors(["a film"])
