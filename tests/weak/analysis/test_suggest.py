"""Rules that labelled rows speak for."""

import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelkit.stats.metrics import wilson
from labelkit.weak.analysis.suggest import _lower, terms
from tests.weak.test_command import column, rows

LFS = "def lf_refund(text): return 'bad' if 'refund' in text else None\n"


@pytest.fixture
def data(write):
    """Complaints say refund or never again, praise says thanks; half the rows are labelled."""
    lines = ["id,text,gold"]
    for i in range(120):
        words = ["a refund now", "never again here", "thanks a lot"][i % 3]
        label = "good" if i % 3 == 2 else "bad"
        lines.append(f"{i},{words} number{i},{label if i < 60 else ''}")
    return write("data.csv", "\n".join(lines) + "\n")


def rules(text):
    return tomllib.loads(text)["weak-label"]["rule"]


def test_rules_come_from_gold_without_any_function(labelkit, data, write, tmp_path):
    done = labelkit("weak-label", "data.csv", "--gold", "gold", "--suggest", "3")
    assert done.code == 0, done.err
    found = rules(done.out)
    assert [(rule["label"], len(rule["any_of"])) for rule in found] == [
        ("bad", 1),
        ("good", 1),
        ("bad", 1),
    ]
    assert "right on 20 of 20 (biased; 0.84 to 1.00)" in done.out
    write("labelkit.toml", done.out)
    done = labelkit("weak-label", "data.csv", "-o", "out.csv", "--gold", "gold")
    assert done.code == 0, done.err
    assert column(tmp_path / "out.csv", "weak_label") == ["bad", "bad", "good"] * 40


def test_only_what_no_function_covers_is_suggested(labelkit, data, write):
    write("lfs.py", LFS)
    done = labelkit(
        "weak-label", "data.csv", "--gold", "gold", "--suggest", "9", "--functions", "lfs.py"
    )
    assert done.code == 0, done.err
    found = [word for rule in rules(done.out) for word in rule["any_of"]]
    assert len(found) == 2
    assert not any("refund" in word for word in found)
    assert "2 of 9 rules suggested" in done.err


def test_confident_weak_labels_serve_where_there_is_no_gold(labelkit, data, write, tmp_path):
    write("data.csv", "id,text\n" + "".join(f"{i},refund please\n{i}b,please\n" for i in range(9)))
    more = "".join(f"x{i},refund sir {i}\ny{i},cheers sun {i}\nz{i},sir {i}\n" for i in range(20))
    write("data.csv", "id,text\n" + more)
    done = labelkit(
        *["weak-label", "data.csv", "--suggest", "1", "-o", "out.csv"],
        *["--keyword", "bad=refund", "--keyword", "good=cheers"],
    )
    assert done.code == 0, done.err
    assert 'any_of = ["sir"]' in done.err and done.out == ""
    assert "weak labels of confidence 0.8 or more" in done.err
    assert len(rows(tmp_path / "out.csv")) == 60


def test_audit_rows_teach_nothing(labelkit, write):
    lines = ["text,label,label_origin"]
    lines += [f"refund {i},bad,audit\nfine {i},good,audit" for i in range(30)]
    write("data.csv", "\n".join(lines) + "\n")
    done = labelkit("weak-label", "data.csv", "--suggest", "3", "--label", "label")
    assert done.code == 2
    assert "--suggest learns from labelled rows, and there are none" in done.err
    done = labelkit("weak-label", "data.csv", "--suggest", "3", "--gold", "label")
    assert done.code == 1 and done.out == ""
    assert "--suggest needs known labels of two classes: no row has one" in done.err


def test_copies_of_one_text_are_one_piece_of_evidence(labelkit, write):
    lines = ["text,gold", *["refund,bad"] * 50, *["fine,good"] * 50]
    write("data.csv", "\n".join(lines) + "\n")
    done = labelkit("weak-label", "data.csv", "--gold", "gold", "--suggest", "3")
    assert done.code == 0 and done.out == ""
    assert "warning: no word tells the classes apart well enough on the known labels" in done.err


@pytest.mark.parametrize(
    ("content", "arguments", "code", "message"),
    [
        ("text\na\n", ["--suggest", "2"], 2, "--suggest learns from labelled rows"),
        ("text\na\n", ["--suggest", "0"], 2, "Invalid value for '--suggest'"),
        ("text\na\n", ["--suggest", "2", "-o", "o.csv"], 2, "nothing votes"),
        (
            "text,gold\na,A\nb,A\n",
            ["--suggest", "2", "--gold", "gold"],
            1,
            "--suggest needs known labels of two classes: all are 'A'",
        ),
        (
            "head,body,gold\na b,c d,A\nb c,d a,B\n",
            ["--suggest", "2", "--gold", "gold"],
            1,
            "which column is the text? Name it with --text COLUMN",
        ),
    ],
)
def test_what_cannot_be_learned_from(labelkit, write, content, arguments, code, message):
    write("data.csv", content)
    done = labelkit("weak-label", "data.csv", *arguments)
    assert done.code == code and message in done.err
    assert done.out == ""


def test_labels_with_quotes_are_pasted_as_they_are(labelkit, write):
    lines = ["text,gold"]
    lines += [f'fine {i},"it\'s ""good"" \\ ok"\nrefund {i},bad' for i in range(30)]
    write("data.csv", "\n".join(lines) + "\n")
    done = labelkit("weak-label", "data.csv", "--gold", "gold", "--suggest", "2")
    assert {rule["label"] for rule in rules(done.out)} == {"bad", 'it\'s "good" \\ ok'}


def test_words_and_pairs_as_rules_match_them():
    assert list(terms("Don't  STOP, now_2 ok")) == [
        *["don't", "stop", "don't  stop".replace("  ", " "), "now_2", "ok", "now_2 ok"],
    ]


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 40))
def test_the_lower_end_is_wilsons(right, rows):
    if right > rows:
        return
    low = float(_lower(np.array([float(right)]), np.array([float(rows)]))[0])
    assert max(low, 0) == pytest.approx(wilson(right, rows)[0], abs=1e-9)
