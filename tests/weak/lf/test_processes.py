"""The functions in several processes give the bytes and the messages of one."""

import pytest

from tests.weak.test_command import column

LFS = """
import re
from labelkit import vectorized

def lf_tens(text):
    return f"c{int(text) // 4000}" if text.endswith("0") else None

def lf_fails(row):
    return "odd" if 10 / int(row.text[-1]) > 4 else None
"""


@pytest.fixture
def run(labelkit, write):
    write("data.csv", "text\n" + "".join(f"{i}\n" for i in range(9000)))
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
        ("--on-lf-error", "abstain", "--classes", "odd,c2,c0,c1", "--where", "text > '2000'"),
        (),
    ],
)
def test_the_same_bytes_and_words_whatever_the_number(run, tmp_path, more):
    one, two = run(1, *more), run(2, *more)
    assert one.code == two.code == (0 if more else 1)
    assert without_times(one, 1) == without_times(two, 2)
    if more:
        first = (tmp_path / "out1.csv").read_bytes()
        assert first == (tmp_path / "out2.csv").read_bytes()
        assert set(column(tmp_path / "out1.csv", "weak_lf_lf_tens")) == {"", "c0", "c1", "c2"}


def test_functions_of_whole_columns_see_the_same_frames(run, write, tmp_path):
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
