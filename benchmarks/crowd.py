"""The crowd model beside its peers: how right and how honest the consensus of several people is.

Reads a file with one row for each label (columns `id`, `annotator`, `label`, and the truth in
`--gold`). For all labels, and for at most N of each item, drawn at random: accuracy of the
consensus, its log-loss (what a confident error costs), CPU seconds. the
peers of crowd-kit join in where it is installed, and the package krippendorff for alpha.
Run: python benchmarks/crowd.py --data votes.csv --gold true_label [--seeds 3]
"""

import argparse
import csv
import importlib.util
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from labelkit import console
from labelkit.stats import dawid_skene

Guess = Callable[[dawid_skene.Votes], np.ndarray]
MOST = (None, 3, 2, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--gold", default="true_label")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    votes, truth = read(options.data, options.gold)
    header = ["labels an item", "model", "accuracy", "log-loss", "CPU s"]
    table = []
    for most in MOST:
        seeds = range(options.seeds if most else 1)
        for name, guess in models():
            runs = [measured(guess, fewer(votes, most, seed), truth) for seed in seeds]
            table.append([str(most or "all"), name, *np.mean(runs, axis=0).tolist()])
    console.data_table(header, table)
    low, high = dawid_skene.alpha_interval(votes)
    alpha = dawid_skene.alpha(votes)
    print(f"\nKrippendorff's alpha {alpha:.5f} [{low:.4f}, {high:.4f}]{peer(votes)}")


def read(path: Path, gold: str) -> tuple[dawid_skene.Votes, np.ndarray]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    items, item = np.unique([row["id"] for row in rows], return_inverse=True)
    people, who = np.unique([row["annotator"] for row in rows], return_inverse=True)
    classes, both = np.unique(
        [row[name] for name in ("label", gold) for row in rows], return_inverse=True
    )
    label, true = both[: len(rows)], both[len(rows) :]
    truth = np.zeros(len(items), dtype=int)
    truth[item] = true
    return dawid_skene.Votes(item, who, label, len(items), len(people), len(classes)), truth


def fewer(votes: dawid_skene.Votes, most: int | None, seed: int) -> dawid_skene.Votes:
    """Return at most so many votes of each item."""
    order = np.random.default_rng(seed).permutation(len(votes.item))
    kept, seen = [], np.zeros(votes.items, dtype=int)
    for vote in order:
        if most is None or seen[votes.item[vote]] < most:
            seen[votes.item[vote]] += 1
            kept.append(vote)
    rows = np.sort(kept)
    return votes._replace(
        item=votes.item[rows], annotator=votes.annotator[rows], label=votes.label[rows]
    )


def measured(
    guess: Guess, votes: dawid_skene.Votes, truth: np.ndarray
) -> tuple[float, float, float]:
    start = time.process_time()
    found = guess(votes)
    spent = time.process_time() - start
    own = np.clip(found[np.arange(len(truth)), truth], 1e-9, 1)
    return float((found.argmax(axis=1) == truth).mean()), float(-np.log(own).mean()), spent


def models() -> Iterator[tuple[str, Guess]]:
    yield "labelkit", lambda votes: dawid_skene.consensus(votes).probabilities
    yield "majority", majority
    if importlib.util.find_spec("crowdkit"):
        from crowdkit.aggregation import DawidSkene, OneCoinDawidSkene

        yield "crowd-kit Dawid-Skene", lambda votes: of_crowdkit(DawidSkene(100), votes)
        yield "crowd-kit one coin", lambda votes: of_crowdkit(OneCoinDawidSkene(100), votes)


def majority(votes: dawid_skene.Votes) -> np.ndarray:
    counts = np.zeros((votes.items, votes.classes))
    np.add.at(counts, (votes.item, votes.label), 1.0)
    # Ties are broken at random, as a coin would.
    counts += np.random.default_rng(0).random(counts.shape) * 1e-3
    return counts / counts.sum(axis=1, keepdims=True)


def of_crowdkit(model: object, votes: dawid_skene.Votes) -> np.ndarray:
    import pandas as pd

    cells = {"task": votes.item, "worker": votes.annotator, "label": votes.label}
    model.fit(pd.DataFrame(cells))  # type: ignore[attr-defined]
    found = model.probas_.reindex(range(votes.items))  # type: ignore[attr-defined]
    return found.reindex(columns=range(votes.classes)).fillna(0).to_numpy()


def peer(votes: dawid_skene.Votes) -> str:
    if not importlib.util.find_spec("krippendorff"):
        return ""
    import krippendorff

    table = np.full((votes.annotators, votes.items), np.nan)
    table[votes.annotator, votes.item] = votes.label
    found = krippendorff.alpha(reliability_data=table, level_of_measurement="nominal")
    return f", by the package krippendorff {found:.5f}"


if __name__ == "__main__":
    main()
