"""find-noise from end to end, through the command line."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.usefixtures("words_alone")

GOOD = ["lovely warm film", "bright kind tale", "warm tender story", "great lovely cast"]
BAD = ["awful stale plot", "boring dull mess", "stale noisy junk", "dull awful cast"]
WRONG = (10, 33)  # rows whose label is flipped: an even row is neg by its text, an odd one pos


def reviews(n=60, wrong=WRONG):
    return [
        {
            "id": f"r{i}",
            "text": f"{(GOOD if i % 2 else BAD)[i // 2 % 4]} {i}",
            "label": "pos" if i % 2 != (i in wrong) else "neg",
            "truth": "pos" if i % 2 else "neg",
        }
        for i in range(n)
    ]


def saved(table):
    out = io.StringIO()
    names = list(dict.fromkeys(name for row in table for name in row))
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue()


@pytest.fixture
def data(write):
    return write("data.csv", saved(reviews()))


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def column(path, name):
    return [row[name] for row in rows(path)]


def flagged(path):
    return [place for place, value in enumerate(column(path, "noise_flag")) if value == "true"]


def run(labelkit, *more, code=0):
    done = labelkit("find-noise", "data.csv", "-o", "out.csv", "--features", "tfidf", *more)
    assert done.code == code, done.err
    assert done.out == ""
    return done


def test_flipped_labels_are_flagged_with_reason_and_suggestion(labelkit, data, tmp_path):
    done = run(labelkit)
    found = rows(tmp_path / "out.csv")
    assert list(found[0])[4:] == [
        *("noise_given", "noise_suggested", "noise_quality", "noise_flag", "noise_reason"),
        *("noise_duplicate_of", "noise_outlier"),
    ]
    assert flagged(tmp_path / "out.csv") == list(WRONG)
    assert found[10]["noise_given"] == "pos" and found[10]["noise_suggested"] == "neg"
    assert found[10]["noise_reason"].startswith("error: model says neg 0.")
    assert found[11]["noise_reason"] == "" and found[11]["noise_flag"] == "false"
    worst = sorted(range(60), key=lambda place: float(found[place]["noise_quality"]))[:2]
    assert set(worst) == set(WRONG)
    assert "find-noise: 60 labels judged · 2 flagged · about 2 errors estimated -> out.csv" in (
        done.err
    )
    assert (
        "next: labelkit query out.csv -o out.query.csv --strategy relabel --batch todo.csv"
        in done.err
    )
    assert (
        "judged by ensemble, probabilities out of fold by words, word counts, neighbours"
        in done.err
    )


def test_both_matrices_are_shown_and_written_by_name(labelkit, write, tmp_path):
    # Of 60 rows 30 are truly neg: 6 of these are labelled pos, so 36 are labelled pos.
    write("data.csv", saved(with_chances(reviews(wrong=(0, 2, 4, 6, 8, 10)))))
    done = run(labelkit, "--from-proba", "p_", "--matrix", "m.json")
    found = json.loads((tmp_path / "m.json").read_text())
    forward = found["p_given_when_true"]
    assert forward["neg"] == pytest.approx({"neg": 0.8, "pos": 0.2}, abs=1e-3)
    assert forward["pos"] == pytest.approx({"neg": 0.0, "pos": 1.0}, abs=1e-3)
    backward = found["p_true_when_given"]
    assert backward["neg"] == pytest.approx({"neg": 1.0, "pos": 0.0}, abs=1e-3)
    assert backward["pos"] == pytest.approx({"neg": 1 / 6, "pos": 5 / 6}, abs=1e-3)
    low, high = found["estimated_errors_90"]
    assert found["estimated_errors"] == 6 and low <= 6 <= high
    assert found["confident_joint"]["pos"] == {"neg": 6, "pos": 30}
    lines = done.err.splitlines()
    forward = lines.index("P(given | true): of the rows truly …, how they were labelled")
    assert lines[forward + 1].split() == ["true", "neg", "pos"]
    assert lines[forward + 3].split() == ["neg", "0.800", "0.200"]
    backward = lines.index("P(true | given): of the rows labelled …, what they truly are")
    assert lines[backward + 1].split() == ["given", "neg", "pos"]
    assert lines[backward + 4].split() == ["pos", "0.167", "0.833"]
    run(labelkit, "--from-proba", "p_", "--matrix", "m.csv")
    given, true, count, *_ = (tmp_path / "m.csv").read_text().splitlines()[3].split(",")
    assert (given, true) == ("pos", "neg") and float(count) == pytest.approx(6, abs=1e-3)


def with_chances(table):
    return [
        {**row, "p_neg": int(row["truth"] == "neg"), "p_pos": int(row["truth"] == "pos")}
        for row in table
    ]


def test_figures_against_gold(labelkit, data, tmp_path):
    done = run(labelkit, "--gold", "truth", "--summary", "s.json")
    assert (
        "by gold 2 of 60 labels are wrong: 2 of 2 flags hit one; AUPRC of the ranking 1.000, by "
        "chance 0.033" in done.err
    )
    found = json.loads((tmp_path / "s.json").read_text())
    assert found["gold"] == {
        "rows": 60,
        "wrong": 2,
        "flagged_and_wrong": 2,
        "precision": 1.0,
        "recall": 1.0,
        "auprc": 1.0,
        "auprc_by_chance": pytest.approx(2 / 60),
    }
    assert found["flagged"] == 2 and found["judged"] == 60 and found["reasons"] == {"error": 2}
    assert set(found["noise"]) >= {"p_given_when_true", "p_true_when_given"}


def test_gold_on_some_rows_is_called_biased_and_a_wrong_column_is_asked_about(labelkit, write):
    write("data.csv", saved([{**row, "truth": row["truth"][: 3 * (i < 20)]}
                             for i, row in enumerate(reviews())]))  # fmt: skip
    assert "(biased: not all judged rows have gold)" in run(labelkit, "--gold", "truth").err
    done = run(labelkit, "--gold", "id")
    assert "warning: no label equals its gold: is 'id' the right column?" in done.err
    write("data.csv", saved(reviews(wrong=())))
    done = run(labelkit, "--gold", "truth")
    assert "by gold none of 60 judged labels is wrong" in done.err


def test_train_leaves_out_what_fix_exclude_marks(labelkit, data, tmp_path):
    done = run(labelkit, "--fix", "exclude")
    assert "next: labelkit train out.csv -o labels.model --label label" in done.err
    use = column(tmp_path / "out.csv", "noise_use")
    assert [place for place, value in enumerate(use) if value == "false"] == list(WRONG)
    assert set(use) == {"true", "false"}
    trained = labelkit(
        *["train", "out.csv", "-o", "out.model", "--label", "label", "--features", "tfidf"],
        *["--summary", "s.json"],
    )
    assert trained.code == 0, trained.err
    summary = json.loads((tmp_path / "s.json").read_text())
    assert summary["noise_excluded"] == 2


def test_fail_on_issues_writes_the_output_and_ends_with_4(labelkit, data, write, tmp_path):
    done = run(labelkit, "--fail-on-issues", "--summary", "s.json", code=4)
    assert "error: 2 of 60 labels are flagged (--fail-on-issues)" in done.err
    assert flagged(tmp_path / "out.csv") == list(WRONG)
    assert json.loads((tmp_path / "s.json").read_text())["flagged"] == 2
    write("data.csv", saved(reviews(wrong=())))
    run(labelkit, "--fail-on-issues")


def test_a_number_of_labels_to_flag(labelkit, data, tmp_path):
    run(labelkit, "-n", 1)
    assert len(flagged(tmp_path / "out.csv")) == 1 and flagged(tmp_path / "out.csv")[0] in WRONG
    done = run(labelkit, "-n", 5)
    assert len(flagged(tmp_path / "out.csv")) == 5
    assert "3 of the flags only fill up -n 5: not thought to be wrong" in done.err
    done = run(labelkit, "-n", 1000)
    assert flagged(tmp_path / "out.csv") == list(range(60))
    assert "warning: -n 1,000: only 60 labels were judged, all are flagged" in done.err


def test_equal_texts_with_different_labels(labelkit, write, tmp_path):
    same = [("Same  text here", "pos"), ("same text here", "neg"), ("same TEXT here ", "pos")]
    table = [*reviews(wrong=()), *({"id": f"s{i}", "text": text, "label": label}
                                   for i, (text, label) in enumerate(same))]  # fmt: skip
    write("data.csv", saved(table))
    done = run(labelkit)
    found = rows(tmp_path / "out.csv")[60:]
    assert [row["noise_flag"] for row in found] == ["false", "true", "false"]
    assert [row["noise_duplicate_of"] for row in found] == ["", "s0", "s0"]
    assert found[0]["noise_reason"] == "duplicate-conflict: same text labelled neg in id s1"
    assert found[1]["noise_reason"] == (
        "duplicate-conflict: same text labelled pos in id s0 and 1 more"
    )
    assert found[1]["noise_suggested"] == "pos"
    assert "flagged: 1 duplicate-conflict" in done.err
    assert "also: 2 duplicates · 1 text with several labels" in done.err


def test_rows_drawn_for_an_audit_are_neither_judged_nor_learned_from(labelkit, write, tmp_path):
    learned = reviews(wrong=())
    audit = [{"id": f"a{i}", "text": row["text"] + " too", "label": "audit only",
              "label_origin": "audit"} for i, row in enumerate(reviews(20))]  # fmt: skip
    write("data.csv", saved([*learned, *audit]))
    done = run(labelkit, "--fix", "exclude")
    assert "60 labels judged · 0 flagged" in done.err and "audit only" not in done.err
    for row in rows(tmp_path / "out.csv")[60:]:
        judged = {k: v for k, v in row.items() if k.startswith("noise_")}
        assert set(judged.values()) == {""}, judged
    with_other = [{**row, "label": "neg"} for row in audit]
    first = (tmp_path / "out.csv").read_text().splitlines()[:61]
    write("data.csv", saved([*learned, *with_other]))
    run(labelkit, "--fix", "exclude")
    assert (tmp_path / "out.csv").read_text().splitlines()[:61] == first
    write("data.csv", saved(audit))
    done = run(labelkit, code=1)
    assert "has labels only on audit rows, which are not judged" in done.err


def test_where_writes_the_chosen_rows_and_learns_from_all(labelkit, data, tmp_path):
    run(labelkit)
    quality = column(tmp_path / "out.csv", "noise_quality")
    done = run(labelkit, "--where", "id in ('r10', 'r11', 'r12')", "--fix", "exclude")
    found = rows(tmp_path / "out.csv")
    assert flagged(tmp_path / "out.csv") == [10]
    assert [row["noise_quality"] for row in found[10:13]] == quality[10:13]
    assert found[9]["noise_quality"] == found[9]["noise_use"] == found[9]["noise_given"] == ""
    assert "3 labels judged · 1 flagged · about 2 errors estimated among all labels" in done.err


def test_a_test_split_that_is_judged_is_warned_of(labelkit, write):
    table = [{**row, "split": "Test" if i < 12 else "train"} for i, row in enumerate(reviews())]
    write("data.csv", saved(table))
    assert (
        "warning: 12 judged rows are of a test split (split = Test): the model learned from them "
        "too, and figures on a cleaned test split are no longer comparable; "
        "--where \"split != 'Test'\" leaves their labels alone"
    ) in run(labelkit).err
    assert "test split" not in run(labelkit, "--where", "split != 'Test'").err


def test_rows_of_one_group_are_never_judged_by_each_other(labelkit, write, tmp_path):
    # The only word that tells the label is the group's own name.
    table = [{"id": str(i), "text": f"word{i // 4} plain words", "label": "ab"[i // 4 % 2],
              "who": f"g{i // 4}"} for i in range(80)]  # fmt: skip
    write("data.csv", saved(table))
    done = run(labelkit, "--group", "who", "--summary", "s.json")
    assert json.loads((tmp_path / "s.json").read_text())["agreement"] < 0.7, done.err
    done = run(labelkit, "--group", "label")
    assert (
        "warning: a class needs 5 different rows to be judged (rows of one --group count once); "
        "left out: a (40 rows), b (40 rows)" in done.err
    )


def test_a_misspelt_label_is_a_typo_unless_the_classes_are_declared(labelkit, write, tmp_path):
    table = reviews(120, wrong=())
    table[7]["label"], table[9]["label"] = "posi", "Pos"
    for row in table:
        row["label"] = {"pos": "positive", "posi": "postive", "Pos": "Positive"}.get(
            row["label"], row["label"]
        )
    write("data.csv", saved(table))
    done = run(labelkit)
    assert "flagged: 2 typo" in done.err
    found = rows(tmp_path / "out.csv")
    assert found[7]["noise_reason"] == "typo: 'postive' looks like 'positive'"
    assert found[9]["noise_suggested"] == "positive" and found[9]["noise_quality"] == "0"
    done = run(labelkit, "--classes", "neg,positive", code=1)
    assert "is not one of the classes neg, positive; did you mean 'positive'?" in done.err
    done = run(labelkit, "--classes", "neg,positive", "--unknown-label", "ignore")
    assert "119 labels judged · 0 flagged" in done.err


@pytest.mark.parametrize("rare", [3, 6])
def test_a_rare_class_that_looks_like_another_is_reported_and_not_lost(
    labelkit, write, tmp_path, rare
):
    words = {
        "hypertension": ["pressure high", "systolic raised"],
        "asthma": ["wheezing breath", "inhaler at night"],
        "hypotension": ["dizzy on standing", "faint after rising"],
    }
    counts = {"hypertension": 150, "asthma": 60, "hypotension": rare}
    lines = [
        f"{words[name][i % 2]} case {i % 9},{name}"
        for name, count in counts.items()
        for i in range(count)
    ]
    write("data.csv", "text,label\n" + "\n".join(lines) + "\n")
    done = run(labelkit, "--fix", "exclude", "--features", "tfidf", "--summary", "s.json")
    assert "the label 'hypotension'" in done.err and "looks like 'hypertension'" in done.err
    told = json.loads((tmp_path / "s.json").read_text())
    assert told["suspected_typos"] == {"hypotension": "hypertension"}
    found = [row for row in rows(tmp_path / "out.csv") if row["label"] == "hypotension"]
    assert len(found) == rare
    assert {row["noise_flag"] for row in found} <= {"", "false"}
    assert "0" not in {row["noise_quality"] for row in found}
    assert {row["noise_use"] for row in found} == {"true"}
    learned = labelkit("train", "out.csv", "-o", "n.model", "--features", "tfidf")
    assert learned.code == 0 and "no label for hypotension" not in learned.err


@pytest.mark.parametrize("names", [("-1", "1"), ("0", "1"), ("1.5", "2")])
def test_labels_that_are_numbers_are_classes(labelkit, write, tmp_path, names):
    table = reviews()
    for row in table:
        row["label"] = names[row["label"] == "pos"]
    write("data.csv", saved(table))
    run(labelkit)
    assert flagged(tmp_path / "out.csv") == list(WRONG)
    assert rows(tmp_path / "out.csv")[10]["noise_suggested"] == names[0]


def test_a_half_empty_column_of_labels_may_leave_one_class(labelkit, write, tmp_path):
    table = reviews(90, wrong=())
    for row in table[::2]:
        row["label"] = ""
    write("data.csv", saved(table))
    done = run(labelkit, code=1)
    assert "data.csv: all 45 labels are 'pos'" in done.err
    table[0]["label"] = "neg"
    write("data.csv", saved(table))
    done = run(labelkit)
    assert "0 labels judged · 0 flagged · 46 not judged" in done.err
    assert set(column(tmp_path / "out.csv", "noise_flag")) == {""}


def test_unlabelled_rows_stay_empty(labelkit, write, tmp_path):
    table = reviews(90)
    for row in table[60:]:
        row["label"] = ""
    write("data.csv", saved(table))
    done = run(labelkit, "--fix", "exclude")
    assert "60 labels judged · 2 flagged" in done.err
    last = rows(tmp_path / "out.csv")[75]
    assert {v for k, v in last.items() if k.startswith("noise_")} == {""}


def test_a_class_with_one_row_is_left_out_and_named(labelkit, write, tmp_path):
    write("data.csv", saved([*reviews(), {"id": "x", "text": "so so", "label": "mixed\x1b[2J"}]))
    done = run(labelkit)
    assert (
        "warning: a class needs 5 different rows to be judged; left out: mixed·[2J (1 row)"
        in done.err
    )
    assert "60 labels judged · 2 flagged · about 2 errors estimated · 1 not judged" in done.err
    last = rows(tmp_path / "out.csv")[-1]
    assert last["noise_given"].startswith("mixed") and last["noise_flag"] == ""


def test_too_few_rows_for_a_model(labelkit, write, tmp_path):
    write("data.csv", saved(reviews(4, wrong=())))
    done = run(labelkit, "--matrix", "m.json")
    assert "warning: the model judged no label: fewer than two classes have enough rows" in done.err
    assert "warning: --matrix m.json: not written, no label was judged by probabilities" in done.err
    assert "0 labels judged · 0 flagged · 4 not judged" in done.err
    assert not (tmp_path / "m.json").exists()


@pytest.mark.parametrize("empty", [10, 60])
def test_empty_texts_are_no_duplicates_of_each_other(labelkit, write, tmp_path, empty):
    table = reviews(wrong=())
    for row in table[:empty]:
        row["text"] = ""
    write("data.csv", saved(table))
    run(labelkit, "--text", "text")
    assert set(column(tmp_path / "out.csv", "noise_duplicate_of")) == {""}
    assert not flagged(tmp_path / "out.csv")


def test_a_table_without_text(labelkit, write, tmp_path):
    table = [{"size": (i % 2) * 10 + i % 7, "kind": "xyz"[i % 3], "same": "one",
              "label": "big" if i % 2 != (i == 8) else "small"} for i in range(80)]  # fmt: skip
    write("data.csv", saved(table))
    done = labelkit("find-noise", "data.csv", "-o", "out.csv", "-v")
    assert done.code == 0, done.err
    assert "features: numbers size · categories kind" in done.err
    assert flagged(tmp_path / "out.csv") == [8]
    assert column(tmp_path / "out.csv", "noise_duplicate_of")[42] == "1"


def test_features_that_say_nothing(labelkit, write, tmp_path):
    write("data.csv", saved([{"a": 5, "b": "x", "label": "yn"[i % 2]} for i in range(60)]))
    done = labelkit("find-noise", "data.csv", "-o", "out.csv")
    assert done.code == 2 and not (tmp_path / "out.csv").exists()
    assert (
        "no column is left to learn from (a: the same in every row; b: the same in every row)"
        in done.err
    )
    write("data.csv", saved([{"a": 5, "b": i % 7, "label": "yn"[i // 7 % 2]} for i in range(98)]))
    done = labelkit("find-noise", "data.csv", "-o", "out.csv")
    assert done.code == 0 and "0 flagged" in done.err, done.err


def test_the_same_text_in_every_row(labelkit, write, tmp_path):
    write("data.csv", saved([{**row, "text": "the same words"} for row in reviews()]))
    done = run(labelkit)
    assert "0 labels judged" in done.err and "1 text with several labels" in done.err
    assert not flagged(tmp_path / "out.csv")


OWN = """
import numpy as np
def every(given, probabilities): return np.zeros(len(given)), np.ones(len(given), bool)
def short(given, probabilities): return np.zeros(3), np.zeros(3, bool)
def breaks(given, probabilities): return 1 / 0
def lowest(given, probabilities):
    own = probabilities[np.arange(len(given)), given]
    return own, own < 0.5
"""


def test_a_users_own_method(labelkit, data, write, tmp_path):
    write("own.py", OWN)
    run(labelkit, "--method", "own.py:lowest")
    assert flagged(tmp_path / "out.csv") == list(WRONG)
    done = run(labelkit, "--method", "own.py:every")
    assert (
        "warning: all judged labels are flagged: more likely the model, the label column or the "
        "order of the classes is wrong than so many labels" in done.err
    )
    assert "flagged: 2 error · 58 ambiguous" in done.err


def test_most_rows_flagged(labelkit, write):
    table = with_chances(reviews(wrong=()))
    for row in table[:40]:
        row["p_neg"], row["p_pos"] = row["p_pos"], row["p_neg"]
    write("data.csv", saved(table))
    done = run(labelkit, "--from-proba", "p_", "--method", "predicted-differs")
    assert "warning: 40 of 60 judged labels are flagged: more likely the model" in done.err


def test_probabilities_made_elsewhere(labelkit, write, tmp_path):
    table = with_chances(reviews())
    for row in table[50:]:
        row["p_neg"] = row["p_pos"] = ""
    write("data.csv", saved(table))
    done = run(labelkit, "--from-proba", "p_")
    assert flagged(tmp_path / "out.csv") == list(WRONG)
    assert "warning: not judged, without probabilities: 10 labelled rows" in done.err
    assert "probabilities from the columns p_…" in done.err
    assert set(column(tmp_path / "out.csv", "noise_outlier")) == {""}


def test_probabilities_of_a_class_that_no_row_is_labelled_with(labelkit, write, tmp_path):
    write("data.csv", saved([{**row, "p_mixed": 0} for row in with_chances(reviews())]))
    done = run(labelkit, "--from-proba", "p_")
    assert flagged(tmp_path / "out.csv") == list(WRONG)
    assert "mixed" in done.err


def test_probabilities_on_rows_of_one_class_alone(labelkit, write):
    table = with_chances(reviews(wrong=()))
    for row in table[::2]:
        row["p_neg"] = row["p_pos"] = ""
    write("data.csv", saved(table))
    assert (
        "warning: no label is judged: fewer than two classes have rows with probabilities"
        in run(labelkit, "--from-proba", "p_").err
    )


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({"label": "pos"}, [], "data.csv: all 60 labels are 'pos'; labels can be judged only where "
         "there are two classes or more"),
        ({"label": ""}, [], "data.csv has labels on no row: name the columns that hold labels with "
         "--label"),
        ({}, ["--label", "lable"], "data.csv has no column 'lable' (--label); did you mean "
         "'label'?"),
        ({}, ["--gold", "thruth"], "has no column 'thruth' (--gold); did you mean 'truth'?"),
        ({}, ["--group", "who"], "has no column 'who' (--group)"),
        ({}, ["--from-proba", "p_"], "data.csv has no column 'p_neg' (--from-proba p_)"),
        ({"p_neg": 1}, ["--from-proba", "p_"], "data.csv has no column 'p_pos' (--from-proba p_); "
         "each class needs a column"),
        ({"p_neg": 0.9, "p_pos": 0.3}, ["--from-proba", "p_"],
         "data.csv, row 1: the probabilities p_neg, p_pos sum to 1.200, not 1"),
        ({"p_neg": -0.2, "p_pos": 1.2}, ["--from-proba", "p_"],
         "data.csv, row 1: the probability p_neg is negative"),
        ({"p_neg": "much", "p_pos": 0.3}, ["--from-proba", "p_"],
         "data.csv: column 'p_neg' contains cells that are not numbers"),
        ({}, ["--matrix", "none/m.csv"], "none/m.csv cannot be written: there is no folder none"),
        ({}, ["--method", "own.py:short"], "--method own.py:short must return a quality and a flag "
         "for each of 60 rows, it returned shapes (3,) and (3,)"),
        ({}, ["--method", "own.py:breaks"],
         "--method own.py:breaks failed: ZeroDivisionError: division by zero"),
    ],
)  # fmt: skip
def test_data_that_cannot_be_judged(labelkit, write, tmp_path, change, arguments, message):
    write("own.py", OWN)
    write("data.csv", saved([{**row, **change} for row in reviews()]))
    done = run(labelkit, *arguments, code=1)
    assert message in done.err
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-n", "0"], "-n 0: give a number of labels to flag"),
        (["--matrix", "m.txt"], "--matrix m.txt: give a name that ends in .csv or .json"),
        (["--matrix", "./data.csv"], "--matrix data.csv: this is the input or the output"),
        (["--matrix", "out.csv"], "--matrix out.csv: this is the input or the output"),
        (["--method", "confident"], "--method 'confident' is not known; did you mean "
         "'confident-learning'? (choices: ensemble, knn, confident-learning, "),
        (["--method", "none.py:f"], "--method none.py:f: there is no file none.py"),
        (["--method", "own.py:lowset"], "own.py has no function 'lowset'; did you mean 'lowest'?"),
        (["--classifier", "tree"], "'tree' is not one of 'auto', 'logistic', 'forest', 'boosting'"),
        (["--fix", "all"], "'all' is not"),
    ],
)  # fmt: skip
def test_wrong_usage(labelkit, data, write, tmp_path, arguments, message):
    write("own.py", OWN)
    before = data.read_bytes()
    done = run(labelkit, *arguments, code=2)
    assert message in done.err
    assert data.read_bytes() == before and not (tmp_path / "out.csv").exists()


def test_a_header_without_rows(labelkit, write):
    write("data.csv", "id,text,label\n")
    assert "data.csv has no rows" in run(labelkit, code=1).err


def test_peoples_answers_and_several_columns_of_labels(labelkit, write, tmp_path):
    table = [{**row, "weak_label": row["label"], "label": ""} for row in reviews(wrong=())]
    table[4]["label"] = "pos"
    write("data.csv", saved(table))
    write("answers.csv", "id,label\nr6,pos\n")
    run(labelkit, "--label", "label", "--label", "weak_label", "--answers", "answers.csv")
    assert flagged(tmp_path / "out.csv") == [4, 6]


def test_parquet_in_and_out(labelkit, tmp_path):
    table = pa.Table.from_pylist(reviews())
    labels = [None, *table["label"].to_pylist()[1:]]
    table = table.set_column(2, "label", pa.array(labels).dictionary_encode())
    pq.write_table(table, tmp_path / "data.parquet")
    done = labelkit("find-noise", "data.parquet", "-o", "out.parquet", "--fix", "exclude")
    assert done.code == 0, done.err
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.select(table.column_names).equals(table)
    types = {field.name: str(field.type) for field in out.schema}
    assert types["noise_quality"] == "double"
    assert types["noise_flag"] == types["noise_outlier"] == types["noise_use"] == "bool"
    assert types["noise_duplicate_of"] == types["noise_reason"] == "string"
    assert out["noise_flag"][0].as_py() is None and out["noise_flag"][10].as_py() is True


def test_a_second_run_changes_nothing(labelkit, data, tmp_path):
    run(labelkit, "--fix", "exclude")
    again = labelkit(
        *["find-noise", "out.csv", "-o", "again.csv", "--features", "tfidf", "--fix", "exclude"]
    )
    assert again.code == 0, again.err
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()


def test_options_of_the_task_file(labelkit, data, write, tmp_path):
    write(
        "labelkit.toml",
        "[task]\nclasses = ['neg', 'pos']\n[find-noise]\nlabel = ['label']\nfix = 'exclude'\n"
        "n = 1\nmatrix = 'm.json'\n",
    )
    done = run(labelkit)
    assert "(task: labelkit.toml)" in done.err
    assert len(flagged(tmp_path / "out.csv")) == 1 and (tmp_path / "m.json").exists()


def test_stdin_and_stdout_carry_data_alone(labelkit, data):
    done = labelkit("find-noise", "-", "-o", "-", stdin=data.read_text())
    assert done.code == 0, done.err
    found = list(csv.DictReader(io.StringIO(done.out)))
    assert len(found) == 60 and found[10]["noise_flag"] == "true"
    assert "next:" not in done.err


def test_on_audit_rows_the_label_of_a_machine_is_judged_as_if_nobody_had_labelled_the_row(
    labelkit, write, tmp_path
):
    table = reviews(wrong=())
    for place, row in enumerate(table):
        by_machine = {"pos": "neg", "neg": "pos"}[row["truth"]] if place == 10 else row["truth"]
        origin = "audit" if place in (10, 11) else ""
        said = row["truth"] if origin else ""
        row |= {"label": said, "label_origin": origin, "llm_label": by_machine}
    both = ("--label", "label", "--label", "llm_label", "--fix", "exclude")
    write("data.csv", saved(table))
    run(labelkit, *both)
    assert flagged(tmp_path / "out.csv") == [10]
    assert column(tmp_path / "out.csv", "noise_given")[10] == table[10]["llm_label"]
    once = (tmp_path / "out.csv").read_text()
    for place in (10, 11):
        table[place]["label"] = "pos" if table[place]["label"] == "neg" else "neg"
    write("data.csv", saved(table))
    run(labelkit, *both)
    cut = [name for name in rows(tmp_path / "out.csv")[0] if name.startswith("noise_")]
    again = [[row[name] for name in cut] for row in rows(tmp_path / "out.csv")]
    (tmp_path / "out.csv").write_text(once)
    assert again == [[row[name] for name in cut] for row in rows(tmp_path / "out.csv")]


def test_errors_that_a_source_makes_alike_are_told_by_the_audit_rows(labelkit, write):
    table = reviews(80, wrong=())
    for place, row in enumerate(table):
        alike = "junk" in row["text"] or "mess" in row["text"]  # what the machine takes for good
        by_machine = "pos" if alike else row["truth"]
        said = row["truth"] if place < 40 else ""
        row |= {"label": said, "label_origin": "audit" if said else "", "llm_label": by_machine}
    write("data.csv", saved(table))
    both = ("--label", "label", "--label", "llm_label")
    done = run(labelkit, *both)
    wrong = sum(row["llm_label"] != row["truth"] for row in table[:40])
    assert f"on 40 audit rows people call {wrong / 40:.2f} [" in done.err
    for row in table:
        row["llm_label"] = row["truth"]
    write("data.csv", saved(table))
    assert "audit rows people call" not in run(labelkit, *both).err
