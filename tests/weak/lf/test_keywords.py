"""Rules from the command line alone."""

import pytest

from tests.weak.test_command import DATA, column


@pytest.fixture
def data(write):
    return write("data.csv", DATA)


def test_a_stranger_labels_by_rules_without_any_file(labelkit, data, tmp_path):
    done = labelkit(
        *["weak-label", "data.csv", "-o", "out.csv", "--votes"],
        *["--keyword", "POS=Good, great film", "--keyword", "NEG=bad", "--keyword", "NEG=film"],
    )
    assert done.code == 0, done.err
    out = tmp_path / "out.csv"
    assert column(out, "weak_lf_keyword_POS") == ["POS", "", "", "POS"]
    assert column(out, "weak_lf_keyword_NEG_2") == ["NEG", "NEG", "NEG", ""]
    assert column(out, "weak_label") == ["", "NEG", "NEG", ""]


def test_a_phrase_may_hold_a_comma_and_an_equals_sign(labelkit, data, tmp_path):
    done = labelkit("weak-label", "data.csv", "-o", "o.csv", "--keyword", 'POS="good, bad",a=b')
    assert done.code == 0, done.err
    assert column(tmp_path / "o.csv", "weak_label") == ["", "", "", "POS"]


def test_keywords_join_the_rules_and_functions(labelkit, data, write, tmp_path):
    write("lfs.py", "def lf_any(row): return 'POS'\n")
    write(
        "labelkit.toml",
        "[weak-label]\nkeyword = ['NEG=bad']\n"
        "[[weak-label.rule]]\nname = 'film'\nlabel = 'NEG'\nany_of = ['film']\n",
    )
    done = labelkit("weak-label", "data.csv", "-o", "o.csv", "--functions", "lfs.py", "--votes")
    assert done.code == 0, done.err
    assert column(tmp_path / "o.csv", "weak_votes") == ["2", "3", "2", "2"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("refund", "--keyword 'refund' is not CLASS=WORDS (write --keyword 'complaint=refund,"),
        ("POS=", "--keyword 'POS=' is not CLASS=WORDS"),
        ("=good", "--keyword '=good' is not CLASS=WORDS"),
        ("POS=good,,bad", "--keyword 'POS=good,,bad' is not CLASS=WORDS"),
        (
            "POZ=good",
            "rule 'keyword_POZ': label 'POZ', which is not a declared class; did you mean 'POS'?",
        ),
    ],
)
def test_wrong_keywords(labelkit, data, tmp_path, given, message):
    done = labelkit(
        "weak-label", "data.csv", "-o", "o.csv", "--classes", "NEG,POS", "--keyword", given
    )
    assert done.code == 2 and message in done.err
    assert not (tmp_path / "o.csv").exists()
