"""weak-label from end to end, through the command line."""

import csv
import io
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DATA = """id,text,rating,gold
a1,Good film,9,POS
b2,bad film,,NEG
c3,film,2,NEG
d4,"good, bad",8.5,POS
"""

LFS = """
def lf_good(row): return "POS" if "good" in row.text.lower() else None
def lf_bad(text): return "NEG" if "bad" in text else None
def lf_high(x): return 1 if x.rating and x.rating > 8 else -1
"""


@pytest.fixture
def data(write):
    write("lfs.py", LFS)
    return write("data.csv", DATA)


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def column(path, name):
    return [row[name] for row in rows(path)]


def run(labelkit, *more):
    model = () if "--label-model" in more else ("--label-model", "majority")
    done = labelkit(
        "weak-label", "data.csv", "-o", "out.csv", "--classes", "NEG,POS", *model, *more
    )
    assert done.code == 0, done.err
    assert done.out == ""
    return done


def test_functions_label_rows(labelkit, data, tmp_path):
    done = run(labelkit, "--functions", "lfs.py")
    out = tmp_path / "out.csv"
    assert list(rows(out)[0]) == [
        *["id", "text", "rating", "gold"],
        *["weak_label", "weak_confidence", "weak_votes"],
    ]
    assert column(out, "weak_label") == ["POS", "NEG", "", "POS"]
    assert column(out, "weak_confidence") == ["1", "1", "0", "0.666667"]
    assert column(out, "weak_votes") == ["2", "1", "0", "3"]
    assert "weak-label: 4 rows · 3 labelled · 1 abstained -> out.csv" in done.err
    assert (
        "as they are: labelkit llm-label out.csv -o out.llm.csv --where 'weak_confidence < 0.8' "
        "--classes NEG,POS" in done.err
    )
    step = json.loads((tmp_path / "out.csv.history.json").read_text())["steps"][-1]
    assert step["counts"] == {"labelled": 3, "abstained": 1, "ties": 0, "lf_errors": 0}
    assert set(step["inputs"]) == {"data.csv", "lfs.py"}
    assert re.search(r"lf_good +POS +2 +0\.500 +0\.500 +0\.250", done.err)


def test_votes_and_probabilities_are_written_on_demand(labelkit, data, tmp_path):
    run(labelkit, "--functions", "lfs.py", "--votes", "--proba")
    last = rows(tmp_path / "out.csv")[3]
    assert {name: last[name] for name in last if name.startswith(("weak_lf", "weak_proba"))} == {
        "weak_proba_NEG": "0.333333",
        "weak_proba_POS": "0.666667",
        "weak_lf_lf_good": "POS",
        "weak_lf_lf_bad": "NEG",
        "weak_lf_lf_high": "POS",
    }


def test_rules_of_the_task_file(labelkit, data, write, tmp_path):
    write("titles.txt", "film\n")
    write(
        "labelkit.toml",
        """
        [task]
        classes = ["NEG", "POS"]
        [weak-label]
        votes = true
        [[weak-label.rule]]
        name = "praise"
        label = "POS"
        any_of = ["good"]
        [[weak-label.rule]]
        label = "NEG"
        in_file = "titles.txt"
        [[weak-label.rule]]
        name = "high"
        label = "POS"
        column = "rating"
        min = 8.5
        """,
    )
    done = labelkit("weak-label", "data.csv", "-o", "out.csv")
    assert done.code == 0, done.err
    out = tmp_path / "out.csv"
    assert column(out, "weak_label") == ["POS", "", "NEG", "POS"]
    assert column(out, "weak_lf_rule_2") == ["", "", "NEG", ""]
    assert "labelkit.toml" in done.err


def test_votes_made_elsewhere(labelkit, write, tmp_path):
    write("votes.csv", "lf_0,lf_1,lf_2\n0,0,1\n-1,,\n1,-1,1\n")
    done = labelkit(
        "weak-label", "votes.csv", "-o", "out.csv", "--from-votes", "lf_*", "--classes", "ham,spam"
    )
    assert done.code == 0, done.err
    assert column(tmp_path / "out.csv", "weak_label") == ["ham", "", "spam"]


@pytest.mark.parametrize("model", ["majority", "snorkel"])
def test_rows_without_a_vote_are_never_given_a_label(labelkit, data, tmp_path, model):
    run(labelkit, "--functions", "lfs.py", "--label-model", model, "--proba")
    row = rows(tmp_path / "out.csv")[2]
    assert row["weak_label"] == "" and float(row["weak_confidence"]) == 0
    assert row["weak_proba_POS"] == row["weak_proba_NEG"] == "" and row["weak_votes"] == "0"


def test_too_few_functions_for_snorkels_model_fall_back(labelkit, data, write, tmp_path):
    write("lfs.py", "def lf_good(row): return 'POS' if 'good' in row.text.lower() else None\n")
    done = run(labelkit, "--functions", "lfs.py", "--label-model", "snorkel")
    assert (
        "warning: snorkel's label model needs 3 functions that vote and two classes; here are 1 "
        "and 2: majority vote is used" in done.err
    )
    assert column(tmp_path / "out.csv", "weak_label") == ["POS", "", "", "POS"]


@pytest.mark.parametrize("more", [(), ("--prior", "NEG=0.3,POS=0.7")])
def test_a_tie_is_no_label_with_confidence_0(labelkit, data, write, tmp_path, more):
    write("lfs.py", LFS.split("def lf_high")[0])
    done = run(labelkit, "--functions", "lfs.py", "--proba", *more)
    last = rows(tmp_path / "out.csv")[3]
    assert (last["weak_label"], last["weak_confidence"], last["weak_votes"]) == ("", "0", "2")
    assert (last["weak_proba_NEG"], last["weak_proba_POS"]) == ("0.5", "0.5")
    assert "2 labelled · 2 abstained (1 tie)" in done.err
    assert ("--prior changes nothing" in done.err) == bool(more)


@pytest.mark.parametrize(
    "model", ["auto", "dawid-skene", "majority", "hyper", "snorkel", "own.py:even"]
)
def test_a_tie_is_no_label_in_every_label_model(labelkit, write, tmp_path, model):
    """Two functions that mirror each other, and a third, so that snorkel can fit."""
    if model == "hyper":
        pytest.importorskip("hyperlm")
    write(
        "own.py",
        "import numpy as np\n"
        "def even(votes, n, prior, gold, seed): return np.full((len(votes), n), 1 / n)\n",
    )
    cells = ["a,b,c"] + ["X,Y,"] * 9 + ["X,X,X"] * 6 + ["Y,Y,Y"] * 6
    write("votes.csv", "\n".join(cells) + "\n")
    done = labelkit(
        *["weak-label", "votes.csv", "-o", "out.csv", "--from-votes", "a", "--from-votes", "b"],
        *["--from-votes", "c", "--classes", "X,Y", "--label-model", model, "--proba"],
    )
    assert done.code == 0, done.err
    for row in rows(tmp_path / "out.csv")[:9]:
        assert (row["weak_label"], row["weak_confidence"]) == ("", "0")
        assert row["weak_proba_X"] == row["weak_proba_Y"] == "0.5"


def test_only_chosen_rows_are_voted_on(labelkit, data, write, tmp_path):
    write("lfs.py", "def lf_high(row): return 'POS' if row.rating > 5 else 'NEG'\n")
    run(labelkit, "--functions", "lfs.py", "--where", "rating > 0", "--as", "high")
    out = tmp_path / "out.csv"
    assert column(out, "high_label") == ["POS", "", "NEG", "POS"]
    assert column(out, "high_confidence")[1] == ""


def test_the_report_has_figures_against_gold(labelkit, data, tmp_path):
    done = run(labelkit, "--functions", "lfs.py", "--gold", "gold", "--lf-report", "lf.json")
    report = json.loads((tmp_path / "lf.json").read_text())
    assert report["schema"] == 1 and report["accuracy"] == "accuracy"
    assert report["functions"][1] == {
        "name": "lf_bad",
        "polarity": ["NEG"],
        "votes": 2,
        "coverage": 0.5,
        "overlaps": 0.25,
        "conflicts": 0.25,
        "estimated_accuracy": None,
        "estimated_low": None,
        "estimated_high": None,
        "correct": 1,
        "incorrect": 1,
        "accuracy": 0.5,
        "accuracy_low": 0.094531,
        "accuracy_high": 0.905469,
        "marginal_gain": 0.25,
    }
    assert "accuracy" in done.err and "biased" not in done.err
    run(labelkit, "--functions", "lfs.py", "--lf-report", "lf.csv")
    assert (tmp_path / "lf.csv").read_text().splitlines()[:2] == [
        "name,polarity,votes,coverage,overlaps,conflicts,"
        "estimated_accuracy,estimated_low,estimated_high",
        "lf_good,POS,2,0.5,0.5,0.25,,,",
    ]
    run(labelkit, "--functions", "lfs.py", "--lf-report", "lf.txt")
    assert (tmp_path / "lf.txt").read_text().startswith("function  polarity  votes")


def test_accuracy_on_some_rows_only_is_called_biased(labelkit, data, write):
    write("data.csv", DATA.replace("film,2,NEG", "film,2,"))
    done = run(labelkit, "--functions", "lfs.py", "--gold", "gold")
    assert "accuracy (biased)" in done.err


def test_functions_do_not_see_labels_gold_key_or_our_columns(labelkit, write, tmp_path):
    write("data.csv", "id,text,label,gold,model_label\n1,a,POS,POS,POS\n")
    write("lfs.py", "def lf_all(row): return 'POS' if row.keys() == ['text'] else 'NEG'\n")
    run(labelkit, "--functions", "lfs.py", "--gold", "gold")
    assert column(tmp_path / "out.csv", "weak_label") == ["POS"]


def test_a_function_that_names_a_column_of_labels_is_warned_about(labelkit, data, write):
    write("lfs.py", "def lf_cheat(gold): return gold\n")
    done = run(labelkit, "--functions", "lfs.py", "--gold", "gold")
    assert "warning: lf_cheat reads 'gold', a column of labels: its votes repeat them" in done.err


def test_a_failing_function_stops_or_is_counted(labelkit, data, write, tmp_path):
    write("lfs.py", "def lf_high(row):\n    return 'POS' if row.rating > 8 else None\n")
    stopped = labelkit("weak-label", "data.csv", "-o", "out.csv", "--functions", "lfs.py")
    assert stopped.code == 1 and not (tmp_path / "out.csv").exists()
    assert (
        "lf_high (lfs.py, line 1) failed on row 2 (id b2): TypeError: '>' not supported between "
        "instances of 'NoneType' and 'int'\n"
        "    line 2: return 'POS' if row.rating > 8 else None\n"
        "    rating = None\n"
        "Correct the function, or let it abstain on such rows: --on-lf-error abstain"
    ) in stopped.err
    done = run(labelkit, "--functions", "lfs.py", "--on-lf-error", "abstain")
    assert "1 failed call" in done.err
    assert column(tmp_path / "out.csv", "weak_label") == ["POS", "", "", "POS"]


def test_functions_that_say_little_are_named(labelkit, data, write):
    write("lfs.py", "def lf_a(row): return 'POS'\ndef lf_never(row): return None\n")
    done = run(labelkit, "--functions", "lfs.py")
    assert "warning: never voted: lf_never" in done.err
    assert "warning: every vote is for 'POS': nothing votes for another" in done.err
    write("lfs.py", "def lf_never(row): return None\n")
    done = run(labelkit, "--functions", "lfs.py")
    assert "warning: no labeling function voted on any row" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            [],
            2,
            "nothing votes: give --functions FILE.py, --keyword 'CLASS=word,other phrase', "
            "[[weak-label.rule]] tables in the task file, or --from-votes 'lf_*' for columns that "
            "hold votes",
        ),
        (["--functions", "none.py"], 2, "--functions none.py: there is no such file"),
        (["--from-votes", "lf_*"], 2, "--from-votes 'lf_*' matches no column"),
        (
            ["--functions", "lfs.py", "--label-model", "majorty"],
            2,
            "--label-model 'majorty' is not known; did you mean 'majority'?",
        ),
        (
            ["--functions", "lfs.py", "--lf-report", "lf.xls"],
            2,
            "--lf-report lf.xls: the name must end in .html, .csv, .json, .txt",
        ),
        (
            ["--functions", "lfs.py", "--prior", "POS=1"],
            2,
            "--prior must name every class; missing: NEG",
        ),
        (
            ["--functions", "lfs.py", "--from-votes", "rating"],
            1,
            "column 'rating', row 1 (id a1): it holds 9; the classes are numbered 0 to 1 (NEG, "
            "POS), -1 abstains",
        ),
    ],
)
def test_wrong_usage(labelkit, data, tmp_path, arguments, code, message):
    done = labelkit("weak-label", "data.csv", "-o", "out.csv", "--classes", "NEG,POS", *arguments)
    assert done.code == code
    assert message in done.err and done.out == ""
    assert not (tmp_path / "out.csv").exists()


def test_parquet_in_and_out(labelkit, data, tmp_path):
    table = pa.table(
        {
            "text": pa.array(["Good", None], pa.large_string()),
            "rating": pa.array([9, None], pa.int32()),
            "tags": pa.array([["a"], None]),
        }
    )
    pq.write_table(table, tmp_path / "data.parquet")
    done = labelkit(
        "weak-label",
        *["data.parquet", "-o", "out.parquet", "--functions", "lfs.py", "--classes", "NEG,POS"],
        *["--label-model", "majority"],
    )
    assert done.code == 0, done.err
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.select(table.column_names).equals(table)
    assert out["weak_label"].to_pylist() == ["POS", None]
    assert out["weak_confidence"].to_pylist() == [1.0, 0.0]
    assert out["weak_votes"].to_pylist() == [2, 0]


def test_a_second_run_replaces_its_columns_and_changes_nothing(labelkit, data, tmp_path):
    run(labelkit, "--functions", "lfs.py", "--proba", "--votes")
    first = (tmp_path / "out.csv").read_bytes()
    again = labelkit(
        *["weak-label", "out.csv", "-o", "again.csv", "--functions", "lfs.py"],
        *["--classes", "NEG,POS", "--proba", "--votes", "--label-model", "majority"],
    )
    assert again.code == 0, again.err
    assert (tmp_path / "again.csv").read_bytes() == first
    assert first.startswith(DATA.split("\n")[0].encode())


def test_stdin_and_stdout(labelkit, data):
    done = labelkit(
        *["weak-label", "-", "-o", "-", "--functions", "lfs.py", "--classes", "NEG,POS"],
        *["--label-model", "majority"],
        stdin=DATA,
    )
    assert done.code == 0, done.err
    assert done.out.splitlines()[4] == 'd4,"good, bad",8.5,POS,POS,0.666667,3'
    assert "next:" not in done.err


def test_a_header_without_rows(labelkit, data, write, tmp_path):
    write("data.csv", "text,rating\n")
    done = run(labelkit, "--functions", "lfs.py", "--label-model", "snorkel", "--proba")
    assert rows(tmp_path / "out.csv") == []
    assert "0 rows · 0 labelled · 0 abstained" in done.err


def test_options_and_paths_of_the_task_file(labelkit, data, write, tmp_path):
    write("task/words.py", "def lf_good(row): return 'POS' if 'good' in row.text else None\n")
    write(
        "task/labelkit.toml",
        "[task]\nclasses = ['NEG', 'POS']\n[weak-label]\nfunctions = 'words.py'\n"
        "label-model = 'majority'\nprior = { NEG = 0.1, POS = 0.9 }\n",
    )
    done = labelkit("weak-label", "data.csv", "-o", "out.csv", "--task", "task/labelkit.toml")
    assert done.code == 0, done.err
    assert column(tmp_path / "out.csv", "weak_label") == ["", "", "", "POS"]


def test_text_of_digits_is_still_text(labelkit, write, tmp_path):
    write("data.csv", "text\n007\n42\n")
    write("lfs.py", "def lf_spy(text): return 'spy' if text == '007' else None\n")
    done = labelkit("weak-label", "data.csv", "-o", "out.csv", "--functions", "lfs.py")
    assert done.code == 0, done.err
    assert column(tmp_path / "out.csv", "weak_label") == ["spy", ""]


def test_labels_so_far_judge_the_functions_without_their_audit_rows(labelkit, write):
    write("data.csv", "text,label,label_origin\ngood,POS,query\ngood,NEG,audit\ngood,,\n")
    write("lfs.py", "def lf_good(row): return 'POS'\n")
    done = run(labelkit, "--functions", "lfs.py", "--label", "label")
    assert "accuracy (biased)" in done.err
    assert (
        "lf_good   POS           3     1.000     0.000      0.000        1          0" in done.err
    )


def test_a_function_that_ends_the_program_does_not(labelkit, write):
    write("in.csv", "id,text\n1,abc\n")
    write("lfs.py", "import sys\n\ndef lf_a(row):\n    sys.exit(0)\n")
    found = labelkit("weak-label", "in.csv", "-o", "o.csv", "--functions", "lfs.py")
    assert found.code == 1
    assert "lf_a (lfs.py, line 3) failed on row 1 (id 1): SystemExit: 0" in found.err


def test_stdout_is_data_whatever_a_function_file_runs(labelkit_process, write):
    write("in.csv", "id,text\n1,abc\n")
    write("lfs.py", "import os\nos.system('echo child')\nos.write(1, b'raw')\nprint('said')\n\n"
                    "def lf_a(row):\n    os.write(1, b'raw')\n    return 'A'\n")  # fmt: skip
    found = labelkit_process("weak-label", "in.csv", "-o", "-", "--functions", "lfs.py")
    assert found.code == 0, found.err
    assert found.out.startswith("id,text,weak_label")
    assert "child" in found.err
