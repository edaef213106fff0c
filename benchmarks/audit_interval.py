"""Does the accuracy that a pipeline claims from audit rows hold, run after run?

Each run draws its own rows of a set, its own audit and its own errors of a scripted language model,
and goes through a whole pipeline: rules, language model, query, people (played by the known
labels), find-noise, decide. What decide claims of all labels, an interval from the audit rows, is
then compared with the truth over all rows. Nine runs in ten and more must be covered; a mean `off`
far from 0 would be a bias that a wide interval hides.
Run: python benchmarks/audit_interval.py --data FOLDER [--sets ...] [--runs 30] [--people 60]
  [--audit 40] [--rows 1000] [--seed 0] [--stages weak-label,llm-label,query,people,decide]
"""

import argparse
import contextlib
import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from pipeline import RULES, Rows, read, script, write

from labelkit.command.invoke import run

SETS = ("wrench_youtube", "rt_polarity", "ag_news_test")
SCRIPTS = ((0.8, "hard"), (0.9, "anywhere"), (0.7, "hard"))  # the language model's, by turns
STAGES = "weak-label,llm-label,query,people,find-noise,decide"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of the first run")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--audit", type=int, default=40)
    parser.add_argument("--stages", default=STAGES)
    wanted = parser.parse_args()
    data = wanted.data.resolve()
    print(f"{'':18}{'runs':>5}{'covered':>9}{'off':>8}{'width':>8}{'truth':>8}")
    for name in wanted.sets:
        found = []
        for seed in range(wanted.seed, wanted.seed + wanted.runs):
            with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
                rows = read(data / f"{name}.csv", seed)[: wanted.rows]
                found.append(one_run(name, rows, seed, wanted))
        claim, low, high, truth = np.array(found).T
        held = int(((low <= truth) & (truth <= high)).sum())
        print(f"{name:18}{len(found):5}{held:6}/{len(found):<3}{np.mean(claim - truth):7.3f}"
              f"{np.mean(high - low):8.3f}{np.mean(truth):8.3f}", flush=True)  # fmt: skip


def one_run(
    name: str, rows: Rows, seed: int, wanted: argparse.Namespace
) -> tuple[float, float, float, float]:
    """What decide claims of all labels, with the interval's ends, and the truth."""
    write("rows.csv", rows)
    accuracy, errors = SCRIPTS[seed % len(SCRIPTS)]
    script(rows, accuracy, errors, seed)
    task(name, sorted({label for _, label in rows}))
    labelkit("pipeline", "rows.csv", "-o", "out.csv", "--work-dir", "w", "--task", "task.toml",
             "--oracle", "gold", "--features", "tfidf", "--stages", wanted.stages, "--seed", seed,
             "-n", wanted.people, "--audit", wanted.audit)  # fmt: skip
    said = next(Path("w").glob("*-decide.summary.json")).read_text("utf-8")
    claimed = json.loads(said)["claim"]
    with open("out.csv", newline="", encoding="utf-8") as file:
        right = [row["final_label"] == row["gold"] for row in csv.DictReader(file)
                 if row["final_label"]]  # fmt: skip
    return claimed["value"], claimed["low"], claimed["high"], float(np.mean(right))


def task(name: str, classes: list[str]) -> None:
    lines = [f"[task]\ntext = ['text']\nclasses = {classes!r}\n"]
    lines.append("[llm-label]\nmodel = 'replay:llm.jsonl'\n")
    for number, (label, words) in enumerate(RULES[name].items()):
        lines.append(
            f"[[weak-label.rule]]\nname = 'words_{number}'\nlabel = {label!r}\ncolumn = 'text'\n"
            f"any_of = {words.split(',')!r}\n"
        )
    Path("task.toml").write_text("".join(lines), encoding="utf-8")


def labelkit(*args: Any) -> None:
    err = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
        code = run([*map(str, args), "--quiet"])
    assert code == 0, err.getvalue()


if __name__ == "__main__":
    main()
