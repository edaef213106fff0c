"""What labelkit's default strategy saves over others, and what choosing costs.

Curves: `labelkit simulate` on the files of --data (those that are there): the default beside
random rows, margin, modAL's ranked batch, scikit-activeml's BADGE and TypiClust, all with the same
features, model, held-out rows and seeds. Needs scikit-activeml, here or with --peers in a folder:
pip install --no-deps --target PEERS scikit-activeml makefun

Costs, each in a process of its own, CPU seconds and peak memory: choosing among a million rows of
384 numbers beside modAL's ranked batch on a tenth of them; a cold start on raw texts; a query of
5,000 rows beside the imports and the fit that it cannot do without. And the same bytes twice.

Run: python benchmarks/query.py --data FOLDER [--peers PEERS] [--only curves,cold] [--beside margin]
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
OURS = "default"
PEERS = {
    "margin": "margin",
    "modAL ranked batch": "ranked-batch",
    "BADGE": f"{HERE / 'query_peers.py'}:badge",
    "TypiClust": f"{HERE / 'query_peers.py'}:typiclust",
    "TypiClust then margin": f"{HERE / 'query_peers.py'}:typiclust_margin",
}
SETS = {
    "rt_polarity": "accuracy",
    "ag_news_test": "accuracy",
    "wrench_trec": "accuracy",
    "sms_spam": "macro-f1",
    "movies_metadata": "accuracy",
}
GOOD_FILM = 7.0

CHOOSE = """
import sys, time, resource
import numpy as np
from labelkit.ml import classifier
from labelkit.active import model as learn, selection
from labelkit.active.pool import Pool
from labelkit.active.strategies import default
rows, n, k, way = *map(int, sys.argv[1:4]), sys.argv[4]
rng = np.random.default_rng(0)
features = np.empty((rows, 384), dtype=np.float32)
for start in range(0, rows, 10_000):
    features[start:start + 10_000] = rng.normal(size=(min(10_000, rows - start), 384)) / 5
centres = rng.normal(size=(k, 384)).astype(np.float32) / 5
codes = rng.integers(0, k, 500)
labelled = (features[:500] + centres[codes]).astype(np.float64)
model = classifier.fit(labelled, codes, classifier.default_recipe(labelled))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = np.concatenate([classifier.probabilities(model, features[s:s + learn.CHUNK], k)
                        for s in range(0, rows, learn.CHUNK)])
pool = Pool(features, found, labelled, codes, model, list("abcdefgh"[:k]), {})
start = time.process_time()
if way == "labelkit":
    order = selection.in_order(default.score(pool, n, rng), rng)
    picks = selection.first_different(order, features, n, features[:0])
else:
    from modAL.batch import ranked_batch
    class Known:
        X_training, on_transformed = labelled, False
    ranked_batch(Known(), features, 1 - found.max(axis=1), n, metric="euclidean", n_jobs=1)
seconds = time.process_time() - start
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(seconds, (after - before) / 1024)
"""
ALONE = """
import sys
import numpy as np, pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
table = pd.read_csv(sys.argv[1], keep_default_na=False)
known = (table.label != "").to_numpy()
terms = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2)
matrix = terms.fit_transform(table.text)
model = LogisticRegression(C=10.0, max_iter=1000).fit(matrix[known], table.label[known])
model.predict_proba(matrix[~known])
"""


def spent(command: list[str], peers: Path | None = None) -> tuple[float, float, str]:
    """Return CPU seconds, peak megabytes and the output of a process on one thread."""
    paths = [str(peers)] if peers else []
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")]),
    }  # fmt: skip
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"failed: {' '.join(command)}")
        output.seek(0)
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output.read()


def labelkit(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "labelkit", *map(str, arguments)]


def prepared(source: Path, folder: Path) -> Path:
    """Write the columns that count of a file, and the label to be learned."""
    csv.field_size_limit(1 << 30)
    with source.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    if "imdb_score" in rows[0]:
        rows = [row for row in rows if row["imdb_score"]]
        names = [n for n in rows[0] if n not in ("id", "imdb_score") and _numbers(rows, n)]
        labels = ["good" if float(row["imdb_score"]) >= GOOD_FILM else "other" for row in rows]
    else:
        names, labels = ["text"], [row["label"] for row in rows]
    target = folder / source.name
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", *names, "label"])
        for i, (row, label) in enumerate(zip(rows, labels, strict=True)):
            writer.writerow([i, *(row[name] for name in names), label])
    return target


def _numbers(rows: list[dict[str, str]], name: str) -> bool:
    try:
        return bool([float(row[name]) for row in rows if row[name]])
    except ValueError:
        return False


def curves(asked: argparse.Namespace, folder: Path) -> None:
    """Print the gain over random of each strategy on each set, and what they have in the mean."""
    beside = asked.beside.split(",")
    named = {"labelkit's default": OURS, **{each: PEERS[each] for each in beside}}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in named}
    sets = [name for name in SETS if (asked.data / f"{name}.csv").is_file()]
    for name in sets:
        path = prepared(asked.data / f"{name}.csv", folder)
        command = labelkit(
            *("simulate", path, "--strategies", ",".join(named.values()), "--labels", asked.labels),
            *("--per-round", 20, "--seeds", asked.seeds, "--metric", SETS[name], "--json"),
            *("--jobs", asked.jobs, "--no-task", "--quiet", "--cache", asked.cache or folder),
        )
        figures = json.loads(spent(command, asked.peers)[2])["strategies"]
        print(f"\n{name} ({SETS[name]}), random ends at {figures['random']['final']:.3f}")
        for words, strategy in named.items():
            each = figures[strategy]
            found[words].append(each)
            print(f"  {words:24}{100 * each['gain']:+7.2f} points   ahead in "
                  f"{each['seeds_ahead']} of {each['seeds']}   random's last reached with "
                  f"{each['labels_to_match_random'] or 'more'}", flush=True)  # fmt: skip
    print(
        f"\nmean gain over random, {len(sets)} sets, {asked.labels} labels by 20; without sms_spam"
    )
    for words, each in found.items():
        gains = [100 * figure["gain"] for figure in each]
        others = [gain for gain, name in zip(gains, sets, strict=True) if name != "sms_spam"]
        ahead = sum(int(figure["seeds_ahead"]) for figure in each)
        runs = sum(int(figure["seeds"]) for figure in each)
        print(f"  {words:24}{sum(gains) / max(len(gains), 1):+7.2f}"
              f"{sum(others) / max(len(others), 1):+7.2f}   "
              f"ahead in {ahead} of {runs}")  # fmt: skip


def choose(asked: argparse.Namespace, folder: Path) -> None:
    """Print what choosing among a million dense rows costs beside modAL's ranked batch."""
    print("\nchoose 100 of 1,000,000 x 384, CPU over scoring, memory of both above the matrix")
    for classes in (2, 3):  # each has a strategy of its own
        seconds, megabytes = _chosen(1_000_000, 100, classes, "labelkit")
        print(f"  {classes} classes: {seconds:.2f} CPU s, {megabytes:.0f} MB", flush=True)
    picks = 2  # of 100: each takes the same time
    peer = _chosen(100_000, picks, 3, "modal")[0] * 100 / picks
    print(f"modAL's ranked batch on 100,000: {peer:.0f} CPU s (from {picks} picks), "
          f"{peer / seconds:.0f} times more")  # fmt: skip


def _chosen(rows: int, n: int, classes: int, way: str) -> tuple[float, float]:
    arguments = [str(rows), str(n), str(classes), way]
    seconds, megabytes = spent([sys.executable, "-c", CHOOSE, *arguments])[2].split()
    return float(seconds), float(megabytes)


def cold(asked: argparse.Namespace, folder: Path) -> None:
    """Print what a cold start on raw texts costs, by the number of rows."""
    print("\ncold start, choose 100 of raw texts by TF-IDF, the whole command")
    for rows in (10_000, 100_000, 1_000_000):
        path = _texts(folder / f"{rows}.csv", rows)
        command = labelkit("query", path, "-o", folder / "out.csv", "-n", 100, "--features",
                           "tfidf", "--classes", "a,b", "--no-task", "--quiet")  # fmt: skip
        seconds, megabytes, _ = spent(command)
        print(f"  {rows:9,} rows {seconds:7.1f} CPU s {1e6 * seconds / rows:6.0f} µs a row "
              f"{megabytes:6.0f} MB", flush=True)  # fmt: skip


def small(asked: argparse.Namespace, folder: Path) -> None:
    """Print what a query of 5,000 rows costs beside what it cannot do without."""
    path = _texts(folder / "small.csv", 5_000, labelled=200)
    command = labelkit("query", path, "-o", folder / "out.csv", "--batch", folder / "todo.csv",
                       "--features", "tfidf", "--no-task", "--quiet")  # fmt: skip
    ours = min(spent(command)[0] for _ in range(3))
    alone = min(spent([sys.executable, "-c", ALONE, str(path)])[0] for _ in range(3))
    print(f"\nquery of 5,000 rows: {ours:.2f} CPU s, {ours / alone:.2f} times pandas, scikit-learn "
          f"and the model alone ({alone:.2f} s)")  # fmt: skip


def same_bytes(asked: argparse.Namespace, folder: Path) -> None:
    """Print whether two runs, in one process and in two, write the same bytes."""
    path = _texts(folder / "same.csv", 1_000, labelled=200)
    written = []
    for _ in range(2):
        spent(labelkit("query", path, "-o", folder / "q.csv", "--batch", folder / "b.csv",
                       "--features", "tfidf", "--no-task", "--quiet"))  # fmt: skip
        written.append((folder / "q.csv").read_bytes() + (folder / "b.csv").read_bytes())
    for jobs in (1, 2):
        spent(labelkit("simulate", path, "--labels", 40, "--seeds", 2, "--csv", folder / "c.csv",
                       "--features", "tfidf", "--jobs", jobs, "--no-task", "--quiet"))  # fmt: skip
        written.append((folder / "c.csv").read_bytes())
    same = written[0] == written[1] and written[2] == written[3]
    print(f"\nthe same command twice, --jobs 1 and --jobs 2: {'same' if same else 'OTHER'} bytes")


def _texts(path: Path, rows: int, labelled: int = 0) -> Path:
    # In a process of its own: a child's peak memory counts what its parent held at the fork.
    with ProcessPoolExecutor(1) as pool:
        pool.submit(_write_texts, path, rows, labelled).result()
    return path


def _write_texts(path: Path, rows: int, labelled: int) -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    vocabulary = np.array([f"word{i * 7919 % 20_011}" for i in range(20_000)])
    often = 1 / np.arange(1, 20_001)
    with path.open("w", newline="") as stream:
        stream.write("id,text,label\n")
        for start in range(0, rows, 10_000):
            size = (min(10_000, rows - start), 20)
            picked = rng.choice(20_000, size, p=often / often.sum())
            for i, words in enumerate(vocabulary[picked], start):
                label = "ab"[int(picked[i - start].sum()) % 2] if i < labelled else ""
                stream.write(f"{i},{' '.join(words)},{label}\n")


SECTIONS = {"curves": curves, "choose": choose, "cold": cold, "small": small, "bytes": same_bytes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--cache", type=Path, help="a folder that keeps the embeddings")
    parser.add_argument("--beside", default=",".join(PEERS), help="the peers, some take hours")
    parser.add_argument("--labels", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default=",".join(SECTIONS))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for section in asked.only.split(","):
            SECTIONS[section](asked, Path(name))


if __name__ == "__main__":
    main()
