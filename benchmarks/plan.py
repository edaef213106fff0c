"""plan before, the same mix after: does the accuracy foretold from a pilot hold on all rows?

Of each file (columns `text` and `label`, a task file of the same name in --tasks with rules) so
many rows are taken; of a few the label is known, half of them drawn as an audit. `plan` foretells
the accuracy of each mix from these; then each mix is run on all rows, people played by the true
labels, other rows than the pilot's, and measured on all rows. `held` is the share of the mixes
whose accuracy lies in the interval foretold, `off` the mean distance, `behind` how many points the
mix that plan names stays behind the best of those tried. The language model, if asked for by
--llm, is scripted: right on that share of the rows.
Run: python benchmarks/plan.py --data a.csv b.csv --tasks FOLDER [--rows 3000] [--known 400]
  [--seeds 3] [--llm 0.8]
"""

import argparse
import contextlib
import csv
import io
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from labelkit import console
from labelkit.cli import run

csv.field_size_limit(1 << 30)
DOUBTFUL = 0.8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", type=Path, required=True)
    parser.add_argument("--tasks", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=3_000)
    parser.add_argument("--known", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--llm", type=float)
    options = parser.parse_args()
    table = []
    for path in options.data:
        tried: list[dict[str, Any]] = []
        behind = []
        for seed in range(options.seeds):
            found = one_seed(path, options, seed)
            tried += found
            top = max(mix["after"] for mix in found)
            behind.append(100 * (top - next(m["after"] for m in found if m["named"])))
        held = np.mean([mix["low"] <= mix["after"] <= mix["high"] for mix in tried])
        off = np.mean([abs(mix["after"] - mix["accuracy"]) for mix in tried])
        console.set_level(quiet=False, verbose=False)
        table.append([path.stem, len(tried), float(held), 100 * float(off), float(np.mean(behind))])
        print(*table[-1], file=sys.stderr, flush=True)
    header = ["file", "mixes", "held", "off (points)", "best by plan behind (points)"]
    console.data_table(header, table)


def one_seed(path: Path, options: argparse.Namespace, seed: int) -> list[dict[str, Any]]:
    """Return what plan foretold of each mix and what came out."""
    rng = np.random.default_rng(seed)
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["label"]]
    rows = [rows[i] for i in rng.permutation(len(rows))[: options.rows]]
    truth = [row.pop("label") for row in rows]
    if options.llm is not None:
        classes = sorted(set(truth))
        for row, true in zip(rows, truth, strict=True):
            others = [name for name in classes if name != true]
            row["llm_label"] = true if rng.random() < options.llm else str(rng.choice(others))
            row["llm_confidence"] = str(options.llm)
    task = options.tasks / f"{path.stem}.toml"
    with TemporaryDirectory() as name:
        folder = Path(name)
        order = rng.permutation(len(rows))
        known = set(order[: options.known].tolist())
        drawn = set(order[: options.known // 2].tolist())
        pilot = write(
            folder / "pilot.csv",
            rows,
            truth,
            known,
            audit=drawn,
        )
        planned = json.loads(
            labelkit("plan", pilot, "--task", task, "--json", "--audit", "0", *reading(folder))
        )
        people = [i for i in order.tolist() if i not in known]
        bare = write(folder / "bare.csv", [without(row, "llm_") for row in rows], truth, set())
        weak = folder / "weak.csv"
        labelkit("weak-label", bare, "-o", weak, "--task", task, *reading(folder)[2:])
        with weak.open(encoding="utf-8", newline="") as stream:
            votes = list(csv.DictReader(stream))
        tried = [mix for mix in planned["mixes"] if mix["accuracy"] is not None]
        for mix in tried:
            mix["after"] = after(mix, folder, (rows, votes, truth, people))
            mix["named"] = mix["mix"] == planned["best"]
    return tried


def after(mix: dict[str, Any], folder: Path, data: Any) -> float:
    """Return the accuracy over all rows of a mix that was run on all of them."""
    rows, votes, truth, people = data
    said = set(people[: mix["labels_by_people"]])
    made = []
    for row, vote in zip(rows, votes, strict=True):
        one = without(row, "llm_")
        doubtful = not vote["weak_label"] or float(vote["weak_confidence"] or 0) < DOUBTFUL
        if "rules" in mix["mix"]:
            one |= {n: vote[n] for n in ("weak_label", "weak_confidence")}
        if "LLM" in mix["mix"]:
            asked = doubtful or "doubtful" not in mix["mix"]
            one |= {n: row[n] if asked else "" for n in ("llm_label", "llm_confidence")}
        made.append(one)
    data_file = write(folder / "mix.csv", made, truth, said)
    classes = ["--classes", ",".join(sorted(set(truth)))]
    out = folder / "final.csv"
    labelkit("decide", data_file, "-o", out, "--no-task", *classes, "--text", "text",
             *reading(folder))  # fmt: skip
    with out.open(encoding="utf-8", newline="") as stream:
        final = [row["final_label"] for row in csv.DictReader(stream)]
    return float(np.mean([a == b for a, b in zip(final, truth, strict=True)]))


def without(row: dict[str, str], prefix: str) -> dict[str, str]:
    return {name: value for name, value in row.items() if not name.startswith(prefix)}


def reading(folder: Path) -> list[str]:
    return ["--features", os.environ.get("FEATURES", "tfidf"), "--id", "row"]


def write(
    path: Path, rows: list[dict[str, str]], truth: list[str], known: set[int], audit: Any = ()
) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], "label", "label_origin"])
        writer.writeheader()
        for i, row in enumerate(rows):
            origin = ("audit" if i in audit else "query") if i in known else ""
            writer.writerow(
                {**row, "label": truth[i] if i in known else "", "label_origin": origin}
            )
    return path


def labelkit(*args: object) -> str:
    """Run a command quietly; return what it wrote to stdout."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*map(str, args), "--quiet"])
    assert code == 0, err.getvalue()
    return out.getvalue()


if __name__ == "__main__":
    main()
