"""The rows that one function gets wrong."""

import pyarrow.parquet as pq
import pytest

from tests.weak.test_command import DATA, LFS, rows


@pytest.fixture
def mistakes(labelkit, write):
    write("data.csv", DATA)
    write("lfs.py", LFS)

    def run(*more):
        return labelkit(
            *["weak-label", "data.csv", "--functions", "lfs.py", "--classes", "NEG,POS"],
            *["--label-model", "majority", *more],
        )

    return run


def test_with_gold_its_wrong_votes_with_the_votes_of_all(mistakes, tmp_path):
    done = mistakes("--errors-of", "lf_bad", "--errors", "bad.csv", "--gold", "gold")
    assert done.code == 0, done.err
    (wrong,) = rows(tmp_path / "bad.csv")
    assert wrong == {
        **{"id": "d4", "text": "good, bad", "rating": "8.5", "gold": "POS"},
        **{"weak_label": "POS", "weak_confidence": "0.666667"},
        **{"weak_lf_lf_good": "POS", "weak_lf_lf_bad": "NEG", "weak_lf_lf_high": "POS"},
    }
    assert "lf_bad: it is wrong (biased) on 1 row -> bad.csv" in done.err


def test_without_gold_the_rows_where_others_contradict_it(mistakes, write, tmp_path):
    write("lfs.py", LFS + "def lf_dull(text): return 'NEG' if 'dull' in text else None\n")
    write("data.csv", "id,text,rating\na,good bad dull,\nb,good bad,\nc,good,9\nd,bad,2\n")
    done = mistakes("--errors-of", "lf_bad", "--errors", "bad.csv")
    assert done.code == 0, done.err
    assert [row["id"] for row in rows(tmp_path / "bad.csv")] == ["b", "a"]  # most surely wrong
    assert "lf_bad: others contradict it on 2 rows" in done.err


def test_audit_rows_are_never_shown(mistakes, write, tmp_path):
    write("data.csv", "id,text,rating,label,label_origin\na,bad,,POS,audit\nb,so bad,,POS,query\n")
    assert mistakes("--errors-of", "lf_bad", "--errors", "e.csv").code == 0
    assert [row["id"] for row in rows(tmp_path / "e.csv")] == ["b"]
    assert mistakes("--errors-of", "lf_bad", "--errors", "e.csv", "--gold", "label").code == 0
    assert [row["id"] for row in rows(tmp_path / "e.csv")] == ["b"]


def test_answers_come_along_and_parquet_is_written(mistakes, write, tmp_path):
    write("answers.csv", "id,label\nb2,POS\na1,POS\n")
    done = mistakes(
        "--errors-of", "lf_bad", "--errors", "e.parquet", "--answers", "answers.csv", "-o", "o.csv"
    )
    assert done.code == 0, done.err
    (row,) = pq.read_table(tmp_path / "e.parquet").to_pylist()
    assert (row["id"], row["label"], row["weak_lf_lf_bad"]) == ("b2", "POS", "NEG")


def test_a_function_without_mistakes_gives_a_header_only(mistakes, tmp_path):
    done = mistakes("--errors-of", "lf_good", "--errors", "e.csv", "--gold", "gold")
    assert done.code == 0, done.err
    assert (tmp_path / "e.csv").read_text().splitlines() == [
        "id,text,rating,gold,weak_label,weak_confidence,"
        "weak_lf_lf_good,weak_lf_lf_bad,weak_lf_lf_high"
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--errors-of", "lf_bad"], "--errors-of FUNCTION and --errors FILE go together"),
        (
            ["--errors", "e.csv", "-o", "o.csv"],
            "--errors-of FUNCTION and --errors FILE go together",
        ),
        (
            ["--errors-of", "lf_bda", "--errors", "e.csv"],
            "there is no labeling function 'lf_bda'; did you mean 'lf_bad'? (functions: lf_good, "
            "lf_bad, lf_high)",
        ),
        (
            ["--errors-of", "lf_bad", "--errors", "data.csv"],
            "--errors data.csv is an input or the output; give another name",
        ),
        (
            ["--lf-report", "o.csv", "-o", "./o.csv"],
            "--lf-report o.csv is an input or the output; give another name",
        ),
    ],
)
def test_wrong_usage(mistakes, tmp_path, arguments, message):
    done = mistakes(*arguments)
    assert done.code == 2 and message in done.err
    assert (tmp_path / "data.csv").read_text() == DATA
