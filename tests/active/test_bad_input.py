"""Input that says little or the wrong thing: a clear word, and the best that can be done."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.active.conftest import ranked, read, refused, run, save


def test_more_rows_asked_than_there_are(labelkit, reviews):
    reviews(12, 4)
    done = run(labelkit, "-n", "500", "--audit", "3", "--batch", "todo.csv")
    assert "-n 500: picked 5 rows, only 5 rows may be asked" in done.err
    assert len(read("todo.csv")) == 8


def test_one_class_labelled_so_far(labelkit, reviews):
    reviews(40, 0)
    rows = [{**row, "label": "POS" if int(row["id"]) < 10 else ""} for row in read("reviews.csv")]
    save("reviews.csv", rows)
    done = run(labelkit, "-n", "5", "--stop-when", "kappa=0", "--strategy", "margin")
    assert "cold start: all labels so far are 'POS'" in done.err
    assert "kappa is not known" in done.err and "expected to buy" not in done.err
    assert len(ranked()) == 5


@pytest.mark.parametrize("strategy", ["default", "margin", "bald", "committee"])
def test_a_class_seen_once(labelkit, reviews, strategy):
    reviews(90, 60)
    rows = read("reviews.csv")
    rows[7]["label"] = "RARE"
    save("reviews.csv", rows)
    done = run(labelkit, "-n", "8", "--strategy", strategy, "--features", "tfidf", "--balance")
    assert len(ranked()) == 8 and "Traceback" not in done.err


def test_texts_that_are_all_empty(labelkit, reviews):
    reviews(12)
    save("reviews.csv", [{**row, "text": ""} for row in read("reviews.csv")])
    done = run(labelkit, "--text", "text")
    assert "the 12 rows that may be asked are empty in text; is that the right column" in done.err
    assert len(ranked()) == 1


def test_texts_that_are_all_the_same(labelkit, reviews):
    reviews(12)
    save("reviews.csv", [{**row, "text": "the same words"} for row in read("reviews.csv")])
    done = run(labelkit, "-n", "5")
    assert "11 left out: copies of other rows" in done.err and len(ranked()) == 1


@pytest.mark.parametrize("strategy", ["default", "bald"])
def test_numbers_that_are_none_and_infinite(labelkit, strategy):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 60)
    values = rng.normal(codes * 2.0)
    values[[3, 9, 50]], values[[5, 51]], values[[7, 52]] = np.nan, np.inf, -np.inf
    label = [["a", "b"][code] if i < 40 else None for i, code in enumerate(codes)]
    table = {"id": np.arange(60), "x": values, "all_nan": np.full(60, np.nan), "label": label}
    pq.write_table(pa.table(table), "odd.parquet")
    done = labelkit("query", "odd.parquet", "-o", "out.parquet", "-n", "5", "--strategy", strategy)
    assert done.code == 0, done.err
    found = pq.read_table("out.parquet")
    assert np.isfinite(found.column("query_score").drop_null().to_numpy()).all()
    assert len(found.column("query_rank").drop_null()) == 5


def test_a_misspelt_class(labelkit, reviews):
    reviews(60, 40)
    rows = read("reviews.csv")
    names = {"POS": "POSITIVE", "NEG": "NEGATIVE", "": ""}
    rows = [{**row, "label": names[row["label"]]} for row in rows]
    rows[4]["label"] = "POSTIVE"
    save("reviews.csv", rows)
    done = run(labelkit, "--features", "tfidf")
    assert "the label 'POSTIVE' (1 row) counts as a class of its own; did you mean" in done.err
    assert "'POSITIVE' (25 rows)? --classes says" in done.err
    Path("out.csv").unlink()
    done = refused(labelkit, "--classes", "POSITIVE,NEGATIVE")
    assert done.code == 1
    assert "'POSTIVE' of 1 row (4) is not one of the classes POSITIVE, NEGATIVE" in done.err
    assert "did you mean 'POSITIVE'?" in done.err


def test_labels_of_rows_that_are_not_in_the_file(labelkit, reviews, write):
    reviews(20)
    write("answers.csv", "id,label\n7,POS\n21,NEG\n")
    done = refused(labelkit, "--answers", "answers.csv")
    assert done.code == 1
    assert "answers.csv, row 2: the id '21' is not in reviews.csv" in done.err


def test_no_unlabelled_row_is_left(labelkit, reviews):
    reviews(20, 20)
    done = run(labelkit, "--stop-when", "labels=10")
    assert done.code == 0 and "every row has a human label" in done.err


def test_of_several_texts_none_is_left_unread_without_a_word(labelkit, write):
    rows = "".join(f"a headline of {i} words,the long story of {i} words\n" for i in range(12))
    write("news.csv", "headline,body\n" + rows)
    done = labelkit("query", "news.csv", "-o", "out.csv")
    assert done.code == 1
    assert "Name it with --text COLUMN (several look like text: headline, body;" in done.err
    assert "--features columns reads none of them as a text" in done.err
    for chosen in (("--text", "body"), ("--features", "columns"), ("--column", "body")):
        assert labelkit("query", "news.csv", "-o", "out.csv", *chosen).code == 0
