"""Where the time of a pipeline goes on many rows, with a language model that answers in 5 ms.

The rows are made up; the server is that of benchmarks/llm_label.py, in a process of its own. The
seconds in which the language model is asked and models are fitted or applied (classifiers and the
features that they read, the label model, find-noise's judges) are counted apart; the rest is
reading, writing, evidence and bookkeeping.
Run: python benchmarks/pipeline_many.py [--rows 100000]
"""

import argparse
import csv
import functools
import importlib
import json
import os
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llm_label import Server
from pipeline import labelkit

REST = "the rest"
WATCHED = {
    "language model": ["labelkit.llm.runner:Run.label"],
    # What fits or applies a model.
    "models": [
        *(f"labelkit.ml.classifier:{name}" for name in ("select", "fit", "probabilities",
                                                    "out_of_fold", "temperature_of")),
        *(f"labelkit.ml.features:Features.{name}" for name in ("fit", "matrix")),
        "labelkit.ml.feature_selection:compare",
        "labelkit.combine.opinion_pool:learn",
        "labelkit.combine.opinion_pool:pooled",
        "labelkit.noise.label_quality:by_views",
        "labelkit.noise.label_quality:with_truth",
        "labelkit.noise.label_quality:judge",
        "labelkit.active.scoring.strategy_scores.strategy_scores:score",
        "labelkit.weak.label_models.auto:combine",
        "labelkit.weak.label_models.text_model:listen",
        "labelkit.models.robust:judge",
        "labelkit.models.noisy_temperature:fit",
    ],
    # Reads the file to choose features, from within their fit.
    REST: ["labelkit.ml.feature_selection:best"],
}  # fmt: skip


class Clock:
    """Counts the seconds by what is watched, each second for the innermost function alone."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.kinds = [REST]
        self.since = time.perf_counter()
        for kind, names in WATCHED.items():
            for name in names:
                self.watch(name, kind)

    def watch(self, name: str, kind: str) -> None:
        module, _, path = name.partition(":")
        owner: Any = importlib.import_module(module)
        *outer, last = path.split(".")
        for part in outer:
            owner = getattr(owner, part)
        setattr(owner, last, self.timed(getattr(owner, last), kind))

    def timed(self, function: Callable[..., Any], kind: str) -> Callable[..., Any]:
        @functools.wraps(function)  # a label model is given what its parameters ask for
        def run(*args: Any, **more: Any) -> Any:
            self.count()
            self.kinds.append(kind)
            try:
                return function(*args, **more)
            finally:
                self.count()
                self.kinds.pop()

        return run

    def count(self) -> None:
        now = time.perf_counter()
        self.seconds[self.kinds[-1]] += now - self.since
        self.since = now


def write_rows(rows: int) -> None:
    drawn = random.Random(0)
    words = ["".join(drawn.choices("abcdefghijklmnoprstuvw", k=6)) for _ in range(3000)]
    with open("rows.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "gold"])
        for number in range(rows):
            good = drawn.random() < 0.5
            tone = drawn.choice(["good", "good and warm", "good fun"] if good
                                else ["bad", "bad and slow", "bad and dull"])  # fmt: skip
            filling = " ".join(drawn.choices(words, k=12))
            writer.writerow([number, f"a {tone} film {number} of {filling}",
                             "POSITIVE" if good else "NEGATIVE"])  # fmt: skip


def task(url: str) -> None:
    Path("task.toml").write_text(
        "[task]\ntext = ['text']\nclasses = ['NEGATIVE', 'POSITIVE']\n"
        "[llm-label]\nmodel = 'm'\nconfidence = 'verbalised'\nconcurrency = 64\n"
        f"base-url = {url!r}\n"
        "[[weak-label.rule]]\nname = 'warm'\nlabel = 'POSITIVE'\ncolumn = 'text'\n"
        "any_of = ['warm', 'fun']\n"
        "[[weak-label.rule]]\nname = 'slow'\nlabel = 'NEGATIVE'\ncolumn = 'text'\n"
        "any_of = ['slow', 'dull']\n",
        encoding="utf-8",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    wanted = parser.parse_args()
    os.environ["OPENAI_API_KEY"] = "none"
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_rows(wanted.rows)
        with Server(0.005) as server:
            task(server.url)
            clock.seconds.clear()
            clock.since = time.perf_counter()
            given = ["rows.csv", "-o", "out.csv", "--work-dir", "work", "--task", "task.toml"]
            people = ["--oracle", "gold", "-n", "100", "--audit", "50"]
            labelkit("pipeline", *given, *people, "--yes")
            clock.count()
        steps = json.loads(Path("work/final.model.history.json").read_text("utf-8"))["steps"]
    whole = sum(clock.seconds.values())
    print(f"{wanted.rows:,} rows: {whole:.0f} s")
    for kind, seconds in clock.seconds.items():
        print(f"{kind:16}{seconds:8.1f} s {seconds / whole:7.1%}")
    print("by stage: " + ", ".join(f"{step['command']} {step['seconds']:.0f} s" for step in steps))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"most memory: {most:,.0f} MB")


if __name__ == "__main__":
    main()
