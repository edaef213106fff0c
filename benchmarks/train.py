"""train --robust on labels of which a fifth are wrong: how much of what the noise cost comes back.

For each file (columns `text` and `label`) rows are drawn to learn from and to test on; a share of
the labels to learn from is replaced by another class at random. Accuracy on the test rows of
`train` on clean labels, on noisy labels, of `train --robust` and `--robust-by forward` on noisy
labels, and of two things that no program can do: leaving out just the wrong labels, and having
that share of clean rows that tells as much as the noisy ones (two classes: (1 - 2 noise)²).
`back` is the part of the way from noisy to clean that --robust goes, of the mean accuracies and of
each seed; `points` what the noise cost, with the standard error of what --robust won back. Where
`as much clean` is not far above noisy, no method can go much further on two classes: more is not
in the labels. With `--features auto` they are chosen by the labels at hand, as the command does.
`--tables` measures two numeric tables of scikit-learn's, digits and breast cancer, as well.
Run: python benchmarks/train.py --data a.csv b.csv [--rows 2000] [--seeds 3] [--first 0]
  [--noise 0.2] [--features tfidf+embedding] [--cache DIR]
"""

import argparse
import csv
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from labelkit import console
from labelkit.ml.feature_selection import compare
from labelkit.ml.features import Features
from labelkit.models.fit import How, examples, learn, predict

WAYS = ("clean", "noisy", "robust", "forward", "wrong ones known", "as much clean")
TESTED, TO_CHOOSE = 1_500, 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", type=Path, default=[])
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--noise", type=float, default=0.2)
    parser.add_argument("--features", default="tfidf+embedding")
    parser.add_argument("--cache", type=Path, help="keeps embeddings for the next time")
    options = parser.parse_args()
    csv.field_size_limit(1 << 30)
    console.set_level(quiet=True, verbose=False)
    table = []
    with TemporaryDirectory() as folder:
        for path in options.data:
            table.append(measure(path, options, options.cache or Path(folder)))
            print(*table[-1], file=sys.stderr, flush=True)
    if options.tables:
        numeric(options)
    if not table:
        return
    print(f"{options.rows:,} rows to learn from, {options.noise:.0%} wrong, {options.seeds} seeds")
    header = ["file", *WAYS, "points", "back", "in the seeds", "features"]
    console.data_table(header, table)


def measure(path: Path, options: argparse.Namespace, cache: Path) -> list[Any]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(stream) if row["label"]]
    classes, codes = np.unique([label for _, label in rows], return_inverse=True)
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    chosen = []
    for seed in range(options.first, options.first + options.seeds):
        order = np.random.default_rng(seed).permutation(len(rows))
        picked = order[: options.rows + TESTED]
        texts = pa.table({"text": [rows[i][0] for i in picked]})
        for way, (accuracy, features) in one_seed(
            texts, codes[picked], len(classes), options, seed, cache
        ).items():
            found[way].append(accuracy)
            chosen.append(features)
    means = {way: float(np.mean(values)) for way, values in found.items()}
    back = [
        part(*three) for three in zip(found["noisy"], found["clean"], found["robust"], strict=True)
    ]
    names = ", ".join(f"{name} {chosen.count(name)}" for name in sorted(set(chosen)))
    whole = part(means["noisy"], means["clean"], means["robust"])
    shown = " ".join(f"{each:.2f}" for each in back)
    won = 100 * (np.array(found["robust"]) - np.array(found["noisy"]))
    cost = 100 * (means["clean"] - means["noisy"])
    points = f"{won.mean():.2f} ± {won.std() / len(won) ** 0.5:.2f} of {cost:.2f}"
    return [path.stem, *means.values(), points, whole, shown, names]


def part(noisy: float, clean: float, robust: float) -> float:
    """Return the part of the way from noisy to clean; 1 where the noise cost nothing."""
    return (robust - noisy) / (clean - noisy) if clean > noisy else 1.0


def one_seed(
    texts: pa.Table, truth: np.ndarray, k: int, options: argparse.Namespace, seed: int, cache: Path
) -> dict[str, tuple[float, str]]:
    """Return the test accuracy of each way and the features that it chose."""
    n = options.rows
    rng = np.random.default_rng([seed, 1])
    wrong = np.arange(len(truth)) < n
    wrong &= rng.random(len(truth)) < options.noise
    given = (truth + wrong * rng.integers(1, k, len(truth))) % k
    every = np.arange(n)
    as_much = every[: round(n * (1 - options.noise * k / (k - 1)) ** 2)]
    ways = {
        "clean": (truth, every, How(seed=seed)),
        "noisy": (given, every, How(seed=seed)),
        "robust": (given, every, How(seed=seed, robust="prune")),
        "forward": (given, every, How(seed=seed, robust="forward")),
        "wrong ones known": (given, every[~wrong[:n]], How(seed=seed)),
        "as much clean": (truth, as_much, How(seed=seed)),
    }
    return {
        way: tested(texts, truth, n, k, cache, options.features, *how) for way, how in ways.items()
    }


def tested(
    texts: pa.Table,
    truth: np.ndarray,
    n: int,
    k: int,
    cache: Path,
    choice: str,
    codes: np.ndarray,
    rows: np.ndarray,
    how: How,
) -> tuple[float, str]:
    """Learn from these rows and labels as `train` does; return the accuracy on the test rows."""
    own = texts.take(pa.array(rows))
    if choice == "auto":
        some = rows[:TO_CHOOSE]
        few = texts.take(pa.array(some))
        choice, _ = compare(few, ["text"], codes[some], some, k, how.seed, lambda: cache)
    features = Features(["text"], {}, choice, how.seed, cache=lambda: cache).fit(own)
    matrix = features.matrix(own)
    learned = learn(matrix, examples(codes[rows], None), rows, k, how, features.parts(matrix))
    held = features.matrix(texts.slice(n))
    said = predict(learned.model, held, k, learned.temperature).argmax(axis=1)
    return float((said == truth[n:]).mean()), choice


def numeric(options: argparse.Namespace) -> None:
    """Print the same of two numeric tables; two thirds of their rows are learned from."""
    from sklearn.datasets import load_breast_cancer, load_digits
    from sklearn.preprocessing import StandardScaler

    for load, kind in ((load_digits, "logistic"), (load_breast_cancer, "auto")):
        matrix, truth = load(return_X_y=True)
        matrix, k, n = StandardScaler().fit_transform(matrix), truth.max() + 1, 2 * len(truth) // 3
        found: dict[str, list[float]] = {"clean": [], "noisy": [], "robust": []}
        for seed in range(options.first, options.first + options.seeds):
            rng = np.random.default_rng(seed)
            order = rng.permutation(len(truth))
            own, held = order[:n], order[n:]
            wrong = rng.random(n) < options.noise
            given = (truth[own] + wrong * rng.integers(1, k, n)) % k
            for way, values in found.items():
                codes = truth[own] if way == "clean" else given
                how = How(kind, seed, robust="prune" if way == "robust" else "")
                learned = learn(matrix[own], examples(codes, None), np.arange(n), k, how)
                said = predict(learned.model, matrix[held], k, learned.temperature).argmax(axis=1)
                values.append(float((said == truth[held]).mean()))
        means = {way: float(np.mean(values)) for way, values in found.items()}
        back = part(means["noisy"], means["clean"], means["robust"])
        shown = " ".join(f"{way} {mean:.3f}" for way, mean in means.items())
        print(
            f"{load.__name__.removeprefix('load_')} ({kind}): {shown} back {back:.2f}", flush=True
        )


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
