"""What passing a file through costs: a million rows of five columns, two columns appended.

Each way runs in a process of its own: CPU seconds and peak memory, the bare start taken off.
labelkit reads one column, then streams the file and appends; the peers read the table, add the
columns and write it. Run: python benchmarks/table.py [--rows 1000000]
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

START = """
import sys
import numpy as np, pandas as pd, pyarrow as pa, pyarrow.csv, pyarrow.parquet as pq
source, output, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
"""
NOTHING = START
LABELKIT = (
    START
    + """
from labelkit.io.table import Table
table = Table([source])
for batch in table.batches(["text"]):
    pass
codes = pa.array(np.arange(rows, dtype=np.int32) % 2)
found = pa.table({"weak_label": pa.array(["NEGATIVE", "POSITIVE"]).take(codes),
                  "weak_confidence": np.full(rows, 0.875)})
table.write_annotated(output, found)
"""
)
PANDAS = (
    START
    + """
if source.endswith("csv"):
    table = pd.read_csv(source, dtype=str, keep_default_na=False)
else:
    table = pd.read_parquet(source)
table["weak_label"] = np.where(np.arange(rows) % 2, "POSITIVE", "NEGATIVE")
table["weak_confidence"] = 0.875
table.to_csv(output, index=False) if output.endswith("csv") else table.to_parquet(output)
"""
)
ARROW = (
    START
    + """
table = pa.csv.read_csv(source) if source.endswith("csv") else pq.read_table(source)
codes = pa.array(np.arange(rows, dtype=np.int32) % 2)
table = table.append_column("weak_label", pa.array(["NEGATIVE", "POSITIVE"]).take(codes))
table = table.append_column("weak_confidence", pa.array(np.full(rows, 0.875)))
pa.csv.write_csv(table, output) if output.endswith("csv") else pq.write_table(table, output)
"""
)
WAYS = {"labelkit": LABELKIT, "pandas": PANDAS, "pyarrow": ARROW}


def make(folder: Path, rows: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    words = np.array(["a", "film", "of", "warm", "and", "quiet", "scenes", "that", "goes", "on"])
    texts = [" ".join(words[picked]) for picked in rng.integers(0, len(words), (5_000, 12))]
    table = pa.table(
        {
            "id": [f"{i:08d}" for i in range(rows)],
            "text": pa.array(texts).take(pa.array(rng.integers(0, len(texts), rows))),
            "rating": rng.normal(6, 1, rows).round(1),
            "year": rng.integers(1950, 2027, rows),
            "title": pa.array([f"Film, part {i}" for i in range(rows)]),
        }
    )
    pa.csv.write_csv(table, folder / "in.csv")
    pq.write_table(table, folder / "in.parquet")


def spent(code: str, *args: object) -> tuple[float, float]:
    """Return CPU seconds and peak megabytes of a Python process."""
    command = [sys.executable, "-c", code, *map(str, args)]
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"a way failed: {code}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: a child's peak memory counts what its parent held at the fork.
        with ProcessPoolExecutor(1) as pool:
            pool.submit(make, folder, rows).result()
        print(f"{rows:,} rows x 5 columns, 2 appended: CPU seconds, MB over the bare start")
        for kind in ("csv", "parquet"):
            arguments = (folder / f"in.{kind}", folder / f"out.{kind}", rows)
            seconds, megabytes = min(spent(NOTHING, *arguments) for _ in range(3))
            for way, code in WAYS.items():
                found = [spent(code, *arguments) for _ in range(3)]
                cpu = min(pair[0] for pair in found) - seconds
                memory = min(pair[1] for pair in found) - megabytes
                size = (folder / f"in.{kind}").stat().st_size / 2**20
                print(f"{kind:8}{way:10}{cpu:7.2f} s{memory:8.0f} MB   (file {size:.0f} MB)")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
