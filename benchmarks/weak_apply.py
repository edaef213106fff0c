"""Applying labeling functions: ten keyword functions in Python, and the same as rules.

Each way runs in a process of its own on the same texts and its CPU seconds are counted, the start
of Python and the reading of the data taken off. Snorkel's PandasLFApplier runs on --peer-rows
rows, its seconds are multiplied up (it works row by row, so its time grows with the rows); the
votes of all ways on these rows are compared.

Run: python benchmarks/weak_apply.py [--rows 1000000] [--peer-rows 100000]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

WORDS = {
    "love": 1, "great": 1, "wonderful": 1, "enjoyed": 1, "best": 1,
    "boring": 0, "waste": 0, "terrible": 0, "worst": 0, "dull": 0,
}  # fmt: skip
FILLER = ["film", "story", "actor", "scene", "quiet", "music", "plot", "evening", "long", "and"]

LFS = "".join(
    f'def lf_{word}(x):\n    return {label} if "{word}" in x.text.lower() else -1\n\n'
    for word, label in WORDS.items()
)
RULES = "[task]\nclasses = ['NEG', 'POS']\n" + "".join(
    f"[[weak-label.rule]]\nname = '{word}'\nlabel = '{['NEG', 'POS'][label]}'\n"
    f"column = 'text'\nmatch = 'substring'\nany_of = ['{word}']\n"
    for word, label in WORDS.items()
)

READ = """
import sys, time
import numpy as np, pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq
folder, rows = sys.argv[1], int(sys.argv[2])
table = pq.read_table(folder + "/in.parquet").slice(0, rows)
"""
SAY = """
np.save(folder + "/votes.npy", votes)
print(time.process_time() - start)
"""
PANEL = """
from labelkit.weak.lf.binding import FileColumns
from labelkit.weak.lf.function_set import gather
from pathlib import Path
import tomllib
file = FileColumns(("id", "text"), frozenset(), ("text",))
panel = gather(file, ["NEG", "POS"], functions={functions}, rule_tables={rules},
               rule_folder=Path("."), from_votes=())
start = time.process_time()
counted, _ = panel.vote(table.to_batches(65536), None, lambda n: None)
votes = counted.votes[counted.rows]
"""
FUNCTIONS = PANEL.format(functions="Path(folder, 'lfs.py')", rules="[]")
AS_RULES = PANEL.format(
    functions="None",
    rules="tomllib.loads(Path(folder, 'rules.toml').read_text())['weak-label']['rule']",
)
BARE_ARROW = f"""
start = time.process_time()
words = {list(WORDS.items())!r}
votes = np.full((rows, len(words)), -1, dtype=np.int16)
for i, (word, label) in enumerate(words):
    hit = pc.match_substring(table["text"], word, ignore_case=True)
    votes[hit.to_numpy(zero_copy_only=False), i] = label
"""
SNORKEL = """
import runpy
from snorkel.labeling import PandasLFApplier, LabelingFunction
names = runpy.run_path(folder + "/lfs.py")
lfs = [LabelingFunction(n, f) for n, f in names.items() if n.startswith("lf_")]
frame = table.to_pandas()
start = time.process_time()
votes = PandasLFApplier(lfs).apply(frame, progress_bar=False)
"""
ALONE = (
    PANEL.format(functions="Path(folder, 'lfs.py')", rules="[]").replace("votes =", "_ =")
    + """
codes = counted.votes[counted.rows].max(axis=1)
labels = pa.array(["NEG", "POS"]).take(pa.array(codes, mask=codes < 0))
sure = pa.array(np.ones(rows))
several = pa.array((counted.votes >= 0).sum(axis=1)[counted.rows])
for name, column in (("label", labels), ("confidence", sure), ("votes", several)):
    table = table.append_column("weak_" + name, column)
pq.write_table(table, folder + "/alone.parquet")
print(time.process_time())
"""
)
WAYS = {
    "labelkit, Python functions": (FUNCTIONS, False),
    "snorkel PandasLFApplier": (SNORKEL, True),
    "labelkit, rules": (AS_RULES, False),
    "bare pyarrow.compute": (BARE_ARROW, False),
}


def make(folder: Path, rows: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    vocabulary = np.array([*FILLER * 12, *WORDS])
    picked = rng.integers(0, len(vocabulary), (20_000, 14))
    texts = pa.array([" ".join(words) for words in vocabulary[picked]])
    drawn = pa.array(rng.integers(0, len(texts), rows))
    ids = pa.array(np.arange(rows)).cast(pa.string())
    pq.write_table(pa.table({"id": ids, "text": texts.take(drawn)}), folder / "in.parquet")
    (folder / "lfs.py").write_text(LFS)
    (folder / "rules.toml").write_text(RULES)


def timed(code: str, folder: Path, rows: int) -> float:
    command = [sys.executable, "-c", READ + code + SAY, str(folder), str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def whole_command(folder: Path, output: str) -> float:
    """Return the CPU seconds of the command from start to written file."""
    command = [sys.executable, "-m", "labelkit", "weak-label", str(folder / "in.parquet"),
               "-o", str(folder / output), "--functions", str(folder / "lfs.py"),
               "--classes", "NEG,POS", "--no-task", "--quiet"]  # fmt: skip
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("weak-label failed")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peer-rows", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: this one stays small.
        with ProcessPoolExecutor(1) as pool:
            pool.submit(make, folder, asked.rows).result()
        import numpy as np

        first = None
        seconds = {}
        print(f"{asked.rows:,} rows x {len(WORDS)} functions: CPU seconds")
        for way, (code, is_peer) in WAYS.items():
            rows = asked.peer_rows if is_peer else asked.rows
            seconds[way] = min(timed(code, folder, rows) for _ in range(1 if is_peer else 3))
            seconds[way] *= asked.rows / rows
            votes = np.load(folder / "votes.npy")[: asked.peer_rows]
            first = votes if first is None else first
            if not (votes == first).all():
                raise SystemExit(f"{way}: other votes than the first way")
            scaled = f"   (from {rows:,} rows)" if is_peer else ""
            print(f"{way:28}{seconds[way]:9.2f} s{scaled}")
        peer = seconds["snorkel PandasLFApplier"]
        print(f"functions: {peer / seconds['labelkit, Python functions']:.1f} times less")
        rules = seconds["labelkit, rules"]
        print(f"rules: {peer / rules:.1f} times less, "
              f"{rules / seconds['bare pyarrow.compute']:.2f} times bare pyarrow")  # fmt: skip
        command = whole_command(folder, "out.parquet")
        bare = [sys.executable, "-c", READ + ALONE, str(folder), str(asked.rows)]
        done = subprocess.run(bare, capture_output=True, text=True, check=True)
        alone = float(done.stdout.split()[-1])
        print(f"whole command, start to Parquet: {command:.2f} s, {command / alone:.2f} times "
              f"reading, voting and writing alone ({alone:.2f} s)")  # fmt: skip
    print("the votes of all ways are equal")


if __name__ == "__main__":
    main()
