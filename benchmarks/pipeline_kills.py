"""The demo's pipeline killed at random moments: the same final bytes, nothing paid for twice.

Run: python benchmarks/pipeline_kills.py [--kills 30] [--rows 200]
"""

import argparse
import csv
import itertools
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data"


def command(folder: Path) -> list[str]:
    made = [sys.executable, "-m", "labelkit", "pipeline", str(folder / "reviews.csv")]
    made += ["-o", str(folder / "out.csv"), "--work-dir", str(folder / "work"), "-q"]
    made += ["--task", str(SAMPLE / "labelkit.toml"), "--cache", str(folder / "cache")]
    return [*made, "--oracle", "gold", "--gold", "gold", "-n", "20", "--audit", "20"]


def prepare(folder: Path, rows: int) -> list[str]:
    folder.mkdir()
    with open(SAMPLE / "reviews.csv", newline="", encoding="utf-8") as file:
        kept = list(itertools.islice(csv.reader(file), rows + 1))
    with open(folder / "reviews.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(kept)
    return command(folder)


def answers(folder: Path) -> tuple[int, int]:
    """Return the answers that are kept, and those that the ledger says were asked."""
    with sqlite3.connect(folder / "cache" / "llm.sqlite") as opened:
        kept = opened.execute("SELECT COUNT(*) FROM answers").fetchone()[0]
        asked = opened.execute("SELECT SUM(answers) FROM runs").fetchone()[0]
    return kept, asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--rows", type=int, default=200)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        whole, killed = Path(place, "whole"), Path(place, "killed")
        started = time.monotonic()
        subprocess.run(prepare(whole, wanted.rows), check=True)
        seconds = time.monotonic() - started
        line, drawn, ended = prepare(killed, wanted.rows), random.Random(0), 0
        for _ in range(wanted.kills):
            process = subprocess.Popen(line, stderr=subprocess.DEVNULL)
            try:
                process.wait(drawn.uniform(0.2, max(2.0, 2 * seconds / wanted.kills)))
                ended += 1
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        subprocess.run(line, check=True)
        # The local model's own server goes with its parent.
        first, second = (
            (folder / "out.csv").read_text("utf-8").splitlines() for folder in (whole, killed)
        )
        for one, other in itertools.islice(
            (pair for pair in zip(first, second, strict=True) if pair[0] != pair[1]), 3
        ):
            print(f"undisturbed: {one}\nkilled:      {other}")
        same = (whole / "out.csv").read_bytes() == (killed / "out.csv").read_bytes()
        models = [(folder / "work" / "final.model").read_bytes() for folder in (whole, killed)]
        print(f"undisturbed {seconds:.0f} s; {wanted.kills - ended} killed, {ended} came to an end")
        print(f"same final bytes: {same}, same model: {models[0] == models[1]}")
        for name, folder in (("undisturbed", whole), ("killed", killed)):
            kept, asked = answers(folder)
            print(f"{name}: {kept:,} answers kept, {asked:,} asked")


if __name__ == "__main__":
    main()
