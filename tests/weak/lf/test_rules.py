"""Rules against a plain Python reading of the same words, and the messages of wrong rules."""

import re
import tomllib
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.errors import LabelkitError, UsageError
from labelkit.weak.lf.binding import FileColumns
from labelkit.weak.lf.rows import View
from labelkit.weak.lf.rules import check_columns, parse, vote
from labelkit.weak.vote_codes import Codebook

TABLE = {
    "text": [
        "An Amazing film!!! I loved it",
        "bored, café amazingly",
        "",
        "C++ is no waste  of time",
    ],
    "rating": pa.array([8.0, 5.5, None, 12345678901.0]),
    "day": pa.array([datetime(2020, 1, 2), None, None, datetime(2024, 5, 6)], pa.timestamp("us")),
    "flag": pa.array([True, False, None, True]),
}


def fired(toml: str, table=TABLE, text=("text",), folder=Path()):
    rules = parse([tomllib.loads(f'label = "A"\n{toml}')], folder)
    batch = pa.record_batch(table)
    check_columns(rules, FileColumns(tuple(batch.schema.names), text=text))
    votes = vote(rules, View(batch, text), Codebook(["A", "B"]))
    return [int(row) for row in (votes[:, 0] == 0).nonzero()[0]]


@pytest.mark.parametrize(
    ("toml", "rows"),
    [
        ('any_of = ["amazing", "LOVED"]', [0]),
        ('any_of = ["amazing"]\nmatch = "substring"', [0, 1]),
        ('any_of = ["amazing"]\nmatch_case = true', []),
        ('regex = "amazing"', [1]),
        ('regex = "amazing"\nmatch_case = false', [0, 1]),
        ('regex = "amazing"\nmatch_case = true', [1]),
        ('regex = "^AN|(?i)CAFÉ"\nmatch_case = false', [0, 1]),
        ('count = {pattern = "[A]", at_least = 2}', [0]),
        ('count = {pattern = "[A]", at_least = 3}\nmatch_case = false', [0, 1]),
        ('count = {pattern = "[A]", at_least = 2}\nmatch_case = true', [0]),
        ('any_of = ["caf"]', []),
        ('any_of = ["CAFÉ"]', [1]),
        ('any_of = ["c++"]', [3]),
        ('any_of = ["waste of time"]', [3]),
        ('any_of = "loved"', [0]),
        ('all_of = ["film", "loved"]', [0]),
        ('none_of = ["film"]', [1, 3]),
        ('none_of = ["film"]\nany_of = ["café", "film"]', [1]),
        ('regex = "^[A-Z].*it$"', [0]),
        ('regex = "(?i)AMAZING"', [0, 1]),
        ('starts_with = ["an ", "bored"]', [0, 1]),
        ('equals = "BORED, CAFÉ amazingly"', [1]),
        ("longer_than = 5", [0, 3]),
        ("shorter_than = 4", [1]),
        ('longer_than = 23\nunit = "characters"', [0, 3]),
        ('count = { text = "!", at_least = 3 }', [0]),
        ('count = { pattern = "[!,]", at_least = 1, at_most = 1 }', [1]),
        ('column = "rating"\nmin = 8', [0, 3]),
        ('column = "rating"\nmin = 5.5\nmax = 8', [0, 1]),
        ('column = "rating"\nequals = 8', [0]),
        ('column = "rating"\nany_of = ["12345678901"]', [3]),
        ('column = "rating"\nregex = "^8$"', [0]),
        ('column = "day"\nmin = 2020-01-02\nmax = 2021-01-01', [0]),
        ('column = "day"\nmin = "2024-05-06"', [3]),
        ('column = "flag"\nequals = true', [0, 3]),
        ('any_of = ["film", "waste"]\nand = [{ column = "rating", max = 10 }]', [0]),
    ],
)
def test_conditions(toml, rows):
    assert fired(toml) == rows


def test_a_list_in_a_file_stands_beside_the_task_file(tmp_path):
    (tmp_path / "titles.txt").write_text("\ufeffAlien \r\n\r\nBrazil\n", encoding="utf-8")
    table = {"title": ["alien", "Brazil", "Brazil 2", ""]}
    toml = 'column = "title"\nin_file = "titles.txt"'
    assert fired(toml, table, folder=tmp_path) == [0, 1]
    assert fired(f"{toml}\nmatch_case = true", table, folder=tmp_path) == [1]


def test_text_is_the_tasks_text_where_no_column_has_that_name():
    table = {"head": ["good", ""], "body": ["day", "good night"]}
    assert fired('regex = "^good"', table, text=("head", "body")) == [0, 1]


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            'name = "praise"\nany_off = ["a"]',
            "rule 'praise': unknown key 'any_off'; did you mean 'any_of'? (name, label, column, "
            "any_of, all_of, none_of, regex, starts_with, equals, in_file, min, max, longer_than, "
            "shorter_than, count, match, unit, match_case, and)",
        ),
        (
            "",
            "rule 'rule_1' has no condition (any_of, all_of, none_of, regex, starts_with, equals, "
            "in_file, min, max, longer_than, shorter_than, count)",
        ),
        (
            'regex = "good(bad"',
            "rule 'rule_1': regex is not a valid RE2 pattern: missing ): good(bad\n"
            "    good(bad\n"
            "        ^",
        ),
        (
            'regex = "a(?=b)"',
            "rule 'rule_1': regex is not a valid RE2 pattern: invalid perl operator: (?=\n"
            "    a(?=b)\n"
            "     ^",
        ),
        (
            'count = { pattern = "?", at_least = 2 }',
            "rule 'rule_1': count.pattern is not a valid RE2 pattern: no argument for repetition "
            'operator: ?\n    ?\n    ^\nFor a plain text: count = { text = "…" }',
        ),
        ('count = { text = "!" }', "rule 'rule_1': count needs at_least or at_most"),
        (
            'count = { txt = "!", at_least = 1 }',
            "rule 'rule_1': count has no 'txt'; did you mean 'text'? (text, pattern, at_least, "
            "at_most)",
        ),
        ('in_file = "none.txt"', "rule 'rule_1': in_file: there is no file none.txt"),
        ("any_of = []", "rule 'rule_1': any_of is an empty list"),
        ('any_of = ["a", ""]', "rule 'rule_1': any_of holds ''; it takes text that is not empty"),
        (
            'any_of = ["a"]\nmatch = "word"',
            "rule 'rule_1': match must be one of words, substring, not 'word'",
        ),
        ("longer_than = -1", "rule 'rule_1': longer_than must be a whole number from 0, not -1"),
        ('min = "high"', "rule 'rule_1': min = 'high' is neither a number nor a date"),
        ("min = 3", "rule 'rule_1': min needs a number column, and this one holds text"),
        (
            'column = "rating"\nmax = 2020-01-01',
            "rule 'rule_1': max needs a date column, and this one holds number",
        ),
        ('label = 7\nany_of = ["a"]', None),
    ],
)
def test_a_wrong_rule_names_itself_and_the_remedy(toml, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    if message is None:
        message = "rule 'rule_1': label 7; the classes are numbered 0 to 1 (A, B), -1 abstains"
        rules = parse([tomllib.loads(toml)], Path())
        with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
            vote(rules, View(pa.record_batch(TABLE), ("text",)), Codebook(["A", "B"]))
        return
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        fired(toml)


def test_labels_names_and_columns_are_checked():
    with pytest.raises(UsageError, match=r"^rule 'a' has no label: the class that it votes for$"):
        parse([{"name": "a", "any_of": ["b"]}], Path())
    with pytest.raises(UsageError, match=r"unknown key 'labell'; did you mean 'label'\?"):
        parse([{"name": "a", "any_of": ["b"], "labell": "A"}], Path())
    twice = {"name": "a", "label": "A", "any_of": ["b"]}
    with pytest.raises(UsageError, match=r"^two rules are called 'a'; rename one$"):
        parse([twice, twice], Path())
    with pytest.raises(LabelkitError) as raised:
        fired('name = "a"\ncolumn = "ratng"\nmin = 3')
    assert str(raised.value) == (
        "rule 'a': there is no column 'ratng'; did you mean 'rating'? "
        "(columns: text, rating, day, flag)"
    )
    with pytest.raises(UsageError, match=r"label 'C', which is not a declared class"):
        vote(
            parse([{"label": "C", "any_of": ["b"]}], Path()),
            View(pa.record_batch(TABLE), ("text",)),
            Codebook(["A", "B"]),
        )


LETTERS = st.text("abAB é-+. \n", min_size=1, max_size=12)


def boundary(character: str) -> bool:
    return not (character.isalnum() or character == "_")


def occurs(word: str, text: str) -> bool:
    """Say in plain Python whether `word` is a whole word of `text`, in any case."""
    pattern = r"\s+".join(re.escape(part) for part in word.split())
    for start in range(len(text)):
        found = re.compile(pattern, re.IGNORECASE).match(text, start)
        if found is None:
            continue
        end = found.end()
        left = boundary(word.strip()[0]) or start == 0 or boundary(text[start - 1])
        right = boundary(word.strip()[-1]) or end == len(text) or boundary(text[end])
        if left and right:
            return True
    return False


@settings(deadline=None)
@given(st.lists(LETTERS, min_size=1, max_size=6), st.lists(LETTERS.filter(str.strip), min_size=1))
def test_whole_words_as_plain_python_reads_them(texts, words):
    table = {"text": texts}
    for key, combined in (("any_of", any), ("all_of", all)):
        expected = [
            row for row, text in enumerate(texts) if combined(occurs(word, text) for word in words)
        ]
        rule = {"label": "A", key: words}
        votes = vote(
            parse([rule], Path()), View(pa.record_batch(table), ("text",)), Codebook(["A"])
        )
        assert list((votes[:, 0] == 0).nonzero()[0]) == expected


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1), st.integers(0, 4))
def test_lengths_as_plain_python_counts_them(texts, limit):
    batch = pa.record_batch({"text": texts})
    for unit, measure in (("characters", len),):
        rule = {"label": "A", "longer_than": limit, "unit": unit}
        votes = vote(parse([rule], Path()), View(batch, ("text",)), Codebook(["A"]))
        expected = [row for row, text in enumerate(texts) if text and measure(text) > limit]
        assert list((votes[:, 0] == 0).nonzero()[0]) == expected
