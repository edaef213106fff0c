"""How right weak labels are: the command with its default label model beside the peers.

For each set in a folder (CSV files with `text`, `label`, `split` and votes in `lf_*`; integers are
classes, -1 abstains) the real command labels the rows of split `train`: without any known label,
and with 50 labels from split `valid` (`test` where there is none) as people's labels. Accuracy and
expected calibration error (10 bins) are over rows with a vote. Majority votes break ties at random
(the expected accuracy is counted); snorkel runs with its defaults; hyper is left out where the
package hyperlm is not installed.
Run: python benchmarks/weak_label.py --data FOLDER [--sets a b] [--seeds 3]
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

SETS = ("wrench_youtube", "wrench_sms", "wrench_trec", "wrench_yelp_part")
LEAST_GAIN = -0.005


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seeds", type=int, default=3, help="draws of the 50 known labels")
    wanted = parser.parse_args()
    models = ["majority", "snorkel", *(["hyper"] if find_spec("hyperlm") else []), "auto"]
    ways = [*models, "auto + 50"]
    found = {
        name: measure(wanted.data / f"{name}.csv", models, wanted.seeds) for name in wanted.sets
    }
    show("accuracy on rows with a vote", ways, found, 0)
    show("expected calibration error", ways, found, 1)
    worst = min(figures["auto"][0] - figures["majority"][0] for figures in found.values())
    print(f"\nauto beside majority, worst set: {worst:+.3f} (must be over {LEAST_GAIN})")


def measure(path: Path, models: list[str], seeds: int) -> dict[str, tuple[float, float]]:
    """Return accuracy and calibration error of each way on one set."""
    with path.open(newline="", encoding="utf-8") as stream:
        table = pd.DataFrame(csv.DictReader(stream)).rename(columns={"label": "truth"})
    votes = table.filter(like="lf_").astype(int).to_numpy()
    classes = int(max(table.truth.astype(int).max(), votes.max())) + 1
    kept = (table.split == "train") & (votes >= 0).any(axis=1)
    truth = table.truth.astype(int).to_numpy()[kept]
    found = {}
    for model in models:
        codes, sure = run(table.drop(columns="truth"), classes, model)
        found[model] = figures(codes[kept], sure[kept], truth)
    tally = np.stack([(votes[kept] == code).sum(axis=1) for code in range(classes)], axis=1)
    top = tally == tally.max(axis=1, keepdims=True)
    random = float((top[np.arange(len(truth)), truth] / top.sum(axis=1)).mean())
    found["majority"] = (random, found["majority"][1])
    drawn = [with_known(table, classes, kept, truth, seed) for seed in range(seeds)]
    accuracy, error = np.mean(drawn, axis=0)
    found["auto + 50"] = (float(accuracy), float(error))
    return found


def with_known(
    table: pd.DataFrame, classes: int, kept: pd.Series, truth: np.ndarray, seed: int
) -> tuple[float, float]:
    """Return the figures of the command that may learn from 50 known labels."""
    split = "valid" if (table.split == "valid").any() else "test"
    rows = np.flatnonzero(table.split == split)
    drawn = np.random.default_rng(seed).choice(rows, 50, replace=False)
    people = np.full(len(table), "", dtype=object)
    people[drawn] = table.truth.to_numpy()[drawn]
    given = table.drop(columns="truth").assign(people=people)
    codes, sure = run(given, classes, "auto", "--label", "people")
    return figures(codes[kept], sure[kept], truth)


def run(table: pd.DataFrame, classes: int, model: str, *more: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the label (-1: none) and the confidence of each row, by the command."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "in.csv", Path(folder) / "out.csv"
        table.to_csv(source, index=False)
        names = ",".join(str(code) for code in range(classes))
        arguments = [str(source), "-o", str(output), "--from-votes", "lf_*", "--classes", names]
        arguments += ["--where", "split == 'train'", "--label-model", model, "--no-task", "-q"]
        subprocess.run(
            [sys.executable, "-m", "labelkit", "weak-label", *arguments, *more], check=True
        )
        labelled = pd.read_csv(output, usecols=["weak_label", "weak_confidence"])
    return labelled.weak_label.fillna(-1).astype(
        int
    ).to_numpy(), labelled.weak_confidence.to_numpy()


def figures(codes: np.ndarray, sure: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Return the accuracy and the expected calibration error in 10 bins."""
    right = codes == truth
    bins = np.minimum((sure * 10).astype(int), 9)
    gaps = [abs(right[bins == b].sum() - sure[bins == b].sum()) for b in range(10)]
    return float(right.mean()), float(sum(gaps) / len(right))


def show(
    title: str, ways: list[str], found: dict[str, dict[str, tuple[float, float]]], place: int
) -> None:
    print(f"\n{title}\n{'':18}" + "".join(f"{way:>12}" for way in ways))
    for name, values in found.items():
        print(f"{name:18}" + "".join(f"{values[way][place]:12.3f}" for way in ways))
    means = [np.mean([values[way][place] for values in found.values()]) for way in ways]
    print(f"{'mean':18}" + "".join(f"{mean:12.3f}" for mean in means))


if __name__ == "__main__":
    main()
