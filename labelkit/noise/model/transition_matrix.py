"""Which class is mistaken for which: the estimated joint of given and true labels."""

import csv
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from labelkit.errors import UsageError
from labelkit.io.files import write_json
from labelkit.noise.model import noise_model
from labelkit.noise.model.noise_model import Fitted

Codes = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]

SUFFIXES = (".csv", ".json")


class NoiseModel(NamedTuple):
    """Estimated numbers of rows, k x k: `joint[i, j]` are given class i and truly class j.

    `interval` holds the number of wrong labels with probability 0.9; `confident` is the confident
    joint, where it was asked for.
    """

    classes: list[str]
    joint: Floats
    interval: tuple[float, float] | None = None
    confident: Floats | None = None

    @property
    def errors(self) -> int:
        """The estimated number of wrong labels."""
        return round(float(self.joint.sum() - np.trace(self.joint)))

    def given_when_true(self) -> Floats:
        """Return P(given | true): a row a true class, a column a given one, rows sum to 1.

        NaN in the row of a class that is estimated to hold no row.
        """
        return _rows_to_one(self.joint.T)

    def true_when_given(self) -> Floats:
        """Return P(true | given): a row a given class, a column a true one, rows sum to 1."""
        return _rows_to_one(self.joint)

    def worst(self, most: int = 10) -> list[tuple[str, str, int]]:
        """Return the commonest mistakes: given class, true class, estimated rows."""
        off = self.joint * (1 - np.eye(len(self.classes)))
        order = np.argsort(-off, axis=None, kind="stable")[:most]
        pairs = [np.unravel_index(place, off.shape) for place in order]
        return [
            (self.classes[i], self.classes[j], round(float(off[i, j])))
            for i, j in pairs
            if off[i, j] > 0
        ]

    def facts(self) -> dict[str, Any]:
        """Return all of it as plain values; the names say which way each matrix is read."""
        low_and_high = self.interval and [round(end) for end in self.interval]
        confident = {} if self.confident is None else {"confident_joint": self.confident}
        return {
            "classes": self.classes,
            "estimated_errors": self.errors,
            "estimated_errors_90": low_and_high,
            "rows_given_true": self._by_name(self.joint),
            "p_given_when_true": self._by_name(self.given_when_true()),
            "p_true_when_given": self._by_name(self.true_when_given()),
            **{name: self._by_name(joint) for name, joint in confident.items()},
        }

    def _by_name(self, matrix: Floats) -> dict[str, dict[str, float | None]]:
        return {
            name: {
                other: None if np.isnan(value) else round(float(value), 6)
                for other, value in zip(self.classes, row, strict=True)
            }
            for name, row in zip(self.classes, matrix, strict=True)
        }


def estimate(given: Codes, probabilities: Floats, classes: list[str], fitted: Fitted) -> NoiseModel:
    """Return the estimated joint and the interval of the number of errors.

    `given` are codes 0..k-1, `probabilities` rows x k out of fold, `fitted` the mixture for them.
    """
    joint = fitted.best.joint(given, probabilities)
    low, high = noise_model.count_interval(fitted, given, probabilities)
    # Of many rows a sample says how far off the count may be.
    errors = float(joint.sum() - np.trace(joint))
    return NoiseModel(list(classes), joint, (min(low, errors), max(high, errors)))


def confident_joint(given: Codes, probabilities: Floats) -> Floats:
    """Return cleanlab's confident joint, given x true, scaled to the counts of the labels.

    Northcutt, Jiang and Chuang, JAIR 2021. A weak model's mistakes count as errors in it.
    """
    from cleanlab.count import compute_confident_joint

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        joint = compute_confident_joint(np.asarray(given), probabilities, calibrate=True)
    return np.asarray(joint, dtype=np.float64)


def _rows_to_one(counts: Floats) -> Floats:
    sums = counts.sum(axis=1, keepdims=True)
    shares: Floats = np.divide(counts, sums, out=np.full(counts.shape, np.nan), where=sums > 0)
    return shares


def check_path(path: Path, others: Sequence[str]) -> None:
    """Raise an error for a path that the matrices cannot be written to, or that is one of `others`.

    `others` are the input and the output.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--matrix {path}: give a name that ends in .csv or .json")
    if path.resolve() in {Path(other).resolve() for other in others}:
        raise UsageError(f"--matrix {path}: this is the input or the output; give another name")


def write(
    stream: BinaryIO, path: Path, model: NoiseModel, by: Mapping[str, NoiseModel] | None = None
) -> None:
    """Write what the file `path` holds: JSON with both matrices by name, or CSV with a row a pair.

    `by` adds the matrices of each source, in CSV with a first column `by`, empty for all together.
    """
    by = by or {}
    if path.suffix.lower() == ".json":
        sources = {"by": {name: each.facts() for name, each in by.items()}} if by else {}
        write_json(stream, model.facts() | sources)
        return
    text = io.TextIOWrapper(stream, "utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    first = ["by"] if by else []
    writer.writerow([*first, "given", "true", "rows", "p_given_when_true", "p_true_when_given"])
    writer.writerows([*([""] if by else []), *row] for row in _pairs(model))
    for name, each in by.items():
        writer.writerows([name, *row] for row in _pairs(each))
    text.detach()


def _pairs(model: NoiseModel) -> Iterator[list[str]]:
    forward, backward = model.given_when_true(), model.true_when_given()
    for i, given in enumerate(model.classes):
        for j, true in enumerate(model.classes):
            values = (model.joint[i, j], forward[j, i], backward[i, j])
            yield [given, true, *map(_cell, values)]


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6f}".rstrip("0").rstrip(".")
