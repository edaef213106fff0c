"""Which functions of a file vote, and what a file that does not run says."""

import re
import sys
from pathlib import Path

import pytest

from labelkit.errors import LabelkitError, UsageError
from labelkit.weak.lf.loader import load


def names(path, classes=None):
    return [function.name for function in load(path, classes)]


def test_functions_come_in_the_order_of_the_file(lf_file):
    path = lf_file(
        """
        from labelkit import vectorized
        from os.path import join as lf_join      # imported: not this file's

        WORDS = ("a", "b")

        def lf_second_letter(row): return None
        def helper(row): return None
        @vectorized
        def any_name(frame): return [None] * len(frame)
        lf_short = lambda text: None
        class lf_kind: pass
        lf_number = 3
        """
    )
    assert names(path) == ["lf_second_letter", "any_name", "lf_short"]


def test_snorkels_objects_vote_under_any_name_also_from_a_list(lf_file):
    path = lf_file(
        """
        from snorkel.labeling import LabelingFunction, labeling_function

        @labeling_function()
        def contains_good(x): return 1 if "good" in x.text else -1

        def keyword(x, word, label): return label if word in x.text else -1

        lfs = [contains_good, ...] + [
            LabelingFunction(f"keyword_{word}", keyword, resources=dict(word=word, label=0))
            for word in ("bad", "dull")
        ]
        """
    )
    found = load(path)
    assert [function.name for function in found] == ["contains_good", "keyword_bad", "keyword_dull"]
    assert {function.style for function in found} == {"row"}
    assert found[0].reads("x").columns == ("text",)
    assert found[1].reads("x").columns == ("text",)


def test_reading_a_plain_file_imports_no_snorkel(lf_file):
    before = set(sys.modules)
    load(lf_file("def lf_a(row): return None\n"))
    assert not [name for name in set(sys.modules) - before if name.startswith(("snorkel", "torch"))]


def test_names_of_slides_are_provided(lf_file):
    path = lf_file(
        """
        @labeling_function()
        def lf_digits(movie):
            return POSITIVE if re.search("[0-9]", movie.title) else ABSTAIN
        """
    )
    (function,) = load(path, ["neg", "positive"])
    assert function.call.__class__.__name__ == "OwnLabelingFunction"
    assert function.call._f.__globals__["POSITIVE"] == "positive"
    assert load(path)[0].call._f.__globals__["POSITIVE"] == "POSITIVE"


def test_a_name_that_the_file_defines_is_not_replaced(lf_file):
    path = lf_file("POSITIVE = 'good'\ndef lf_a(row): return POSITIVE\n")
    assert load(path, ["POSITIVE"])[0].call(None) == "good"


def test_modules_beside_the_file_are_found_and_prints_go_to_stderr(lf_file, capsys):
    Path("word_list_for_test.py").write_text("GOOD = {'fine'}\n")
    path = lf_file("from word_list_for_test import GOOD\nprint('hi')\ndef lf_a(row): return None\n")
    assert names(path) == ["lf_a"]
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hi\n")
    assert str(Path.cwd()) not in sys.path


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "def lf_a(row)\n    return 1\n",
            "lfs.py, line 1: expected ':'\n    def lf_a(row)\n                 ^",
        ),
        (
            "import pandas\nx = 1 / 0\n",
            "lfs.py, line 2: x = 1 / 0\n    ZeroDivisionError: division by zero",
        ),
        (
            "import nowhere_to_be_found\n",
            "lfs.py, line 1: import nowhere_to_be_found\n"
            "    ModuleNotFoundError: No module named 'nowhere_to_be_found'\n"
            "Install nowhere_to_be_found where labelkit is installed, or remove what needs it.",
        ),
        (
            "def refund(row): return None\n",
            "lfs.py defines no labeling function: name it lf_… (def lf_refund(row): …) or put a "
            "decorator above it",
        ),
        (
            "def lf_a(row): return None\ndef lf_a(row): return 1\n",
            "lfs.py: lf_a is defined twice, in lines 1 and 2, and only the second would vote; "
            "rename one",
        ),
        (
            "@labeling_function(name='a')\ndef f(x): return 1\n"
            "@labeling_function(name='a')\ndef g(x): return 1\n",
            "lfs.py: two labeling functions are called 'a' (lines 2 and 4); rename one",
        ),
        (
            "def lf_a(): return None\n",
            "lfs.py, line 1: lf_a needs a parameter: `row` for the whole row, or the names of "
            "columns",
        ),
        (
            "async def lf_a(row): return None\n",
            "lfs.py, line 1: lf_a is `async def`; a labeling function is a plain `def`",
        ),
        (
            "@labeling_function\ndef lf_a(row): return None\n",
            "lfs.py, line 1: @labeling_function\n    TypeError: @labeling_function needs "
            "parentheses: @labeling_function()",
        ),
        ("exit(3)\n", "lfs.py, line 1: exit(3)\n    SystemExit: 3"),
    ],
)
def test_a_file_that_does_not_serve_says_where_and_why(lf_file, source, message):
    with pytest.raises(LabelkitError, match=f"^{re.escape(message)}$"):
        load(lf_file(source))


def test_a_missing_file_and_one_that_is_not_utf8(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^--functions none\.py: there is no such file$"):
        load(Path("none.py"))
    Path("latin.py").write_bytes(b"# caf\xe9\n")
    with pytest.raises(LabelkitError, match=r"^latin\.py is not UTF-8 \(byte 5\)$"):
        load(Path("latin.py"))


def test_a_file_that_needs_an_absent_torch_is_told_that_functions_do_not(lf_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    path = lf_file("import torch\ndef lf_a(row): return None\n")
    with pytest.raises(LabelkitError) as raised:
        load(path)
    assert "snorkel's LabelModel needs torch, its labeling functions do not" in str(raised.value)
