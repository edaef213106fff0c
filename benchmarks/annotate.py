"""annotate: is the next row always there, and what does the live loop save over random order?

python benchmarks/annotate.py            # 100,000 rows of numbers, an oracle types
python benchmarks/annotate.py --start    # first screen and keys of a batch of 50,000 rows
python benchmarks/annotate.py DATA TRUTH # labels to an accuracy: the loop against random order
python benchmarks/annotate.py --digits   # the same on a table of 64 numbers a row (scikit-learn's)
"""

import argparse
import csv
import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any

import numpy as np

from labelkit.annotate.active import live
from labelkit.annotate.annotation_job import open_journal
from labelkit.annotate.journal import Journal
from labelkit.annotate.row_order import Limits
from labelkit.annotate.rows import RowTable
from labelkit.annotate.session import Session
from labelkit.job.job import Job
from labelkit.job.options import Declared
from labelkit.ml import classifier

ORDERS = 4  # random ones for each seed

EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self): yield Static("hello there")
Empty().run()
"""


def opened(path: str, classes: list[str], **more: Any) -> tuple[Job, RowTable, Journal]:
    given = {"input": path, "seed": 0, "format": None, "delimiter": None, "label": None,
             "encoding": "utf-8", "output": "answers.csv", **more}  # fmt: skip
    job = Job(Declared("annotate", "", False, ()), given)
    table = RowTable(job, (), classes)
    return job, table, open_journal(job, table, classes, Path("answers.csv"), True)


def loop(
    path: str, truth: list[str], labels: int, typing: float, audit: int = 10, **more: Any
) -> Any:
    """Let an oracle teach; return the loop's session and the seconds of each key."""
    classes = sorted(set(truth))
    job, table, journal = opened(path, classes, **more)
    order, learner = live.make_order(job, table, "default", audit, Limits(labels=labels + audit))
    session = Session(table, order, classes, journal, counts_labels=True)
    order.attach(session)
    seconds = []
    while session.current is not None:
        began = time.perf_counter()
        session.decide(truth[session.current])
        seconds.append(time.perf_counter() - began)
        if typing:
            time.sleep(typing)
        elif session.labels_given() >= audit:
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


class Terminal:
    """A command in a terminal of 80 x 24."""

    def __init__(self, command: list[str]) -> None:
        self.began = time.perf_counter()
        self.process, self._terminal = pty.fork()
        if self.process == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(command[0], command)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._seen = b""

    def wait(self, mark: bytes) -> float:
        """Return the seconds since the start or the last key until the mark is shown."""
        while mark not in self._seen:
            self._seen += os.read(self._terminal, 1 << 16)
        return time.perf_counter() - self.began

    def cores(self) -> float:
        """Return the seconds of a core that the command has taken."""
        words = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def press(self, key: str) -> None:
        self._seen, self.began = b"", time.perf_counter()
        os.write(self._terminal, key.encode())

    def kill(self) -> None:
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self._terminal)


def first_screen(command: list[str], mark: bytes) -> tuple[float, float]:
    """Return the seconds until a terminal shows the mark, and those of a core until then."""
    terminal = Terminal(command)
    found = terminal.wait(mark), terminal.cores()
    terminal.kill()
    return found


def start(runs: int) -> None:
    with open("todo.csv", "w") as stream:
        stream.write("id,text,query_guess,row_check,label\n")
        for i in range(50_000):
            stream.write(f'k{i},"this is text number {i}, with some words",a,c{i},\n')
    ours = [sys.executable, "-m", "labelkit", "annotate", "todo.csv", "--classes", "a,b"]
    empty = [sys.executable, "-c", EMPTY]
    found: dict[str, list[tuple[float, float]]] = {"empty": [], "anew": [], "going on": []}
    for _ in range(runs):
        shutil.rmtree(".labelkit", ignore_errors=True)
        Path("todo.answers.csv").unlink(missing_ok=True)
        found["empty"].append(first_screen(empty, b"hello there"))
        found["anew"].append(first_screen(ours, b"text number 0,"))
        labelled = [*ours, "--plain"]
        subprocess.run(labelled, input="1\n" * 200, text=True, capture_output=True, check=True)
        found["going on"].append(first_screen(ours, b"text number 200,"))
    for name, each in found.items():
        walls, cores = (np.array(column) for column in zip(*each, strict=True))
        base, core = (np.array(column) for column in zip(*found["empty"], strict=True))
        print(
            f"{name:9} first screen after {np.median(walls):.3f} s (best {walls.min():.3f}), "
            f"{np.median(walls / base):.2f} times the empty app; {np.median(cores):.2f} s of a "
            f"core, {np.median(cores / core):.2f} times"
        )
    keys(ours, 200)


def keys(command: list[str], first: int) -> None:
    """Print how long it takes from a key until the next row is shown."""
    terminal = Terminal(command)
    terminal.wait(b"shows the keys")
    seconds = []
    for row in range(first + 1, first + 41):
        terminal.press("12"[row % 2])
        seconds.append(terminal.wait(b"number %d," % row))
        time.sleep(0.05)
    terminal.kill()
    print(f"a key: median {np.median(seconds):.4f} s, slowest {max(seconds):.4f} s")


def saved(rows: list[dict[str, str]], truth: list[str], given: argparse.Namespace) -> None:
    """Print accuracies on held-out rows: the loop's audit, which it never learns from."""
    with open("data.csv", "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    ours, random = [], []
    points = list(range(10, given.labels + 1, 10))
    marks = list(range(100, given.labels + 1, 100))
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        held_out = min(2_000, len(rows) // 3)
        session, learner, _ = loop(
            "data.csv", truth, given.labels, 0, held_out,
            features=given.features, seed=seed, cache=given.cache,
        )  # fmt: skip
        codes = np.array([session.classes.index(name) for name in truth])
        said = session.answers.items()
        test = np.array([row for row, one in said if one.origin == "audit"])
        order = np.array([r for r, one in said if one.origin == "query" and not one.is_copy])
        matrix, k = learner._features(), len(session.classes)
        ours.append([accuracy(matrix, codes, order[:n], test, k) for n in points])
        free = np.flatnonzero(~learner.known_labels.excluded)
        for number in range(ORDERS):
            some = np.random.default_rng([seed, 1, number]).permutation(free)
            random.append([accuracy(matrix, codes, some[:n], test, k) for n in marks])
        print(f"seed {seed}: " + " ".join(f"{each:.3f}" for each in ours[-1][9::10]), flush=True)
    told(points, np.array(ours), marks, np.array(random))


def told(points: list[int], ours: Any, marks: list[int], random: Any) -> None:
    """Print from how many labels on the loop's mean is as good as that of random orders."""
    mean, others = ours.mean(axis=0), random.mean(axis=0)
    error = ours.std(axis=0, ddof=1) / len(ours) ** 0.5 if len(ours) > 1 else 0 * mean
    for n, other in zip(marks, others, strict=True):
        at = points.index(n)
        enough = [m for m, reached in zip(points, mean, strict=True) if reached >= other]
        share = f"{enough[0]} of the loop, {enough[0] / n:.0%}" if enough else "none of the loop's"
        print(f"{n} labels: the loop {mean[at]:.3f} (± {error[at]:.3f}), random {other:.3f}, "
              f"as {share}")  # fmt: skip


def accuracy(matrix: Any, codes: Any, rows: Any, test: Any, k: int) -> float:
    """Return what the default model makes of the labels, as train would."""
    learned = matrix[rows].astype(np.float64)
    model, _ = classifier.choose(learned, codes[rows], k)
    found = classifier.probabilities(model, matrix[test], k).argmax(axis=1)
    return float((found == codes[test]).mean())


def read(path: str, column: str) -> tuple[list[dict[str, str]], list[str]]:
    with open(path, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return rows, [row.pop(column) for row in rows]


def digits() -> tuple[list[dict[str, str]], list[str]]:
    from sklearn.datasets import load_digits

    data = load_digits()
    rows = [{f"x{i}": str(int(value)) for i, value in enumerate(row)} for row in data.data]
    return rows, [f"digit {number}" for number in data.target]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?")
    parser.add_argument("truth", nargs="?")
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--features", default="auto")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, help="a folder that keeps embeddings")
    parser.add_argument("--start", action="store_true")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--digits", action="store_true")
    given = parser.parse_args()
    given.cache = given.cache and given.cache.resolve()
    data = read(given.data, given.truth) if given.data else digits() if given.digits else None
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        if given.start:
            start(given.runs)
        elif data:
            saved(*data, given)
        else:
            next_row()


if __name__ == "__main__":
    main()
