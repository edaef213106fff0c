from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from labelkit.errors import UsageError
from labelkit.ml.features import Features

REVIEWS = pa.table(
    {
        "text": ["a fine film", "a dull film", "", "fine and dull"],
        "title": ["Up", "Down", "Up", ""],
        "rating": pa.array([9.0, 2.0, None, float("inf")]),
        "seen": pa.array([datetime(2024, 1, 1), None, datetime(2024, 1, 3), datetime(2024, 1, 2)]),
        "good": pa.array([True, False, None, True]),
        "country": ["US", "UK", "US", "US"],
        "same": ["x", "x", "x", "x"],
        "nothing": ["", "", "", ""],
    }
)
KINDS = {
    "text": "text",
    "title": "text",
    "rating": "number",
    "seen": "date",
    "good": "boolean",
    "country": "text",
    "same": "text",
    "nothing": "text",
}


def test_text_alone_is_tfidf():
    features = Features(["text"], KINDS).fit(REVIEWS)
    matrix = features.matrix(REVIEWS)
    assert features.kind == "tfidf"
    assert features.columns == ["text"]
    assert features.used_kinds() == {"text": "text"}
    assert features.describe() == "TF-IDF of text (8 terms)"
    assert sparse.isspmatrix_csr(matrix)
    assert matrix.shape == (4, 8)
    assert matrix[2].nnz == 0
    assert np.allclose(matrix.multiply(matrix).sum(axis=1).A1[[0, 1, 3]], 1)


def test_without_text_the_other_columns_are_used():
    kinds = {name: kind for name, kind in KINDS.items() if name not in ("text", "title")}
    features = Features([], kinds).fit(REVIEWS)
    matrix = features.matrix(REVIEWS)
    assert features.kind == "columns"
    assert features.columns == ["rating", "seen", "good", "country"]
    assert features.columns_left_out == {
        "same": "the same in every row",
        "nothing": "empty in every row",
    }
    assert features.describe() == "numbers rating, seen, good · categories country"
    assert isinstance(matrix, np.ndarray)
    assert matrix.shape == (4, 3 + 3 + 2)  # values, their missing marks, two countries
    assert np.isfinite(matrix).all()
    assert matrix[3, 0] == matrix[:, 0].max()  # infinity is the largest rating


def test_mixed_balances_text_and_columns():
    features = Features(["text", "title"], KINDS, "mixed").fit(REVIEWS)
    assert features.columns == ["text", "title", "rating", "seen", "good", "country"]
    matrix = features.matrix(REVIEWS)
    assert sparse.isspmatrix_csr(matrix)
    assert "film" in features.state()["parts"]["text"].vocabulary_
    assert "up" in features.state()["parts"]["text"].vocabulary_


def test_batches_give_the_rows_of_the_table():
    for choice in ("tfidf", "columns", "mixed"):
        features = Features(["text"], KINDS, choice).fit(REVIEWS)
        whole = features.matrix(REVIEWS)
        parts = [features.matrix(batch) for batch in REVIEWS.to_batches(max_chunksize=3)]
        stacked = np.vstack(parts) if choice == "columns" else sparse.vstack(parts).toarray()
        assert np.array_equal(stacked, whole if choice == "columns" else whole.toarray())


def test_what_was_saved_maps_the_same():
    for choice in ("tfidf", "columns", "mixed"):
        features = Features(["text"], KINDS, choice).fit(REVIEWS)
        again = Features.from_state(features.state())
        assert again.columns == features.columns
        assert again.used_kinds() == features.used_kinds()
        assert again.describe() == features.describe()
        assert abs(again.matrix(REVIEWS) - features.matrix(REVIEWS)).sum() == 0


def test_row_numbers_and_unique_words_are_left_out():
    n = 40
    table = pa.table(
        {
            "position": np.arange(n)[::-1].astype(float),
            "customer_id": np.arange(n) * 1000.0,
            "price": np.arange(n) * 1.5,
            "name": [f"person {i}" for i in range(n)],
            "city": ["Rome", "Oslo"] * (n // 2),
        }
    )
    kinds = dict.fromkeys(["position", "customer_id", "price"], "number")
    features = Features([], kinds | {"name": "text", "city": "text"}).fit(table)
    assert features.columns == ["price", "city"]
    assert features.columns_left_out == {
        "position": "numbers the rows",
        "customer_id": "numbers the rows",
        "name": "almost a different value in each row",
    }


def test_unknown_and_empty_categories_do_no_harm():
    features = Features([], {"country": "text"}).fit(REVIEWS)
    matrix = features.matrix(pa.table({"country": ["US", "Mars", ""]}))
    assert matrix.shape == (3, 2)
    assert np.isfinite(matrix).all()


def test_many_categories_stay_bounded():
    rng = np.random.default_rng(0)
    table = pa.table({"code": [f"c{i}" for i in rng.integers(0, 900, 5000)]})
    assert Features([], {"code": "text"}).fit(table).matrix(table).shape[1] <= 100


@pytest.mark.parametrize("texts", [["", "", ""], ["same", "same", "same"], ["a", "?", "☃"]])
def test_texts_that_say_little(texts):
    table = pa.table({"text": texts})
    matrix = Features(["text"], {"text": "text"}).fit(table).matrix(table)
    assert matrix.shape[0] == 3
    assert matrix.shape[1] >= 1


def test_rare_words_are_dropped_only_from_long_files():
    few = pa.table({"text": [f"word{i} common" for i in range(50)]})
    many = pa.table({"text": [f"word{i} common" for i in range(500)]})
    assert Features(["text"], {}).fit(few).matrix(few).shape[1] > 50
    assert Features(["text"], {}).fit(many).matrix(many).shape[1] == 1


def test_scripts_without_spaces_are_cut_into_characters():
    table = pa.table({"text": ["这部电影很好", "这部电影很糟糕", "很好的电影"]})
    features = Features(["text"], {}).fit(table)
    assert "电影" in features.state()["parts"]["text"].vocabulary_


def test_a_long_table_is_learned_from_a_seeded_sample(monkeypatch):
    monkeypatch.setattr("labelkit.ml.features.FIT_ROWS", 100)
    table = pa.table({"text": [f"w{i % 50} w{i % 7}" for i in range(1000)]})
    one, two = (Features(["text"], {}, seed=3).fit(table) for _ in range(2))
    assert (one.matrix(table) != two.matrix(table)).nnz == 0
    assert one.matrix(table).shape[0] == 1000


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Features(["text"], {}, "tfdif"),
            "--features 'tfdif' is not known; did you mean 'tfidf'? "
            "(choices: auto, tfidf, embedding, tfidf+embedding, columns, mixed)",
        ),
        (
            lambda: Features([], KINDS, "tfidf"),
            "--features tfidf needs a text column; name it with --text",
        ),
        (
            lambda: Features([], {"same": "text", "nothing": "text"}).fit(REVIEWS),
            "no column is left to learn from "
            "(same: the same in every row; nothing: empty in every row)",
        ),
        (
            lambda: Features([], {}).fit(REVIEWS),
            "no column is left to learn from (none was given)",
        ),
        (lambda: Features(["text"], KINDS).fit(REVIEWS[:0]), "there are no rows to learn from"),
    ],
)
def test_what_cannot_be_used(build, message):
    with pytest.raises(UsageError) as error:
        build()
    assert str(error.value) == message


def test_no_rows_to_map_is_fine():
    for choice in ("tfidf", "columns"):
        features = Features(["text"], KINDS, choice).fit(REVIEWS)
        matrix = features.matrix(REVIEWS)
        empty = features.matrix(REVIEWS[:0])
        assert empty.shape == (0, matrix.shape[1])
