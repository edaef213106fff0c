"""What a start of the command costs, beside a start of Python: CPU seconds, the best of some runs.

The limits are those that a start keeps to on an idle machine; the code is 1 where one is passed.
Run: python benchmarks/start.py [--runs 5]
"""

import argparse
import resource
import subprocess
import sys

LIMITS = {"--help": 8.0, "query --lable": 22.0}  # times the start of Python


def cpu_seconds(command: list[str], runs: int) -> float:
    """Return the CPU seconds of the quickest run."""
    best = float("inf")
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = min(best, spent)
    return best


def main() -> int:
    """Print the seconds and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    python = cpu_seconds([sys.executable, "-c", "pass"], runs)
    print(f"python: {python:.3f} s")
    passed = 0
    for arguments, limit in LIMITS.items():
        spent = cpu_seconds([sys.executable, "-m", "labelkit", *arguments.split()], runs)
        print(f"labelkit {arguments}: {spent:.3f} s, {spent / python:.1f} times (limit {limit:g})")
        passed += spent > limit * python
    return int(passed > 0)


if __name__ == "__main__":
    sys.exit(main())
