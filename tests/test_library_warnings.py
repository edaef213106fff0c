"""No command shows a warning that a library raises in its own words."""

import warnings
from typing import Any

import pytest


@pytest.fixture
def raised() -> Any:
    """Warnings as a program sees them whose filters show everything."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield found


def test_more_classes_than_half_of_the_rows(labelkit: Any, write: Any, raised: Any) -> None:
    lines = [f"{i},word{i % 40} and some text {i},class{i % 40}" for i in range(120)]
    write("many.csv", "id,text,gold\n" + "\n".join(lines) + "\n")
    options = ("--labels", "30", "--per-round", "10", "--seeds", "1", "--features", "tfidf")
    done = labelkit("simulate", "many.csv", "--gold", "gold", *options, "-q")
    assert (done.code, done.err, raised) == (0, "", [])


def test_a_warning_of_a_users_file_is_told_in_a_line(
    labelkit: Any, write: Any, raised: Any
) -> None:
    write("a.csv", "id,text\n1,good\n")
    write(
        "lfs.py",
        "import warnings\n\ndef lf_a(text):\n    warnings.warn('old words')\n    return 'A'\n",
    )
    done = labelkit("weak-label", "a.csv", "-o", "b.csv", "--functions", "lfs.py",
                    "--classes", "A,B", "-q")  # fmt: skip
    assert done.code == 0, done.err
    assert "warning: lfs.py, line 4: old words\n" in done.err
    assert raised == []
