"""A function that never ends is stopped, named with row and value."""

import signal
import subprocess
import sys
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
        "error: lf_backtracks (lfs.py, line 4) failed on row 2 (id x2): it took more than 0.4 "
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
    assert "lf_ever (lfs.py, line 2) failed on rows 1 to 3: it took more than 0.4 s" in done.err


def test_code_in_c_that_cannot_be_interrupted_is_reported(run, write):
    write("lfs.py", "def lf_c(text):\n    n = 6 * 10**7 if text == 'b' else 1\n"
          "    return 'A' if sum(range(n)) else None\n")  # fmt: skip
    done = run("--lf-timeout", "0.25")
    assert done.code == 1
    assert "lf_c (lfs.py, line 1) failed on " in done.err
    assert "(id x3): it took more than 0.25 seconds (" in done.err
    assert "; code in C ends before it is interrupted)\n" in done.err


CATCHES = """
import time

def lf_catches(text):
    try:
        time.sleep(60 if text == "b" else 0)
    except:
        pass
    return "A"
"""


def test_a_function_that_catches_the_interruption_is_reported(run, write, tmp_path):
    write("lfs.py", CATCHES)
    done = run()
    assert done.code == 1
    assert "lf_catches (lfs.py, line 4) failed on " in done.err
    assert "(id x3): it took more than 0.4 seconds\n" in done.err
    done = run("--on-lf-error", "abstain")
    assert done.code == 0, done.err
    assert column(tmp_path / "out.csv", "weak_label") == ["A", "A", ""]


UNSTOPPABLE = """
import sys
import time

def lf_ever(text):
    while True:
        try:
            print("begun", file=sys.stderr, flush=True)
            time.sleep(5)
        except:
            print("caught", file=sys.stderr, flush=True)
"""


# Other processes begin after some rows are tried.
@pytest.mark.parametrize(
    ("jobs", "rows"), [("1", 1), pytest.param("2", 5000, marks=pytest.mark.slow)]
)
def test_a_function_that_cannot_be_stopped_ends_the_process(labelkit_process, write, jobs, rows):
    write("data.csv", "id,text\n" + "".join(f"y{i},a\n" for i in range(rows)) + "x1,b\n")
    write("lfs.py", UNSTOPPABLE.replace("while True", "while text == 'b'"))
    done = labelkit_process(
        *["weak-label", "data.csv", "-o", "out.csv", "--functions", "lfs.py"],
        *["--lf-timeout", "0.2", "--jobs", jobs],
    )
    assert done.code == 1
    assert "error: lf_ever (lfs.py, line 5) failed on " in done.err
    assert ': it took more than 0.2 seconds\n    text = "b"\n' in done.err
    assert "It catches what would stop it, so the process was ended; a bare `except:`" in done.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_the_process_whatever_a_function_catches(write, tmp_path, number):
    write("data.csv", DATA)
    write("lfs.py", UNSTOPPABLE)
    files = ["data.csv", "-o", "out.csv", "--functions", "lfs.py"]
    command = [sys.executable, "-m", "labelkit", "weak-label", *files, "--lf-timeout", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for awaited in ("begun\n", "caught\n"):
        for line in process.stderr:
            if line == awaited:
                break
        process.send_signal(number)
    err = process.stderr.read()
    assert process.wait(timeout=120) == 128 + number
    assert err.endswith("error: interrupted twice; the process was ended at once\n")
    assert not list(tmp_path.glob(".*.part"))


def test_zero_means_no_limit_and_the_old_handler_comes_back():
    before = signal.getsignal(signal.SIGALRM)
    with Stopwatch(0).running():
        assert signal.getsignal(signal.SIGALRM) is before
    with pytest.raises(TookTooLong), Stopwatch(0.05).running() as _:
        watch = Stopwatch(0.05)
        with watch.running(), watch.watching(lambda: 0):
            time.sleep(5)
    assert signal.getsignal(signal.SIGALRM) is before
