"""How right labels are past the votes: weak-label --propagate beside the usual second step.

For each set in a folder (CSV files with `text`, `label`, `split` and votes in `lf_*`; integers are
classes, -1 abstains) the real command labels all rows, seeing no label; figures are over all rows
of split `test`. The peers are what users of weak supervision do: logistic regression on the same
features, learned from the majority vote's or snorkel's labels of the covered rows, hard and soft.
With two classes of which one is rare the F1 of class 1 is shown, else the accuracy.
Run: python benchmarks/propagate.py --data FOLDER [--sets a b] [--features tfidf]
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.linear_model import LogisticRegression

from labelkit.ml.features import Features

SETS = ("wrench_youtube", "wrench_sms", "wrench_trec", "wrench_yelp_part")
LONG = 2_500_000  # characters from which the command does not embed unasked
RARE = 0.25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--features", help="instead of what the command chooses")
    wanted = parser.parse_args()
    for name in wanted.sets:
        for way, score in measure(wanted.data / f"{name}.csv", wanted.features).items():
            print(f"{name:18}{way:40}{score:8.3f}", flush=True)


def measure(path: Path, kind: str | None) -> dict[str, float]:
    """Return the score of each way on the test rows of one set."""
    with path.open(newline="", encoding="utf-8") as stream:
        table = pd.DataFrame(csv.DictReader(stream)).rename(columns={"label": "truth"})
    truth = table.truth.astype(int).to_numpy()
    test = (table.split == "test").to_numpy()
    votes = table.filter(like="lf_").astype(int).to_numpy()
    classes = int(max(truth.max(), votes.max())) + 1
    kind = kind or ("tfidf" if table.text.str.len().sum() > LONG else "tfidf+embedding")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.csv"
        table.drop(columns="truth").to_csv(source, index=False)
        found = {}
        for model in ("majority", "snorkel"):
            given = run(source, classes, model)
            matrix = features(table, kind, Path(folder))
            for way in ("hard", "soft"):
                codes = learned(matrix, given, way)[test]
                found[f"{model} + logistic regression, {way}"] = score(codes, truth[test])
        propagated = run(source, classes, "auto", "--propagate", "--features", kind)
    best, sure = propagated.argmax(axis=1)[test], propagated.max(axis=1)[test]
    found["auto --propagate"] = score(best, truth[test])
    found["its expected calibration error"] = calibration_error(best == truth[test], sure)
    return found


def run(source: Path, classes: int, model: str, *more: str) -> np.ndarray:
    """Return rows × classes: the command's probabilities, 0 where it could not say."""
    output = source.with_name("out.csv")
    names = [str(code) for code in range(classes)]
    arguments = [str(source), "-o", str(output), "--from-votes", "lf_*", "--proba", "-q"]
    arguments += ["--classes", ",".join(names), "--label-model", model, "--no-task"]
    arguments += ["--cache", str(source.parent)]
    subprocess.run([sys.executable, "-m", "labelkit", "weak-label", *arguments, *more], check=True)
    columns = [f"weak_proba_{name}" for name in names]
    return np.asarray(pd.read_csv(output, usecols=columns)[columns].fillna(0))


def features(table: pd.DataFrame, kind: str, cache: Path) -> Any:
    texts = pa.table({"text": pa.array(table.text)})
    return Features(["text"], {}, kind, cache=lambda: cache).fit(texts).matrix(texts)


def learned(matrix: Any, given: np.ndarray, way: str) -> np.ndarray:
    """Return each row's class by a model of the covered rows' labels."""
    rows, codes = np.nonzero(given)
    weights = given[rows, codes]
    if way == "hard":
        rows = np.flatnonzero(given.any(axis=1))
        codes, weights = given[rows].argmax(axis=1), np.ones(len(rows))
    model = LogisticRegression(max_iter=500).fit(matrix[rows], codes, sample_weight=weights)
    return np.asarray(model.predict(matrix))


def score(codes: np.ndarray, truth: np.ndarray) -> float:
    if truth.max() == 1 and truth.mean() < RARE:
        return float(2 * (codes & truth).sum() / max((codes + truth).sum(), 1))
    return float((codes == truth).mean())


def calibration_error(right: np.ndarray, sure: np.ndarray) -> float:
    bins = np.minimum((sure * 10).astype(int), 9)
    gaps = [abs(right[bins == b].sum() - sure[bins == b].sum()) for b in range(10)]
    return float(sum(gaps) / len(right))


if __name__ == "__main__":
    main()
