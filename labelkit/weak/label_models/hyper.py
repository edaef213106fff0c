"""The Hyper Label Model: a small pretrained network that reads the matrix of votes, fits nothing.

Wu et al., "Learning Hyper Label Model for Programmatic Weak Supervision", ICLR 2023. The weights
are those in the package `hyperlm` 0.0.5 (MIT). Its checkpoint is a pickle, which is never loaded:
the numbers are read out of the archive by their place and size, and the network is computed here,
on distinct rows with their counts. torch is not needed.
"""

import importlib.util
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.errors import LabelkitError

Array = npt.NDArray[Any]

WIDTHS = ((1, 8), (8, 8), (8, 8), (8, 32))
LEAK = 0.01


class Linear(NamedTuple):
    """One linear map."""

    weights: Array
    offset: Array

    def __call__(self, values: Array) -> Array:
        """Return the mapped rows."""
        return np.asarray(values @ self.weights.T + self.offset)


def combine(
    votes: Array,
    n_classes: int,
    prior: Array | None = None,
    gold: Array | None = None,
    seed: int = 0,
    counts: Array | None = None,
) -> Array:
    """Return rows × classes: the network's probabilities; all zero on rows without a vote.

    `votes` rows × functions (-1 abstains), `counts` how many rows each stands for. Nothing is
    learned here, so `prior`, `gold` and `seed` change nothing. Raises LabelkitError where the
    package hyperlm is not installed.
    """
    voted = (votes >= 0).any(axis=1)
    found = np.zeros((len(votes), n_classes))
    if not voted.any() or n_classes < 2:
        found[voted] = 1.0
        return found
    layers, head = _weights()
    weight = np.ones(len(votes)) if counts is None else np.asarray(counts, dtype=float)
    shown = votes[voted]
    classes = (1,) if n_classes == 2 else tuple(range(n_classes))
    columns = [_one_class(shown == c, shown >= 0, weight[voted], layers, head) for c in classes]
    odds = np.column_stack([1 - columns[0], *columns] if n_classes == 2 else columns)
    found[voted] = odds / odds.sum(axis=1, keepdims=True)
    return found


def _one_class(
    chosen: Array, voted: Array, weight: Array, layers: list[list[Linear]], head: list[Linear]
) -> Array:
    """Return the probability of one class: its votes are 1, all others -1."""
    row, column = np.nonzero(voted)
    values = np.where(chosen[row, column], 1.0, -1.0)[:, None]
    even = np.ones(len(row))
    heavy = weight[row]
    for whole, by_row, by_column, overall, own in layers:
        parts = [
            own(values),
            by_row(_means(values, row, even)[row]),
            by_column(_means(values, column, heavy)[column]),
            np.broadcast_to(
                overall(np.average(values, axis=0, weights=heavy)[None]),
                (len(values), len(own.offset)),
            ),
        ]
        values = _leaky(whole(np.concatenate(parts, axis=1)))
    each = _means(values, row, even)
    for layer in head[:-1]:
        each = _leaky(layer(each))
    return np.asarray(1 / (1 + np.exp(-head[-1](each)[:, 0])))


def _means(values: Array, group: Array, weight: Array) -> Array:
    size = int(group.max()) + 1
    total = np.maximum(np.bincount(group, weight, minlength=size), 1e-9)
    sums = [np.bincount(group, column * weight, minlength=size) for column in values.T]
    return np.column_stack(sums) / total[:, None]


def _leaky(values: Array) -> Array:
    return np.where(values > 0, values, LEAK * values)


def _weights() -> tuple[list[list[Linear]], list[Linear]]:
    """Return the layers, each as its five maps, and the maps of the head."""
    spec = importlib.util.find_spec("hyperlm")
    if spec is None or not spec.submodule_search_locations:
        raise LabelkitError(
            "--label-model hyper needs the weights in the package hyperlm, which is not installed: "
            "pip install --no-deps hyperlm"
        )
    path = Path(spec.submodule_search_locations[0]) / "checkpoint.pt"
    shapes: list[tuple[int, int]] = []
    for before, after in WIDTHS:
        shapes += [(after, 4 * before), *[(before, before)] * 4]
    shapes += [(32, 32), (32, 32), (1, 32)]
    try:
        with zipfile.ZipFile(path) as archive:
            maps = [_linear(archive, 2 * place, shape) for place, shape in enumerate(shapes)]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise LabelkitError(f"--label-model hyper: {path} is not that of hyperlm 0.0.5") from error
    return [maps[i : i + 5] for i in range(0, 20, 5)], maps[20:]


def _linear(archive: zipfile.ZipFile, place: int, shape: tuple[int, int]) -> Linear:
    weights = np.frombuffer(archive.read(f"archive/data/{place}"), "<f4").reshape(shape)
    offset = np.frombuffer(archive.read(f"archive/data/{place + 1}"), "<f4").reshape(shape[0])
    return Linear(weights.astype(float), offset.astype(float))
