"""Votes of functions of every style, and what is said of functions that fail."""

import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from labelkit.errors import LabelkitError
from labelkit.weak.lf.loader import load

REVIEWS = {
    "id": ["a", "b", "c"],
    "text": ["Good film", "bad one", ""],
    "movie_title": ["Alien", "Brazil", "Alien"],
    "rating": pa.array([9.0, None, 3.0]),
}


def test_all_styles_in_one_file(vote):
    votes = vote(
        """
        from labelkit import vectorized
        TOP = {"Alien"}

        def lf_good(row):
            return "POS" if "good" in row.text.lower() else None

        def lf_item(x):
            return "NEG" if "bad" in x["text"] else ABSTAIN

        def lf_top(text, movie_title):
            return "POS" if movie_title in TOP and text else None

        @vectorized
        def rating(movies):
            return movies.rating.gt(8).map({True: "POS"})

        @labeling_function(resources=dict(least=5))
        def lf_low(anything, least):
            return "NEG" if anything.rating is not None and anything.rating < least else None
        """,
        REVIEWS,
        ["NEG", "POS"],
    )
    assert votes == {
        "lf_good": ["POS", None, None],
        "lf_item": [None, "NEG", None],
        "lf_top": ["POS", None, None],
        "rating": ["POS", None, None],
        "lf_low": [None, None, "NEG"],
    }


def test_functions_in_the_style_of_courses_run_as_they_are(vote):
    """No import, constants that nobody defined, empty cells, both decorated and not."""
    votes = vote(
        r'''
        def lf_adore(text):
            return "POSITIVE" if "adore" in text.lower() else None

        def lf_asking(text):
            if text.count("?") >= 2:
                return "NEGATIVE"
            return None

        @labeling_function()
        def lf_liked_by_users(film):
            """Eighty of a hundred points."""
            if film.user_score and film.user_score >= 80:
                return POSITIVE
            return ABSTAIN

        @labeling_function()
        def lf_golden_bear(film):
            if "Bear" in str(film.prizes) and "Golden" in str(film.prizes):
                return POSITIVE
            return ABSTAIN

        @labeling_function()
        def lf_empty_seats(film):
            if film.tickets and film.tickets < 50_000:
                return NEGATIVE
            return ABSTAIN

        def lf_late_part(film):
            if re.search(r"\b(IV|V|VI)\b|[5-9]$", film.title):
                return NEGATIVE
            return ABSTAIN

        @labeling_function()
        def lf_fine(x):
            return 1 if "fine" in x.text.lower() else -1

        @labeling_function()
        def lf_stars(x):
            if hasattr(x, "stars") and x.stars is not None:
                return 1 if x.stars >= 4 else 0
            return -1
        ''',
        {
            "title": ["Ferry", "Night Bus 7", ""],
            "review": ["I adore it", "Fine? For whom?", ""],
            "user_score": pa.array([81.5, 30.0, None]),
            "prizes": ["Golden Bear", "", ""],
            "tickets": pa.array([2e6, 5e3, None]),
        },
        ["NEGATIVE", "POSITIVE"],
        text=("review",),
    )
    yes, no = "POSITIVE", "NEGATIVE"
    assert votes == {
        "lf_adore": [yes, None, None],
        "lf_asking": [None, no, None],
        "lf_liked_by_users": [yes, None, None],
        "lf_golden_bear": [yes, None, None],
        "lf_empty_seats": [None, no, None],
        "lf_late_part": [None, no, None],
        "lf_fine": [None, yes, None],
        "lf_stars": [None, None, None],
    }


def test_votes_equal_those_of_snorkels_applier(lf_file, vote):
    import pandas as pd
    from snorkel.labeling import LabelingFunction, PandasLFApplier

    source = """
        from snorkel.labeling import labeling_function
        from snorkel.preprocess import preprocessor

        @preprocessor(memoize=True)
        def lowered(x):
            x.low = x.text.lower()
            return x

        @labeling_function(pre=[lowered])
        def good(x): return 1 if "good" in x.low else -1

        @labeling_function(resources=dict(words=["bad", "dull"]))
        def bad(x, words): return 0 if any(word in x.text for word in words) else -1

        @labeling_function()
        def rated(x): return int(x.rating > 5) if x.rating > 0 else -1
        """
    words = np.array(["Good", "bad", "dull", "film", "the"])
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, 4)) for _ in range(300)]
    frame = pd.DataFrame({"text": texts, "rating": rng.integers(-3, 10, 300).astype(float)})
    votes = vote(source, {name: list(frame[name]) for name in frame}, ["0", "1"])
    lfs = [function.call for function in load(Path("lfs.py"))]
    assert all(isinstance(item, LabelingFunction) for item in lfs)
    expected = PandasLFApplier(lfs).apply(frame, progress_bar=False)
    ours = [[-1 if one is None else int(one) for one in column] for column in votes.values()]
    assert np.array_equal(np.array(ours).T, expected)


def test_empty_cells_are_empty_text_or_none(vote):
    votes = vote(
        """
        from labelkit import vectorized
        def lf_text(row): return "A" if row.text == "" else None
        def lf_number(row): return "A" if row.n is None else None
        def lf_flag(row): return "A" if row.flag is None else None
        def lf_date(day): return "A" if day is None else "B" if day.year == 2020 else None
        @vectorized
        def lf_frame(frame): return (frame.text.eq("") & frame.n.isna()).map({True: "A"})
        """,
        {
            "text": pa.array([None, "b"]),
            "n": pa.array([None, 1.0]),
            "flag": pa.array([None, True]),
            "day": pa.array([None, datetime(2020, 1, 2)], pa.timestamp("us")),
        },
        ["A", "B"],
    )
    assert {name: column[0] for name, column in votes.items()} == dict.fromkeys(votes, "A")
    assert votes["lf_date"] == ["A", "B"]


def test_text_stands_for_the_tasks_text_where_no_column_has_that_name(vote):
    table = {"head": ["Good", "", "x"], "body": ["day", "night", ""]}
    source = """
        from labelkit import vectorized
        def lf_row(row): return row.text or None
        def lf_column(text): return text or None
        def lf_whole(row): return dict(row.items())["text"]
        @vectorized
        def lf_frame(frame): return frame["text"]
        """
    votes = vote(source, table, text=("head", "body"))
    assert set(map(tuple, votes.values())) == {("Good\nday", "night", "x")}


def test_columns_that_stay_hidden_unless_named(vote):
    table = {"text": ["a"], "gold": ["B"], "weak_label": ["C"]}
    votes = vote(
        """
        def lf_peek(row): return "B" if sorted(row.keys()) == ["text"] else "C"
        def lf_named(gold): return gold
        def lf_read(row): return row.gold
        """,
        table,
        hidden=("gold", "weak_label"),
    )
    assert votes == {"lf_peek": ["B"], "lf_named": ["B"], "lf_read": ["B"]}


def test_columns_of_any_name_are_items_of_the_row(vote):
    table = {"__class__": ["a"], "get": ["b"], "box office": ["c"], "text": ["d"], "self": ["e"]}
    source = """
        def lf_all(row):
            return "".join(row[name] for name in row.keys())
        def lf_named(row): return row["__class__"] + row.get + row["box office"] + row.text
        """
    assert vote(source, table) == {"lf_all": ["abcde"], "lf_named": ["abcd"]}


def test_optional_parameters_are_filled_where_there_is_such_a_column(vote):
    source = """
        def lf_a(text, movie_title=None, words=("Alien",)):
            return "A" if movie_title in words else None
        """
    assert vote(source, REVIEWS) == {"lf_a": ["A", None, "A"]}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "def lf_a(row): return row.ratng\n",
            "lf_a (lfs.py, line 1) reads row.ratng, and there is no column 'ratng'; did you mean "
            "'rating'? (columns: id, text, movie_title, rating)",
        ),
        (
            "def lf_a(text, movie_titel): return None\n",
            "lf_a (lfs.py, line 1) takes `movie_titel`, and there is no such column; did you mean "
            "'movie_title'? (columns: id, text, movie_title, rating)",
        ),
        (
            "def lf_a(review): return review.lower()\n",
            "lf_a (lfs.py, line 1) takes `review`, and there is no such column. Call the "
            "parameter `row` to get the whole row (columns: id, text, movie_title, rating)",
        ),
        (
            "def lf_a(row, text): return None\n",
            "lf_a (lfs.py, line 1) takes row, text: take `row` alone, the whole row, or the names "
            "of columns",
        ),
        (
            "def lf_a(row):\n    limit = 8\n    return 'POS' if row.rating > limit else None\n",
            "lf_a (lfs.py, line 1) failed on row 2: TypeError: '>' not supported between "
            "instances of 'NoneType' and 'int'\n"
            "    line 3: return 'POS' if row.rating > limit else None\n"
            "    rating = None\n"
            "Correct the function, or let it abstain on such rows: --on-lf-error abstain",
        ),
        (
            "def lf_a(text):\n    return {'Good film': 'POS'}[text]\n",
            "lf_a (lfs.py, line 1) failed on row 2: KeyError: 'bad one'\n"
            "    line 2: return {'Good film': 'POS'}[text]\n"
            '    text = "bad one"\n'
            "Correct the function, or let it abstain on such rows: --on-lf-error abstain",
        ),
        (
            "def lf_a(row): return helper(row)\ndef helper(it): return it.ratings\n",
            "lf_a (lfs.py, line 1) failed on row 1: there is no column 'ratings'; did you mean "
            "'rating'?\n"
            "    line 2: def helper(it): return it.ratings\n"
            "Correct the function, or let it abstain on such rows: --on-lf-error abstain",
        ),
        (
            "def lf_a(text): return 'POSTIVE'\n",
            "lf_a (lfs.py, line 1), row 1: it returned 'POSTIVE', which is not a declared class; "
            "did you mean 'POSITIVE'? (classes: NEGATIVE, POSITIVE)\n"
            '    text = "Good film"',
        ),
        (
            "def lf_a(text): return 'bad' in text\n",
            "lf_a (lfs.py, line 1), row 1: it returned False; return a class (NEGATIVE, "
            "POSITIVE), its number, or None to abstain\n"
            '    text = "Good film"',
        ),
        (
            "def lf_a(rating): return rating / 10 if rating else None\n",
            "lf_a (lfs.py, line 1), row 1: it returned 0.9 (float); return a class (NEGATIVE, "
            "POSITIVE), its number, or None to abstain\n"
            "    rating = 9.0",
        ),
        (
            "def lf_a(text): return 2\n",
            "lf_a (lfs.py, line 1), row 1: it returned 2; the classes are numbered 0 to 1 "
            "(NEGATIVE, POSITIVE), -1 abstains\n"
            '    text = "Good film"',
        ),
        (
            "@vectorized\ndef lf_a(frame): return ['POSITIVE']\n",
            "lf_a (lfs.py, line 2) returned 1 label for 3 rows; it must return one a row",
        ),
        (
            "@vectorized\ndef lf_a(frame): return 'POSITIVE'\n",
            "lf_a (lfs.py, line 2) returned 'POSITIVE'; it must return one label a row",
        ),
        (
            "@vectorized\ndef lf_a(frame): return frame.nowhere\n",
            "lf_a (lfs.py, line 2) reads frame.nowhere, and there is no column 'nowhere' "
            "(columns: id, text, movie_title, rating)",
        ),
        (
            "@vectorized\ndef lf_a(frame):\n    return frame.text / 2\n",
            "lf_a (lfs.py, line 2) failed on rows 1 to 3: TypeError: ",
        ),
    ],
)
def test_a_function_that_fails_is_shown_with_row_and_value(vote, source, message):
    with pytest.raises(LabelkitError, match=f"^{re.escape(message)}"):
        vote(source, REVIEWS, ["NEGATIVE", "POSITIVE"])


def test_hostile_cells_are_cleaned_in_messages(vote):
    with pytest.raises(LabelkitError) as raised:
        vote("def lf_a(text): raise ValueError(text)\n", {"text": ["\x1b[31mred"]})
    assert "\x1b" not in str(raised.value)


def test_a_stop_iteration_is_a_failure_like_any_other(vote):
    source = "def lf_a(text): return next(w for w in text.split() if w == 'Good') and 'A'\n"
    assert vote(source, REVIEWS, on_error="abstain") == {"lf_a": ["A", None, None]}
    assert dict(vote.voters.errors) == {"lf_a": 2}
    with pytest.raises(LabelkitError, match=r"failed on row 2: StopIteration: \n    line 1"):
        vote(source, REVIEWS)


def test_failures_can_abstain_and_are_counted(vote):
    source = "def lf_a(rating): return 'A' if rating > 5 else 'B'\n"
    assert vote(source, REVIEWS, on_error="abstain") == {"lf_a": ["A", None, "B"]}
    assert dict(vote.voters.errors) == {"lf_a": 1}
    assert "row 2" in vote.voters.first_error["lf_a"]


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("['A', None, float('nan')]", ["A", None, None]),
        ("__import__('numpy').array([0, -1, 1])", ["A", None, "B"]),
        ("__import__('pandas').Series([1, None, 0])", ["B", None, "A"]),
        ("__import__('pandas').Series(['A', 'B', None], index=[2, 1, 0])", [None, "B", "A"]),
        ("__import__('pyarrow').array(['A', None, 'B']).to_pylist()", ["A", None, "B"]),
        ("frame.id.map({'b': 'B'}).astype('category')", [None, "B", None]),
        ("[-1, '', 'ABSTAIN']", [None, None, None]),
    ],
)
def test_what_a_vectorised_function_may_return(vote, returned, expected):
    source = f"@vectorized\ndef lf_a(frame): return {returned}\n"
    assert vote(source, REVIEWS, ["A", "B"]) == {"lf_a": expected}


def test_numbers_without_declared_classes_are_classes_by_number(vote):
    source = "def lf_a(rating): return 2 if rating else -1\n"
    assert vote(source, REVIEWS) == {"lf_a": ["2", None, "2"]}
    assert vote.voters.codebook.final()[0] == ["0", "1", "2"]


def test_numbers_beside_names_need_declared_classes(vote):
    source = "def lf_a(row): return 'POS'\ndef lf_b(row): return 1\n"
    with pytest.raises(LabelkitError, match=r"it returned 1 where others return 'POS': numbers"):
        vote(source, REVIEWS)
    assert vote(source, REVIEWS, ["NEG", "POS"])["lf_b"] == ["POS"] * 3


def test_classes_that_appear_are_sorted(vote):
    source = "def lf_a(text): return {'Good film': 'z', 'bad one': 'a'}.get(text)\n"
    assert vote(source, REVIEWS) == {"lf_a": ["z", "a", None]}
    assert vote.voters.codebook.final()[0] == ["a", "z"]


def test_prints_of_functions_stay_off_stdout(vote, capsys):
    vote("def lf_a(text):\n    print(text)\n    return None\n", REVIEWS)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "change",
    [
        "row.text = row.text.upper()",
        "row.n += 1",
        "setattr(row, 'text', 'X')",
        "del row.text",
        "vars(row)['text'] = 'X'",
        "other = row; other.text = 'X'",
        "helper(row)",
    ],
)
def test_what_a_function_assigns_to_its_row_is_not_seen_by_the_next(vote, change):
    found = vote(
        f"""
        def helper(r):
            r.text = "X"

        def lf_before(row): return "y" if row.text == "a" and row.n == 1 else None
        def lf_changes(row):
            {change}
            return "n"
        def lf_after(row): return "y" if row.text == "a" and row.n == 1 else None
        def lf_after_too(row): return "y" if dict(row.items()) == {{"text": "a", "n": 1}} else None
        """,
        {"text": ["a"], "n": [1]},
    )
    assert found["lf_before"] == found["lf_after"] == found["lf_after_too"] == ["y"]
