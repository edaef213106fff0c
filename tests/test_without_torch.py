"""Everything but snorkel's own model works without torch, and imports it nowhere."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BLOCKED = """
open('imported', 'w').close()
raise ModuleNotFoundError('blocked', name='torch')
"""
LFS = """
from snorkel.labeling import labeling_function

@labeling_function()
def lf_warm(row):
    return "GOOD" if "warm" in row.text else None

def lf_stale(text):
    return "BAD" if "stale" in text else None

def lf_one(text):
    return "GOOD" if text.endswith("1") else None
"""
# One process for all of them: the libraries are what takes the time.
RUNS = """
import json, os, sys
from labelkit.cli.app import app

for args in json.loads(sys.argv[1]):
    try:
        app(args)
    except SystemExit as ended:
        print(json.dumps([ended.code or 0, os.path.exists("imported")]), flush=True)
"""
VOTES = [
    "weak-label",
    "films.csv",
    "-o",
    "weak.csv",
    "--classes",
    "BAD,GOOD",
    "--functions",
    "lfs.py",
]
COMMANDS = [
    ["find-noise", "films.csv", "-o", "noise.csv"],
    ["train", "films.csv", "-o", "m.model"],
    ["predict", "m.model", "films.csv", "-o", "p.csv"],
    VOTES,
    [*VOTES, "--label-model", "snorkel"],
]


def test_torch_is_needed_by_snorkels_model_alone(write: Any) -> None:
    lines = [f"{i},a {'warm' if i % 2 else 'stale'} film {i},{'GOOD' if i % 2 else 'BAD'}"
             for i in range(60)]  # fmt: skip
    write("films.csv", "\n".join(["id,text,label", *lines]) + "\n")
    write("lfs.py", LFS)
    write("blocked/torch.py", BLOCKED)
    code = f"import sys; sys.path.insert(0, {str(Path('blocked').absolute())!r})\n{RUNS}"
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(COMMANDS)], capture_output=True, text=True
    )
    found = [tuple(json.loads(line)) for line in done.stdout.splitlines()]
    assert found[:3] == [(0, False)] * 3, done.stderr
    assert [code for code, _ in found] == [0, 0, 0, 0, 1], done.stderr
    assert (
        "error: --label-model snorkel needs torch, which is not installed; install it "
        "(`labelkit doctor` says how), or use --label-model majority" in done.stderr
    )
