"""The files that a report is made of, told apart: labelled rows, models, curves."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from labelkit.errors import LabelkitError, UsageError
from labelkit.io import history
from labelkit.io.files import open_for_reading
from labelkit.stats.metrics import Z95

CURVES = ["strategy", "features", "per_round", "seed", "labels", "accuracy", "macro_f1"]
_MODEL_MAGIC = b"PK"


class Given(NamedTuple):
    """The labelled rows (parts of one file), the models, the curves of simulate."""

    data: list[str]
    models: list[Path]
    curves: list[Path]


class Point(NamedTuple):
    """The mean accuracy over the seeds at a number of labels, with its 95 % interval."""

    labels: int
    mean: float
    low: float
    high: float
    seeds: int


def told_apart(inputs: Sequence[str]) -> Given:
    """Return the files by what they are; raises UsageError where none holds rows."""
    found = Given([], [], [])
    for name in inputs:
        path = Path(name)
        if name == "-" or path.is_dir():
            found.data.append(name)
        elif _is_model(path):
            found.models.append(path)
        elif _is_curves(path):
            found.curves.append(path)
        else:
            found.data.append(name)
    if not found.data:
        raise UsageError("report needs a labelled file beside models and curves")
    return found


def _is_model(path: Path) -> bool:
    with open_for_reading(path) as stream:
        return stream.read(2) == _MODEL_MAGIC


def _is_curves(path: Path) -> bool:
    if path.suffix.lower() != ".csv":
        return False
    with open_for_reading(path) as stream:
        return stream.readline().strip() == ",".join(CURVES).encode()


def steps_of(models: Sequence[Path]) -> list[dict[str, object]]:
    """Return the step that made each model."""
    return [step for path in models for step in history.read(path)[-1:]]


def curves_in(paths: Sequence[Path]) -> dict[str, list[Point]]:
    """Return the accuracy by labels of each strategy; the default first, random last.

    Raises LabelkitError for a file that simulate did not write.
    """
    values: dict[str, dict[int, list[float]]] = {}
    for path in paths:
        try:
            with path.open(newline="", encoding="utf-8") as stream:
                for row in csv.DictReader(stream):
                    at = values.setdefault(row["strategy"], {}).setdefault(int(row["labels"]), [])
                    at.append(float(row["accuracy"]))
        except (ValueError, TypeError, UnicodeDecodeError):
            raise LabelkitError(f"{path} does not hold the curves of simulate --csv") from None
    order = sorted(values, key=lambda name: (name == "random", name != "default", name))
    return {name: [_point(at, values[name][at]) for at in sorted(values[name])] for name in order}


def _point(labels: int, accuracies: Sequence[float]) -> Point:
    n = len(accuracies)
    mean = sum(accuracies) / n
    spread = (sum((a - mean) ** 2 for a in accuracies) / max(n - 1, 1)) ** 0.5
    half = Z95 * spread / n**0.5
    return Point(labels, mean, max(0.0, mean - half), min(1.0, mean + half), n)
