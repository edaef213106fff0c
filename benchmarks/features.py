"""What a model reads: accuracy of logistic regression by labels, and seconds per 1,000 texts.

For each file (columns `text` and `label`) a random sample of rows is split into rows to learn
from and rows to test on, several times; `auto` is the choice that cross-validation makes on the
rows to learn from. Run: python benchmarks/features.py --data a.csv b.csv [--seeds 5]
"""

import argparse
import csv
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from labelkit import console
from labelkit.ml import classifier
from labelkit.ml.embedding import Embedding
from labelkit.ml.feature_selection import compare
from labelkit.ml.features import Features

CHOICES = ("tfidf", "embedding", "tfidf+embedding")
LABELS = (40, 200, 1000)
TESTED = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--embedding", default="minilm")
    options = parser.parse_args()
    csv.field_size_limit(1 << 30)
    console.set_level(quiet=True, verbose=False)
    with TemporaryDirectory() as folder:
        for path in options.data:
            measure(path, options.seeds, options.embedding, Path(folder))


def measure(path: Path, seeds: int, embedding: str, cache: Path) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(stream) if row["label"]]
    rows = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))[: 2 * TESTED]]
    texts = [text for text, _ in rows]
    classes, codes = np.unique([label for _, label in rows], return_inverse=True)
    start, cpu = time.perf_counter(), time.process_time()
    Embedding(embedding, lambda: cache).vectors(texts)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    words = time.perf_counter()
    Features(["text"], {}, "tfidf").fit(pa.table({"text": texts}))
    words = time.perf_counter() - words
    per = 1000 / len(texts)
    print(
        f"{path.name}: {len(texts):,} texts, {len(classes)} classes · seconds per 1,000 texts: "
        f"TF-IDF {words * per:.2f}, {embedding} {wall * per:.1f} ({cpu * per:.1f} CPU)"
    )
    header = ["labels", *CHOICES, "auto", "auto's choices"]
    table = [line(n, texts, codes, seeds, embedding, cache) for n in LABELS]
    console.data_table(header, table)
    sys.stdout.flush()


def line(
    n: int, texts: list[str], codes: np.ndarray, seeds: int, embedding: str, cache: Path
) -> list[object]:
    found: dict[str, list[float]] = {choice: [] for choice in (*CHOICES, "auto")}
    chosen = []
    k = int(codes.max()) + 1
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(texts))
        learn, test = order[:n], order[n:][-TESTED:]
        tables = [pa.table({"text": [texts[i] for i in rows]}) for rows in (learn, test)]
        for choice in CHOICES:
            name = choice.replace("embedding", f"embedding:{embedding}")
            features = Features(["text"], {}, name, seed, cache=lambda: cache).fit(tables[0])
            one, other = (features.matrix(table) for table in tables)
            model, _ = classifier.choose(one, codes[learn], k, "logistic", seed)
            right = classifier.probabilities(model, other, k).argmax(axis=1) == codes[test]
            found[choice].append(float(right.mean()))
        best, _ = compare(tables[0], ["text"], codes[learn], learn, k, seed, lambda: cache)
        chosen.append(best)
        found["auto"].append(found[best][-1])
    counts = ", ".join(f"{c} {chosen.count(c)}" for c in CHOICES if c in chosen)
    return [n, *(float(np.mean(scores)) for scores in found.values()), counts]


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
