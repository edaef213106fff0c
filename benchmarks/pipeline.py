"""How few people's labels the pipeline needs, beside other ways of spending the same.

Each set is cut into rows to label and rows to test on. The rules below were written from what such
texts are about, before a label of these files was looked at: ten minutes a set. The language model
is scripted: right in so many rows, its errors anywhere or where a model of the words errs too.
People are played by the known labels; a third of the first rows that they label are audit rows.
A run tells how many labels of all rows are right and, on the test rows, how often the model
trained on them is, beside a model trained on the true label of every row. Sections:
  curve   the pipeline and labels at random with the same parts, over numbers of people's labels
  alone   each technique alone, with as many people's labels as the other parts would have cost
  parts   the pipeline without each of its parts
Every run is kept in the file --results and not run again.
Run: python benchmarks/pipeline.py --data FOLDER [--only curve] [--sets ...] [--llm .9 .8 .7]
"""

import argparse
import csv
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline_rules import RULES, TRIED_ON

from labelkit.cli.app import app

Rows = list[tuple[str, str]]
TEST_ROWS = 2000
# What the parts cost in people's labels: a label takes 20 seconds ($0.03), the rules of a set ten
# minutes, and 1,000 short texts through a language model ten cents.
RULES_COST, LLM_COST = 30, 3

FULL = ("weak-label", "llm-label", "query", "people", "find-noise", "decide", "train")


class Way(NamedTuple):
    """Stages, how rows for people are picked, and people's labels beside those of the pipeline."""

    stages: tuple[str, ...]
    strategy: str = "default"
    more: int = 0


def without(*names: str) -> tuple[str, ...]:
    return tuple(name for name in FULL if name not in names)


WAYS = {
    "pipeline": Way(FULL),
    "random": Way(FULL, "random"),
    "weak alone": Way(("weak-label", "train")),
    "llm alone": Way(("llm-label", "train")),
    "active alone": Way(("query", "people", "decide", "train"), more=RULES_COST + LLM_COST),
    "random alone": Way(
        ("query", "people", "decide", "train"), "random", more=RULES_COST + LLM_COST
    ),
    "no weak-label": Way(without("weak-label")),
    "no llm-label": Way(without("llm-label")),
    "no people": Way(without("query", "people")),
    "no find-noise": Way(without("find-noise")),
    "no decide": Way(without("decide")),
}
SECTIONS = {
    "curve": ["pipeline", "random"],
    "alone": ["pipeline", "weak alone", "llm alone", "active alone", "random alone"],
    "parts": [
        *("pipeline", "no weak-label", "no llm-label", "no people", "random"),
        *("no find-noise", "no decide"),
    ],
}


class Case(NamedTuple):
    """One run; its values are its name in the file of results."""

    name: str
    seed: int
    rows: int
    llm: float
    errors: str
    way: str
    people: int


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


def task(name: str, classes: list[str], strategy: str) -> None:
    lines = [f"[task]\ntext = ['text']\nclasses = {classes!r}\n"]
    lines.append(f"[query]\nstrategy = {strategy!r}\n")
    lines.append("[llm-label]\nmodel = 'replay:llm.jsonl'\n")
    for number, (label, words) in enumerate((RULES | TRIED_ON)[name].items()):
        lines.append(
            f"[[weak-label.rule]]\nname = 'words_{number}'\nlabel = {label!r}\ncolumn = 'text'\n"
            f"any_of = {words.split(',')!r}\n"
        )
    Path("task.toml").write_text("".join(lines), encoding="utf-8")


def labelkit(*args: object) -> None:
    try:
        app([*map(str, args), "-q"])
    except SystemExit as ended:
        if ended.code:
            raise SystemExit(f"{args} ended with {ended.code}") from None


def right(name: str, *columns: str) -> float:
    """Return how often the first label of these columns is the true one."""
    with open(name, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = (next(filter(None, (row[column] for column in columns)), "") for row in rows)
    return sum(label == row["gold"] for label, row in zip(told, rows, strict=True)) / len(rows)


def columns(stages: tuple[str, ...]) -> list[str]:
    """Return the label columns that count after these stages, the first filled one first."""
    if "decide" in stages:
        return ["final_label"]
    by_stage = {"people": "label", "llm-label": "llm_label", "weak-label": "weak_label"}
    return [column for stage, column in by_stage.items() if stage in stages]


def model_accuracy(model: str, cache: Path) -> float:
    labelkit("predict", model, "test.csv", "-o", "tested.csv", "--no-task", "--cache", cache)
    return right("tested.csv", "model_label")


def run(case: Case, cache: Path) -> dict[str, float]:
    """Return the accuracy of the labels and of the model on test rows, and the seconds it took."""
    started = time.perf_counter()
    way = WAYS[case.way]
    stages = way.stages if case.people else tuple(s for s in way.stages if s not in ASKING)
    people = case.people + way.more
    audit = min(20, people // 3)
    with tempfile.TemporaryDirectory(dir=".") as work:
        labelkit("pipeline", "train.csv", "-o", f"{work}/out.csv", "--work-dir", f"{work}/w",
                 "--task", "task.toml", "--gold", "gold", "--oracle", "gold", "--cache", cache,
                 "-n", people - audit, "--audit", audit, "--seed", case.seed,
                 "--stages", ",".join(stages))  # fmt: skip
        took = time.perf_counter() - started
        labels = right(f"{work}/out.csv", *columns(stages))
        return {
            "labels": labels,
            "model": model_accuracy(f"{work}/w/final.model", cache),
            "seconds": round(took, 1),
        }


ASKING = ("query", "people")


def cases(wanted: argparse.Namespace) -> Iterator[Case]:
    """Yield the runs of the section, those of one set and seed together."""
    for seed in wanted.seeds:
        for name in wanted.sets:
            for llm in wanted.llm:
                for errors in wanted.errors:
                    for way in wanted.ways or SECTIONS[wanted.only]:
                        for people in wanted.people:
                            yield Case(name, seed, wanted.rows, llm, errors, way, people)


class Bench:
    """Runs cases, and keeps what they gave in a file."""

    def __init__(self, data: Path, results: Path) -> None:
        self.data, self.results = data.resolve(), results.resolve()
        self.cache = self.results.parent / "cache"
        self.found: dict[tuple[object, ...], dict[str, float]] = {}
        self.ready: tuple[object, ...] = ()
        if results.exists():
            for line in results.read_text("utf-8").splitlines():
                key, found = json.loads(line)
                self.found[tuple(key)] = found

    def _keep(self, key: tuple[object, ...], found: dict[str, float]) -> None:
        self.found[key] = found
        with open(self.results, "a", encoding="utf-8") as file:
            file.write(json.dumps([key, found]) + "\n")
        print(*key, *(f"{name} {value:.3f}" for name, value in found.items()), flush=True)

    def run(self, case: Case) -> None:
        """Run what is not known yet."""
        gold = ("all gold", case.name, case.seed, case.rows)
        if case in self.found and gold in self.found:
            return
        rows = read(self.data / f"{case.name}.csv", case.seed)
        cut = min(case.rows, len(rows) // 2)
        train, classes = rows[:cut], sorted({label for _, label in rows})
        if self.ready[:3] != case[:3]:
            write("train.csv", train)
            write("test.csv", rows[cut : cut + TEST_ROWS])
        if gold not in self.found:
            labelkit("train", "train.csv", "-o", "full.model", "--no-task", "--text", "text",
                     "--label", "gold", "--cache", self.cache)  # fmt: skip
            self._keep(gold, {"model": model_accuracy("full.model", self.cache)})
        if self.ready != case[:5]:
            script(train, case.llm, case.errors, case.seed)
        self.ready = case[:5]
        task(case.name, classes, WAYS[case.way].strategy)
        self._keep(case, run(case, self.cache))

    def mean(self, case: Case, seeds: list[int], what: str) -> float:
        return statistics.mean(self.found[case._replace(seed=seed)][what] for seed in seeds)

    def gold(self, case: Case, seeds: list[int]) -> float:
        return statistics.mean(
            self.found["all gold", case.name, seed, case.rows]["model"] for seed in seeds
        )


def table(bench: Bench, wanted: argparse.Namespace) -> None:
    """Print the means over the seeds: right labels / right on test rows."""
    people = wanted.people
    print(f"\n{'':18}{'llm':>4} {'errors':9}{'way':14}" + "".join(f"{n:>12}" for n in people)
          + f"{'all gold':>10}{'needs':>7}")  # fmt: skip
    for case in cases(wanted):
        if case.seed != wanted.seeds[0] or case.people != people[0]:
            continue
        gold = bench.gold(case, wanted.seeds)
        cells, needs = "", None
        for n in people:
            here = case._replace(people=n)
            labels, model = (bench.mean(here, wanted.seeds, what) for what in ("labels", "model"))
            cells += f"{labels:7.3f}/{model:.3f}".replace("0.", ".")
            if needs is None and model >= gold - 0.01:
                needs = n
        told = f">{people[-1]}" if needs is None else str(needs)
        print(f"{case.name:18}{case.llm:4.1f} {case.errors:9}{case.way:14}{cells}{gold:10.3f}"
              f"{told:>7}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", choices=list(SECTIONS), default="curve")
    parser.add_argument("--sets", nargs="+", default=list(RULES))
    parser.add_argument("--llm", nargs="+", type=float, default=[0.9, 0.8, 0.7])
    parser.add_argument("--errors", nargs="+", default=["anywhere", "hard"])
    parser.add_argument("--people", nargs="+", type=int)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS))
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--results", type=Path, default=Path("pipeline-results.jsonl"))
    wanted = parser.parse_args()
    wanted.people = wanted.people or ([0, 20, 50, 100, 200] if wanted.only == "curve" else [100])
    bench = Bench(wanted.data, wanted.results)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for case in cases(wanted):
            bench.run(case)
    table(bench, wanted)


if __name__ == "__main__":
    main()
