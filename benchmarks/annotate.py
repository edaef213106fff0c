"""annotate: is the next row always there, and what does the live loop save over random order?

python benchmarks/annotate.py            # 100,000 rows of numbers, an oracle types
python benchmarks/annotate.py --start    # first screen and keys of a batch of 50,000 rows
python benchmarks/annotate.py DATA TRUTH # labels to an accuracy: the loop against random order
"""

import argparse
import asyncio
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from labelkit import classifier
from labelkit.job import Job
from labelkit.options import Declared
from labelkit.people import highlight, live
from labelkit.people.annotate import open_journal
from labelkit.people.context import Context
from labelkit.people.deck import Deck
from labelkit.people.journal import Journal
from labelkit.people.session import FileOrder, Limits, Session

EMPTY = """
import os, sys, time
from textual.app import App
class Empty(App):
    def on_mount(self): self.call_after_refresh(self.seen)
    def seen(self):
        print(time.process_time(), file=sys.__stdout__, flush=True)
        os._exit(0)
Empty().run(headless=True)
"""
FIRST_SCREEN = """
import os, sys, time
from labelkit.people import screen
from labelkit.cli import app
from labelkit.people import annotate
class Once(screen.AnnotateApp):
    def on_mount(self):
        super().on_mount()
        self.call_after_refresh(self.seen)
    def seen(self):
        print(time.process_time(), file=sys.__stdout__, flush=True)
        os._exit(0)
annotate.ask_by = lambda wanted: lambda s, h, c: Once(s, h, c).run(headless=True)
app(["annotate", "todo.csv", "--classes", "a,b", "-q"])
"""


def opened(path: str, classes: list[str], **more: Any) -> tuple[Job, Deck, Journal]:
    given = {"input": path, "seed": 0, "format": None, "delimiter": None, "label": None,
             "encoding": "utf-8", "output": "answers.csv", **more}  # fmt: skip
    job = Job(Declared("annotate", "", False, ()), given)
    deck = Deck(job, (), classes)
    return job, deck, open_journal(job, deck, classes, Path("answers.csv"), True)


def loop(path: str, truth: list[str], labels: int, typing: float, **more: Any) -> Any:
    """Let an oracle teach; return the loop's session and the seconds of each key."""
    classes = sorted(set(truth))
    job, deck, journal = opened(path, classes, **more)
    order, learner = live.make_order(job, deck, "default", 10, Limits(labels=labels + 10))
    session = Session(deck, order, classes, journal, counts_labels=True)
    order.attach(session)
    seconds = []
    while session.current is not None:
        began = time.perf_counter()
        session.decide(truth[session.current])
        seconds.append(time.perf_counter() - began)
        if typing:
            time.sleep(typing)
        else:
            learner.wait()
    learner.stop()
    journal.close()
    assert learner.failure is None
    return session, learner, np.array(seconds)


def next_row() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(100_000, 8)).round(5)
    truth = np.where(values[:, 0] + values[:, 1] ** 2 > 1, "b", "a").tolist()
    with open("data.csv", "w") as stream:
        stream.write("id," + ",".join(f"x{i}" for i in range(8)) + "\n")
        for i, row in enumerate(values.tolist()):
            stream.write(f"k{i}," + ",".join(map(str, row)) + "\n")
    _, learner, seconds = loop("data.csv", truth, 80, typing=0.5)
    told = f"median {np.median(seconds):.4f} s, slowest {seconds.max():.4f} s"
    told += f", {(seconds > 0.1).sum()} of {len(seconds)} above 0.1 s"
    print(f"next row of 100,000: {told}, {learner.ranking.labels} labels learned from")


def start() -> None:
    with open("todo.csv", "w") as stream:
        stream.write("id,text,query_guess,row_check,label\n")
        for i in range(50_000):
            stream.write(f'k{i},"this is text number {i}, with some words",a,c{i},\n')
    for name, code in (("an empty app", EMPTY), ("annotate, 50,000 rows", FIRST_SCREEN)):
        command = [sys.executable, "-c", code]
        said = [subprocess.run(command, check=True, capture_output=True) for _ in range(5)]
        print(f"{name}: {min(float(each.stdout) for each in said):.2f} s of one core")
    from labelkit.people.screen import AnnotateApp

    Path("todo.answers.csv").unlink(missing_ok=True)
    _, deck, journal = opened("todo.csv", ["a", "b"])
    session = Session(deck, FileOrder(deck, range(deck.rows)), ["a", "b"], journal)
    app = AnnotateApp(session, highlight.Highlighter(), Context(deck))
    seconds = []

    async def main() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            for key in "12" * 20 + "f" * 5:
                began = time.perf_counter()
                app._act(key)
                seconds.append(time.perf_counter() - began)
                await pilot.pause()

    asyncio.run(main())
    print(f"a key: median {np.median(seconds):.4f} s, slowest {max(seconds):.4f} s")


def saved(data: str, column: str, labels: int, features: str) -> None:
    with open(data, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    truth = [row.pop(column) for row in rows]
    with open("data.csv", "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    session, learner, _ = loop("data.csv", truth, labels, typing=0, features=features)
    codes = np.array([session.classes.index(name) for name in truth])
    order = [row for row, said in session.said.items() if said.origin == "query"]
    rng = np.random.default_rng(1)
    matrix = learner._features()
    test = np.setdiff1d(rng.choice(len(truth), min(2_000, len(truth)), replace=False), order)
    shuffles = [rng.permutation(np.setdiff1d(np.arange(len(truth)), test)) for _ in range(5)]
    print("labels\tloop\trandom")
    for n in range(20, labels + 1, 20):
        shown = [accuracy(matrix, codes, np.array(picked[:n]), test, len(session.classes))
                 for picked in (order, *shuffles)]  # fmt: skip
        print(f"{n}\t{shown[0]:.3f}\t{np.mean(shown[1:]):.3f}")


def accuracy(matrix: Any, codes: Any, rows: Any, test: Any, k: int) -> float:
    learned = matrix[rows].astype(np.float64)
    model = classifier.fit(learned, codes[rows], classifier.default_recipe(learned))
    found = classifier.probabilities(model, matrix[test], k).argmax(axis=1)
    return float((found == codes[test]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?")
    parser.add_argument("truth", nargs="?")
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--features", default="auto")
    parser.add_argument("--start", action="store_true")
    given = parser.parse_args()
    data = str(Path(given.data).resolve()) if given.data else ""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        if given.start:
            start()
        elif data:
            saved(data, given.truth, given.labels, given.features)
        else:
            next_row()


if __name__ == "__main__":
    main()
