"""Why a row has its label."""

import json
import math

import pytest

from labelkit.config import plugins
from tests.weak.test_command import DATA, LFS


@pytest.fixture
def explain(labelkit, write):
    write("data.csv", DATA)
    write("lfs.py", LFS)

    def run(*more):
        return labelkit(
            *["weak-label", "data.csv", "--functions", "lfs.py", "--classes", "NEG,POS"],
            *["--label-model", "majority", *more],
        )

    return run


def test_each_vote_is_shown_with_what_it_changes(explain):
    done = explain("--explain", "d4", "--explain", "c3", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert [one["function"] for one in found] == ["lf_good", "lf_bad", "lf_high", None]
    good, bad, _, silent = found
    assert (good["label"], good["vote"], bad["vote"]) == ("POS", "POS", "NEG")
    assert good["confidence"] == pytest.approx(2 / 3) and good["without"] == pytest.approx(1 / 2)
    assert good["effect"] == pytest.approx(math.log(2))  # from even odds to two to one
    assert bad["effect"] < 0
    assert silent == {
        "key": "c3",
        "label": None,
        "confidence": 0.0,
        **dict.fromkeys(["function", "vote", "without", "effect"]),
    }
    assert "d4: 3 of 3 functions voted" in done.err and "c3: 0 of 3 functions voted" in done.err


def test_without_an_output_the_table_is_the_data_else_it_stands_beside_it(explain, tmp_path):
    done = explain("--explain", "d4")
    assert done.out.splitlines()[2].split()[:4] == ["d4", "POS", "0.667", "lf_good"]
    done = explain("--explain", "d4", "-o", "out.csv")
    assert done.out == "" and (tmp_path / "out.csv").exists()
    assert "d4   POS         0.667  lf_good" in done.err


@pytest.mark.parametrize("model", plugins.names("label-model"))
def test_every_label_model_explains(explain, model):
    done = explain("--explain", "d4", "--json", "--label-model", model)
    if done.code:
        assert "not installed" in done.err
        return
    found = json.loads(done.out)
    assert [one["function"] for one in found] == ["lf_good", "lf_bad", "lf_high"]
    assert all(0 <= one["without"] <= 1 for one in found)


def test_a_users_own_label_model_is_asked_again(explain, write):
    write(
        "mine.py",
        "import numpy as np\n"
        "def combine(votes, n_classes, prior, gold, seed):\n"
        "    ones = (votes[:, :, None] == np.arange(n_classes)).sum(axis=1) + 1.0\n"
        "    return ones / ones.sum(axis=1, keepdims=True)\n",
    )
    done = explain("--explain", "b2", "--json", "--label-model", "mine.py:combine")
    (vote,) = json.loads(done.out)
    assert vote["confidence"] == pytest.approx(2 / 3) and vote["without"] == 0.5


def test_rows_that_are_not_there(explain):
    done = explain("--explain", "d5")
    assert done.code == 1 and "--explain 'd5': no row has that id" in done.err
    done = explain("--explain", "d4", "--where", "rating > 8.7")
    assert done.code == 1 and "--explain 'd4': the row was not voted on (--where" in done.err
    done = explain("--explain", "2", "--id", "row", "--json")
    assert json.loads(done.out)[0]["key"] == "2"


def test_two_tables_cannot_both_be_the_data(explain):
    done = explain("--explain", "d4", "--suggest", "3")
    assert done.code == 2 and done.out == ""
    assert "without -o both --explain and --suggest would be the data on stdout" in done.err
