"""A function that never ends is stopped, named with row and value."""

import signal
import time

import pytest

from labelkit.weak.lf.timeout import Stopwatch, TookTooLong
from tests.weak.test_command import column

CATASTROPHE = "a" * 40 + "b"
DATA = f"id,text\nx1,aaa\nx2,{CATASTROPHE}\nx3,b\n"
LFS = """
import re

def lf_backtracks(text):
    return "A" if re.search("(a+)+$", text) else None

def lf_b(row):
    return "B" if "b" in row.text else None
"""


@pytest.fixture
def run(labelkit, write):
    write("data.csv", DATA)
    write("lfs.py", LFS)

    def run(*more):
        return labelkit(
            *["weak-label", "data.csv", "-o", "out.csv", "--functions", "lfs.py"],
            *["--lf-timeout", "0.4", *more],
        )

    return run


def test_a_catastrophic_expression_is_stopped(run, tmp_path):
    started = time.monotonic()
    done = run()
    assert time.monotonic() - started < 60
    assert done.code == 1 and not (tmp_path / "out.csv").exists()
    assert (
        "error: lf_backtracks (lfs.py, line 4) failed on row 1 (id x2): it took more than 0.4 "
        "seconds\n"
        '    line 5: return "A" if re.search("(a+)+$", text) else None\n'
        f'    text = "{CATASTROPHE}"\n'
        "Correct the function, or let it abstain on such rows: --on-lf-error abstain, or give it "
        "more time: --lf-timeout SECONDS"
    ) in done.err
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_such_rows_can_abstain(run, tmp_path):
    done = run("--on-lf-error", "abstain")
    assert done.code == 0, done.err
    assert column(tmp_path / "out.csv", "weak_label") == ["A", "B", "B"]
    assert "1 failed calls" in done.err or "1 failed call" in done.err


def test_a_function_that_is_slow_again_and_again_is_not_waited_for(run, write):
    write("data.csv", DATA + f"y,{CATASTROPHE}\n" * 20)
    done = run("--on-lf-error", "abstain", "--id", "row", "--lf-timeout", "0.1")
    assert done.code == 1
    assert "It took too long for 6 rows: correct it, or give it more time" in done.err


def test_many_quick_rows_are_not_taken_for_a_slow_one(labelkit, write):
    write("data.csv", "text\n" + "a\n" * 60)
    write("lfs.py", "import time\ndef lf_slow(text):\n    time.sleep(0.02)\n    return 'A'\n")
    done = labelkit(
        *["weak-label", "data.csv", "-o", "out.csv", "--functions", "lfs.py"],
        *["--lf-timeout", "1"],
    )
    assert done.code == 0, done.err


def test_a_vectorised_function_is_stopped_too(run, write):
    write(
        "lfs.py",
        "@vectorized\ndef lf_ever(frame):\n    while True:\n        try:\n            frame.text\n"
        "        except Exception:\n            pass\n",
    )
    done = run()
    assert done.code == 1
    assert "lf_ever (lfs.py, line 2) failed on rows 0 to 2: it took more than 0.4 s" in done.err


def test_zero_means_no_limit_and_the_old_handler_comes_back():
    before = signal.getsignal(signal.SIGALRM)
    with Stopwatch(0).running():
        assert signal.getsignal(signal.SIGALRM) is before
    with pytest.raises(TookTooLong), Stopwatch(0.05).running() as _:
        watch = Stopwatch(0.05)
        with watch.running(), watch.watching(lambda: 0):
            time.sleep(5)
    assert signal.getsignal(signal.SIGALRM) is before
