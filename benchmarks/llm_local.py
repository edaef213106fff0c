"""How right the bundled language model is, with and without a few rows that people labelled.

Each set is shuffled once: of the first 300 rows 50 serve as people's labels, the next ones are
labelled by the whole command and scored; their own labels are never in the file that it reads.
Run: python benchmarks/llm_local.py --data FOLDER [--rows 2000] [--sets rt_polarity ...]
"""

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETS = ("rt_polarity", "sms_spam", "ag_news_test")
APART, PEOPLE, BINS = 300, 50, 10


def read(path: Path) -> list[tuple[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    random.Random(0).shuffle(rows)
    return rows


def label(
    rows: list[tuple[str, str]], people: list[tuple[str, str]], classes: list[str]
) -> list[dict[str, str]]:
    """What the command says of the rows, beside rows that people labelled."""
    with open("in.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([(text, "") for text, _ in rows] + people)
    command = [sys.executable, "-m", "labelkit", "llm-label", "in.csv", "-o", "out.csv"]
    command += ["--model", "local", "--classes", ",".join(classes), "--no-task", "-q"]
    subprocess.run(command, check=True)
    with open("out.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))[: len(rows)]


def scored(found: list[dict[str, str]], truth: list[str]) -> tuple[float, float]:
    """Accuracy, and the calibration error over ten bins of equal width."""
    right = [row["llm_label"] == label for row, label in zip(found, truth, strict=True)]
    sure = [float(row["llm_confidence"] or 0) for row in found]
    gap = 0.0
    for number in range(BINS):
        held = [i for i, s in enumerate(sure) if min(int(s * BINS), BINS - 1) == number]
        gap += abs(sum(right[i] - sure[i] for i in held))
    return sum(right) / len(right), gap / len(right)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    wanted = parser.parse_args()
    data = wanted.data.resolve()
    print(f"{'':14}{'people':>8}{'rows':>7}{'accuracy':>10}{'ECE':>7}{'seconds':>9}")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in wanted.sets:
            rows = read(data / f"{name}.csv")
            classes = sorted({label for _, label in rows})
            scored_rows = rows[APART : APART + wanted.rows]
            for count in (0, PEOPLE):
                started = time.perf_counter()
                found = label(scored_rows, rows[:count], classes)
                right, gap = scored(found, [truth for _, truth in scored_rows])
                seconds = time.perf_counter() - started
                print(f"{name:14}{count:8}{len(found):7,}{right:10.3f}{gap:7.3f}{seconds:9.0f}",
                      flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
