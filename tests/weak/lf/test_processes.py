"""The functions in several processes give the bytes and the messages of one."""

import pytest

from labelkit.weak.lf import processes
from tests.weak.test_command import column

LFS = """
import re
from labelkit import vectorized

def lf_tens(text):
    return f"c{int(text) // 400}" if text.endswith("0") else None

def lf_fails(row):
    return "odd" if 10 / int(row.text[-1]) > 4 else None
"""


@pytest.fixture
def run(labelkit, write, monkeypatch):
    monkeypatch.setattr(processes, "PIECE", 256)
    write("data.csv", "text\n" + "".join(f"{i}\n" for i in range(900)))
    write("lfs.py", LFS)

    def run(jobs, *more):
        return labelkit(
            *["weak-label", "data.csv", "-o", f"out{jobs}.csv", "--functions", "lfs.py"],
            *["--text", "text", "--jobs", str(jobs), "--votes", *more],
        )

    return run


def without_times(done, jobs):
    return done.err.replace(f"out{jobs}", "out")


@pytest.mark.parametrize(
    "more",
    [
        ("--on-lf-error", "abstain"),
        ("--on-lf-error", "abstain", "--classes", "odd,c2,c0,c1", "--where", "text > '200'"),
        (),
    ],
)
def test_the_same_bytes_and_words_whatever_the_number(run, tmp_path, more, processes_here):
    one, two = run(1, *more), run(2, *more)
    assert one.code == two.code == (0 if more else 1)
    assert without_times(one, 1) == without_times(two, 2)
    if more:
        first = (tmp_path / "out1.csv").read_bytes()
        assert first == (tmp_path / "out2.csv").read_bytes()
        assert set(column(tmp_path / "out1.csv", "weak_lf_lf_tens")) == {"", "c0", "c1", "c2"}


def test_other_processes_give_the_same_bytes(run, tmp_path):
    assert run(1, "--on-lf-error", "abstain").code == 0
    done = run(2, "--on-lf-error", "abstain")
    assert done.code == 0, done.err
    assert (tmp_path / "out1.csv").read_bytes() == (tmp_path / "out2.csv").read_bytes()


def test_functions_of_whole_columns_see_the_same_frames(run, write, tmp_path, processes_here):
    write("lfs.py", "@vectorized\ndef lf_n(df): return [f'n{len(df)}'] * len(df)\n")
    assert run(1).code == run(2).code == 0
    assert (tmp_path / "out1.csv").read_bytes() == (tmp_path / "out2.csv").read_bytes()


def test_a_process_that_dies_is_told_of(run, write, tmp_path):
    write(
        "lfs.py",
        "import multiprocessing, os\n"
        "def lf_dies(row):\n"
        "    return os._exit(1) if multiprocessing.parent_process() else 'A'\n",
    )
    done = run(2)
    assert done.code == 1 and not (tmp_path / "out2.csv").exists()
    assert "error: one of 2 processes died (out of memory?); --jobs 1 runs everything" in done.err


def test_a_real_command_line_starts_processes(labelkit_process, write):
    write("lfs.py", "def lf_a(text): return 'A' if 'a' in text else None\n")
    done = labelkit_process(
        *["weak-label", "-", "-o", "-", "--functions", "lfs.py", "--jobs", "2"],
        stdin="text\na\nb\n",
    )
    assert done.code == 0, done.err
    assert done.out == "text,weak_label,weak_confidence,weak_votes\na,A,1,1\nb,,0,0\n"


STATEFUL = {
    "a set of the module": "met = set()\ndef lf(text):\n    n = len(met)\n    met.add(text[-1])\n",
    "a global": "n = 0\ndef lf(text):\n    global n\n    n += 1\n",
    "an item": "ns = [0]\ndef lf(text):\n    ns[0] += 1\n    n = ns[0]\n",
    "a default": "def lf(text, ns=[]):\n    ns += [1]\n    n = len(ns)\n",
    "an object": (
        "class Count:\n    def __init__(self):\n        self.n = 0\n"
        "    def next(self):\n        self.n += 1\n        return self.n\n"
        "count = Count()\ndef lf(text):\n    n = count.next()\n"
    ),
    "an iterator": "import itertools\nns = itertools.count()\ndef lf(text):\n    n = next(ns)\n",
    "a hidden one": (
        "import itertools, functools\nstep = functools.partial(next, itertools.count())\n"
        "def lf(text):\n    n = step()\n"
    ),
    "random numbers": "import random\nrandom.seed(1)\ndef lf(text):\n    n = random.randrange(9)\n",
}


@pytest.mark.parametrize("kind", STATEFUL)
def test_functions_that_keep_state_vote_in_one_process_and_it_is_said(run, write, tmp_path, kind):
    source = STATEFUL[kind].replace("def lf(", "def lf_n(")
    write("lfs.py", source + "    return 'few' if n % 9 < 4 else 'many'\n")
    one, two = run(1), run(2)
    assert one.code == two.code == 0, two.err
    assert (tmp_path / "out1.csv").read_bytes() == (tmp_path / "out2.csv").read_bytes()
    assert ("keeps state" in one.err, "keeps state" in two.err) == (False, True)


def test_a_memory_of_results_is_no_state(run, write, processes_here):
    write(
        "lfs.py",
        "import functools, re\nWORDS = {'1', '2'}\n"
        "@functools.lru_cache\ndef last(text):\n    parts = []\n    parts.append(text[-1])\n"
        "    found = {}\n    found['last'] = parts.pop()\n    return found['last']\n"
        "def lf_n(row):\n    row.text = row.text.strip()\n"
        "    return 'a' if last(row.text) in WORDS else None\n",
    )
    assert "keeps state" not in run(2).err
