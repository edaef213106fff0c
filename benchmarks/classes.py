"""Every command on many classes and rows: seconds and peak memory, each in a process of its own.

The data are made with a fixed seed: short texts with words of their class, numbers, ten vote
columns, answers of 50 people (three to an item), probability columns and a language model's
answers. A command ends at --timeout seconds or --most-memory gigabytes of address space. With
--peers, crowd-kit, snorkel and cleanlab run the same step where they are installed.

Run: python benchmarks/classes.py [--rows 100000] [--classes 1000] [--only evaluate,query]
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

VOTERS, PEOPLE, ANSWERS_EACH = 10, 50, 3
KNOWN_A_CLASS = 5  # human labels in people.parquet
FILLER = 2_000
BLOCK = 10_000


class Case(NamedTuple):
    """One command line: a name, its arguments, the cases that make its inputs, exit codes."""

    name: str
    arguments: str
    needs: tuple[str, ...] = ()
    codes: tuple[int, ...] = (0,)
    stdin: str = ""


LABELLED = "data.parquet --label label --text text --features tfidf"
CASES = [
    Case("init", "init data.parquet --text text --label gold --dir start"),
    Case("weak-label", "weak-label votes.parquet -o weak.parquet --from-votes vote_*"),
    Case("weak-label --proba",
         "weak-label votes.parquet -o proba.parquet --from-votes vote_* --proba"),
    Case("weak-label dawid-skene",
         "weak-label votes.parquet -o ds.parquet --from-votes vote_* --label-model dawid-skene"),
    Case("weak-label --answers",
         "weak-label people.parquet -o weakp.parquet --from-votes vote_* --label label "
         "--as again"),
    Case("weak-label --propagate",
         "weak-label votes.parquet -o prop.parquet --from-votes vote_* --propagate "
         "--features tfidf --lf-report lfs.html"),
    Case("llm-label",
         "llm-label votes.parquet -o llm.parquet --model replay:answers.jsonl --classes @classes"),
    Case("query cold", "query votes.parquet -o cold.parquet --features tfidf"),
    Case("query", "query people.parquet -o query.parquet --features tfidf --batch todo.csv"),
    Case("query -n 30000", "query votes.parquet -o many.parquet --features tfidf -n @many"),
    Case("query --from-proba", "query people-proba.parquet -o qp.parquet --from-proba p_ "
         "--features tfidf"),
    Case("find-noise", f"find-noise {LABELLED} -o noise.parquet --matrix matrix.json"),
    Case("find-noise --from-proba",
         "find-noise given-proba.parquet -o np.parquet --label label --from-proba p_"),
    Case("merge", "merge plain.parquet answers.csv -o merged.parquet --prefer consensus"),
    Case("decide", "decide people.parquet -o final.parquet --features tfidf"),
    Case("decide --from-proba", "decide people-proba.parquet -o dp.parquet --from-proba p_"),
    Case("train", f"train {LABELLED} -o model"),
    Case("train --from-proba",
         "train people-proba.parquet -o soft --text text --features tfidf --from-proba p_"),
    Case("predict", "predict model plain.parquet -o predicted.parquet", ("train",)),
    Case("predict --proba", "predict model plain.parquet -o pp.parquet --proba", ("train",)),
    Case("evaluate",
         "evaluate data.parquet --gold gold --label label --label vote_0 --label vote_1 "
         "--summary figures.json"),
    Case("evaluate --annotators",
         "evaluate answers.csv --annotators annotator --id id --label label --gold gold "
         "--summary people.json"),
    Case("simulate",
         "simulate data.parquet --gold gold --text text --features tfidf --labels 200 --seeds 1"),
    Case("annotate",
         "annotate plain.parquet -o asked.csv --plain --classes @classes --features tfidf "
         "--audit 0", codes=(0, 130), stdin="@answers"),
    Case("export", "export plain.parquet -o tasks.json --to label-studio --classes @classes"),
    Case("import", "import exported.json -o imported.csv --from label-studio"),
    Case("plan", "plan people.parquet --gold gold --features tfidf --text text", codes=(0, 1)),
    Case("pipeline",
         "pipeline people.parquet -o pipe.parquet --work-dir work --text text --features tfidf "
         "--stages find-noise,decide,train --classes @classes", codes=(0, 3)),
    Case("report", "report people.parquet -o report.html --gold gold --text text"),
    Case("history", "history people.parquet", codes=(0, 1)),
    Case("doctor", "doctor"),
]  # fmt: skip


def make(folder: Path, rows: int, classes: int, proba: bool) -> None:
    """Write the inputs of all commands; files of probabilities, which are large, if wanted."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    names = np.array([f"class {code:04d}" for code in range(classes)])
    shares = rng.dirichlet(np.full(classes, 4.0))
    true = rng.choice(classes, rows, p=shares)
    true[:classes] = np.arange(classes)[:rows]
    ids = pa.array([f"{row:07d}" for row in range(rows)])
    text = pa.array(_texts(true, rng))
    plain = {"id": ids, "text": text, "gold": pa.array(names[true])}
    plain |= {f"number_{i}": true % (7 + i) + rng.normal(0, 1, rows) for i in range(4)}
    given = names[_wrong(true, classes, 0.08, rng)]
    some = rng.permutation(rows)[: min(KNOWN_A_CLASS * classes, rows // 2)]
    people = np.full(rows, "", dtype=object)
    people[some] = names[true[some]]
    votes = {}
    for voter in range(VOTERS):
        said = names[_wrong(true, classes, 0.2 + 0.02 * voter, rng)].astype(object)
        said[rng.random(rows) < 0.3] = ""
        votes[f"vote_{voter}"] = pa.array(said)
    model = {"llm_label": names[_wrong(true, classes, 0.2, rng)],
             "llm_confidence": rng.beta(4, 1, rows).round(4)}  # fmt: skip
    weak = {"weak_label": names[_wrong(true, classes, 0.3, rng)],
            "weak_confidence": rng.beta(3, 1, rows).round(4)}  # fmt: skip

    def write(name: str, columns: dict[str, Any]) -> None:
        pq.write_table(pa.table(columns), folder / name)

    write("plain.parquet", plain)
    write("data.parquet", {**plain, "label": given, **votes})
    write("votes.parquet", {**plain, **votes})
    write("people.parquet", {**plain, "label": pa.array(people), **votes, **weak, **model})
    _write_answers(folder, true, names, rng)
    with (folder / "answers.jsonl").open("w") as stream:
        for row, label in zip(text.to_pylist(), model["llm_label"].tolist(), strict=True):
            stream.write(json.dumps({"text": row, "label": label, "confidence": 0.8}) + "\n")
    with (folder / "exported.json").open("w") as stream:
        json.dump([_annotated(row, label) for row, label in enumerate(given.tolist())], stream)
    if not proba:
        return
    base = pa.table({"id": ids, "text": text, "gold": plain["gold"]})
    writers = {}
    for start, block in _probabilities(true, names, rng):
        part = base.slice(start, block.num_rows)
        for name, labels in (("people-proba", people), ("given-proba", given)):
            own = pa.array(labels[start : start + block.num_rows].astype(object))
            whole = part.append_column("label", own)
            for column in block.column_names:
                whole = whole.append_column(column, block[column])
            if name not in writers:
                writers[name] = pq.ParquetWriter(folder / f"{name}.parquet", whole.schema)
            writers[name].write_table(whole)
    for writer in writers.values():
        writer.close()


def _annotated(row: int, label: str) -> dict[str, Any]:
    result = [{"from_name": "label", "to_name": "text", "type": "choices",
               "value": {"choices": [label]}}]  # fmt: skip
    return {"id": row, "data": {"text": f"row {row}", "row_id": f"{row:07d}"},
            "annotations": [{"result": result, "completed_by": 1}]}  # fmt: skip


def _texts(true: Any, rng: Any) -> list[str]:
    """Return six words of filler a row and two of four words that its class prefers."""
    own = rng.integers(0, 4, (len(true), 2))
    filler = (FILLER * rng.random((len(true), 6)) ** 2).astype(int)
    return [
        f"k{code}v{a} " + " ".join(f"f{word}" for word in words) + f" k{code // 2}w{b}"
        for code, (a, b), words in zip(true.tolist(), own.tolist(), filler.tolist(), strict=True)
    ]


def _wrong(true: Any, classes: int, share: float, rng: Any) -> Any:
    """Return the codes with some wrong: half the errors name the next class, half any."""
    found = true.copy()
    wrong = rng.random(len(true)) < share
    near = rng.random(len(true)) < 0.5
    found[wrong & near] = (true[wrong & near] + 1) % classes
    anywhere = wrong & ~near
    found[anywhere] = rng.integers(0, classes, int(anywhere.sum()))
    return found


def _probabilities(true: Any, names: Any, rng: Any) -> Any:
    """Yield tables of probability columns, block by block: a row has ten likely classes."""
    import numpy as np
    import pyarrow as pa

    classes = len(names)
    for start in range(0, len(true), BLOCK):
        part = true[start : start + BLOCK]
        proba = np.full((len(part), classes), 1e-5)
        rows = np.arange(len(part))
        for _ in range(9):
            proba[rows, rng.integers(0, classes, len(part))] = 0.02 * rng.random(len(part))
        proba[rows, _wrong(part, classes, 0.15, rng)] = 0.4 + 0.5 * rng.random(len(part))
        proba /= proba.sum(axis=1, keepdims=True)
        columns = {f"p_{name}": proba[:, code].round(6) for code, name in enumerate(names)}
        yield start, pa.table(columns)


def _write_answers(folder: Path, true: Any, names: Any, rng: Any) -> None:
    """Write one row for each answer, and the same of each person as a file for merge."""
    import csv

    people = [f"person {who:02d}" for who in range(PEOPLE)]
    with (folder / "answers.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "label", "annotator", "label_annotator", "gold"])
        said = [_wrong(true, len(names), 0.25, rng) for _ in range(ANSWERS_EACH)]
        for row, code in enumerate(true.tolist()):
            for who, answer in zip(
                rng.choice(PEOPLE, ANSWERS_EACH, replace=False), said, strict=True
            ):
                name = people[who]
                writer.writerow([f"{row:07d}", names[answer[row]], name, name, names[code]])


class Used(NamedTuple):
    """What a process needed: seconds on the clock and of the processor, megabytes, exit code."""

    clock: float
    cpu: float
    megabytes: float
    code: int
    output: int  # bytes on stdout
    error: str


def run(command: Sequence[str], folder: Path, stdin: str, timeout: float, most: float) -> Used:
    """Run a process inside its limits."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (int(most * 2**30), int(most * 2**30)))

    out, err = folder / "stdout.txt", folder / "stderr.txt"
    (folder / "stdin.txt").write_text(stdin)
    began = time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with out.open("wb") as stdout, err.open("wb") as stderr, (folder / "stdin.txt").open() as read:
        process = subprocess.Popen(  # the limits are of the child alone
            command, cwd=folder, stdin=read, stdout=stdout, stderr=stderr,
            env=environment, preexec_fn=limit,
        )  # fmt: skip
        previous = signal.signal(signal.SIGALRM, lambda *_: process.kill())
        signal.alarm(int(timeout))
        _, status, usage = os.wait4(process.pid, 0)
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    process.returncode = os.waitstatus_to_exitcode(status)
    said = err.read_text(errors="replace").strip().splitlines()
    return Used(
        time.perf_counter() - began,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        process.returncode,
        out.stat().st_size,
        next((line for line in reversed(said) if "error" in line.lower()), "".join(said[-1:])),
    )


PEERS = {
    "crowd-kit DawidSkene (as evaluate --annotators)": """
import pandas as pd
from crowdkit.aggregation import DawidSkene
table = pd.read_csv("answers.csv", dtype=str)
table = table.rename(columns={"id": "task", "annotator": "worker"})[["task", "worker", "label"]]
DawidSkene(100).fit_predict(table)
""",
    "snorkel LabelModel (as weak-label)": """
import numpy as np, pandas as pd
from snorkel.labeling.model import LabelModel
table = pd.read_parquet("votes.parquet")
names = sorted(set(table["gold"]))
code = {name: i for i, name in enumerate(names)}
votes = np.column_stack([table[c].map(code).fillna(-1).astype(int)
                         for c in table if c.startswith("vote_")])
model = LabelModel(cardinality=len(names), verbose=False)
model.fit(votes, n_epochs=100, seed=0)
model.predict_proba(votes)
""",
    "cleanlab find_label_issues (as find-noise --from-proba)": """
import numpy as np, pandas as pd
from cleanlab.filter import find_label_issues
table = pd.read_parquet("given-proba.parquet")
proba = table[[c for c in table if c.startswith("p_")]].to_numpy()
code = {name: i for i, name in enumerate(c[2:] for c in table if c.startswith("p_"))}
find_label_issues(table["label"].map(code).to_numpy(), proba / proba.sum(1, keepdims=True),
                  n_jobs=1)
""",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=1_000)
    parser.add_argument("--only", help="names of cases, or their first words, with commas between")
    parser.add_argument("--folder", type=Path, help="where the data and outputs stay")
    parser.add_argument("--timeout", type=float, default=900)
    parser.add_argument("--most-memory", type=float, default=8, metavar="GB")
    parser.add_argument("--peers", action="store_true")
    asked = parser.parse_args()
    if asked.folder is not None:
        asked.folder.mkdir(parents=True, exist_ok=True)
        measure(asked.folder.resolve(), asked)
        return
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), asked)


def measure(folder: Path, asked: argparse.Namespace) -> None:
    proba = any("-proba.parquet" in case.arguments for case in chosen(asked.only)) or asked.peers
    size = f"{asked.rows} x {asked.classes}{' with probabilities' if proba else ''}"
    made = folder / "size.txt"
    if not made.exists() or not made.read_text().startswith(size):
        # In a process of its own: a child's peak memory counts what its parent held at the fork.
        with ProcessPoolExecutor(1) as pool:
            pool.submit(make, folder, asked.rows, asked.classes, proba).result()
        made.write_text(size)
    print(f"{asked.rows:,} rows, {asked.classes:,} classes")
    print(f"{'':48}{'seconds':>9}{'CPU s':>9}{'peak MB':>9}{'stdout kB':>11}")
    for case in chosen(asked.only):
        command = [sys.executable, "-m", "labelkit", *arguments(case, asked, folder)]
        answers = "\n".join(["1"] * 60) + "\n" if case.stdin else ""
        tell(case.name, run(command, folder, answers, asked.timeout, asked.most_memory), case.codes)
    if asked.peers:
        for name, code in PEERS.items():
            command = [sys.executable, "-W", "ignore", "-c", code]
            tell(name, run(command, folder, "", asked.timeout, asked.most_memory), (0,))


def chosen(only: str | None) -> list[Case]:
    if only is None:
        return CASES
    wanted = [name.strip() for name in only.split(",")]
    named = {each.name for each in CASES if each.name in wanted or each.name.split()[0] in wanted}
    named |= {need for each in CASES if each.name in named for need in each.needs}
    return [each for each in CASES if each.name in named]


def arguments(case: Case, asked: argparse.Namespace, folder: Path) -> list[str]:
    words = case.arguments.split()
    values = {
        "@classes": ",".join(f"class {code:04d}" for code in range(asked.classes)),
        "@many": str(max(1, int(asked.rows * 0.3))),
    }
    found = [values.get(word, word) for word in words]
    if case.name in ("doctor", "history"):
        return found
    return [*found, "--no-task", *(["--force"] if case.name == "init" else [])]


def tell(name: str, used: Used, codes: tuple[int, ...]) -> None:
    failed = "" if used.code in codes else f"   exit {used.code}: {used.error[:150]}"
    print(f"{name:48}{used.clock:9.1f}{used.cpu:9.1f}{used.megabytes:9.0f}"
          f"{used.output / 1000:11.1f}{failed}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
