"""How few people's labels the pipeline needs, beside labels at random with the same parts.

Each set is cut into rows to label and rows to test on. The rules below were written from what such
texts are about, before a label of these files was looked at. The language model is scripted: right
in so many rows, its errors anywhere or where a model of the words errs too. People are played by
the known labels. A run tells the accuracy of the labels over all rows and, on the test rows, of
the model trained on them, beside a model trained on every row's true label.
Run: python benchmarks/pipeline.py --data FOLDER [--sets ...] [--llm .9 .8 .7] [--people 50 100 200]
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

Rows = list[tuple[str, str]]
AUDIT = 20
# Words that a person would name in ten minutes a set.
RULES = {
    "rt_polarity": {
        "pos": "moving,funny,charming,delightful,powerful,beautiful,touching,wonderful,smart,"
        "engaging,best,enjoyable,fascinating,fresh,solid",
        "neg": "dull,boring,bad,worst,mess,tedious,fails,lacks,pointless,silly,flat,predictable,"
        "unfunny,waste,tired",
    },
    "wrench_youtube": {
        "1": "subscribe,my channel,check out,check this,free,http,www,visit,follow me,money,"
        "giveaway,share,please help",
        "0": "love this song,beautiful,best song,amazing,great song,memories,nice,awesome,voice",
    },
    "wrench_yelp_part": {
        "1": "great,delicious,amazing,best,love,friendly,excellent,awesome,perfect,favorite",
        "0": "worst,terrible,horrible,rude,awful,disappointed,never again,bland,dirty,waste",
    },
    "ag_news_test": {
        "World": "iraq,president,minister,killed,troops,government,election,police,un,palestinian",
        "Sports": "game,season,team,coach,win,cup,league,championship,players,olympic",
        "Business": "shares,profit,oil,stocks,prices,sales,quarter,bank,market,earnings",
        "Sci/Tech": "software,microsoft,internet,google,space,nasa,computer,web,linux,phone",
    },
}


def read(path: Path, seed: int) -> Rows:
    with open(path, newline="", encoding="utf-8") as file:
        rows = {row["text"]: row["label"] for row in csv.DictReader(file) if row["text"].strip()}
    found = list(rows.items())
    random.Random(seed).shuffle(found)
    return found


def hardness(rows: Rows, seed: int) -> dict[str, float]:
    """How sure a model of the words is of another class, out of fold."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    texts, labels = [text for text, _ in rows], np.array([label for _, label in rows])
    matrix = TfidfVectorizer(sublinear_tf=True, min_df=2).fit_transform(texts)
    said = cross_val_predict(
        LogisticRegression(C=10, max_iter=500), matrix, labels, cv=5, method="predict_proba"
    )
    place = np.searchsorted(np.unique(labels), labels)
    noise = np.random.default_rng(seed).normal(0, 0.15, len(rows))
    hard = 1 - said[np.arange(len(rows)), place] + noise
    return dict(zip(texts, hard.tolist(), strict=True))


def script(rows: Rows, accuracy: float, where: str, seed: int) -> None:
    """Write what the language model answers; a wrong answer is stated with less confidence."""
    drawn, classes = random.Random(seed), sorted({label for _, label in rows})
    if where == "hard":
        hard = hardness(rows, seed)
        order = sorted(rows, key=lambda row: -hard[row[0]])
    else:
        order = drawn.sample(rows, len(rows))
    wrong = {text for text, _ in order[: round(len(rows) * (1 - accuracy))]}
    with open("llm.jsonl", "w", encoding="utf-8") as file:
        for text, label in rows:
            errs = text in wrong
            said = drawn.choice([name for name in classes if name != label]) if errs else label
            sure = min(0.99, max(0.5, drawn.gauss(0.75 if errs else 0.88, 0.1)))
            file.write(json.dumps({"text": text, "label": said, "confidence": sure}) + "\n")


def write(name: str, rows: Rows) -> None:
    with open(name, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "gold"])
        writer.writerows((number, *row) for number, row in enumerate(rows))


def task(name: str, classes: list[str], strategy: str, llm: bool) -> None:
    lines = [f"[task]\ntext = ['text']\nclasses = {classes!r}\n"]
    lines.append(f"[query]\nstrategy = {strategy!r}\n")
    if llm:
        lines.append("[llm-label]\nmodel = 'replay:llm.jsonl'\n")
    for number, (label, words) in enumerate(RULES[name].items()):
        lines.append(
            f"[[weak-label.rule]]\nname = 'words_{number}'\nlabel = {label!r}\ncolumn = 'text'\n"
            f"any_of = {words.split(',')!r}\n"
        )
    Path("task.toml").write_text("".join(lines), encoding="utf-8")


def labelkit(*args: object) -> None:
    command = [sys.executable, "-m", "labelkit", *map(str, args), "-q"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")


def right(name: str, column: str) -> float:
    with open(name, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return sum(row[column] == row["gold"] for row in rows) / len(rows)


def model_accuracy(model: str) -> float:
    labelkit("predict", model, "test.csv", "-o", "tested.csv", "--no-task")
    return right("tested.csv", "model_label")


def run(people: int, stages: str) -> tuple[float, float, float]:
    """One run: accuracy of the labels, of the model on test rows, and the seconds it took."""
    started = time.perf_counter()
    work = tempfile.mkdtemp(dir=".")
    labelkit("pipeline", "train.csv", "-o", f"{work}/out.csv", "--work-dir", f"{work}/w",
             "--task", "task.toml", "--gold", "gold", "--oracle", "gold", "--cache", "cache",
             "-n", people - AUDIT, "--audit", AUDIT, "--stages", stages)  # fmt: skip
    took = time.perf_counter() - started
    return right(f"{work}/out.csv", "final_label"), model_accuracy(f"{work}/w/final.model"), took


WAYS = {
    "pipeline": ("default", True, "weak-label,llm-label,query,people,find-noise,decide,train"),
    "random": ("random", True, "weak-label,llm-label,query,people,find-noise,decide,train"),
    "people alone": ("default", False, "query,people,decide,train"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=list(RULES))
    parser.add_argument("--llm", nargs="+", type=float, default=[0.9, 0.8, 0.7])
    parser.add_argument("--errors", nargs="+", default=["anywhere", "hard"])
    parser.add_argument("--people", nargs="+", type=int, default=[50, 100, 200])
    parser.add_argument("--ways", nargs="+", default=list(WAYS))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=1)
    wanted = parser.parse_args()
    data = wanted.data.resolve()
    print(f"{'':18}{'llm':>5} {'errors':9}{'way':14}{'people':>7}{'labels':>8}{'model':>7}"
          f"{'all gold':>9}{'seconds':>8}")  # fmt: skip
    for name in wanted.sets:
        for seed in range(wanted.seeds):
            with tempfile.TemporaryDirectory() as folder:
                os.chdir(folder)
                one_set(name, read(data / f"{name}.csv", seed), seed, wanted)


def one_set(name: str, rows: Rows, seed: int, wanted: argparse.Namespace) -> None:
    rows = rows[: wanted.rows + 1000]
    cut = min(wanted.rows, len(rows) * 2 // 3)
    train, classes = rows[:cut], sorted({label for _, label in rows})
    write("train.csv", train)
    write("test.csv", rows[cut:])
    labelkit("train", "train.csv", "-o", "full.model", "--no-task", "--text", "text",
             "--label", "gold")  # fmt: skip
    full = model_accuracy("full.model")
    for accuracy in wanted.llm:
        for errors in wanted.errors:
            script(train, accuracy, errors, seed)
            for way in wanted.ways:
                strategy, llm, stages = WAYS[way]
                if not llm and (accuracy, errors) != (wanted.llm[0], wanted.errors[0]):
                    continue
                task(name, classes, strategy, llm)
                for people in wanted.people:
                    labels, model, took = run(people, stages)
                    print(f"{name:18}{accuracy:5.2f} {errors:9}{way:14}{people:7}{labels:8.3f}"
                          f"{model:7.3f}{full:9.3f}{took:8.0f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
