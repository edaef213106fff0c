"""How well find-noise ranks, flags and counts wrong labels, beside cleanlab in the same run.

Sets: movie reviews (4,000 rows) with labels flipped at random (10 %, 20 %) and in one class alone
(10 % of all), news labelled by people who erred, questions and two of scikit-learn's tables with
10 % flipped. The command runs as a user runs it. cleanlab gets out-of-fold probabilities of the
usual model (logistic regression on TF-IDF, on scaled columns in tables): Datalab (with --peers,
else the function that its check of labels calls) and its seven filters, the best of which is
chosen with the truth in hand. AUPRC is of the ranking of all labels.
With --runs: how often the 90 % interval holds the number of wrong labels, run i on setting i of
many, each with a seed of its own. With --clean: flags on labels that nobody flipped.
With --scale: given probabilities (1,000,000 x 10) beside cleanlab's find_label_issues, the step
alone and from file to file, and 100,000 texts from file to file, twice.
Datalab needs a package more, in a folder: pip install --target PEERS datasets
Run: python benchmarks/find_noise.py --data FOLDER [--sets a b] [--seeds 3] [--peers PEERS]
     python benchmarks/find_noise.py --data FOLDER --sets --runs 50 | --clean | --scale
"""

import argparse
import contextlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from find_noise_sets import CLEAN, INTERVALS, SETS, Noisy, flipped, read

FILTERS = ("prune_by_class", "prune_by_noise_rate", "both", "confident_learning",
           "predicted_neq_given", "low_normalized_margin", "low_self_confidence")  # fmt: skip
AIMS = {"reviews sym10": 0.46, "reviews sym20": 0.60, "reviews class10": 0.50,
        "news people": 0.66, "questions sym10": 0.93}  # fmt: skip
TIMES_DATALAB = 1.3
HELD = 0.8  # of 50 runs
FIRST_SEED = 100  # of these runs; others were seen while the count was made


class Found(NamedTuple):
    """Figures of one run; `covers` whether the interval holds the number of wrong labels."""

    auprc: float
    f1: float
    covers: bool
    datalab_auprc: float
    datalab_f1: float
    best_filter: float
    filter_name: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", choices=list(SETS), default=list(SETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=0, help="runs for the interval alone")
    parser.add_argument("--clean", action="store_true")
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--peers", type=Path, help="a folder with the package datasets")
    parser.add_argument("--cache", type=Path, help="where embeddings are kept")
    wanted = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "cache").symlink_to((wanted.cache or Path(tempfile.mkdtemp(dir=folder))).resolve())
        if wanted.peers is not None:  # last, so that what is installed here comes first
            sys.path.append(str(wanted.peers.resolve()))
        if wanted.sets:
            show({
                name: [measure(SETS[name](wanted.data, seed), seed, place)
                       for seed in range(1 if name == "news people" else wanted.seeds)]
                for name in wanted.sets
            })  # fmt: skip
        if wanted.runs:
            show_intervals(wanted.data, wanted.runs, place)
        if wanted.clean:
            show_clean(wanted.data, place)
        if wanted.scale:
            given_probabilities()
            from_file_to_file(place)
            many_texts(wanted.data, place)


def measure(data: Noisy, seed: int, folder: Path) -> Found:
    from sklearn.metrics import average_precision_score

    wrong = (data.table.label != data.table.truth).to_numpy()
    out, summary = run(data, seed, folder)
    score, flag = out.noise_quality.astype(float).to_numpy(), (out.noise_flag == "true").to_numpy()
    low, high = summary["noise"]["estimated_errors_90"]
    probabilities, codes = usual_model(data, seed)
    datalab_score, datalab_flag = datalab(probabilities, codes)
    f1s = {name: f1(filtered(probabilities, codes, name), wrong) for name in FILTERS}
    best = max(f1s, key=lambda name: f1s[name])
    return Found(
        float(average_precision_score(wrong, -score)),
        f1(flag, wrong),
        bool(low <= wrong.sum() <= high),
        float(average_precision_score(wrong, -datalab_score)),
        f1(datalab_flag, wrong),
        f1s[best],
        best,
    )


def run(data: Noisy, seed: int, folder: Path) -> tuple[pd.DataFrame, dict]:
    """Return what the command wrote and its summary."""
    source, output, summary = folder / "in.csv", folder / "out.csv", folder / "s.json"
    data.table.drop(columns="truth").to_csv(source, index=False)
    arguments = [str(source), "-o", str(output), "--summary", str(summary), "--seed", str(seed)]
    arguments += ["--cache", str(folder / "cache"), "--no-task", "--quiet"]
    arguments += ["--text", "text"] if data.is_text else ["--features", "columns"]
    subprocess.run([sys.executable, "-m", "labelkit", "find-noise", *arguments], check=True)
    written = pd.read_csv(output, dtype=str, keep_default_na=False)
    return written, json.loads(summary.read_text())


def usual_model(data: Noisy, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return out-of-fold probabilities and label codes, as a user of cleanlab would get them."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.preprocessing import StandardScaler

    if data.is_text:
        vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2)
        matrix = vectorizer.fit_transform(data.table.text)
    else:
        matrix = StandardScaler().fit_transform(data.table.drop(columns=["label", "truth"]))
    codes = np.unique(data.table.label, return_inverse=True)[1]
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    model = LogisticRegression(C=3.0 if data.is_text else 1.0, max_iter=1000)
    return cross_val_predict(model, matrix, codes, cv=folds, method="predict_proba"), codes


def datalab(probabilities: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and flags of Datalab, or of what its check of labels calls."""
    with quiet():
        if importlib.util.find_spec("datasets"):
            from cleanlab import Datalab

            lab = Datalab(data={"label": codes.tolist()}, label_name="label", verbosity=0)
            lab.find_issues(pred_probs=probabilities, issue_types={"label": {}})
            found = lab.get_issues("label")
            return found.label_score.to_numpy(), found.is_label_issue.to_numpy()
        from cleanlab.classification import CleanLearning

        issues = CleanLearning().find_label_issues(labels=codes, pred_probs=probabilities)
        return issues.label_quality.to_numpy(), issues.is_label_issue.to_numpy()


def filtered(probabilities: np.ndarray, codes: np.ndarray, name: str) -> np.ndarray:
    from cleanlab.filter import find_label_issues

    with quiet():
        return find_label_issues(codes, probabilities, filter_by=name, n_jobs=1)


@contextlib.contextmanager
def quiet():
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def f1(flag: np.ndarray, wrong: np.ndarray) -> float:
    return float(2 * (flag & wrong).sum() / max(flag.sum() + wrong.sum(), 1))


# -- what is shown -------------------------------------------------------------------------------


def show(found: dict[str, list[Found]]) -> None:
    print(f"{'':16}{'AUPRC':>8}{'aim':>6}{'Datalab':>9}{'F1':>8}{'Datalab':>9}"
          f"{'best filter, of cleanlab':>34}{'errors':>9}")  # fmt: skip
    for name, runs in found.items():
        fields = ("auprc", "f1", "datalab_auprc", "datalab_f1", "best_filter")
        mean = {field: float(np.mean([getattr(run, field) for run in runs])) for field in fields}
        aim = f"{AIMS[name]:.2f}" if name in AIMS else ""
        filters = ", ".join(sorted({run.filter_name for run in runs}))[:24]
        print(f"{name:16}{mean['auprc']:8.3f}{aim:>6}{mean['datalab_auprc']:9.3f}"
              f"{mean['f1']:8.3f}{mean['datalab_f1']:9.3f}{mean['best_filter']:8.3f} {filters:25}"
              f"{sum(run.covers for run in runs):>5} of {len(runs)}")  # fmt: skip
    for names, which in ((list(AIMS), "on the sets with an aim"), (list(found), "on all")):
        theirs = [np.mean([run.datalab_auprc for run in found[name]])
                  for name in names if name in found]  # fmt: skip
        ours = [np.mean([run.auprc for run in found[name]]) for name in names if name in found]
        if ours:
            print(f"mean AUPRC {which}: {np.mean(ours) / np.mean(theirs):.2f} times Datalab's "
                  f"(aim {TIMES_DATALAB})", flush=True)  # fmt: skip


def show_intervals(folder: Path, runs: int, place: Path) -> None:
    """Say how often the interval holds the number of wrong labels, over many settings and draws."""
    found: dict[str, list[tuple[int, int, int, int]]] = {name: [] for name in INTERVALS}
    for place_of_run in range(runs):
        seed = FIRST_SEED + place_of_run
        name = list(INTERVALS)[place_of_run % len(INTERVALS)]
        data = INTERVALS[name](folder, seed)
        _, summary = run(data, seed, place)
        low, high = summary["noise"]["estimated_errors_90"]
        wrong = int((data.table.label != data.table.truth).sum())
        found[name].append((wrong, summary["noise"]["estimated_errors"], low, high))
        print(f"{name:22}{wrong:5} wrong, estimated {found[name][-1][1]} ({low} to {high})",
              flush=True)  # fmt: skip
    held = {name: [low <= wrong <= high for wrong, _, low, high in each]
            for name, each in found.items() if each}  # fmt: skip
    for name, each in held.items():
        print(f"{name:22}the interval holds the number of wrong labels in {sum(each)} of "
              f"{len(each)}")  # fmt: skip
    every = [hit for each in held.values() for hit in each]
    print(f"in all {sum(every)} of {len(every)} (aim {HELD:.0%})", flush=True)


def show_clean(folder: Path, place: Path) -> None:
    """Say how many labels are flagged where nobody flipped any."""
    for name, make in CLEAN.items():
        data = make(folder, 0)
        out, summary = run(data, 0, place)
        flag = (out.noise_flag == "true").to_numpy()
        theirs = datalab(*usual_model(data, 0))[1]
        low, high = summary["noise"]["estimated_errors_90"]
        print(f"{name:12}{len(flag):6} labels: {flag.mean():6.1%} flagged, by Datalab "
              f"{theirs.mean():6.1%}; estimated errors {summary['noise']['estimated_errors']} "
              f"({low} to {high})", flush=True)  # fmt: skip


# -- scale ---------------------------------------------------------------------------------------

CHANCES = """
import sys
import numpy as np
rng = np.random.default_rng(0)
n, k = 1_000_000, 10
true = rng.integers(0, k, n)
given = np.where(rng.random(n) < 0.1, rng.integers(0, k, n), true)
chances = rng.random((n, k)) ** 4
chances[np.arange(n), true] += 1.5
chances /= chances.sum(axis=1, keepdims=True)
"""
GIVEN = (
    CHANCES
    + """
import resource
if sys.argv[1] == "labelkit":
    from labelkit.noise.methods import confident
else:
    from cleanlab.filter import find_label_issues
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
seconds, memory = used()
if sys.argv[1] == "labelkit":
    flags = confident.judge(given, chances)[1]
else:
    flags = find_label_issues(given, chances, filter_by="confident_learning", n_jobs=1)
after = used()
print(after[0] - seconds, after[1] - memory, hash(np.flatnonzero(flags).tobytes()))
"""
)


def given_probabilities() -> None:
    """Compare CPU, memory and flags on given probabilities."""
    seen = {}
    for who in ("cleanlab", "labelkit"):
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        done = subprocess.run(
            [sys.executable, "-c", GIVEN, who],
            check=True, capture_output=True, text=True, env=environment,
        )  # fmt: skip
        seconds, memory, digest = done.stdout.split()
        seen[who] = digest
        print(f"1,000,000 x 10 by {who}: {float(seconds):.2f} CPU s, {float(memory):.0f} MB more")
    print(f"the same flags: {seen['cleanlab'] == seen['labelkit']}", flush=True)


MADE = (
    CHANCES
    + """
import pyarrow as pa, pyarrow.parquet as pq
names = np.array([f"c{i}" for i in range(k)])
columns = {f"p_{name}": chances[:, i] for i, name in enumerate(names)}
pq.write_table(pa.table({"label": names[given], **columns}), sys.argv[1], row_group_size=100_000)
"""
)
BY_CLEANLAB = """
import sys
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
from cleanlab.filter import find_label_issues
table = pq.read_table(sys.argv[1])
names = [f"c{i}" for i in range(10)]
chances = np.column_stack([table[f"p_{name}"].to_numpy() for name in names])
given = np.searchsorted(names, table["label"].to_numpy())
flags = find_label_issues(given, chances, filter_by="confident_learning", n_jobs=1)
pq.write_table(table.append_column("noise_flag", pa.array(flags)), sys.argv[2])
"""


def from_file_to_file(place: Path) -> None:
    """Compare the whole command with a script that reads, calls cleanlab and writes flags.

    The command also counts errors, writes both matrices and a reason for each flag.
    """
    import pyarrow.parquet as pq

    made, flags = str(place / "made.parquet"), []
    subprocess.run([sys.executable, "-c", MADE, made], check=True)
    for who, start in (
        ("cleanlab", [sys.executable, "-c", BY_CLEANLAB, made]),
        ("labelkit", [sys.executable, "-m", "labelkit", "find-noise", made, "--from-proba", "p_",
                      "--method", "confident-learning", "--no-task", "--quiet", "-o"]),
    ):  # fmt: skip
        output = str(place / f"{who}.parquet")
        usage = os.wait4(subprocess.Popen([*start, output]).pid, 0)[2]
        flags.append(pq.read_table(output, columns=["noise_flag"])["noise_flag"])
        print(f"from file to file by {who}: {usage.ru_utime + usage.ru_stime:.1f} CPU s, "
              f"{usage.ru_maxrss / 1024:,.0f} MB at most")  # fmt: skip
    print(f"the same flags: {flags[0].to_pylist() == flags[1].to_pylist()}", flush=True)


def many_texts(folder: Path, place: Path) -> None:
    """Time the whole command on 100,000 texts, and compare the bytes of a second run."""
    news = read(folder, "noisy_agnews_human")[["text", "true_label"]]
    rng = np.random.default_rng(0)
    words = [text.split() for text in news.text]
    rows = []
    for row in range(100_000):
        first, second = words[row % len(words)], words[int(rng.integers(len(words)))]
        rows.append(" ".join(first[: rng.integers(8, 25)] + second[: rng.integers(3, 10)]))
    truth = news.true_label.to_numpy()[np.arange(100_000) % len(words)]
    label = flipped(pd.Series(truth), "sym", 0.1, 0)
    pd.DataFrame({"text": rows, "label": label}).to_csv(place / "many.csv", index=False)
    outputs = []
    for name in ("first.csv", "second.csv"):
        command = [sys.executable, "-m", "labelkit", "find-noise", str(place / "many.csv"), "-o",
                   str(place / name), "--features", "tfidf", "--no-task", "--quiet"]  # fmt: skip
        process = subprocess.Popen(command)
        usage = os.wait4(process.pid, 0)[2]
        outputs.append((place / name).read_bytes())
        print(f"100,000 texts: {usage.ru_utime + usage.ru_stime:.0f} CPU s, "
              f"{usage.ru_maxrss / 1024:,.0f} MB at most")  # fmt: skip
    print(f"the same bytes: {outputs[0] == outputs[1]}", flush=True)


if __name__ == "__main__":
    main()
