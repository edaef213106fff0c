"""What cannot be is refused with a reason; a strategy of one's own."""

from pathlib import Path

import pytest

from tests.active.conftest import ranked, refused, run

OWN = """
import numpy as np

def longest(pool, n, rng):
    for row in range(n):
        pool.reasons[row] = "mine"
    return np.asarray(pool.features.sum(axis=1)).ravel()

def short(pool, n, rng):
    return [1.0]

def broken(pool, n, rng):
    return pool.probabilities.max(axis=1)

def nan(pool, n, rng):
    return np.full(pool.features.shape[0], np.nan)
"""


def test_a_strategy_of_ones_own(labelkit, reviews, write):
    reviews(20)
    write("mine.py", OWN)
    done = run(labelkit, "--strategy", "mine.py:longest", "-n", "3")
    assert "3 picked by mine.py:longest" in done.err
    scores = [float(row["query_score"]) for row in ranked()]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("short", "returned 1 scores; one for each of the 20 rows of the pool is needed"),
        ("nan", "returned 20 scores that are NaN or infinite"),
        ("broken", "AttributeError: 'NoneType' object has no attribute 'max'"),
        ("broken", "mine.py, line 13) (probabilities are None: no model)"),
        ("longst", "mine.py has no function 'longst'; did you mean 'longest'?"),
    ],
)
def test_a_strategy_of_ones_own_that_does_not_work(labelkit, reviews, write, function, message):
    reviews(20)
    write("mine.py", OWN)
    assert message in refused(labelkit, "--strategy", f"mine.py:{function}").err


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--strategy", "margn"), 2, "'margn' is not known; did you mean 'margin'?"),
        (("--strategy", "relable"), 2, "did you mean 'relabel'?"),
        (("--strategy", "by-column:conff"), 2, "no column 'conff'; did you mean 'conf'?"),
        (("--strategy", "by-column:text"), 2, "the column holds no numbers"),
        (("--strategy", "disagreement:conf"), 2, "name two label columns or more, as in"),
        (("--strategy", "disagreement:conf,lbl"), 2, "no column 'lbl'; did you mean 'label'?"),
        (("--strategy", "disagrement:a,b"), 2, "did you mean 'disagreement:A,B'?"),
        (("--strategy", "relabel"), 1, "has no column 'noise_flag' (--strategy relabel); run"),
        (("--strategy", "gone.py:score"), 2, "there is no file gone.py"),
        (("-n", "-1"), 2, "-n -1: give a number of rows"),
        (("--audit", "-1"), 2, "--audit -1: give a number of rows"),
        (("-n", "0"), 2, "-n 0 asks for no rows, and neither does --audit"),
        (("--stratify", "cnf"), 1, "no column 'cnf' (--stratify); did you mean 'conf'?"),
        (("--gold", "cnf"), 1, "no column 'cnf' (--gold)"),
        (("--label", "cnf"), 1, "no column 'cnf' (--label)"),
        (("--classes", "POS,NEGA"), 1, "is not one of the classes POS, NEGA; did you mean 'NEGA'?"),
        (("--from-proba", "p_"), 1, "has no column that begins with 'p_' (--from-proba)"),
        (("--from-proba", "con"), 1, "has one column that begins with 'con' (--from-proba)"),
        (("--where", "id > 100"), 1, "no row fits --where, so there is nothing to ask"),
        (("--batch", "out.csv"), 2, "--batch out.csv is the output; choose another name"),
        (("--batch", "reviews.csv"), 2, "--batch reviews.csv is the input reviews.csv"),
        (("--batch", "gone/todo.csv"), 1, "there is no folder gone (mkdir -p gone)"),
        (("--batch", "todo.xlsx"), 2, "spreadsheet files are not supported"),
        (("--answers", "answers.csv"), 1, "answers.csv, row 2: the id '999' is not in reviews.csv"),
        (("--id", "conf", "--batch", "todo.csv"), 1, "duplicate key '1' in column 'conf'"),
    ],
)  # fmt: skip
def test_refused_with_a_reason(labelkit, reviews, write, args, code, message):
    reviews(20, 6, conf=lambda i: 1)
    write("answers.csv", "id,label\n7,POS\n999,NEG\n")
    done = refused(labelkit, *args)
    assert (done.code, message in done.err) == (code, True), done.err
    assert sorted(path.name for path in Path().iterdir()) == ["answers.csv", "reviews.csv"]


def test_batch_and_output_cannot_share_stdout(labelkit, reviews):
    reviews(20)
    done = labelkit("query", "reviews.csv", "-o", "-", "--batch", "-")
    assert (done.code, done.out) == (2, "")
    assert "--batch - and -o - cannot both go to stdout" in done.err


def test_nothing_is_left_to_ask(labelkit, reviews, write):
    write("reviews.csv", "id,text,label\n")
    assert "reviews.csv has no rows, so there is nothing to ask" in refused(labelkit).err
    write("reviews.csv", "id,text,label\n1,good film,POS\n2,Good  film,\n")
    assert "are copies of labelled or audit rows" in refused(labelkit).err
    reviews(5, 5, noise_flag=lambda i: "false")
    assert "flagged no row (noise_flag)" in refused(labelkit, "--strategy", "relabel").err


def test_a_column_row_of_ones_own(labelkit, write):
    write("reviews.csv", "row,text\n7,good film\n8,bad film\n")
    done = refused(labelkit, "--batch", "todo.csv")
    assert "already has one; name the key column with --id COLUMN" in done.err


def test_hostile_cells_reach_no_terminal(labelkit, reviews):
    reviews(12, 0, verdict=lambda i: "\x1b[31mred" if i < 4 else "")
    done = run(labelkit, "--label", "verdict")
    assert "\x1b" not in done.err
